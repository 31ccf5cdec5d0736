"""Structural legality, checked after every pass: a broken rewrite is caught where it happens."""

from __future__ import annotations

import numpy as np

from toolkit.errors import ModelError
from toolkit.ir.graph import Graph
from toolkit.ir.tensor import DType, Tensor


def check_graph(graph: Graph, stage: str) -> Graph:
    """Return ``graph`` unchanged, or raise `ModelError` naming ``stage`` and every violation."""
    problems = [*_node_problems(graph), *_tensor_problems(graph), *_state_problems(graph)]
    if problems:
        raise ModelError(
            f"{stage}: {'; '.join(problems[:8])}"
            + (f"; and {len(problems) - 8} more" if len(problems) > 8 else ""),
            hint="The model is malformed; export it again or report it.",
        )
    return graph


def _node_problems(graph: Graph) -> list[str]:
    problems: list[str] = []
    ready = set(graph.inputs) | {t.name for t in graph.tensors.values() if t.is_constant}
    produced: set[str] = set()
    for node in graph.nodes:
        problems += [
            f"node {node.name!r} ({node.op}): input {name!r} is not available before it runs"
            for name in node.inputs
            if name is not None and name not in ready
        ]
        for name in node.outputs:
            if name in produced or name in graph.inputs:
                problems.append(f"tensor {name!r} is written twice")
            if name not in graph.tensors:
                problems.append(f"node {node.name!r} ({node.op}): output {name!r} is undeclared")
            produced.add(name)
        ready.update(node.outputs)
    problems += [f"graph output {name!r} is never produced" for name in set(graph.outputs) - ready]
    problems += [f"graph input {n!r} is undeclared" for n in graph.inputs if n not in graph.tensors]
    if not graph.outputs:
        problems.append("the graph has no outputs")
    return problems


def _tensor_problems(graph: Graph) -> list[str]:
    problems: list[str] = []
    for name, tensor in graph.tensors.items():
        if name != tensor.name:
            problems.append(f"tensor {tensor.name!r} is filed under {name!r}")
        if any(d <= 0 for d in tensor.shape):
            problems.append(f"tensor {name!r}: shape {list(tensor.shape)} is not all positive")
        if tensor.data is not None:
            problems += _constant_problems(tensor)
        problems += _quant_problems(tensor)
    return problems


def _state_problems(graph: Graph) -> list[str]:
    reads, writes = (tuple(getattr(s, end) for s in graph.states) for end in ("read", "write"))
    ends = len(graph.free_inputs), len(graph.free_outputs)
    if (graph.inputs[ends[0] :], graph.outputs[ends[1] :]) != (reads, writes):
        return ["its states do not end its inputs and outputs"]
    problems = []
    for state in graph.states:
        if not {state.read, state.write} <= graph.tensors.keys():
            continue  # reported as undeclared or never produced
        read, write = graph.tensors[state.read], graph.tensors[state.write]
        kinds = [
            (t.shape, t.dtype, t.dtype is not DType.FLOAT32 and t.quant) for t in (read, write)
        ]
        if kinds[0] != kinds[1]:
            problems.append(f"state {read.name!r} becomes {write.name!r}, which is another kind")
        if (state.initial.shape, state.initial.dtype) != (read.shape, read.dtype.numpy):
            problems.append(f"state {read.name!r} begins as another kind")
    return problems


def _constant_problems(tensor: Tensor) -> list[str]:
    data = tensor.values
    if tuple(data.shape) != tensor.shape or data.dtype != tensor.dtype.numpy:
        return [f"constant {tensor.name!r}: data does not match its declared shape or type"]
    if tensor.dtype is DType.FLOAT32 and not np.isfinite(data).all():
        bad = int(np.count_nonzero(~np.isfinite(data)))
        return [f"constant {tensor.name!r}: {bad} of {data.size} values are NaN or infinite"]
    return []


def _quant_problems(tensor: Tensor) -> list[str]:
    quant = tensor.quant
    if quant is None:
        return []
    count = 1 if quant.axis is None else tensor.shape[quant.axis]
    if not (len(quant.scale) == len(quant.zero_point) == count):
        return [f"tensor {tensor.name!r}: {len(quant.scale)} scales for {count} channels"]
    if not all(np.isfinite(s) and s > 0 for s in quant.scale):
        return [f"tensor {tensor.name!r}: scales must be positive and finite"]
    low, high = (DType.INT8 if tensor.dtype is DType.FLOAT32 else tensor.dtype).limits
    if not all(low <= z <= high for z in quant.zero_point):
        return [f"tensor {tensor.name!r}: zero point outside {low}..{high}"]
    return []
