"""Code that layers share on one side only of a comparison: no layer has grown by that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from toolkit.budget.facts import Contributor, Facts, Shares


def together(before: Shares, now: Shares, changed: frozenset[str]) -> tuple[Shares, Shares]:
    """Both with layers as one where only one of them has code that these layers share: what one
    side counts as shared is in their own code on the other, and no layer has grown by it.  Such a
    group is called by those of its layers that ``changed``, if any."""
    once = [set(c.names) for c in {*before} ^ {*now} if len(c.names) > 1]
    both = [set(c.names) for c in {*before} & {*now} if len(c.names) > 1]
    groups = [group for group in _joined([*once, *both]) if any(names <= group for names in once)]
    called = {name: tuple(sorted(group & changed or group)) for group in groups for name in group}

    def summed(shares: Shares) -> Shares:
        result: defaultdict[Contributor, float] = defaultdict(float)
        for found, amount in shares.items():
            names = called.get(found.names[0]) if found.kind == "layer" else None
            result[replace(found, names=names or found.names)] += amount
        return dict(result)

    return summed(before), summed(now)


def changed_layers(now: Facts, then: Facts) -> frozenset[str]:
    """Names of layers that are not in the base as they are here; a baseline leaves out the small
    ones, which count as they were."""
    names = {*now.layers, *then.layers}
    if then.small:
        names &= {*then.layers}
    return frozenset(n for n in names if now.layers.get(n) != then.layers.get(n))


def _joined(sets: Iterable[set[str]]) -> list[set[str]]:
    """Sets that have anything in common become one."""
    groups: list[set[str]] = []
    for names in sets:
        touching = [group for group in groups if group & names]
        groups = [group for group in groups if group not in touching] + [names.union(*touching)]
    return groups
