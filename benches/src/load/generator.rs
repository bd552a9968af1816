//! Sends each call at its time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::task::TaskTracker;

use super::{Arrival, Call, Generator, Plan, Record, Reply, Run, own};

/// A call that overlooks its deadline is cut off so much later, and what it knew is gone.
const OVERTIME: Duration = Duration::from_secs(1);
/// From planning to the first arrival: the pacing thread has to be on its way.
const HEAD_START: Duration = Duration::from_millis(20);

/// Offers the load and waits until every call has ended or the drain is over.
pub(crate) async fn run(plan: Plan, call: impl Call) -> anyhow::Result<Run> {
    let schedule = plan.schedule();
    let records: Vec<_> = schedule.iter().enumerate().map(|(number, at)| Record::unsent(number, *at)).collect();
    let records = Arc::new(Mutex::new(records));
    let started = Instant::now() + HEAD_START;
    let pacer = Pacer { plan, started, records: Arc::clone(&records), tasks: TaskTracker::new() };
    let (cpu, tasks) = (own::cpu()?, pacer.tasks.clone());
    let runtime = Handle::current();
    // A thread of its own: the runtime's timer is no finer than a millisecond, and its threads may be busy.
    tokio::task::spawn_blocking(move || pacer.pace(&schedule, &call, &runtime)).await?;
    tasks.close();
    tasks.wait().await;
    let records = std::mem::take(&mut *records.lock().unwrap_or_else(PoisonError::into_inner));
    let generator = Generator::judge(&records, own::cpu()? - cpu, started.elapsed().as_secs_f64())?;
    Ok(Run { plan, records, generator })
}

struct Pacer {
    plan: Plan,
    started: Instant,
    records: Arc<Mutex<Vec<Record>>>,
    tasks: TaskTracker,
}

impl Pacer {
    fn pace(&self, schedule: &[Duration], call: &impl Call, runtime: &Handle) {
        let permits = Arc::new(Semaphore::new(self.plan.in_flight_max));
        let deadline = self.started + self.plan.length + self.plan.drain_max;
        for (number, at) in schedule.iter().enumerate() {
            let intended = self.started + *at;
            park_until(intended);
            if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
                let arrival = Arrival { number, deadline };
                self.tasks.spawn_on(self.one(permit, arrival, call.call(arrival)), runtime);
            }
        }
    }

    /// One call, from its sending to its record.
    fn one<R>(&self, permit: OwnedSemaphorePermit, arrival: Arrival, call: R) -> impl Future<Output = ()> + use<R>
    where
        R: Future<Output = Reply>,
    {
        let (started, records) = (self.started, Arc::clone(&self.records));
        async move {
            let sent = Instant::now();
            let reply = tokio::time::timeout_at((arrival.deadline + OVERTIME).into(), call).await;
            drop(permit);
            let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
            records[arrival.number].enter(started, sent, reply.ok());
        }
    }
}

fn park_until(due: Instant) {
    loop {
        let rest = due.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return;
        }
        thread::park_timeout(rest);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::{
        super::{Arrivals, Outcome},
        *,
    };

    fn plan(in_flight_max: usize) -> Plan {
        let (length, drain_max) = (Duration::from_millis(200), Duration::ZERO);
        Plan { rate_per_s: 100.0, length, arrivals: Arrivals::Constant, seed: 1, in_flight_max, drain_max }
    }

    fn done(_: Arrival) -> Reply {
        let now = Some(Instant::now());
        Reply { answered: now, finished: now, outcome: Outcome::Done, id: None }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_arrival_has_a_record_in_its_place() {
        let run = run(plan(100), |arrival| ready(done(arrival))).await.expect("it ran");

        assert_eq!(run.records.len(), 20);
        assert!(run.records.iter().enumerate().all(|(at, record)| record.number == at));
        assert!(run.records.iter().all(|record| record.outcome == Outcome::Done && record.answer_s() >= Some(0.0)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn arrivals_over_the_cap_are_dropped_and_the_others_end_with_the_drain() {
        let run = run(plan(3), |_| pending()).await.expect("it ran");

        let of = |outcome| run.records.iter().filter(|record| record.outcome == outcome).count();
        assert_eq!((of(Outcome::Unanswered), of(Outcome::Dropped)), (3, 17));
        assert_eq!(run.generator.dropped, 17);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_arrival_waits_for_an_answer() {
        let run = run(plan(100), |_| pending()).await.expect("it ran");

        let last = run.records.last().and_then(|record| record.sent_s).expect("the last was sent");
        assert!((0.19..1.0).contains(&last), "sent after {last} s");
    }
}
