//! `/livez` and `/readyz`: alive means the process answers; ready means its dependencies answer too.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, web};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

/// Longest a readiness check may take; a slower dependency counts as missing.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type Checked = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Check = Arc<dyn Fn() -> Checked + Send + Sync>;

/// What must answer before a service takes traffic, and whether it is draining.
#[derive(Clone, Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
    draining: Arc<AtomicBool>,
}

impl Readiness {
    /// Adds a dependency; its error says what is missing.
    #[must_use]
    pub fn with<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// From now on the service is not ready: it finishes what it has and takes nothing new.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether [`Self::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    async fn report(&self) -> (bool, Map<String, Value>) {
        let results = join_all(self.checks.iter().map(async |(name, check)| {
            let result = timeout(CHECK_TIMEOUT, check()).await;
            (*name, result.unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIMEOUT:?}"))))
        }));
        let mut ready = !self.is_draining();
        let mut report = Map::new();
        for (name, result) in results.await {
            ready &= result.is_ok();
            report.insert(name.to_owned(), result.map_or_else(Value::String, |()| "ok".into()));
        }
        (ready, report)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.checks.iter().map(|(name, _)| name).collect();
        f.debug_struct("Readiness").field("checks", &names).field("draining", &self.is_draining()).finish()
    }
}

/// `GET /livez` never looks at dependencies: restarting a service mends no database.
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

/// `GET /readyz`: 200, or 503 and what is missing.
pub(crate) async fn ready(readiness: web::Data<Readiness>) -> HttpResponse {
    let (ready, checks) = readiness.report().await;
    let status = match (ready, readiness.is_draining()) {
        (_, true) => "draining",
        (true, _) => "ok",
        (false, _) => "unavailable",
    };
    let body = json!({"status": status, "checks": checks});
    if ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
