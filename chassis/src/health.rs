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

/// One dependency.
#[derive(Clone)]
struct Dependency {
    name: &'static str,
    check: Check,
    /// Whether the service takes no traffic without it.
    is_needed: bool,
}

/// What must answer before a service takes traffic, and whether it is draining.
#[derive(Clone, Default)]
pub struct Readiness {
    dependencies: Vec<Dependency>,
    draining: Arc<AtomicBool>,
}

impl Readiness {
    /// Adds a dependency; its error says what is missing.
    #[must_use]
    pub fn with<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.and(name, check, true)
    }

    /// Adds a dependency whose loss is told, but takes no traffic away.
    #[must_use]
    pub fn reporting<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.and(name, check, false)
    }

    fn and<F, Fut>(mut self, name: &'static str, check: F, is_needed: bool) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.dependencies.push(Dependency { name, check: Arc::new(move || Box::pin(check())), is_needed });
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
        let results = join_all(self.dependencies.iter().map(async |dependency| {
            let result = timeout(CHECK_TIMEOUT, (dependency.check)()).await;
            (dependency, result.unwrap_or_else(|_| Err(format!("no answer within {CHECK_TIMEOUT:?}"))))
        }));
        let mut ready = !self.is_draining();
        let mut report = Map::new();
        for (dependency, result) in results.await {
            ready &= result.is_ok() || !dependency.is_needed;
            report.insert(dependency.name.to_owned(), result.map_or_else(Value::String, |()| "ok".into()));
        }
        (ready, report)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.dependencies.iter().map(|dependency| dependency.name).collect();
        f.debug_struct("Readiness").field("dependencies", &names).field("draining", &self.is_draining()).finish()
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
