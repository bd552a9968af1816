//! The sentences, made of the figures.

use super::{FLOWS, arms};
use crate::{
    flow::Flow,
    report::{Verdict, Winner, number},
    scale::{
        added::{TOLERANCE, WINDOW_S},
        plan::Arm,
        results::{FitOf, Group, Results},
        usl::{BEYOND, Interval},
    },
};

/// Share of the ideal line from which on scaling is called nearly linear.
const NEARLY_LINEAR: f64 = 0.9;
/// Share of the machine's CPUs from which on it is called the limit.
const MACHINE_LIMITS: f64 = 0.9;
/// Largest share × N up to which the work is called evenly spread.
const EVEN: f64 = 1.1;

pub(super) const LATENCY: &str = "Open loop, Poisson arrivals, from the moment at which an upload should have been sent. Each repeat \
    is offered 70 % of what it carried just before. An upload may wait 30 s for a converter instead of being refused.";

pub(super) fn introduction(results: &Results, local: bool) -> String {
    let quota = if results.cpus > 0.0 {
        format!("has a quota of {} CPU and converts one upload at a time", results.cpus)
    } else {
        "has no CPU quota".to_owned()
    };
    let place = if local {
        "The converters are processes of one machine, with one gateway, one auth and real servers beside them"
    } else {
        "The converters are pods of the deployment `converter`"
    };
    let [throughput, latency, warm_up] =
        [results.lengths.throughput, results.lengths.latency, results.lengths.warm_up].map(|length| length.as_secs());
    format!(
        "{place}. Each {quota}. Every cell uploads the same 10-second clip: {warm_up} s of warm-up, {throughput} s in a closed \
         loop with 2N + 2 callers, which gives the throughput, and {latency} s in an open loop at 70 % of it, which gives the \
         latency. The order of all cells was drawn."
    )
}

/// The law and how far it can be trusted.
pub(super) fn fit(results: &Results, of: &FitOf) -> String {
    let Some(fit) = &of.fit else {
        return format!("{}: no law was fitted: {}.", of.flow, of.refusal.as_deref().unwrap_or("no runs"));
    };
    let between = |value: f64, Interval { low, high }: Interval| format!("{value:.4} ({low:.4} – {high:.4})");
    let r_squared = fit.r_squared.map_or_else(|| "not defined".to_owned(), |it| format!("{it:.4}"));
    let peak = match fit.peak() {
        Some(_) if results.is_limited_elsewhere(of.flow) => {
            "Where it bends, the converters' quotas were not the limit, so no peak is read from it.".to_owned()
        }
        Some(peak) => format!("It has its peak at N = {peak:.1}."),
        None => format!("Up to N = {} it has no peak.", BEYOND * f64::from(fit.replicas_max)),
    };
    format!(
        "{}: X(N) = γN / (1 + α(N−1) + βN(N−1)) with γ = {} mp3s in a second, α = {}, β = {}; R² = {r_squared}, largest residual \
         {:.2} mp3s in a second. {peak} In brackets: 95 % bootstrap intervals over the repeats.",
        of.flow,
        between(fit.model.gamma, fit.intervals.gamma),
        between(fit.model.alpha, fit.intervals.alpha),
        between(fit.model.beta, fit.intervals.beta),
        fit.residuals.iter().fold(0.0_f64, |largest, residual| largest.max(residual.abs())),
    )
}

pub(super) fn verdicts(results: &Results) -> Vec<Verdict> {
    let mut verdicts = vec![];
    for flow in FLOWS {
        let groups: Vec<&Group> = results.groups(flow, Arm::Headless).collect();
        let one = results.one_per_s(flow).unwrap_or(0.0);
        match groups[..] {
            [] => verdicts.push(Verdict::new(format!("{flow} flow"), Winner::Untested, "not tested", "")),
            [first, .., last] => verdicts.push(scaling(first, last, one)),
            _ => {}
        }
        verdicts.extend(arms(results, flow).filter_map(|arm| balance(results, flow, arm)));
    }
    verdicts
}

/// How near to N times one converter the largest N came, and whether the converters were the limit.
fn scaling(first: &Group, last: &Group, one: f64) -> Verdict {
    let ideal = one * f64::from(last.replicas);
    let situation = format!("{} flow, {} to {} converters", first.flow, first.replicas, last.replicas);
    if ideal <= 0.0 {
        return Verdict::new(situation, Winner::Bad, "nothing", "with the fewest converters, no upload became an mp3");
    }
    let share = last.per_s.median / ideal;
    let limit = match (last.quota_used, last.machine_busy) {
        (Some(quota), Some(machine)) if last.is_limited_elsewhere() => format!(
            "; the converters used only {:.0} % of their quotas there while the machine was {:.0} % busy: what more converters bring \
             does not show here",
            quota * 100.0,
            machine * 100.0
        ),
        (Some(quota), _) => format!("; their quotas were the limit there ({:.0} % used)", quota * 100.0),
        _ => String::new(),
    };
    let (winner, answer) = match share {
        _ if last.is_limited_elsewhere() => match last.machine_busy {
            Some(busy) if busy < MACHINE_LIMITS => (Winner::Even, "limited by something else"),
            _ => (Winner::Even, "limited by the machine"),
        },
        share if share >= NEARLY_LINEAR => (Winner::Good, "nearly linear"),
        _ => (Winner::Bad, "less than linear"),
    };
    let each = if first.replicas == 1 { "one" } else { "one of the fewest" };
    let evidence = format!(
        "{:.1} mp3s in a second, {:.0} % of {ideal:.1}, which is {} times the {one:.2} that {each} had{limit}",
        last.per_s.median,
        share * 100.0,
        last.replicas
    );
    Verdict::new(situation, winner, answer, evidence)
}

/// How evenly the work was spread at the largest N of an arm.
fn balance(results: &Results, flow: Flow, arm: Arm) -> Option<Verdict> {
    let group = results.groups(flow, arm).last()?;
    let (Some(imbalance), true) = (group.imbalance, group.replicas > 1) else { return None };
    let (winner, answer) = if imbalance <= EVEN { (Winner::Good, "even") } else { (Winner::Bad, "uneven") };
    let failed = group.failed + group.refused;
    let failed = if failed > 0 { format!("; {failed} uploads failed or were refused") } else { String::new() };
    Some(Verdict::new(
        format!("balance, {flow} flow, {arm}, {} converters", group.replicas),
        winner,
        answer,
        format!("the busiest did {imbalance:.2} times an even part{failed}{}", beside_headless(results, group)),
    ))
}

/// What the other arm cost; shares alone do not tell how much less was done.
fn beside_headless(results: &Results, group: &Group) -> String {
    if group.arm == Arm::Headless {
        return String::new();
    }
    let same = |it: &&Group| it.replicas == group.replicas;
    let Some(headless) = results.groups(group.flow, Arm::Headless).find(same) else { return String::new() };
    let p50 = |of: &Group| of.latency.downloadable_s.p50.map_or_else(|| "–".to_owned(), |it| number::seconds(it.value));
    format!(
        "; {:.2} mp3s in a second against {:.2} headless, p50 {} against {} at 70 % of each",
        group.per_s.median,
        headless.per_s.median,
        p50(group),
        p50(headless)
    )
}

pub(super) fn shares(results: &Results) -> String {
    let counted = "Counted by each converter's own `tapedeck_conversions_total`, in the closed loop.";
    if !results.groups.iter().any(|group| group.arm == Arm::ClusterIp) {
        return counted.to_owned();
    }
    format!(
        "{counted} Headless: the gateway knows each converter and picks the one with the fewest of its own requests in flight. \
         ClusterIP: it knows one address, behind which each new connection goes to a converter at random and kept connections \
         stay where they are; here a small proxy in the lab imitates that. The two requests of one upload, the reservation and \
         the video, may then meet two different converters: the second refuses the video, and the first holds its permit in vain \
         until `PERMIT_HOLD`. That is in the columns `refused` and `not done`."
    )
}

pub(super) fn added(local: bool) -> String {
    let start = if local {
        "from the moment at which a converter that is ready was added to the list, which the gateway reads once a second (its own \
         start is not counted; in the queued flow it takes work before)"
    } else {
        "from the moment of the command, so the start of the pod counts"
    };
    format!(
        "Under a constant closed loop one converter is added; times count {start}. The share is even when it is within {:.0} % of \
         1/(N+1), taken over {WINDOW_S} s; the beginning of that span is shown.",
        TOLERANCE * 100.0
    )
}

pub(super) fn not_shown(local: bool) -> Vec<String> {
    let mut points = vec![
        format!("The law is not used beyond {BEYOND} times the largest N: past it other limits may wait that no run has met."),
        "One kind of clip was uploaded. Longer videos spend less on admission, commit and network for each second of audio.".to_owned(),
        "One gateway balanced. Several gateways do not know of one another's uploads, and their choices may collide.".to_owned(),
        "Queued callers hold a request with `Prefer: wait` while they wait for the mp3, which costs the gateway and the load generator \
         a little CPU time: it is in the queued throughput wherever the machine was busy."
            .to_owned(),
        "The intervals know only the spread between the repeats of this run, not another machine or another day.".to_owned(),
    ];
    if local {
        points.extend([
            "All converters share this machine's caches, memory bandwidth and disk with the gateway, the servers and the load \
             generator. Where the sum of the quotas comes near to the number of cores, the curve bends because of that; the columns \
             `quota used` and `machine busy` tell."
                .to_owned(),
            "No network lies between the parts: no bandwidth of a node, no latency, no lost packets, no DNS.".to_owned(),
            "A CPU quota is enforced in periods of 100 ms: a short conversion may wait most of a period for a part of its work."
                .to_owned(),
            "The ClusterIP is imitated; kube-proxy's own rules, connection tracking and their limits are not.".to_owned(),
            "What a new node costs: its start, its image, its empty caches. The stores were one node each.".to_owned(),
        ]);
    }
    points
}
