"""QuantizeLinear and DequantizeLinear: what a model was quantised with elsewhere (QDQ format).

A pair of them computes nothing in the float graph; its scale and zero point stay on the tensor
(`Tensor.quant`) as int8 parameters.  uint8 becomes int8 exactly, all values and the zero point
lowered by 128.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lower, Lowering, attribute, has_input, no_effect, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.ir import QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import OutputRange

#: Types by ONNX's numbers.
_OUTPUT_DTYPES = {2: np.uint8, 3: np.int8}
_FLOAT = 1
_OPERATOR_FORMAT = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantize", "com.microsoft.Q")


def is_operator_format(node: OnnxNode) -> bool:
    """Whether the operator belongs to another format of quantised models."""
    return str(node.op).startswith(_OPERATOR_FORMAT)


def quantize_linear(low: Lowering, node: OnnxNode) -> str:
    """QuantizeLinear of a computed value: the value, with parameters on its tensor.

    Quantisers drop a ReLU whose work the clamp at the zero point does; it is put back, because
    without it the float graph is another network.
    """
    quant = _params(low, node)
    if quant.axis is not None or len(quant.scale) > 1:
        raise unsupported(node, "activations quantised per channel", hint="Use one scale a tensor.")
    x = _clamped(low, node, low.value(node.inputs[0]), quant)
    if low.builder.tensors[x].quant not in (None, quant):  # a second one, of other parameters
        x = low.append("quantize", [x], None, node)
    low.set_quant(x, quant)
    return x


def dequantize_linear(low: Lowering, node: OnnxNode) -> str:
    """DequantizeLinear of a computed value, which must undo its QuantizeLinear."""
    x = low.value(node.inputs[0])
    have, quant = low.builder.tensors[x].quant, _params(low, node)
    if have is not None and not has_input(node, 2):
        quant = replace(quant, zero_point=have.zero_point)
    if have != quant:
        found = "nothing" if have is None else f"({have.tensor_scale:g}, {have.tensor_zero_point})"
        raise unsupported(
            node,
            f"scale and zero point must be those its input was quantised with; ({quant.scale[0]:g},"
            f" {quant.zero_point[0]}) follow {found}",
            hint="Quantise float inputs inside the model.",
        )
    return x


def fold(low: Lowering, node: OnnxNode) -> Array | None:
    """The value of a quantised constant (weights, bias), its parameters filed in ``low.quants``;
    None for anything else."""
    if node.op not in LOWERINGS or node.inputs[0] not in low.constants:
        return None
    values, output = low.constants[node.inputs[0]], node.outputs[0]
    scale, zero, dtype = _stored(low, node)
    axis = attribute(node, "axis", int, 1) % max(values.ndim, 1)
    spread = [1] * values.ndim
    if scale.size > 1:
        spread[axis] = -1
    scale, zero = scale.reshape(spread), zero.reshape(spread)
    if node.op == "QuantizeLinear":
        limits = np.iinfo(dtype)
        scaled = np.rint(values.astype(np.float32) / scale) + zero
        stored: Array = np.clip(scaled, limits.min, limits.max).astype(dtype)
        return stored
    low.quants[output] = replace(_params(low, node), axis=axis if scale.size > 1 else None)
    return np.asarray((values.astype(np.float64) - zero) * scale, np.float32)


def _params(low: Lowering, node: OnnxNode) -> QuantParams:
    """Parameters of a node in terms of int8 (int32 where the constant is)."""
    scale, zero, dtype = _stored(low, node)
    shift = 128 if dtype == np.uint8 else 0
    zeros = tuple(int(z) - shift for z in zero)
    return QuantParams(tuple(float(s) for s in scale), zeros, None if len(scale) == 1 else 0)


def _stored(low: Lowering, node: OnnxNode) -> tuple[Array, Array, type]:
    """Scales (float32) and zero points as the file has them, and the integer type."""
    if attribute(node, "block_size", int, 0):
        raise unsupported(node, "quantisation in blocks", hint="Use a scale a tensor or a channel.")
    scale = low.constant(node, 1).astype(np.float32).reshape(-1)
    if not (scale.size and np.isfinite(scale).all() and (scale > 0).all()):
        raise ModelError(f"node {node.name!r} ({node.op}): scales must be positive.")
    no_effect(node, "saturate")  # of 8-bit floating point
    if scale.size == 1:
        no_effect(node, "axis")
    zero, dtype = _zero_points(low, node, scale.size)
    is_bias = node.op == "DequantizeLinear" and node.inputs[0] in low.constants and not zero.any()
    if dtype not in _OUTPUT_DTYPES.values() and not is_bias:
        raise unsupported(
            node, "only 8-bit quantisation is kept", hint="Quantise to int8 or uint8."
        )
    if zero.size != scale.size:
        raise ModelError(
            f"node {node.name!r} ({node.op}): {scale.size} scales, {zero.size} zero points."
        )
    return scale, zero.astype(np.int64), dtype


def _zero_points(low: Lowering, node: OnnxNode, count: int) -> tuple[Array, type]:
    """Zero points, ``count`` zeros where the file has none, and the type of the integers."""
    wanted = attribute(node, "output_dtype", int, 0)
    dequantizes = node.op == "DequantizeLinear"
    if dequantizes and wanted not in (0, _FLOAT):
        raise unsupported(node, f"output_dtype {wanted}", hint="Dequantise to float32.")
    if has_input(node, 2):
        zero = low.constant(node, 2).reshape(-1)
        if not dequantizes and wanted and _OUTPUT_DTYPES.get(wanted) != zero.dtype.type:
            raise unsupported(node, f"output_dtype {wanted} beside a zero point of {zero.dtype}")
        return zero, zero.dtype.type
    zero = np.zeros(count, np.int64)
    if not dequantizes:
        return zero, _OUTPUT_DTYPES.get(wanted or 2, np.int64)
    constant = low.constants.get(node.inputs[0] or "")
    return zero, _OUTPUT_DTYPES[2] if constant is None else constant.dtype.type


def _clamped(low: Lowering, node: OnnxNode, x: str, quant: QuantParams) -> str:
    """``x`` through the ReLU that the parameters stand for: its range begins at 0, and the
    operator before can take an activation."""
    maker = low.maker(low.source(x))
    if quant.tensor_zero_point != -128 or maker is None:
        return x
    fusable = getattr(maker.attrs, "activation", None) is Activation.NONE
    if not fusable or OPERATORS[maker.op].output_range is not OutputRange.CALIBRATED:
        return x
    # A range that ends at 6 to within half a step is that of a dropped ReLU6.
    op = "relu6" if abs(6.0 / quant.tensor_scale - 255) <= 0.5 else "relu"
    same = (n.outputs[0] for n in low.builder.nodes if n.op == op and n.inputs == (x,))
    have = next((y for y in same if low.builder.tensors[y].quant == quant), None)
    return have or low.append(op, [x], None, node)


LOWERINGS: dict[str, Lower] = {
    "DequantizeLinear": dequantize_linear,
    "QuantizeLinear": quantize_linear,
}
