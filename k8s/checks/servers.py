"""What programs other than these checks say: the schemas of Kubernetes, the committed files, an API server."""

import os
import shutil
import subprocess

import kubernetes_validate
import yaml

from .rendering import K8S, NAMESPACE, documents, title

# The oldest that knows every field (preStop.sleep), and a later one.
VERSIONS = ["1.30", "1.34"]
# Resources of others, whose schemas are not at hand.
FOREIGN = {"PodMonitor"}


def schema(rendering):
    """Every field exists and has the right type, by the published schemas."""
    for document in rendering.documents:
        if document["kind"] in FOREIGN:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as wrong:
                where = ".".join(str(part) for part in wrong.path)
                yield f"{title(document)} at {where or 'its top'}, Kubernetes {version}: {wrong.message.splitlines()[0]}"
                break


def committed(rendering):
    """k8s/rendered holds what the overlays render to; the order and the style of the text do not count."""
    file = K8S / "rendered" / f"{rendering.name}.yaml"
    if file.exists() and by_title(documents(file.read_text())) != by_title(rendering.documents):
        yield f"k8s/rendered/{file.name} is not what k8s/overlays/{rendering.name} renders to; run k8s/render"


def by_title(items):
    return {title(item): item for item in items}


def cluster():
    """What to run kubectl as, or None where no cluster is set or answers."""
    if not os.environ.get("KUBECONFIG") or not shutil.which("kubectl"):
        return None
    ask = ["kubectl", "--request-timeout=10s", "get", "--raw", "/readyz"]
    return None if subprocess.run(ask, capture_output=True, check=False).returncode else ["kubectl"]


def dry_run(rendering, kubectl):
    """The API server takes it, with all of its own checks. Nothing is changed."""
    items = [each for each in rendering.documents if each["kind"] not in FOREIGN]
    space = [*kubectl, "get", "namespace", NAMESPACE, "--ignore-not-found", "--output=name"]
    if not subprocess.run(space, capture_output=True, check=True).stdout:
        # Nothing can be tried in a namespace that is not there yet.
        items = [elsewhere(item) for item in items]
    apply = [*kubectl, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--filename=-"]
    done = subprocess.run(apply, input=yaml.safe_dump_all(items), capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"the API server refuses it: {done.stderr.strip()}"
    # Pod Security says what it would refuse as a warning about the Deployment.
    yield from (line for line in done.stderr.splitlines() if "would violate" in line)


def elsewhere(item):
    metadata = item["metadata"]
    return {**item, "metadata": {**metadata, "namespace": "default"}} if metadata.get("namespace") else item
