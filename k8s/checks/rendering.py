"""Rendered manifests, and how to look at them."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import yaml

K8S = pathlib.Path(__file__).resolve().parent.parent
NAME = "app.kubernetes.io/name"
NAMESPACE = "tapedeck"
# Components that no overlay has: each is rendered on top of `dev`.
FURTHER = ["autoscaling", "autoscaling-permits", "monitoring"]
# The services, each a crate of its name.
SERVICES = ["auth", "converter", "gateway", "notifier"]


@dataclass
class Rendering:
    """What one overlay renders to."""

    name: str
    overlay: str
    documents: list
    # Of edges.yaml.
    edges: list
    parts: list
    # Of overlays/prod/external-secrets.yaml, where the overlay leaves the Secrets to others: name to its keys.
    external: dict

    def of(self, *kinds):
        return [document for document in self.documents if document["kind"] in kinds]

    def named(self, kind, name):
        return next((document for document in self.of(kind) if document["metadata"]["name"] == name), None)

    def workloads(self):
        return self.of("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def title(document):
    return f"{document['kind']} {document['metadata']['name']}"


def template(workload):
    spec = workload["spec"]
    return (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]


def pod_spec(workload):
    return template(workload)["spec"]


def pod_labels(workload):
    return template(workload)["metadata"]["labels"]


def pod_name(workload):
    return pod_labels(workload).get(NAME)


def containers(workload):
    """Those that run as long as the pod does."""
    return pod_spec(workload)["containers"]


def all_containers(workload):
    return pod_spec(workload).get("initContainers", []) + containers(workload)


def runs_on(workload):
    """Whether its pods run until they are told to stop."""
    return workload["kind"] not in ("Job", "CronJob")


def matches(selector, labels):
    """Whether a label selector takes a pod; an empty one takes all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        key, operator, values = expression["key"], expression["operator"], expression.get("values", [])
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not holds:
            return False
    return True


def port_number(workload, port):
    """The number of a port of its containers, which may be given by name; None where there is no such name."""
    if isinstance(port, int):
        return port
    ports = [each for container in containers(workload) for each in container.get("ports", [])]
    return next((each["containerPort"] for each in ports if each.get("name") == port), None)


def seconds(text):
    """A length of time as the services read it, e.g. `10m` or `1m 30s`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)\s*(ms|s|m|h)", text))


def kustomize(folder):
    done = subprocess.run([K8S / "render", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        sys.stderr.write(done.stderr)
        sys.exit(77)
    if done.returncode:
        raise ValueError(f"{folder} does not render: {done.stderr.strip()}")
    return documents(done.stdout)


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def with_component(component):
    """What `dev` renders to with one more component."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        relative = {"resources": ["overlays/dev"], "components": [f"components/{component}"]}
        content = {key: [os.path.relpath(K8S / path, folder) for path in paths] for key, paths in relative.items()}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
        return kustomize(folder)


def render_all():
    listed = yaml.safe_load((K8S / "edges.yaml").read_text())
    edges, parts = listed["edges"], listed["overlays"]
    external = yaml.safe_load((K8S / "overlays/prod/external-secrets.yaml").read_text())["secrets"]
    found = sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml"))
    if found != sorted(parts):
        raise ValueError(f"edges.yaml names the overlays {sorted(parts)}; there are {found}")
    for name in found:
        known = external if name == "prod" else {}
        yield Rendering(name, name, kustomize(K8S / "overlays" / name), edges, parts[name], known)
    for component in FURTHER:
        name = f"dev with {component}"
        yield Rendering(name, "dev", with_component(component), edges, [*parts["dev"], component], {})
