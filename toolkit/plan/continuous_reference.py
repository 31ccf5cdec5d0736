"""What continuous mode computes, in numpy: the standard for the generated C, byte for byte.

The layers before the reductions run once over the whole recording; rows that would need padding
behind its end are left out.  An output is what the reductions, and all behind them, make of the
rows in its window: sums of blocks merge without loss, so blocks do not appear here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.errors import InputError
from toolkit.ir import Graph, Node
from toolkit.ir.cut import prefix_graph
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.rows import with_rows
from toolkit.ops.parts.window import WindowedAttrs
from toolkit.plan.continuous import ContinuousPlan
from toolkit.plan.stream_schedule import Stage
from toolkit.plan.time_axis import retime


def continuous_outputs(plan: ContinuousPlan, frames: Array) -> list[list[Array]]:
    """Outputs ``[hop][output]`` of every hop that has some, for frames ``[n, ...]`` of the input.

    Raises InputError for a recording that ends before the first output.
    """
    first = plan.silent_hops + 1
    hops = len(frames) // plan.hop_frames
    if hops < first:
        raise InputError(
            f"{plan.stream.time.graph.name}: the first output comes after "
            f"{plan.first_output_frames} frames; got {len(frames)}.",
            hint="Give a longer recording.",
        )
    rows = _rows(plan, frames)
    return [_window_outputs(plan, rows, hop) for hop in range(first, hops + 1)]


def _rows(plan: ContinuousPlan, frames: Array) -> dict[str, Array]:
    """Every row that a reduction reads, by tensor."""
    time = plan.stream.time
    missing = max(0, time.min_frames - len(frames))
    padded = np.concatenate([frames, np.zeros((missing, *frames.shape[1:]), frames.dtype)])
    names = [name for stage in plan.stream.reductions for name in _reads(plan, stage)]
    graph = prefix_graph(retime(time, len(padded)), names)
    values = run_graph(graph, {graph.inputs[0]: padded[None]})
    return {name: values[name] for name in names}


def _reads(plan: ContinuousPlan, stage: Stage) -> list[str]:
    """Tensors with time that a reduction reads."""
    counts = plan.stream.time.counts
    return [name for name in stage.node.inputs if name is not None and name in counts]


def _window_outputs(plan: ContinuousPlan, rows: dict[str, Array], hops: int) -> list[Array]:
    """The outputs when ``hops`` hops have ended."""
    tail, values = plan.stream.finish_graph, {}
    for stage in plan.stream.reductions:
        first, last = plan.reduced_rows(stage, hops)
        reads = _reads(plan, stage)
        graph = _alone(plan.stream.time.graph, stage.node, reads, last - first)
        output = stage.node.outputs[0]
        values[output] = run_graph(graph, {n: rows[n][:, first:last] for n in reads})[output]
    done = run_graph(tail, {name: values[name] for name in tail.inputs})
    return [done[name] for name in tail.outputs]


def _alone(graph: Graph, node: Node, reads: list[str], rows: int) -> Graph:
    """A reduction by itself, over so many rows."""
    attrs = node.attrs
    if isinstance(attrs, WindowedAttrs):
        attrs = replace(attrs, window=replace(attrs.window, kernel_h=rows, stride_h=rows))
    tensors = {n: with_rows(t, rows) if n in reads else t for n, t in graph.tensors.items()}
    alone = replace(node, attrs=attrs)
    return replace(
        graph,
        tensors=tensors,
        nodes=(alone,),
        inputs=tuple(dict.fromkeys(reads)),
        outputs=alone.outputs,
    )
