"""What layers of a plan share: the code of kernels that are specialised on a shape, and constants.

Kernels for particular cores are inlined with constant parameters.  Where several layers differ in
their arrays alone, one function takes those from the layer, and the rest is constant.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall

#: Layers that share a function, by their places among a plan's calls.
Groups = tuple[tuple[int, ...], ...]


def shared_code(calls: Sequence[KernelCall], stages: int = 0) -> Groups:
    """The groups of two or more layers that share a kernel's code, in the order of their first
    layers; the first ``stages`` calls run row by row, which is other code than on whole tensors."""
    alike: dict[Hashable, list[int]] = {}
    for place, call in enumerate(calls):
        if call.inlined:
            alike.setdefault((place < stages, _shape(call)), []).append(place)
    return tuple(tuple(places) for places in alike.values() if len(places) > 1)


def _shape(call: KernelCall) -> Hashable:
    """What calls of the same code have in common; the kernel's name implies the types."""
    fields = (
        (name, None if isinstance(value, np.ndarray) else int(value))
        for name, value in call.params.items()
    )
    counts = (len(call.inputs), len(call.outputs), call.scratch_bytes > 0)
    return call.kernel, tuple(fields), counts


def constants_bytes(graph: Graph, calls: Iterable[KernelCall]) -> int:
    """Bytes of the constants of calls on tensors of ``graph``, and of what its states begin as; of
    equal ones once."""
    arrays = {_content(array) for call in calls for array in _arrays(graph, call)}
    arrays |= {_content(state.initial) for state in graph.states if state.fill is None}
    return sum(len(data) for _, data in arrays)


def _arrays(graph: Graph, call: KernelCall) -> list[Array]:
    read = (graph.tensors[name] for name in call.inputs)
    operands = [tensor.values for tensor in read if tensor.is_constant]
    return operands + [value for value in call.params.values() if isinstance(value, np.ndarray)]


def _content(array: Array) -> tuple[str, bytes]:
    return array.dtype.name, np.ascontiguousarray(array).tobytes()
