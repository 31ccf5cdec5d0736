"""Recurrent layers to calibrate predictions with; their weights are random with a fixed seed."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration.layers import INT8, INT16, Layers
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ops.gru import GruAttrs
from toolkit.ops.numerics.int16 import BIAS_TYPES
from toolkit.ops.parts.lstm_cell import LstmAttrs

#: Steps, values and units; one with a vector that fills no word.
_SHAPES = ((6, 20, 24), (4, 64, 64), (5, 40, 32), (8, 16, 16), (3, 129, 48), (4, 32, 90))
_BETWEEN = {DType.INT8: QuantParams.per_tensor(1 / 128, 0), DType.INT16: INT16}


def recurrent_graph(dtype: DType = DType.INT8) -> Graph:
    """LSTMs and GRUs of those shapes, independent of each other."""
    net = Layers(f"recurrent_{dtype.value}")
    for steps, values, units in _SHAPES if dtype is DType.INT8 else _SHAPES[:3]:
        for op in ("lstm", "gru"):
            quant = INT8 if dtype is DType.INT8 else INT16
            x = net.input((1, steps, values), quant, dtype)
            scale = net.builder.tensors[x].scale
            parts = _lstm if op == "lstm" else _gru
            inputs, attrs = parts(net, values, units, scale, dtype)
            net.output(net.add(op, [x, *inputs], attrs, _BETWEEN[dtype], dtype))
    return net.builder.build()


def _lstm(
    net: Layers, values: int, units: int, scale: float, dtype: DType
) -> tuple[list[str | None], object]:
    matrices: list[str | None] = []
    for columns in (values, units):
        matrices += [_matrix(net, (units, columns), 1) for _ in range(4)]
    biases = [_bias(net, units, scale, dtype) for _ in range(4)]
    return [*matrices, None, None, None, *biases], LstmAttrs()


def _gru(
    net: Layers, values: int, units: int, scale: float, dtype: DType
) -> tuple[list[str | None], object]:
    matrices = [_matrix(net, (3 * units, columns), 3 * units) for columns in (values, units)]
    biases = [_bias(net, 3 * units, of, dtype) for of in (scale, 2.0**-15)]
    return [*matrices, *biases], GruAttrs()


def _matrix(net: Layers, shape: tuple[int, int], scales: int) -> str:
    data = net.rng.integers(-127, 128, shape).astype(np.int8)
    quant = QuantParams((0.002,) * scales, (0,) * scales, 0 if scales > 1 else None)
    return net.builder.constant("w", data, quant)


def _bias(net: Layers, count: int, scale: float, dtype: DType) -> str:
    values = net.rng.integers(-2000, 2000, count).astype(BIAS_TYPES[dtype].numpy)
    return net.builder.constant("b", values, QuantParams.per_tensor(0.002 * scale, 0))
