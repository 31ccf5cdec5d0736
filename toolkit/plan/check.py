"""Proves a memory plan by playing it through; with the planner it shares what kernels say of their
scratch.

Every byte of the arena carries the mark of the value last written to it.  Each step writes its
scratch and outputs, after which its inputs must still carry their marks, and so must everything a
later step or the caller reads.  A plan in which two live buffers share a byte cannot pass.  A graph
with states is played twice, so that each is found where, and as, the first run left it.
"""

from __future__ import annotations

import itertools

import numpy as np

from toolkit.errors import ToolkitError
from toolkit.ir import Graph, Node
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, kernel_call
from toolkit.ops.parts.base import view
from toolkit.plan.arena import ArenaPlan


def check_plan(graph: Graph, plan: ArenaPlan) -> ArenaPlan:
    """Return ``plan`` unchanged, or raise `ToolkitError` (internal) at its first violation."""
    player = _Player(graph, plan)
    player.begin()
    for _ in range(2 if graph.states else 1):
        player.play()
    return plan


class _Player:
    def __init__(self, graph: Graph, plan: ArenaPlan) -> None:
        self._graph, self._plan = graph, plan
        self._marks = np.zeros(plan.arena_bytes, np.int64)
        self._mark_of: dict[str, int] = {}
        self._fresh = itertools.count(1)

    def begin(self) -> None:
        for state in self._graph.states:
            self._write(state.read, self._tensor(state.read))

    def play(self) -> None:
        graph = self._graph
        for name in graph.free_inputs:
            self._write(name, self._tensor(name))
        for name in graph.inputs:
            self._read(name, self._tensor(name), "the caller")
        for node in graph.nodes:
            self._step(node)
        for name in graph.outputs:
            self._read(name, self._tensor(name), "the caller")
        for state in graph.states:
            if self._tensor(state.write) != self._tensor(state.read):
                raise ToolkitError(
                    f"memory plan: state {state.read!r} is not left where the next step finds it."
                )
            self._mark_of[state.read] = self._mark_of[state.write]

    def _step(self, node: Node) -> None:
        graph, label = self._graph, f"step {node.name!r}"
        reads = [n for n in node.inputs if n is not None and not graph.tensors[n].is_constant]
        if OPERATORS[node.op].is_alias:
            self._alias(reads[0], node.outputs[0], label)
            return
        ranges = {name: self._tensor(name) for name in (*reads, *node.outputs)}
        variant = self._plan.variants.get(node.name, PORTABLE)
        scratch_bytes = kernel_call(view(graph, node), variant).scratch_bytes
        if scratch_bytes:
            offset = self._plan.scratch_offsets.get(node.name)
            ranges["<scratch>"] = self._range("scratch of " + label, offset, scratch_bytes)
            self._write("<scratch>", ranges["<scratch>"])
        for name in node.outputs:
            self._write(name, ranges[name])
        for name, where in ranges.items():
            self._read(name, where, label)

    def _tensor(self, name: str) -> slice:
        offset = self._plan.tensor_offsets.get(name)
        return self._range(f"tensor {name!r}", offset, self._graph.tensors[name].size_bytes)

    def _range(self, label: str, offset: int | None, size: int) -> slice:
        if offset is None:
            raise ToolkitError(f"memory plan: {label} has no place.")
        if offset % self._plan.alignment_bytes:
            raise ToolkitError(
                f"memory plan: {label} must begin at a multiple of "
                f"{self._plan.alignment_bytes}; got {offset}."
            )
        if offset < 0 or offset + size > self._plan.arena_bytes:
            raise ToolkitError(
                f"memory plan: {label} must lie in 0..{self._plan.arena_bytes}; "
                f"got {offset}..{offset + size}."
            )
        return slice(offset, offset + size)

    def _alias(self, source: str, output: str, label: str) -> None:
        if self._tensor(source) != self._tensor(output):
            raise ToolkitError(f"memory plan: {label} must leave its input where it is.")
        self._mark_of[output] = self._mark_of[source]
        self._read(output, self._tensor(output), label)

    def _write(self, name: str, where: slice) -> None:
        self._mark_of[name] = mark = next(self._fresh)
        self._marks[where] = mark

    def _read(self, name: str, where: slice, reader: str) -> None:
        if (self._marks[where] != self._mark_of[name]).any():
            raise ToolkitError(
                f"memory plan: {name!r} is overwritten before {reader} is done with it."
            )
