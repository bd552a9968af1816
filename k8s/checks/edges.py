"""Who can open a connection to whom, by the rendered policies and pods, against the list in edges.yaml."""

from .rendering import NAME, NAMESPACE, matches, pod_labels, pod_name, port_number, title

# Pods that are not in the manifests: the lab's, started by hand.
GUESTS = {"lab": "lab"}
# Peers in other namespaces: name, and the labels of namespace and pod that lead to it.
STRANGERS = {
    "dns": ({"kubernetes.io/metadata.name": "kube-system"}, {"k8s-app": "kube-dns"}),
    "monitoring": ({"kubernetes.io/metadata.name": "monitoring"}, {}),
}
# What edges.yaml calls the peers that are no pods of the namespace.
OTHERS = {"anywhere", "outside", *STRANGERS}


def edges(rendering):
    """Both ends of each edge of the list are open, and nothing else is."""
    wanted = {edge for each in rendering.edges if each["part"] in rendering.parts for edge in listed(each)}
    pods = pods_of(rendering)
    problems, found = [], {"Ingress": set(), "Egress": set()}
    for policy in rendering.of("NetworkPolicy"):
        for kind in ("Ingress", "Egress"):
            found[kind] |= set(opened(policy, kind, pods, problems))
    yield from problems
    yield from isolation(rendering, pods)
    for kind, foreign in (("Egress", 0), ("Ingress", 1)):
        # An end that is no pod of the namespace has no policy here.
        expected = {edge for edge in wanted if edge[foreign] not in OTHERS}
        word = "leave" if kind == "Egress" else "arrive"
        # Where anybody may arrive, nobody has to be named.
        missing = {edge for edge in expected - found[kind] if ("anywhere", *edge[1:]) not in found[kind]}
        for edge in sorted(missing, key=str):
            yield f"{tell(edge)} is in edges.yaml, and no policy lets it {word}"
        for edge in sorted(found[kind] - expected, key=str):
            yield f"{tell(edge)} may {word}, and is not in edges.yaml"


def listed(edge):
    for protocol in ("UDP", "TCP") if edge["to"] == "dns" else ("TCP",):
        yield edge["from"], edge["to"], protocol, edge["port"]


def tell(edge):
    return f"{edge[0]} → {edge[1]}:{edge[3]} ({edge[2]})"


def pods_of(rendering):
    """The pods by name: their labels, and the workload that has their ports."""
    pods = {pod_name(workload): (pod_labels(workload), workload) for workload in rendering.workloads()}
    guests = {name: ({NAME: name}, None) for part, name in GUESTS.items() if part in rendering.parts}
    return {**pods, **guests}


def isolation(rendering, pods):
    """Every pod is denied what no policy allows, in both directions."""
    for name, (labels, _) in pods.items():
        for kind in ("Ingress", "Egress"):
            policies = [each for each in rendering.of("NetworkPolicy") if kind in each["spec"]["policyTypes"]]
            if not any(matches(each["spec"]["podSelector"], labels) for each in policies):
                yield f"{name} is open: no policy denies {kind.lower()}"


def opened(policy, kind, pods, problems):
    """The edges that one policy opens, seen from the pods that it selects."""
    spec = policy["spec"]
    key, word = ("ingress", "from") if kind == "Ingress" else ("egress", "to")
    own = [name for name, (labels, _) in pods.items() if matches(spec["podSelector"], labels)]
    if not own:
        problems.append(f"{title(policy)} selects no pod")
    if key in spec and kind not in spec["policyTypes"]:
        problems.append(f"{title(policy)} has {key}, and no type {kind}")
    for rule in spec.get(key, []) if kind in spec["policyTypes"] else []:
        others = {other for peer in rule.get(word) or [None] for other in peers(policy, peer, pods, kind, problems)}
        for mine in own:
            for other in others:
                source, target = (other, mine) if kind == "Ingress" else (mine, other)
                workload = pods.get(target, (None, None))[1]
                # A rule without ports opens all of them.
                for port in rule.get("ports") or [{"port": "any", "protocol": "any"}]:
                    number = port_number(workload, port["port"]) if workload else port["port"]
                    yield source, target, port.get("protocol", "TCP"), number


def peers(policy, peer, pods, kind, problems):
    """The names of those that one peer of a rule stands for."""
    if peer is None:
        return ["anywhere"]
    if "ipBlock" in peer:
        return ["anywhere" if kind == "Ingress" else "outside"]
    selector = peer.get("podSelector", {})
    if "namespaceSelector" in peer:
        space = peer["namespaceSelector"].get("matchLabels", {})
        if space.get("kubernetes.io/metadata.name") != NAMESPACE:
            found = [name for name, labels in STRANGERS.items() if (space, selector.get("matchLabels", {})) == labels]
            return found or [f"the pods {selector} of namespaces {space}"]
    found = [name for name, (labels, _) in pods.items() if matches(selector, labels)]
    if not found:
        problems.append(f"{title(policy)} names a peer that is no pod: {selector}")
    return found
