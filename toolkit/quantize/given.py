"""Scales and zero points that a model brought along (QDQ ONNX): kept, or changed for a reason.

They lie on the tensors of the float graph (`Tensor.quant`).  Rewrites drop them where they make
new tensors; `attach` puts them back by name, `changes` lists what became of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from toolkit.ir import DType, Graph, Node, QuantParams, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import OutputRange
from toolkit.quantize.groups import scale_groups
from toolkit.quantize.ranges import Ranges

#: Largest relative difference of scales that float32 arithmetic explains.
_SAME_SCALE = 1e-6

#: What rewrites add to a name (`ir.edit.fresh`).
_RENAMED = re.compile(r"(@\d+)+$")


@dataclass(frozen=True)
class Change:
    """What a tensor's parameters were, what they are now ("" where it is gone), and why."""

    tensor: str
    given: QuantParams
    now: QuantParams | None
    reason: str

    def __str__(self) -> str:
        now = "no tensor of its own" if self.now is None else _text(self.now)
        return f"tensor {self.tensor!r}: {_text(self.given)} became {now}: {self.reason}"


def given_params(graph: Graph) -> dict[str, QuantParams]:
    """Parameters of every tensor that brought some, but for those that only move another's."""
    moved = {n.outputs[0] for n in graph.nodes if n.op in ("transpose", "reshape")}
    return {
        name: tensor.quant
        for name, tensor in graph.tensors.items()
        if tensor.quant is not None and name not in moved
    }


def attach(graph: Graph, imported: Graph) -> Graph:
    """``graph``, an optimised form of ``imported``, with the activations' parameters back."""
    quants = {name: tensor.quant for name, tensor in imported.tensors.items()}
    tensors = {
        name: tensor if tensor.is_constant else replace(tensor, quant=quants.get(name))
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


def is_given(graph: Graph) -> bool:
    """Whether a float graph brings parameters: its weights must not be moved about then."""
    return any(tensor.quant is not None for tensor in graph.tensors.values())


def bounded_ranges(graph: Graph) -> Ranges:
    """Ranges that follow from the operators alone: those of ReLU6."""
    gates = (n for n in graph.nodes if getattr(n.attrs, "activation", None) is Activation.RELU6)
    return Ranges({node.outputs[0]: Activation.RELU6.real_limits for node in gates})


def without_params(graph: Graph) -> tuple[str, ...]:
    """Activations whose parameters only calibration can tell, one of those that share them."""
    groups = scale_groups(graph, frozenset())
    known = {groups[name] for name in groups if graph.tensors[name].quant is not None}
    known |= {groups[name] for name in bounded_ranges(graph).limits}
    for node in graph.nodes:
        if OPERATORS[node.op].output_range is OutputRange.FIXED:
            known.add(groups[node.outputs[0]])
    loose = {root: name for name, root in reversed(groups.items()) if root not in known}
    return tuple(loose.values())


def changes(given: Mapping[str, QuantParams], graph: Graph, quantized: Graph) -> tuple[Change, ...]:
    """What could not be kept of ``given``, the `given_params` of the model as it was imported;
    ``graph`` is its optimised form, ``quantized`` the integer form of that."""
    constants = dict(_constants(graph, quantized))
    found = []
    for name, quant in given.items():
        tensor = quantized.tensors.get(name)
        if name in constants:
            change = constants[name]
            found += [change] if change is not None else []
        elif tensor is None or name not in graph.tensors:
            found.append(Change(name, quant, None, "it was merged into a neighbour"))
        elif tensor.quant != quant:
            found.append(Change(name, quant, tensor.quant, _reason(graph, name, tensor)))
    return tuple(found)


def _reason(graph: Graph, name: str, tensor: Tensor) -> str:
    if tensor.dtype is not DType.INT8:
        return f"it is {tensor.dtype.value}, which --mixed chose"
    groups = scale_groups(graph, frozenset())
    for node in graph.nodes:
        (output,) = node.outputs
        operator = OPERATORS[node.op]
        if groups[output] == groups[name] and operator.output_range is OutputRange.FIXED:
            return f"TFLite fixes the output of {operator.tflite_name}"
    maker = graph.producer(name)
    what = "an operator" if maker is None else OPERATORS[maker.op].tflite_name
    return f"in TFLite the output of {what} has its input's parameters"


def _constants(graph: Graph, quantized: Graph) -> Iterator[tuple[str, Change | None]]:
    """Every constant that brought parameters, by the name it was imported under: None where they
    were kept."""
    after = {node.name: node for node in quantized.nodes}
    for node in graph.nodes:
        for index, name in enumerate(node.inputs):
            quant = None if name is None else graph.tensors[name].quant
            if name is None or quant is None or not graph.tensors[name].is_constant:
                continue
            now = _input_quant(quantized, after.get(node.name), index)
            original = _RENAMED.sub("", name)
            reason = _constant_reason(node, index, quant)
            yield original, None if _same(now, quant) else Change(original, quant, now, reason)


def _input_quant(graph: Graph, node: Node | None, index: int) -> QuantParams | None:
    name = None if node is None else node.inputs[index]
    return None if name is None else graph.tensors[name].quant


def _constant_reason(node: Node, index: int, quant: QuantParams) -> str:
    operator = OPERATORS[node.op]
    if index == operator.bias_input:
        return "in TFLite a bias has the input's scale times the weights'"
    if index != operator.weight_input:
        return "another width stands beside it"
    if any(quant.zero_point):
        return "TFLite's weights are symmetric, with zero point 0"
    return "beside this scale the bias would not fit in 32 bits"


def _same(now: QuantParams | None, given: QuantParams) -> bool:
    if now is None or now.zero_point != given.zero_point:
        return False
    return bool(np.allclose(now.scale, given.scale, rtol=_SAME_SCALE, atol=0))


def _text(quant: QuantParams) -> str:
    if len(quant.scale) > 1:
        return f"{len(quant.scale)} scales from {min(quant.scale):.6g} to {max(quant.scale):.6g}"
    return f"scale {quant.scale[0]:.9g}, zero point {quant.zero_point[0]}"
