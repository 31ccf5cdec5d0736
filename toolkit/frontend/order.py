"""The nodes of an ONNX graph that its outputs need, each behind those that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from toolkit.errors import ModelError
from toolkit.frontend.node import OnnxNode


def arranged(nodes: Sequence[OnnxNode], outputs: Sequence[str], where: str) -> tuple[OnnxNode, ...]:
    """``nodes`` in an order in which they can run, the file's where that is one, without those that
    no output needs.

    Raises ModelError for a value that two nodes make, or nodes that wait for each other.
    """
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in makers:
                first = nodes[makers[name]].name
                raise ModelError(
                    f"{where}: {name!r} is made by node {first!r} and again by {node.name!r}.",
                    hint="Each value has one maker; export the model again.",
                )
            makers[name] = index
    needed = _needed(nodes, makers, outputs)
    behind = {
        index: [makers[name] for name in nodes[index].inputs.present() if name in makers]
        for index in needed
    }
    if all(before < index for index, some in behind.items() for before in some):
        return tuple(nodes[index] for index in needed)
    try:
        return tuple(nodes[index] for index in TopologicalSorter(behind).static_order())
    except CycleError as error:
        names = ", ".join(repr(nodes[index].name) for index in dict.fromkeys(error.args[1]))
        raise ModelError(
            f"{where}: nodes wait for each other in a circle: {names}.",
            hint="A network has no loops; export it again.",
        ) from None


def _needed(nodes: Sequence[OnnxNode], makers: dict[str, int], outputs: Sequence[str]) -> list[int]:
    """Places of the nodes that lead to an output, in the file's order."""
    found: set[int] = set()
    waiting = [makers[name] for name in outputs if name in makers]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += [makers[name] for name in nodes[index].inputs.present() if name in makers]
    return sorted(found)
