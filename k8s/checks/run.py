"""Runs the checks, and the checks of the checks."""

import copy
import sys

from . import breakage, edges, pods, references, rendering, servers

CHECKS = [
    pods.probes,
    pods.resources,
    pods.fits,
    pods.restricted,
    pods.images,
    pods.ends,
    references.labels,
    references.namespaces,
    references.selectors,
    references.services,
    references.accounts,
    references.settings,
    references.references,
    references.secrets,
    edges.edges,
    servers.schema,
    servers.committed,
]


def render():
    try:
        return list(rendering.render_all())
    except ValueError as wrong:
        print(wrong)
        sys.exit(1)


def check():
    problems, kubectl = 0, servers.cluster()
    for each in render():
        found = [problem for one in CHECKS for problem in one(each)]
        if kubectl:
            found += servers.dry_run(each, kubectl)
        problems += len(found)
        print(f"{each.name}: {len(each.documents)} objects, {len(found)} problems")
        for problem in dict.fromkeys(found):
            print(f"  {problem}")
    print("a cluster's API server looked at them, too" if kubectl else "no cluster: the API server's own checks were left out")
    return 1 if problems else 0


def self_test():
    """Each breakage makes its check complain, which did not before; each check has one."""
    renderings, failed = {each.name: each for each in render()}, 0
    for name, one, overlay, act in breakage.BREAKAGES:
        whole = renderings[overlay]
        broken = copy.deepcopy(whole)
        act(broken)
        before, after = set(one(whole)), set(one(broken))
        if not after - before:
            print(f"not found by `{one.__name__}`: {name}")
            failed += 1
    kubectl = servers.cluster()
    if kubectl:
        broken = copy.deepcopy(renderings["dev"])
        breakage.twice(broken)
        if not list(servers.dry_run(broken, kubectl)):
            print("the API server took two ports of one name")
            failed += 1
    for one in CHECKS:
        if all(one is not each for _, each, _, _ in breakage.BREAKAGES):
            print(f"nothing shows that `{one.__name__}` finds anything")
            failed += 1
    print(f"{len(breakage.BREAKAGES)} broken manifests, {failed} failures")
    return 1 if failed else 0
