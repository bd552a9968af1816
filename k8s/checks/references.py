"""What names something else: labels and selectors, Services, accounts, settings, ConfigMaps, Secrets, volumes."""

import re

from .rendering import (
    K8S,
    NAME,
    NAMESPACE,
    SERVICES,
    all_containers,
    containers,
    matches,
    pod_labels,
    pod_spec,
    port_number,
    runs_on,
    title,
)

PART_OF = "app.kubernetes.io/part-of"
COMPONENT = "app.kubernetes.io/component"
# What the images of others are told by, the beginnings of the names.
OTHERS = {
    "mariadb": ("MARIADB_",),
    "mongo": ("MONGO_INITDB_", "MONGODB_", "HOME"),
    "rabbitmq": ("RABBITMQ_",),
    "axllent/mailpit": ("MP_",),
}
DEVELOPMENT = ("tapedeck/secret-for", "development-only")


def labels(rendering):
    """The recommended labels, by which people and policies find things."""
    for document in rendering.documents:
        own = document["metadata"].get("labels", {})
        if own.get(PART_OF) != "tapedeck" and document["kind"] != "Namespace":
            yield f"{title(document)} has no label {PART_OF}"
    for workload in rendering.workloads():
        for label in (NAME, COMPONENT, PART_OF):
            if label not in pod_labels(workload):
                yield f"{title(workload)}: its pods have no label {label}"


def namespaces(rendering):
    """Everything is in the namespace, also what a component adds; without it, it would go where kubectl happens to point."""
    for document in rendering.documents:
        if document["kind"] != "Namespace" and document["metadata"].get("namespace") != NAMESPACE:
            yield f"{title(document)} is not in the namespace {NAMESPACE}"


def selectors(rendering):
    """Each selector takes the pods that it is for, and each service has what it needs beside the Deployment."""
    for workload in rendering.of("Deployment", "StatefulSet"):
        if not matches(workload["spec"]["selector"], pod_labels(workload)):
            yield f"{title(workload)} does not select its own pods"
    for budget in rendering.of("PodDisruptionBudget"):
        if not any(matches(budget["spec"]["selector"], pod_labels(each)) for each in filter(runs_on, rendering.workloads())):
            yield f"{title(budget)} selects no pod"
    for scaler in rendering.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        scaled = rendering.named(target["kind"], target["name"])
        if scaled is None:
            yield f"{title(scaler)} scales nothing"
        elif "replicas" in scaled["spec"]:
            yield f"{title(scaled)} has a number of replicas, and {title(scaler)} another"
    for name in SERVICES:
        yield from service_is_complete(rendering, name)


def service_is_complete(rendering, name):
    workload = rendering.named("Deployment", name)
    if workload is None:
        yield f"there is no Deployment {name}"
        return
    strategy = workload["spec"].get("strategy", {}).get("rollingUpdate", {})
    if strategy.get("maxUnavailable") != 0 or not strategy.get("maxSurge"):
        yield f"{title(workload)} takes pods away before new ones are ready"
    budgets = rendering.of("PodDisruptionBudget")
    if not any(matches(each["spec"]["selector"], pod_labels(workload)) for each in budgets):
        yield f"{title(workload)} has no disruption budget"
    spread = pod_spec(workload).get("topologySpreadConstraints", [])
    if not any(matches(each["labelSelector"], pod_labels(workload)) for each in spread):
        yield f"{title(workload)} does not spread its pods"
    if any(each["whenUnsatisfiable"] != "ScheduleAnyway" for each in spread):
        yield f"{title(workload)} does not run on a single node"


def services(rendering):
    """Each Service leads to the port of a pod, and only to pods that run on."""
    for service in rendering.of("Service"):
        behind = [each for each in rendering.workloads() if matches({"matchLabels": service["spec"]["selector"]}, pod_labels(each))]
        if not behind:
            yield f"{title(service)} selects no pod"
        for workload in behind:
            if not runs_on(workload):
                yield f"{title(service)} leads to {title(workload)}"
            for port in service["spec"]["ports"]:
                target = port_number(workload, port.get("targetPort", port["port"]))
                numbers = [each["containerPort"] for container in containers(workload) for each in container.get("ports", [])]
                if target not in numbers:
                    yield f"{title(service)}: {title(workload)} has no port {port.get('targetPort')}"
    for ingress in rendering.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = rendering.named("Service", backend["name"])
                if service is None or all(each.get("name") != backend["port"].get("name") for each in service["spec"]["ports"]):
                    yield f"{title(ingress)} leads to a Service or port that does not exist: {backend}"


def accounts(rendering):
    """No pod has a token of the API server, and each account exists."""
    for workload in rendering.workloads():
        spec = pod_spec(workload)
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{title(workload)} gets a token of the API server"
        if spec.get("enableServiceLinks") is not False:
            yield f"{title(workload)} gets a variable for each Service"
        name = spec.get("serviceAccountName")
        if name and rendering.named("ServiceAccount", name) is None:
            yield f"{title(workload)} runs as the account {name}, which does not exist"


def known_settings(service):
    """The variables that a service reads: the `env = "…"` of its source, and of what it uses of the chassis."""
    attribute = re.compile(r'\benv = "([A-Z0-9_]+)"')
    source = "".join(path.read_text() for path in sorted((K8S.parent / service / "src").rglob("*.rs")))
    known = set(attribute.findall(source))
    for path in sorted((K8S.parent / "chassis/src").glob("*.rs")):
        text = path.read_text()
        if any(re.search(rf"\b{name}\b", source) for name in re.findall(r"pub struct (\w+Config)\b", text)):
            known |= set(attribute.findall(text))
    return known


def settings(rendering):
    """Every variable is one that the program reads."""
    for workload in rendering.workloads():
        for container in all_containers(workload):
            where = f"{title(workload)}, container {container['name']}"
            image = container["image"].rsplit(":", 1)[0]
            service = image.rsplit("/", 1)[-1]
            names = [each["name"] for each in container.get("env", [])] + list(from_maps(rendering, container))
            for name in names:
                if service in SERVICES:
                    if name not in known_settings(service):
                        yield f"{where}: {service} knows no setting {name}"
                elif not name.startswith(OTHERS.get(image, ("?",))):
                    yield f"{where}: {image} is not known to read {name}"


def from_maps(rendering, container):
    for source in container.get("envFrom", []):
        config = rendering.named("ConfigMap", source.get("configMapRef", {}).get("name"))
        yield from (config or {}).get("data", {})


def references(rendering):
    """Every ConfigMap, Secret, key and volume that is named exists; a Secret may be left to others where that is written down."""
    secrets = {each["metadata"]["name"]: {**each.get("data", {}), **each.get("stringData", {})} for each in rendering.of("Secret")}
    secrets = {**rendering.external, **secrets}
    for workload in rendering.workloads():
        where, spec = title(workload), pod_spec(workload)
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        for container in all_containers(workload):
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{where} mounts the volume {mount['name']}, which does not exist"
            for source in container.get("envFrom", []):
                if rendering.named("ConfigMap", source.get("configMapRef", {}).get("name")) is None:
                    yield f"{where} reads its settings from {source}, which does not exist"
        for name, keys in used_secrets(workload):
            if name not in secrets:
                yield f"{where} uses the Secret {name}, which does not exist"
            for key in keys or []:
                if name in secrets and key not in secrets[name]:
                    yield f"{where} uses the key {key} of the Secret {name}, which does not exist"
    for ingress in rendering.of("Ingress"):
        for tls in ingress["spec"].get("tls", []):
            if tls["secretName"] not in secrets:
                yield f"{title(ingress)} uses the Secret {tls['secretName']}, which does not exist"


def used_secrets(workload):
    """Pairs of a Secret and the keys that are asked of it; None where it is mounted as a whole."""
    for container in all_containers(workload):
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                yield reference["name"], [reference["key"]]
            # A file in a mounted Secret.
            for volume in pod_spec(workload).get("volumes", []):
                mounts = [each for each in container.get("volumeMounts", []) if each["name"] == volume["name"]]
                for mount in mounts if "secret" in volume else []:
                    folder, _, file = variable.get("value", "").rpartition("/")
                    if folder == mount["mountPath"] and not file.startswith("previous"):
                        yield volume["secret"]["secretName"], [file]
    for volume in pod_spec(workload).get("volumes", []):
        sources = [each["secret"] for each in volume.get("projected", {}).get("sources", []) if "secret" in each]
        for source in [volume["secret"], *sources] if "secret" in volume else sources:
            keys = [item["key"] for item in source.get("items", [])] or None
            yield source.get("secretName") or source.get("name"), keys


def secrets(rendering):
    """A committed Secret says that it is for development; an overlay without them refuses those in every pod."""
    for secret in rendering.of("Secret"):
        if secret["metadata"].get("annotations", {}).get(DEVELOPMENT[0]) != DEVELOPMENT[1]:
            yield f"{title(secret)} is committed, and does not say that it is for development"
        elif rendering.external:
            yield f"{title(secret)} is for development"
    for workload in rendering.workloads() if rendering.external else []:
        guard = next((each for each in all_containers(workload) if each["name"] == "refuse-development-secrets"), None)
        checked = [volume for volume in pod_spec(workload)["volumes"] if volume["name"] == "checked-secrets"] if guard else []
        seen = [source["secret"] for volume in checked for source in volume["projected"]["sources"]]
        whole = {source["name"] for source in seen if "items" not in source}
        keys = {(source["name"], item["key"]) for source in seen for item in source.get("items", [])}
        for name, asked in used_secrets(workload):
            if name not in whole and any((name, key) not in keys for key in asked or [None]):
                yield f"{title(workload)} uses {name} {asked or ''} without a look whether it is for development"
