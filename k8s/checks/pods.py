"""Single pods: probes, resources, the restricted context, the end."""

import re

from .rendering import (
    K8S,
    all_containers,
    containers,
    pod_name,
    pod_spec,
    port_number,
    runs_on,
    seconds,
    title,
)

PROBES = ["startupProbe", "readinessProbe", "livenessProbe"]
# The kinds of volumes that the restricted profile takes.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# CPU that one node of two cores has for this, the system's own pods set aside; in thousandths of a core.
CPU_MAX = 1800


def probes(rendering):
    """Every container that runs on has three probes, and being alive never depends on another server."""
    for workload in filter(runs_on, rendering.workloads()):
        for container in containers(workload):
            where = f"{title(workload)}, container {container['name']}"
            for kind in PROBES:
                probe = container.get(kind)
                if probe is None:
                    yield f"{where} has no {kind}"
                    continue
                target = probe.get("httpGet") or probe.get("tcpSocket")
                if target and port_number(workload, target["port"]) is None:
                    yield f"{where}: {kind} asks a port {target['port']!r} that it does not have"
                path = probe.get("httpGet", {}).get("path")
                if path and (path == "/readyz") != (kind == "readinessProbe"):
                    yield f"{where}: {kind} asks {path}"


def resources(rendering):
    """Every container says what it needs and what it may have."""
    for workload in rendering.workloads():
        for container in all_containers(workload):
            given = container.get("resources", {})
            for kind in ("requests", "limits"):
                for what in ("cpu", "memory"):
                    if what not in given.get(kind, {}):
                        yield f"{title(workload)}, container {container['name']} has no {kind} of {what}"


def fits(rendering):
    """All pods of an overlay with stores inside, and one more of each Deployment while it is rolled out, fit on a small node."""
    if "inside" not in rendering.parts:
        return
    total = 0
    for workload in filter(runs_on, rendering.workloads()):
        surge = workload["kind"] == "Deployment" and workload["spec"].get("strategy", {}).get("type") != "Recreate"
        needs = sum(thousandths(each.get("resources", {}).get("requests", {}).get("cpu", "0")) for each in containers(workload))
        total += needs * (workload["spec"].get("replicas", 1) + surge)
    if total > CPU_MAX:
        yield f"the requests are {total}m of CPU during a rollout, more than {CPU_MAX}m"


def thousandths(cpu):
    text = str(cpu)
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


def restricted(rendering):
    """What Pod Security's profile `restricted` asks, and a root that cannot be written."""
    namespace = (rendering.of("Namespace") or [{"metadata": {}}])[0]
    if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
        yield "the namespace does not enforce `restricted`"
    for workload in rendering.workloads():
        spec, where = pod_spec(workload), title(workload)
        context = spec.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{where} may run as root, or says no number for its user"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{where} has no seccomp profile"
        if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{where} shares something with its node"
        for volume in spec.get("volumes", []):
            if not VOLUMES & volume.keys():
                yield f"{where} has the volume {volume['name']} of a kind that is not allowed"
        for container in all_containers(workload):
            own, inner = container.get("securityContext", {}), f"{where}, container {container['name']}"
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield f"{inner} may gain privileges"
            if own.get("readOnlyRootFilesystem") is not True:
                yield f"{inner} may write to its root"
            if own.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{inner} keeps capabilities"
            if own.get("runAsUser") == 0 or own.get("runAsNonRoot") is False:
                yield f"{inner} runs as root"


def images(rendering):
    """A version each, and no pull of what is there: a loaded image needs no registry."""
    for workload in rendering.workloads():
        for container in all_containers(workload):
            where, image = f"{title(workload)}, container {container['name']}", container["image"]
            if not re.search(r":[\w.-]+$", image) or image.endswith(":latest"):
                yield f"{where}: the image {image} has no version"
            if container.get("imagePullPolicy") != "IfNotPresent":
                yield f"{where}: imagePullPolicy is not IfNotPresent"


def ends(rendering):
    """The grace period is longer than what the service takes to stop by itself, by the settings as they are."""
    for workload in filter(runs_on, rendering.workloads()):
        name, spec = pod_name(workload), pod_spec(workload)
        if name not in DRAINS:
            continue
        fixed, settings = DRAINS[name]
        sleeps = [each.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0) for each in containers(workload)]
        needs = max(sleeps) + fixed + sum(seconds(setting(rendering, name, key)) for key in settings)
        grace = spec.get("terminationGracePeriodSeconds", 30)
        if grace <= needs:
            yield f"{title(workload)} has {grace} s to end, and may need {needs:g} s"


# Seconds that are constants of the code (`*/src/server.rs`), and the settings that come on top.
DRAINS = {
    "auth": (0, ["AUTH_DRAIN"]),
    "converter": (15, ["CONVERT_TIMEOUT", "PERMIT_HOLD"]),
    "gateway": (5 + 15, ["CONVERT_TIMEOUT"]),
    "notifier": (2, ["DELIVERY_CLAIM"]),
}


def setting(rendering, service, key):
    """What a service is told, or its default."""
    for config in rendering.of("ConfigMap"):
        if config["metadata"]["name"].startswith(service) and key in config["data"]:
            return config["data"][key]
    source = (K8S.parent / service / "src/config.rs").read_text()
    return re.search(rf'env = "{key}"[^\]]*?default_value = "([^"]+)"', source).group(1)
