"""Manifests broken on purpose: what is wrong, the check that has to find it, the overlay, and how to break it."""

from . import edges, pods, references, servers
from .rendering import containers, pod_labels, pod_spec, template


def workload(rendering, name, kind="Deployment"):
    return rendering.named(kind, name)


def container(rendering, name, kind="Deployment"):
    return containers(workload(rendering, name, kind))[0]


def policy(rendering, name):
    return rendering.named("NetworkPolicy", name)["spec"]


def config(rendering, name):
    return next(each for each in rendering.of("ConfigMap") if each["metadata"]["name"].startswith(name))["data"]


def drop(rendering, kind, name):
    rendering.documents.remove(rendering.named(kind, name))


def drop_guard(rendering):
    spec = pod_spec(workload(rendering, "gateway"))
    spec["initContainers"] = []


def forget_key(rendering):
    checked = next(each for each in pod_spec(workload(rendering, "notifier"))["volumes"] if each["name"] == "checked-secrets")
    checked["projected"]["sources"][0]["secret"]["items"].pop()


def more_replicas(rendering):
    workload(rendering, "converter")["spec"]["replicas"] = 20


def twice(rendering):
    """Right by its schema, and refused by an API server."""
    ports = rendering.named("Service", "mailpit")["spec"]["ports"]
    ports[1]["name"] = ports[0]["name"]


def env(name, value="x"):
    return {"name": name, "value": value}


BREAKAGES = [
    ("no liveness probe", pods.probes, "dev", lambda r: container(r, "auth").pop("livenessProbe")),
    ("a store without a startup probe", pods.probes, "dev", lambda r: container(r, "rabbitmq", "StatefulSet").pop("startupProbe")),
    ("liveness looks at dependencies", pods.probes, "prod",
     lambda r: container(r, "gateway")["livenessProbe"]["httpGet"].update(path="/readyz")),
    ("a probe of a port that is not there", pods.probes, "dev",
     lambda r: container(r, "converter")["readinessProbe"]["httpGet"].update(port="web")),
    ("no memory limit", pods.resources, "dev", lambda r: container(r, "converter")["resources"]["limits"].pop("memory")),
    ("a Job without requests", pods.resources, "dev", lambda r: container(r, "migrate", "Job")["resources"].pop("requests")),
    ("an init container without limits", pods.resources, "prod",
     lambda r: pod_spec(workload(r, "auth"))["initContainers"][0]["resources"].pop("limits")),
    ("more than a small node has", pods.fits, "dev", more_replicas),
    ("root", pods.restricted, "dev", lambda r: pod_spec(workload(r, "auth"))["securityContext"].pop("runAsNonRoot")),
    ("no seccomp profile", pods.restricted, "dev",
     lambda r: pod_spec(workload(r, "mongodb", "StatefulSet"))["securityContext"].pop("seccompProfile")),
    ("a writable root", pods.restricted, "dev", lambda r: container(r, "gateway")["securityContext"].pop("readOnlyRootFilesystem")),
    ("a capability", pods.restricted, "dev",
     lambda r: container(r, "gateway")["securityContext"]["capabilities"].update(add=["NET_BIND_SERVICE"])),
    ("a volume of the node", pods.restricted, "dev",
     lambda r: pod_spec(workload(r, "converter"))["volumes"].append({"name": "host", "hostPath": {"path": "/"}})),
    ("a lax namespace", pods.restricted, "dev", lambda r: r.of("Namespace")[0]["metadata"]["labels"].clear()),
    ("an image without a version", pods.images, "dev", lambda r: container(r, "auth").update(image="tapedeck/auth")),
    ("an image that is always pulled", pods.images, "dev", lambda r: container(r, "auth").pop("imagePullPolicy")),
    ("too short an end", pods.ends, "dev", lambda r: pod_spec(workload(r, "gateway")).update(terminationGracePeriodSeconds=620)),
    ("a longer conversion", pods.ends, "dev", lambda r: config(r, "converter").update(CONVERT_TIMEOUT="11m")),
    ("a longer wait before the end", pods.ends, "dev",
     lambda r: container(r, "auth")["lifecycle"]["preStop"]["sleep"].update(seconds=20)),
    ("no label", references.labels, "dev", lambda r: r.named("Service", "auth")["metadata"]["labels"].clear()),
    ("pods without a component", references.labels, "dev",
     lambda r: pod_labels(workload(r, "auth")).pop("app.kubernetes.io/component")),
    ("an object of no namespace", references.namespaces, "dev with autoscaling",
     lambda r: r.of("HorizontalPodAutoscaler")[0]["metadata"].pop("namespace")),
    ("a Deployment that selects other pods", references.selectors, "dev",
     lambda r: workload(r, "auth")["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "auto"})),
    ("a budget of nothing", references.selectors, "dev",
     lambda r: r.named("PodDisruptionBudget", "gateway")["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "g"})),
    ("no budget", references.selectors, "dev", lambda r: drop(r, "PodDisruptionBudget", "notifier")),
    ("a pod goes before the next is ready", references.selectors, "dev",
     lambda r: workload(r, "converter")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
    ("a spread that one node cannot have", references.selectors, "dev",
     lambda r: pod_spec(workload(r, "auth"))["topologySpreadConstraints"][0].update(whenUnsatisfiable="DoNotSchedule")),
    ("an autoscaler against a number", references.selectors, "dev with autoscaling",
     lambda r: workload(r, "converter")["spec"].update(replicas=1)),
    ("an autoscaler of nothing", references.selectors, "dev with autoscaling-permits",
     lambda r: r.of("HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"].update(name="convertor")),
    ("a Service of no pod", references.services, "dev",
     lambda r: r.named("Service", "converter")["spec"]["selector"].update({"app.kubernetes.io/name": "convertor"})),
    ("a Service of a port that is not there", references.services, "dev",
     lambda r: r.named("Service", "mailpit")["spec"]["ports"][0].update(targetPort="smtps")),
    ("a Service that leads to a Job", references.services, "dev",
     lambda r: pod_labels(workload(r, "migrate", "Job")).update({"app.kubernetes.io/name": "auth"})),
    ("an Ingress to nowhere", references.services, "prod",
     lambda r: r.of("Ingress")[0]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(name="door")),
    ("a token of the API server", references.accounts, "dev",
     lambda r: pod_spec(workload(r, "mailpit")).pop("automountServiceAccountToken")),
    ("an account that is not there", references.accounts, "dev", lambda r: drop(r, "ServiceAccount", "converter")),
    ("variables of Services", references.accounts, "dev", lambda r: pod_spec(workload(r, "auth")).pop("enableServiceLinks")),
    ("a misspelt setting", references.settings, "dev", lambda r: config(r, "gateway").update(CONVERTER="x")),
    ("another service's setting", references.settings, "dev", lambda r: container(r, "auth")["env"].append(env("CONVERTERS"))),
    ("a setting that the chassis has for others", references.settings, "prod",
     lambda r: container(r, "notifier")["env"].append(env("SERVICE_TOKEN_FILE"))),
    ("a setting that a server does not know", references.settings, "dev",
     lambda r: container(r, "mariadb", "StatefulSet")["env"].append(env("MYSQ_DATABASE"))),
    ("a key that a Secret does not have", references.references, "dev",
     lambda r: r.named("Secret", "stores")["data"].pop("BROKER_URL")),
    ("a file that a Secret does not have", references.references, "dev",
     lambda r: r.named("Secret", "service-token")["data"].pop("token")),
    ("a Secret that is not there", references.references, "dev", lambda r: drop(r, "Secret", "mongodb")),
    ("an external Secret that nobody wrote down", references.references, "prod", lambda r: r.external.pop("signing-key")),
    ("a certificate that nobody wrote down", references.references, "prod", lambda r: r.external.pop("tapedeck-tls")),
    ("a ConfigMap that is not there", references.references, "dev",
     lambda r: container(r, "notifier")["envFrom"][0]["configMapRef"].update(name="notifier-0")),
    ("a volume that is not there", references.references, "dev", lambda r: pod_spec(workload(r, "converter"))["volumes"].pop()),
    ("a Secret that does not say what it is for", references.secrets, "dev",
     lambda r: r.named("Secret", "stores")["metadata"].pop("annotations")),
    ("a committed Secret in prod", references.secrets, "prod",
     lambda r: r.documents.append({"kind": "Secret", "metadata": {"name": "stores"}, "data": {}})),
    ("a pod in prod that takes any secret", references.secrets, "prod", drop_guard),
    ("a key in prod that nobody looks at", references.secrets, "prod", forget_key),
    ("an edge that no policy opens", edges.edges, "dev", lambda r: r.edges.append(
        {"part": "services", "from": "auth", "to": "converter", "port": 8082})),
    ("a policy that no edge names", edges.edges, "dev", lambda r: r.edges.pop(1)),
    ("no way out for an edge", edges.edges, "dev", lambda r: policy(r, "gateway")["egress"].pop()),
    ("no way in for an edge", edges.edges, "prod", lambda r: policy(r, "auth")["ingress"].pop()),
    ("a wrong port", edges.edges, "dev", lambda r: policy(r, "rabbitmq")["ingress"][0]["ports"][0].update(port=15672)),
    ("all ports", edges.edges, "dev", lambda r: policy(r, "rabbitmq")["ingress"][0].pop("ports")),
    ("all peers", edges.edges, "dev", lambda r: policy(r, "auth")["ingress"][0].pop("from")),
    ("the whole namespace as peer", edges.edges, "dev",
     lambda r: policy(r, "converter")["ingress"][0]["from"][0].update(podSelector={})),
    ("another namespace as peer", edges.edges, "dev",
     lambda r: policy(r, "mongodb")["ingress"][0]["from"].append({"namespaceSelector": {}})),
    ("no default", edges.edges, "prod", lambda r: drop(r, "NetworkPolicy", "default-deny")),
    ("pods that are named otherwise", edges.edges, "dev",
     lambda r: pod_labels(workload(r, "auth")).update({"app.kubernetes.io/name": "users"})),
    ("the queued flow without its edge", edges.edges, "queued", lambda r: drop(r, "NetworkPolicy", "gateway-to-rabbitmq")),
    ("a field that does not exist", servers.schema, "dev", lambda r: template(workload(r, "auth"))["spec"].update(replica=1)),
    ("a text for a number", servers.schema, "dev", lambda r: workload(r, "auth")["spec"].update(replicas="1")),
    ("a Job without a restart policy of Jobs", servers.schema, "dev",
     lambda r: container(r, "migrate", "Job").update(restart="never")),
    ("a committed file that is old", servers.committed, "dev", lambda r: config(r, "auth").update(TOKEN_LIFETIME="2h")),
]
