//! What `kubectl` answers, as far as the lab reads it.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

const CONTAINER: &str = "converter";
/// Where a converter listens if its container names no port.
const PORT: u16 = 8082;

/// The deployment of the converters.
#[derive(Debug, PartialEq)]
pub(super) struct Deployment {
    pub(super) replicas: u32,
    /// Of its pods, as `kubectl --selector` takes it.
    pub(super) selector: String,
    /// The CPU limit of the container; `None` where there is none.
    pub(super) cpus: Option<f64>,
    /// Where the container listens.
    pub(super) port: u16,
}

/// The pods of the deployment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pods {
    /// Names of those that get requests: ready, and not about to end.
    pub(super) ready: Vec<String>,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl Deployment {
    pub(super) fn parse(json: &str) -> anyhow::Result<Self> {
        let all: Value = serde_json::from_str(json)?;
        let spec = &all["spec"];
        let labels = BTreeMap::<String, String>::deserialize(&spec["selector"]["matchLabels"])
            .context("the deployment selects its pods otherwise than by labels")?;
        ensure!(!labels.is_empty(), "the deployment selects its pods by no label");
        let labels: Vec<String> = labels.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let containers =
            spec["template"]["spec"]["containers"].as_array().context("a deployment without containers")?;
        let container = containers.iter().find(|container| container["name"] == CONTAINER);
        let container = container.with_context(|| format!("the deployment has no container {CONTAINER}"))?;
        let port = container["ports"][0]["containerPort"].as_u64().map(u16::try_from).transpose()?.unwrap_or(PORT);
        let cpus = container["resources"]["limits"]["cpu"].as_str().map(cpus).transpose()?;
        // Absent means one (Deployment, apps/v1).
        let replicas = spec["replicas"].as_u64().map(u32::try_from).transpose()?.unwrap_or(1);
        Ok(Self { replicas, selector: labels.join(","), cpus, port })
    }
}

impl Pods {
    pub(super) fn parse(json: &str) -> anyhow::Result<Self> {
        let pods: List<Pod> = serde_json::from_str(json).context("kubectl listed no pods")?;
        let is_ready = |pod: &Pod| {
            let ready = pod.status.conditions.iter().any(|it| it.kind == "Ready" && it.status == "True");
            ready && pod.metadata.deletion_timestamp.is_none()
        };
        Ok(Self { ready: pods.items.into_iter().filter(is_ready).map(|pod| pod.metadata.name).collect() })
    }
}

/// Names of the autoscalers that scale the converters.
pub(super) fn autoscalers(json: &str) -> anyhow::Result<Vec<String>> {
    let scalers: List<Value> = serde_json::from_str(json).context("kubectl listed no autoscalers")?;
    let ours = |scaler: &Value| {
        let target = &scaler["spec"]["scaleTargetRef"];
        target["kind"] == "Deployment" && target["name"] == CONTAINER
    };
    let name = |scaler: Value| scaler["metadata"]["name"].as_str().map(str::to_owned);
    Ok(scalers.items.into_iter().filter(ours).filter_map(name).collect())
}

/// A quantity of CPUs: `2`, `0.5` or `300m`.
fn cpus(quantity: &str) -> anyhow::Result<f64> {
    let (number, parts) = quantity.strip_suffix('m').map_or((quantity, 1.0), |number| (number, 1000.0));
    let number: f64 = number.parse().with_context(|| format!("{quantity:?} is no number of CPUs"))?;
    Ok(number / parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(container: &Value) -> String {
        let labels = json!({"app.kubernetes.io/name": "converter", "app.kubernetes.io/part-of": "tapedeck"});
        let containers = json!([{"name": "proxy"}, container]);
        json!({"spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"spec": {"containers": containers}}}})
            .to_string()
    }

    #[test]
    fn a_deployment_tells_its_pods_their_limit_and_their_port() {
        let limits = json!({"limits": {"cpu": "300m", "memory": "512Mi"}});
        let text = deployment(&json!({"name": "converter", "ports": [{"containerPort": 9000}], "resources": limits}));
        let expected = Deployment {
            replicas: 2,
            selector: "app.kubernetes.io/name=converter,app.kubernetes.io/part-of=tapedeck".to_owned(),
            cpus: Some(0.3),
            port: 9000,
        };
        assert_eq!(Deployment::parse(&text).expect("a deployment"), expected);
    }

    #[test]
    fn what_a_deployment_leaves_out_has_its_default() {
        let parsed = Deployment::parse(&deployment(&json!({"name": "converter"}))).expect("a deployment");
        assert_eq!((parsed.cpus, parsed.port), (None, PORT));
        assert!(Deployment::parse(&deployment(&json!({"name": "other"}))).is_err());
    }

    #[test]
    fn only_pods_that_get_requests_are_counted() {
        let pod = |name: &str, ready: &str, ends: Option<&str>| {
            let conditions = json!([{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}]);
            json!({"metadata": {"name": name, "deletionTimestamp": ends}, "status": {"conditions": conditions}})
        };
        let ending = pod("c", "True", Some("2026-11-30T00:00:00Z"));
        let new = json!({"metadata": {"name": "d"}});
        let text = json!({"items": [pod("a", "True", None), pod("b", "False", None), ending, new]}).to_string();
        assert_eq!(Pods::parse(&text).expect("pods").ready, ["a"]);
    }

    #[test]
    fn an_autoscaler_of_something_else_is_no_obstacle() {
        let scaler = |name: &str, target: &str| json!({"metadata": {"name": name}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": target}}});
        let text = json!({"items": [scaler("one", "gateway"), scaler("two", "converter")]}).to_string();
        assert_eq!(autoscalers(&text).expect("autoscalers"), ["two"]);
    }

    #[test]
    fn cpus_are_read_as_kubernetes_writes_them() {
        for (text, expected) in [("2", 2.0), ("0.25", 0.25), ("300m", 0.3)] {
            assert!((cpus(text).expect("a quantity") - expected).abs() < 1e-12, "{text}");
        }
        assert!(cpus("much").is_err());
    }
}
