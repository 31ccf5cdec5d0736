"""Float graph and ranges to an integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.ir import DType, Graph, GraphBuilder, Node, QuantParams, State, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.tensor import Array
from toolkit.ir.tensor import quantize as quantize_values
from toolkit.ops import OPERATORS
from toolkit.ops.attention_pool import AttentionPoolAttrs, weight_table
from toolkit.ops.numerics.int16 import BIAS_TYPES
from toolkit.ops.parts.base import NodeView, OutputRange, view
from toolkit.ops.parts.recurrent import Recurrent
from toolkit.quantize.groups import scale_groups
from toolkit.quantize.parameters import (
    activation_params,
    kept_weight_params,
    quantize_bias,
    quantize_weights,
    weight_params,
)
from toolkit.quantize.ranges import Ranges
from toolkit.quantize.recurrent import binary_limits, recurrent_constants
from toolkit.quantize.wide import is_binary16

#: Widening int8 by this factor is exact: |q - zero_point| * 128 stays below 2**15.
_WIDENING = 128

#: Share of its observed range by which a model's output may leave it at either end.  Inside the
#: network a clipped outlier is one of many summands; at the output it is the answer, and clips
#: that calibration has not heard do go further.
OUTPUT_HEADROOM = 0.25

#: 16 bits have resolution to spare: their range is this many times what was observed, so that
#: nothing that calibration has not heard is clipped.
WIDE_HEADROOM = 4.0


def quantize(graph: Graph, ranges: Ranges, wide: frozenset[str] = frozenset()) -> Graph:
    """The int8 form of a float graph; activations named in ``wide`` are int16.

    Graph inputs and outputs are int8, states what they become.  Where an operator's activations
    differ in type or scale from what it takes, a `quantize` node stands between.  Raises InputError
    when ``ranges`` lacks an activation.  Tensors that bring parameters (`Tensor.quant`, from a QDQ
    model) keep them where TFLite's rules allow; `given.changes` tells where not.
    """
    return _Quantizer(graph, _plan(graph, ranges, wide)).run()


@dataclass(frozen=True)
class _Plan:
    """Type, parameters and range of every activation, and the ``ranges`` that they come of."""

    dtypes: Mapping[str, DType]
    params: Mapping[str, QuantParams]
    limits: Mapping[str, tuple[float, float]]
    ranges: Ranges


def _plan(graph: Graph, ranges: Ranges, wide: frozenset[str]) -> _Plan:
    groups = scale_groups(graph, wide)
    dtypes = {name: DType.INT16 if name in wide else DType.INT8 for name in groups}
    fixed = _fixed_params(graph, groups, dtypes)
    stated = _stated(graph, groups, fixed)
    given = {root: quants[0] for root, quants in stated.items() if dtypes[root] is DType.INT8}
    limits = {}
    for root, members in _members(groups).items():
        known = [_span(quant, DType.INT8) for quant in stated.get(root, ())]
        known = known or [ranges.limits[name] for name in members if name in ranges.limits]
        if not known:
            known = [_span(fixed[root], dtypes[root]) if root in fixed else ranges.of(root)]
        limits[root] = (min(low for low, _ in known), max(high for _, high in known))
        if root in given:
            limits[root] = _span(given[root], dtypes[root])
        elif not set(members).isdisjoint(graph.free_outputs):
            limits[root] = _with_headroom(*limits[root])
    binary = {groups[node.outputs[0]] for node in graph.nodes if is_binary16(node.op)}
    for root in binary:
        limits[root] = binary_limits(*limits[root], WIDE_HEADROOM)
    params = {
        name: fixed.get(root) or given.get(root) or _activation_params(limits[root], dtypes[name])
        for name, root in groups.items()
    }
    spans = {name: limits[root] for name, root in groups.items()}
    for name in spans:  # hidden states are read apart from the cells beside them
        if groups[name] in binary and name in ranges.limits:
            spans[name] = ranges.limits[name]
    return _Plan(dtypes, params, spans, ranges)


def _stated(
    graph: Graph, groups: Mapping[str, str], fixed: Mapping[str, QuantParams]
) -> dict[str, list[QuantParams]]:
    """By group, what a QDQ model states, from the inputs on: who shares parameters follows the
    first."""
    found: dict[str, list[QuantParams]] = {}
    for name in (*graph.inputs, *(output for node in graph.nodes for output in node.outputs)):
        quant, root = graph.tensors[name].quant, groups[name]
        if quant is not None and root not in fixed:
            found.setdefault(root, []).append(quant)
    return found


def _fixed_params(
    graph: Graph, groups: Mapping[str, str], dtypes: Mapping[str, DType]
) -> dict[str, QuantParams]:
    """By group, of the operators whose outputs have the same scale whatever they hold."""
    found = {}
    for node in graph.nodes:
        operator, (output,) = OPERATORS[node.op], node.outputs
        if operator.output_range is OutputRange.FIXED:
            scale, zero = operator.fixed_quant(view(graph, node), dtypes[output])
            found[groups[output]] = QuantParams.per_tensor(scale, zero)
    return found


def _members(groups: Mapping[str, str]) -> dict[str, list[str]]:
    """The tensors of each group."""
    found: dict[str, list[str]] = {}
    for name, root in groups.items():
        found.setdefault(root, []).append(name)
    return found


def _activation_params(limits: tuple[float, float], dtype: DType) -> QuantParams:
    room = WIDE_HEADROOM if dtype is DType.INT16 else 1.0
    return activation_params(room * limits[0], room * limits[1], dtype)


def _span(params: QuantParams, dtype: DType) -> tuple[float, float]:
    """All that parameters can express."""
    low, high = ((q - params.tensor_zero_point) * params.tensor_scale for q in dtype.limits)
    return low, high


def _limits(values: Array) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _with_headroom(low: float, high: float) -> tuple[float, float]:
    """A wider range; an end at exactly 0 is a rectifier's and stays."""
    room = OUTPUT_HEADROOM * (high - low)
    return (low - room if low else 0.0, high + room if high else 0.0)


class _Quantizer:
    """Builds the integer graph node by node."""

    def __init__(self, graph: Graph, plan: _Plan) -> None:
        self.graph, self.plan = graph, plan
        self.builder = GraphBuilder(graph.name, graph.metadata)
        self.names: dict[str, str] = {}  # float tensor to integer tensor
        self.converted: dict[tuple[str, DType, QuantParams], str] = {}

    def run(self) -> Graph:
        graph, builder = self.graph, self.builder
        for name in graph.inputs:
            self.names[name] = builder.add_input(self._tensor(name))
        for node in graph.nodes:
            self._node(node)
        builder.outputs = [self._output(name) for name in graph.free_outputs]
        for state in graph.states:
            builder.states.append(self._state(state))
            builder.outputs.append(builder.states[-1].write)
        return check_graph(builder.build(), "quantize")

    def _state(self, state: State) -> State:
        """The integer form of a state, which is what it is read as."""
        read = self.builder.tensors[self.names[state.read]]
        assert read.quant is not None
        write = self._convert(state.write, read.dtype, read.quant)
        return State(read.name, write, quantize_values(state.initial, read.quant, read.dtype))

    def _tensor(self, name: str) -> Tensor:
        dtype, quant = self.plan.dtypes[name], self.plan.params[name]
        return replace(self.graph.tensors[name], dtype=dtype, quant=quant)

    def _node(self, node: Node) -> None:
        operator, (output,) = OPERATORS[node.op], node.outputs
        inputs: list[str | None] = []
        if isinstance(operator, Recurrent):
            self._recurrent(node, operator)
            return
        for index, name in enumerate(node.inputs):
            if operator.weight_input is not None and index >= operator.weight_input:
                break
            inputs.append(None if name is None else self._operand(node, name))
        if operator.weight_input is not None:
            inputs += self._weights(node, inputs[0])
        if isinstance(node.attrs, AttentionPoolAttrs):
            assert inputs[1] is not None
            logits = self.builder.tensors[inputs[1]]
            table = weight_table(logits.scale, logits.zero_point, node.attrs.weights)
            inputs.append(self.builder.constant(f"{node.name}.table", table))
        tensor = self._tensor(output)
        tensors = tuple(None if name is None else self.builder.tensors[name] for name in inputs)
        op, attrs = operator.integer_form(NodeView(node, tensors, (tensor,), node.attrs))
        self.names[output] = self.builder.add_node(
            op, inputs, self._named(tensor), attrs, node.name
        )

    def _recurrent(self, node: Node, operator: Recurrent[Any]) -> None:
        """A recurrent layer: its constants and what is inside follow from input and output."""
        (output,) = node.outputs
        source = self._operand(node, node.inputs[0] or "")
        made = self._tensor(output)
        inner = {name: self.plan.ranges.of(f"{output}/{name}") for name in operator.inner}
        attrs = operator.calibrated(node.attrs, inner, made)
        made = self._named(made)
        scales = {"input": self.builder.tensors[source].scale}
        scales["state"] = operator.state_scale(attrs, made)
        constants = recurrent_constants(self.graph, node, operator, attrs, made, scales)
        inputs = [
            None if tensor is None else self.builder.add_tensor(tensor) for tensor in constants
        ]
        for index in operator.computed_states(view(self.graph, node)):
            scale, zero, dtype = operator.initial_quant(attrs, index, made)
            quant = QuantParams.per_tensor(scale, zero)
            inputs[index - 1] = self._convert(node.inputs[index] or "", dtype, quant)
        self.names[output] = self.builder.add_node(
            node.op, [source, *inputs], made, attrs, node.name
        )

    def _named(self, tensor: Tensor) -> Tensor:
        """The tensor of a node's output, under another name where the model's output is int8."""
        if tensor.name in self.graph.free_outputs and tensor.dtype is not DType.INT8:
            return replace(tensor, name=f"{tensor.name}@{tensor.dtype.value}")
        return tensor

    def _operand(self, node: Node, name: str) -> str:
        """The integer tensor a node reads in place of the float tensor ``name``."""
        (output,) = node.outputs
        dtype = DType.INT8 if OPERATORS[node.op].reads_int8 else self.plan.dtypes[output]
        tensor = self.graph.tensors[name]
        if tensor.data is not None:
            dtype = DType.INT8 if OPERATORS[node.op].int8_constants else dtype
            quant = tensor.quant if dtype is DType.INT8 else None
            if OPERATORS[node.op].one_scale:
                quant = self.plan.params[output]
            quant = quant or activation_params(*_limits(tensor.data), dtype)
            return self.builder.constant(name, quantize_values(tensor.data, quant, dtype), quant)
        if OPERATORS[node.op].one_scale:
            return self._convert(name, dtype, self.plan.params[output])
        have = self.builder.tensors[self.names[name]]
        any_width = OPERATORS[node.op].reads_any_width and dtype is DType.INT16
        if have.dtype is dtype or any_width:
            return have.name
        if dtype is DType.INT16:
            return self._convert(name, dtype, QuantParams.per_tensor(have.scale / _WIDENING, 0))
        return self._convert(name, dtype, self._int8_params(name))

    def _int8_params(self, name: str) -> QuantParams:
        """Parameters of an int16 activation's int8 form."""
        given = self.graph.tensors[name].quant
        return given or activation_params(*self.plan.limits[name], DType.INT8)

    def _convert(self, name: str, dtype: DType, quant: QuantParams) -> str:
        """The tensor in another type or scale, through a `quantize` node where it differs."""
        have = self.builder.tensors[self.names[name]]
        if (have.dtype, have.quant) == (dtype, quant):
            return have.name
        key = (name, dtype, quant)
        if key not in self.converted:
            tensor = Tensor(f"{name}@{dtype.value}", have.shape, dtype, quant)
            self.converted[key] = self.builder.add_node("quantize", [have.name], tensor)
        return self.converted[key]

    def _weights(self, node: Node, source: str | None) -> list[str | None]:
        operator = OPERATORS[node.op]
        assert operator.weight_input is not None and source is not None
        x = self.builder.tensors[source]
        bias = self._bias(node)
        name = node.inputs[operator.weight_input]
        assert name is not None
        weights = self.graph.tensors[name].values
        params = kept_weight_params(self.graph.tensors[name].quant, bias, x.scale) or weight_params(
            weights, operator.weight_axis, bias, x.scale
        )
        result: list[str | None] = [
            self.builder.constant(name, quantize_weights(weights, params), params)
        ]
        if bias is not None:
            values, quant = quantize_bias(bias, params, x.scale, BIAS_TYPES[x.dtype])
            result.append(self.builder.constant(f"{name}.bias", values, quant))
        return result

    def _bias(self, node: Node) -> Array | None:
        index = OPERATORS[node.op].bias_input
        name = node.inputs[index] if index is not None and index < len(node.inputs) else None
        return None if name is None else np.asarray(self.graph.tensors[name].values)

    def _output(self, name: str) -> str:
        have = self.builder.tensors[self.names[name]]
        if have.dtype is DType.INT8:
            return have.name
        tensor = Tensor(name, have.shape, DType.INT8, self._int8_params(name))
        return self.builder.add_node("quantize", [have.name], tensor)
