"""Lowering of LSTM and GRU: loops over an axis of their input, from initial states.

ONNX has time in front, ``[steps, batch, values]``; ours goes along any axis, with time as axis 1.
One sequence becomes ``[1, steps, values]``.  Several, as of a network that runs along frequency
within each frame, keep the order that they came in: ``[1, batch, steps, values]`` behind a
transpose, else ``[1, steps, batch, values]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.frontend.lowering import Lower, Lowering, attribute, has_input, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ir.tensor import Array
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.gru import GruAttrs
from toolkit.ops.parts.lstm_cell import LstmAttrs
from toolkit.ops.strided_slice import WHOLE, Range, StridedSliceAttrs
from toolkit.ops.transpose import TransposeAttrs

_ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_SEQUENCE_LENS, _HIDDEN, _CELL, _PEEPHOLES = 4, 5, 6, 7
#: Of ONNX's gates input, output, forget, cell: where TFLite's input, forget, cell, output are.
_TFLITE_ORDER = (0, 2, 3, 1)


@dataclass(frozen=True, eq=False)
class _Source:
    """The activation in our form, and the axis that the loop runs along."""

    tensor: str
    axis: int
    steps: int
    batch: int


def lstm(low: Lowering, node: OnnxNode) -> str:
    """LSTM with the usual activations; peepholes, clipping and coupled gates are refused."""
    if attribute(node, "input_forget", int, 0):
        raise unsupported(node, "coupled input and forget gates (input_forget) are not supported")
    if has_input(node, _PEEPHOLES) and np.any(low.constant(node, _PEEPHOLES)):
        raise unsupported(node, "peepholes (input P) are not supported")
    _require_plain(low, node)
    source, units = _source(low, node), attribute(node, "hidden_size", int, 0)
    weights, recurrent, biases = _matrices(low, node, 4)
    if _is_begun(low, node):
        parts = [_gates(part[0], 4) for part in (weights, recurrent, biases)]
        constants = [_constant(low, node, part[gate]) for part in parts for gate in _TFLITE_ORDER]
        return _begun_lstm(low, node, source, constants)
    states = [_initial(low, node, index, source.batch, units) for index in (_HIDDEN, _CELL)]
    outputs = []
    for way, reverse in enumerate(_ways(node)):
        begin = [np.zeros(1) if state is None else state[way].reshape(-1) for state in states]
        gates = [_gates(part[way], 4) for part in (weights, recurrent, biases)]
        ordered = [part[gate] for part in gates for gate in _TFLITE_ORDER]
        attrs = LstmAttrs(source.axis, reverse)
        plain = source.batch == 1 and not reverse and not any(map(np.any, begin))
        constants = [_constant(low, node, values) for values in ordered]
        inputs = [source.tensor, *constants[:8], None, None, None, *constants[8:]]
        if not plain and any(map(np.any, begin)):
            size = (source.batch * units,)
            inputs += [_constant(low, node, np.broadcast_to(state, size)) for state in begin]
        outputs.append(low.append("lstm" if plain else "lstm_custom", inputs, attrs, node))
    return _ended(low, node, source, outputs)


def _is_begun(low: Lowering, node: OnnxNode) -> bool:
    """Whether a state of an LSTM comes from outside, or its cell is used outside."""
    given = (node.inputs[i] for i in (_HIDDEN, _CELL) if has_input(node, i))
    cell = node.outputs[2] if len(node.outputs) > 2 else ""
    return any(name not in low.constants for name in given) or bool(cell and low.is_used(cell))


def _begun_lstm(low: Lowering, node: OnnxNode, source: _Source, constants: Sequence[str]) -> str:
    """An LSTM that gives hidden states and cells, [1, steps, 2 * batch, units]."""
    if _ways(node) != (False,):
        raise unsupported(node, "computed states, or a cell outside, backwards are not supported")
    source = _sequences_inside(low, source)
    units, batch = low.tensor_shape(constants[4])[0], source.batch
    zeros = np.zeros((1, batch, units), np.float32)
    states = [
        low.value(node.inputs[index]) if has_input(node, index) else _constant(low, node, zeros)
        for index in (_HIDDEN, _CELL)
    ]
    inputs = [source.tensor, *constants[:8], None, None, None, *constants[8:], *states]
    both = low.append("lstm_begun", inputs, LstmAttrs(), node)
    for index, first in ((1, 0), (2, batch)):
        name = node.outputs[index] if index < len(node.outputs) else ""
        if name and low.is_used(name):
            last = _cut(low, node, both, (-1, None, 1), (first, first + batch, 1))
            low.values[name] = low.reshape(last, (1, batch, units))
    hidden = _cut(low, node, both, WHOLE, (0, batch, 1))
    if batch > 1:
        return low.reshape(hidden, (source.steps, 1, batch, units))
    rows = low.transpose(low.reshape(hidden, (1, source.steps, units)), (1, 0, 2))
    return low.reshape(rows, (source.steps, 1, 1, units))


def _cut(low: Lowering, node: OnnxNode, both: str, steps: Range, sequences: Range) -> str:
    """A part of hidden states and cells."""
    attrs = StridedSliceAttrs((WHOLE, steps, sequences, WHOLE))
    return low.append("strided_slice", [both], attrs, node)


def gru(low: Lowering, node: OnnxNode) -> str:
    """GRU with the usual activations, the reset gate before or after its matrix."""
    after = bool(attribute(node, "linear_before_reset", int, 0))
    _require_plain(low, node)
    source, units = _source(low, node), attribute(node, "hidden_size", int, 0)
    weights, recurrent, biases = _matrices(low, node, 3)
    computed = has_input(node, _HIDDEN) and node.inputs[_HIDDEN] not in low.constants
    state = None if computed else _initial(low, node, _HIDDEN, source.batch, units)
    source = _sequences_inside(low, source) if computed else source
    outputs = []
    for way, reverse in enumerate(_ways(node)):
        begin = None if state is None else state[way].reshape(-1)
        if begin is not None and np.abs(begin).max() > 1:
            raise unsupported(node, "an initial state beyond [-1, 1] is not supported")
        both = np.split(biases[way], 2)
        parts = (weights[way], recurrent[way], *both)
        inputs = [source.tensor, *(_constant(low, node, values) for values in parts)]
        if begin is not None and begin.any():
            inputs.append(_constant(low, node, begin))
        if computed:
            inputs.append(_computed(low, node, way))
        outputs.append(low.append("gru", inputs, GruAttrs(source.axis, reverse, after), node))
    return _ended(low, node, source, outputs)


def _require_plain(low: Lowering, node: OnnxNode) -> None:
    """Refuse what changes the cell's equations or the steps of a sequence."""
    if "clip" in node.attrs and attribute(node, "clip", float, 0.0):
        raise unsupported(node, "clipping inside the cell (clip) is not supported")
    given = attribute(node, "activations", tuple, ())
    usual = _ACTIVATIONS[node.op] * len(_ways(node))
    names = tuple(map(str, given))
    if names and tuple(map(str.lower, names)) != tuple(map(str.lower, usual)):
        raise unsupported(
            node, f"activations {', '.join(names)} are not supported, only {', '.join(usual)}"
        )
    if attribute(node, "layout", int, 0):
        raise unsupported(node, "layout 1 (batch first) is not supported", "Export with layout 0.")
    if has_input(node, _SEQUENCE_LENS):
        steps, batch, _ = low.shape(node.inputs[0])
        lengths = low.constants.get(node.inputs[_SEQUENCE_LENS])
        if lengths is None or lengths.size != batch or (lengths != steps).any():
            raise unsupported(node, "sequence_lens (sequences of unequal length) are not supported")


def _ways(node: OnnxNode) -> tuple[bool, ...]:
    """Of each direction, whether it is from the end."""
    direction = attribute(node, "direction", str, "forward")
    if direction not in _DIRECTIONS:
        raise unsupported(node, f"direction {direction!r} is unknown")
    return _DIRECTIONS[direction]


def _source(low: Lowering, node: OnnxNode) -> _Source:
    tensor = low.value(node.inputs[0])
    steps, batch, values = low.tensor_shape(tensor)
    if batch == 1:
        return _Source(low.transpose(tensor, (1, 0, 2)), 1, steps, 1)
    maker = low.maker(tensor)
    if maker is not None and maker.attrs == TransposeAttrs((1, 0, 2)):
        before = maker.inputs[0] or ""
        return _Source(low.reshape(before, (1, batch, steps, values)), 2, steps, batch)
    return _Source(low.reshape(tensor, (1, steps, batch, values)), 1, steps, batch)


def _matrices(low: Lowering, node: OnnxNode, gates: int) -> tuple[Array, Array, Array]:
    """Matrices of input and state of each direction, and both biases ``[directions, 2 * rows]``
    (an LSTM's in one: ``[directions, rows]``)."""
    weights, recurrent = (low.floats(low_name(low, node, index)) for index in (1, 2))
    ways, rows, units = recurrent.shape
    if weights.shape[:2] != (ways, rows) or rows != gates * units or ways != len(_ways(node)):
        raise ValueError(f"matrices {list(weights.shape)} and {list(recurrent.shape)}")
    if units != attribute(node, "hidden_size", int, units):
        raise ValueError(f"{units} units; hidden_size says otherwise")
    given = low.optional(node, 3)
    both = np.zeros((ways, 2 * rows), np.float32) if given is None else given
    if node.op == "LSTM":
        both = both[:, :rows] + both[:, rows:]
    return weights, recurrent, both


def low_name(low: Lowering, node: OnnxNode, index: int) -> str:
    low.constant(node, index)
    return node.inputs[index]


def _gates(values: Array, gates: int) -> list[Array]:
    return np.split(values, gates)


def _initial(low: Lowering, node: OnnxNode, index: int, batch: int, units: int) -> Array | None:
    """The constant initial state ``[directions, batch, units]``; None: zeros."""
    if not has_input(node, index):
        return None
    state = low.constant(node, index)
    if state.shape != (len(_ways(node)), batch, units):
        raise ValueError(f"an initial state {list(state.shape)}")
    return state


def _sequences_inside(low: Lowering, source: _Source) -> _Source:
    """The activation with steps in front of the sequences, each of which has a state."""
    if source.axis == 1:
        return source
    turned = low.transpose(source.tensor, (0, 2, 1, 3))
    return _Source(turned, 1, source.steps, source.batch)


def _computed(low: Lowering, node: OnnxNode, way: int) -> str:
    """The initial state of a direction, [1, batch, units]."""
    states = low.value(node.inputs[_HIDDEN])
    if len(_ways(node)) == 1:
        return states
    ranges = ((way, way + 1, 1), WHOLE, WHOLE)
    return low.append("strided_slice", [states], StridedSliceAttrs(ranges), node)


def _constant(low: Lowering, node: OnnxNode, values: Array) -> str:
    data = np.ascontiguousarray(values, np.float32)
    return low.builder.constant(f"{node.name or node.outputs[0]}@constant", data)


def _ended(low: Lowering, node: OnnxNode, source: _Source, outputs: Sequence[str]) -> str:
    """The layer's outputs as ONNX has them: all steps, and the last one."""
    every, last = node.outputs[0], node.outputs[1] if len(node.outputs) > 1 else ""
    if last and low.is_used(last):
        ends = [_last(low, node, source, o, r) for o, r in zip(outputs, _ways(node), strict=True)]
        low.values[last] = low.join(ends, 0, node)
    if not every:
        return outputs[0]
    joined = outputs[0]
    if len(outputs) > 1:
        rank = len(low.tensor_shape(joined))
        joined = low.append("concatenation", list(outputs), ConcatenationAttrs(rank - 1), node)
    ways, units = len(outputs), low.tensor_shape(outputs[0])[-1]
    if source.axis == 2 or source.batch == 1:  # batch, then steps
        joined = low.reshape(joined, (source.batch, source.steps, ways * units))
        joined = low.transpose(joined, (1, 0, 2))
    if ways == 1:
        return low.reshape(joined, (source.steps, 1, source.batch, units))
    split = low.reshape(joined, (source.steps, source.batch, ways, units))
    return low.transpose(split, (0, 2, 1, 3))


def _last(low: Lowering, node: OnnxNode, source: _Source, tensor: str, reverse: bool) -> str:
    """The step that a direction ends with, ``[1, batch, units]``."""
    shape = low.tensor_shape(tensor)
    ranges = [WHOLE] * len(shape)
    ranges[source.axis] = (0, 1, 1) if reverse else (-1, None, 1)
    step = low.append("strided_slice", [tensor], StridedSliceAttrs(tuple(ranges)), node)
    return low.reshape(step, (1, source.batch, shape[-1]))


LOWERINGS: dict[str, Lower] = {"GRU": gru, "LSTM": lstm}
