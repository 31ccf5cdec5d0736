"""The nodes of an ONNX graph that its outputs need, each behind those that it reads."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import ModelError
from toolkit.frontend.node import OnnxNode


def arranged(nodes: Sequence[OnnxNode], outputs: Sequence[str], where: str) -> tuple[OnnxNode, ...]:
    """``nodes`` in an order in which they can run, as near to the file's as that allows, without
    those that no output needs.

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
    order: list[int] = []
    done: set[int] = set()
    for index in needed:
        _append(index, nodes, makers, order, done, where)
    return tuple(nodes[index] for index in order)


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


def _append(
    index: int,
    nodes: Sequence[OnnxNode],
    makers: dict[str, int],
    order: list[int],
    done: set[int],
    where: str,
) -> None:
    """Append a node behind all that it waits for."""
    stack, opened = [index], set[int]()
    while stack:
        top = stack[-1]
        if top in done:
            stack.pop()
            continue
        opened.add(top)
        behind = {makers[name] for name in nodes[top].inputs.present() if name in makers} - done
        if not behind:
            done.add(top)
            order.append(top)
            stack.pop()
        elif circle := behind & opened:
            names = ", ".join(repr(nodes[i].name) for i in sorted(circle)[:4])
            raise ModelError(
                f"{where}: nodes wait for each other in a circle: {names}, {nodes[top].name!r}.",
                hint="A network has no loops; export it again.",
            )
        else:
            stack += sorted(behind, reverse=True)
