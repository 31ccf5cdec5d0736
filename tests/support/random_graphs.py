"""Quantised graphs with branches, joins, aliases, scratch, several inputs and outputs: two small
fixed ones, and random ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.graphs import activation, add_conv
from toolkit.ir import Graph, GraphBuilder
from toolkit.ops.attention_pool import AttentionPoolAttrs, weight_table
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.parts.window import Padding, Window
from toolkit.ops.reshape import ReshapeAttrs

#: A number between two limits, both included.
Choose = Callable[[int, int], int]
SCALE, ZERO_POINT = 0.07, -5  # add_conv's output; one for all, so that anything may be joined


def branch_graph() -> Graph:
    """x (8 B) feeds a (16 B) and c (32 B), a feeds b (24 B); a, b and c are outputs."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("branch")
    x = builder.add_input(activation("x", (1, 1, 4, 2), 0.1, 0))
    a = add_conv(builder, x, Window(1, 1), 4, rng, "a")
    b = add_conv(builder, a, Window(1, 1), 6, rng, "b")
    c = add_conv(builder, x, Window(1, 1), 8, rng, "c")
    builder.outputs += [a, b, c]
    return builder.build()


def reshape_graph() -> Graph:
    """x (24 B) -> y (24 B) -> reshape r of y -> z (12 B), twice reshaped."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("reshape")
    x = builder.add_input(activation("x", (1, 2, 3, 4), 0.07, -5))
    y = add_conv(builder, x, Window(1, 1), 4, rng, "y")
    r = builder.add_node(
        "reshape", [y], activation("r", (1, 3, 2, 4), 0.07, -5), ReshapeAttrs((1, 3, 2, 4))
    )
    s = builder.add_node(
        "reshape", [r], activation("s", (1, 6, 1, 4), 0.07, -5), ReshapeAttrs((1, 6, 1, 4))
    )
    builder.outputs.append(add_conv(builder, s, Window(1, 1), 2, rng, "z"))
    return builder.build()


def random_graph(choose: Choose, max_nodes: int = 12) -> Graph:
    """A graph of 1 to ``max_nodes`` nodes and a few more; every input is read."""
    rng = np.random.default_rng(choose(0, 1000))
    builder = GraphBuilder("random")
    live = [
        builder.add_input(
            activation(f"in_{i}", (1, choose(1, 5), choose(1, 4), choose(1, 6)), SCALE, ZERO_POINT)
        )
        for i in range(choose(1, 3))
    ]
    for number in range(choose(1, max_nodes)):
        live.append(_node(builder, live, choose, rng, f"n{number}"))
    read = {name for node in builder.nodes for name in node.inputs}
    for name in [n for n in builder.inputs if n not in read]:
        live.append(add_conv(builder, name, Window(1, 1), 2, rng, f"of_{name}"))
        read.add(name)
    computed = [name for name in live if name not in builder.inputs]
    builder.outputs += [name for name in computed if name not in read or choose(0, 5) == 0]
    return builder.build()


def _node(
    builder: GraphBuilder, live: list[str], choose: Choose, rng: np.random.Generator, name: str
) -> str:
    x = builder.tensors[live[choose(0, len(live) - 1)]]
    same = [n for n in live if builder.tensors[n].shape == x.shape]
    other = same[choose(0, len(same) - 1)]
    kind = choose(0, 5)
    if kind == 0 and x.shape[3] <= 12:
        joined = [x.name, other, *same[: choose(0, 2)]]
        shape = (*x.shape[:3], x.shape[3] * len(joined))
        out = activation(name, shape, SCALE, ZERO_POINT)
        return builder.add_node("concatenation", joined, out, ConcatenationAttrs(3), name)
    if kind == 1:
        shape = (1, x.shape[2], x.shape[1], x.shape[3])
        out = activation(name, shape, SCALE, ZERO_POINT)
        return builder.add_node("reshape", [x.name], out, ReshapeAttrs(shape), name)
    if kind == 2:
        table = builder.constant(f"{name}/table", weight_table(SCALE))
        out = activation(name, (1, 1, *x.shape[2:]), SCALE, ZERO_POINT)
        inputs = [x.name, other, table]
        return builder.add_node("attention_pool", inputs, out, AttentionPoolAttrs(), name)
    window = Window(1, 1) if kind == 3 else Window(3, 3, padding=Padding(1, 1, 1, 1))
    return add_conv(builder, x.name, window, choose(1, 8), rng, name)
