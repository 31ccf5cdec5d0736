"""The stages of a streamed network.

A stage is a node that reads rows and makes ``group`` of them at a time, most stages one.  Once a
frame is in, every stage runs in graph order, as soon as the last input row that it needs is there
and at most as often as rows can come.  When the clip ends, passes follow in which rows behind the
last one count as padding, until nothing is left to compute.  Rows that are outputs are taken by the
caller before the next frame or pass.  The generated C does exactly this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.ir import Node
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, PORTABLE_ONLY, Variants, row_call
from toolkit.ops.parts.base import KernelCall, TimeBehaviour, view
from toolkit.ops.parts.rows import RowWindow, row_view
from toolkit.plan.play import Move
from toolkit.plan.time_axis import RowCount, TimeAxis


@dataclass(frozen=True, eq=False)
class Stage:
    """A node that reads rows.  Row counters are numbered: first the inputs', then the stages', in
    order.

    ``inputs`` are the counters whose rows it reads, ``count`` is how many rows it makes (a
    reduction: takes), ``macs`` what one of them costs.  It makes ``group`` rows at a time and runs
    at most ``runs`` times a pass.
    """

    number: int
    node: Node
    behaviour: TimeBehaviour
    window: RowWindow
    inputs: tuple[int, ...]
    count: RowCount
    call: KernelCall
    macs: int
    runs: int

    @property
    def group(self) -> int:
        return self.call.rows

    @property
    def taps(self) -> int:
        """Input rows that a group of output rows reads."""
        return self.window.taps + (self.group - 1) * self.window.stride

    @property
    def reduces(self) -> bool:
        return self.behaviour is TimeBehaviour.REDUCING

    @property
    def move(self) -> Move:
        """What the schedule is played with."""
        return Move(self.number, self.window, self.inputs, self.count, self.group, self.runs)


def find_stages(
    time: TimeAxis, variants: Variants = PORTABLE_ONLY
) -> tuple[tuple[Stage, ...], Mapping[str, int]]:
    """The stages in graph order, and the counter of every tensor with time; an alias shares its
    source's."""
    counters = {name: number for number, name in enumerate(time.inputs)}
    stages: list[Stage] = []
    rows_a_pass = [1 for _ in counters]
    for node in time.graph.nodes:
        behaviour = time.behaviours.get(node.name)
        if behaviour is None:
            continue
        reads = [name for name in node.inputs if name in counters]
        source = reads[0]
        assert source is not None
        operator, node_view = OPERATORS[node.op], view(time.graph, node)
        if operator.is_alias:
            counters[node.outputs[0]] = counters[source]
            continue
        reduces = behaviour is TimeBehaviour.REDUCING
        row = row_view(node_view, behaviour)
        number = len(rows_a_pass)
        window = time.window(node)
        call = row_call(row, behaviour, variants.get(node.name, PORTABLE))
        inputs = tuple(dict.fromkeys(counters[name] for name in reads if name is not None))
        runs = -(-max(rows_a_pass[i] for i in inputs) // (window.stride * call.rows))
        rows_a_pass.append(runs * call.rows)
        stages.append(
            Stage(
                number=number,
                node=node,
                behaviour=behaviour,
                window=window,
                inputs=inputs,
                count=time.counts[source if reduces else node.outputs[0]],
                call=call,
                macs=operator.work(row).macs,
                runs=runs,
            )
        )
        if not reduces:
            counters[node.outputs[0]] = number
    return tuple(stages), counters
