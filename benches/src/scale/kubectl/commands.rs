//! What is asked of `kubectl`: the words after the program's name.

const NAMESPACE: &str = "tapedeck";
const DEPLOYMENT: &str = "deployment/converter";
/// Longest wait for new pods; their image may have to be fetched.
const ROLLOUT_MAX: &str = "--timeout=300s";

pub(super) fn scale(replicas: u32) -> Vec<String> {
    of(&["scale", DEPLOYMENT, &format!("--replicas={replicas}")])
}

/// Waits until the deployment has as many ready pods as it was told to have.
pub(super) fn rollout() -> Vec<String> {
    of(&["rollout", "status", DEPLOYMENT, ROLLOUT_MAX])
}

pub(super) fn deployment() -> Vec<String> {
    of(&["get", DEPLOYMENT, "--output=json"])
}

pub(super) fn autoscalers() -> Vec<String> {
    of(&["get", "horizontalpodautoscalers", "--output=json"])
}

pub(super) fn pods(selector: &str) -> Vec<String> {
    of(&["get", "pods", &format!("--selector={selector}"), "--output=json"])
}

/// A pod's `/metrics`, through the API server: the lab need not be in the cluster, and no policy is opened for it.
pub(super) fn metrics(pod: &str, port: u16) -> Vec<String> {
    of(&["get", "--raw", &format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{port}/proxy/metrics")])
}

/// As it is typed. No word of these needs quotes.
pub(super) fn line(arguments: &[String]) -> String {
    format!("kubectl {}", arguments.join(" "))
}

fn of(words: &[&str]) -> Vec<String> {
    let namespace = format!("--namespace={NAMESPACE}");
    // The path of a raw request names the namespace itself.
    let options = if words.contains(&"--raw") { vec![] } else { vec![namespace] };
    options.into_iter().chain(words.iter().map(ToString::to_string)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_what_a_person_would_type() {
        let lines = [
            scale(3),
            rollout(),
            deployment(),
            autoscalers(),
            pods("app.kubernetes.io/name=converter"),
            metrics("converter-5d9c-abcde", 8082),
        ]
        .map(|arguments| line(&arguments));
        assert_eq!(
            lines,
            [
                "kubectl --namespace=tapedeck scale deployment/converter --replicas=3",
                "kubectl --namespace=tapedeck rollout status deployment/converter --timeout=300s",
                "kubectl --namespace=tapedeck get deployment/converter --output=json",
                "kubectl --namespace=tapedeck get horizontalpodautoscalers --output=json",
                "kubectl --namespace=tapedeck get pods --selector=app.kubernetes.io/name=converter --output=json",
                "kubectl get --raw /api/v1/namespaces/tapedeck/pods/converter-5d9c-abcde:8082/proxy/metrics",
            ]
        );
    }
}
