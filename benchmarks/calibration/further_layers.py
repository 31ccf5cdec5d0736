"""Tables, normalisations and less common arithmetic to calibrate predictions with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.calibration.layers import INT8, INT16, WIDER, Layers, random_values, unary
from toolkit.ir import DType, Graph, Node, QuantParams, Shape, Tensor
from toolkit.ops.normalization import Normalization, NormalizationAttrs
from toolkit.ops.numerics.functions import formula
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.base import NodeView
from toolkit.ops.parts.reduction import ReductionAttrs
from toolkit.ops.table import Table, TableAttrs
from toolkit.ops.variance import VarianceAttrs

_QUANT = {DType.INT8: INT8, DType.INT16: INT16}
_VARIANCE = QuantParams.per_tensor(0.1, -128)
_OUT = {DType.INT8: QuantParams.per_tensor(0.03, 4), DType.INT16: WIDER}
#: Of a table and of a normalisation: input's and output's type.
_KINDS = ((DType.INT8, DType.INT16), (DType.INT16, DType.INT16), (DType.INT8, DType.INT8))


def further_graph(grids: Sequence[Shape]) -> Graph:
    """One of each on tensors of height, width and channels, independent of each other."""
    layers = Layers("further")
    for grid in grids:
        shape = (1, *grid)
        for kinds in _KINDS:
            if kinds[1] is DType.INT16:
                _own(layers, Table(), TableAttrs(formula("erf")), shape, kinds)
            gains = tuple(float(g) for g in layers.rng.uniform(0.5, 2, grid[2]))
            _own(layers, Normalization(), NormalizationAttrs(True, 1e-5, gains), shape, kinds)
        for dtype in (DType.INT8, DType.INT16):
            pair = [layers.input(shape, _QUANT[dtype], dtype) for _ in range(2)]
            _arithmetic(layers, "maximum", pair, _QUANT[dtype], dtype)
        a = layers.input(shape, INT8)
        b = layers.input(shape, QuantParams.per_tensor(0.03, 7))
        _arithmetic(layers, "squared_difference", [a, b], QuantParams.per_tensor(0.4, -128))
        values = random_values(layers.rng, grid[2:], DType.INT8)
        slopes = layers.builder.constant("slopes", values, QuantParams.per_tensor(0.003, 3))
        _arithmetic(layers, "prelu", [a, slopes], QuantParams.per_tensor(0.04, -5))
        for axes in ((1, 2), (1,)):
            unary(layers, "reduce_max", shape, ReductionAttrs(axes))
            unary(layers, "variance", shape, VarianceAttrs(axes), (INT8, _VARIANCE))
        divisor = layers.input(shape, QuantParams.per_tensor(0.02, -128))
        _arithmetic(layers, "div", [a, divisor], QuantParams.per_tensor(0.1, 2))
    return layers.builder.build()


def _own(
    layers: Layers, operator: Any, attrs: object, shape: Shape, kinds: tuple[DType, DType]
) -> None:
    """An operator of ours, whose integer form follows from its input's and output's types."""
    x = layers.input(shape, _QUANT[kinds[0]], kinds[0])
    source, quant = layers.builder.tensors[x], _OUT[kinds[1]]
    output = Tensor("y", shape, kinds[1], quant)
    node = Node("y", operator.name, (x,), ("y",), attrs)
    integer = operator.integer_form(NodeView(node, (source,), (output,), attrs))[1]
    layers.output(layers.add(operator.name, [x], integer, quant, kinds[1]))


def _arithmetic(
    layers: Layers,
    op: str,
    inputs: Sequence[str],
    quant: QuantParams,
    dtype: DType = DType.INT8,
) -> None:
    layers.output(layers.add(op, inputs, ArithmeticAttrs(), quant, dtype))
