"""Random quantised recurrent layers, and small networks of them that run frame by frame."""

from __future__ import annotations

import math

import numpy as np

from tests.support.operators import add_input, add_node, quant, scale
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops.concatenation import ConcatenationAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.gru import GruAttrs
from toolkit.ops.numerics.int16 import BIAS_TYPES
from toolkit.ops.parts.lstm_cell import LstmAttrs

FRAMES = 12


def add_lstm(
    builder: GraphBuilder,
    rng: np.random.Generator,
    x: str,
    units: int,
    plain: bool = True,
    begin: bool = False,
) -> str:
    """An LSTM over ``x``; not ``plain``: along any axis, backwards or from a random state;
    ``begin``: hidden state and cell are further inputs."""
    source = builder.tensors[x]
    bits = int(rng.integers(9, 16))
    cell = QuantParams.per_tensor(2.0**-bits, 0)
    out = cell if begin else _output_quant(rng, source.dtype)
    inputs: list[str | None] = [x]
    spread = {}
    for of, vector, values in (
        ("input", source.scale, source.shape[-1]),
        ("state", _one(out), units),
    ):
        for gate in range(4):
            params = QuantParams.per_tensor(_weight_scale(rng, vector, values, source.dtype), 0)
            data = rng.integers(-127, 128, (units, values)).astype(np.int8)
            inputs.append(builder.constant("w", data, params))
            spread[of, gate] = params.tensor_scale
    inputs += [None, None, None]
    for gate in range(4):
        unit = source.scale * spread["input", gate]
        inputs.append(_bias(builder, rng, [unit] * units, None, source.dtype))
    clip = float(rng.choice([0.0, 0.0, 2.0 ** (14 - bits)]))
    if begin:
        shape = (1, math.prod(source.shape[2:-1]), units)
        inputs += [add_input(builder, shape, cell, DType.INT16) for _ in range(2)]
        attrs = LstmAttrs(1, False, bits, clip)
        return add_node(builder, "lstm_begun", inputs, out, attrs, source.dtype)
    if plain:
        return add_node(builder, "lstm", inputs, out, LstmAttrs(1, False, bits, clip), source.dtype)
    attrs = LstmAttrs(*_way(rng, source.shape), bits, clip)
    if rng.integers(2):
        size = (math.prod(source.shape[attrs.axis + 1 : -1]) * units,)
        for params in (out.tensor_scale, 2.0**-bits):
            data = rng.integers(-90, 91, size).astype(np.int16)
            inputs.append(builder.constant("h", data, QuantParams.per_tensor(params, 0)))
    return add_node(builder, "lstm_custom", inputs, out, attrs, source.dtype)


def add_gru(
    builder: GraphBuilder,
    rng: np.random.Generator,
    x: str,
    units: int,
    plain: bool = True,
    begin: str | None = None,
) -> str:
    """A GRU over ``x``; not ``plain``: along any axis, backwards or from a random state; ``begin``
    is an input that it begins as."""
    source = builder.tensors[x]
    inputs: list[str | None] = [x]
    biases: list[str] = []
    for vector, values in ((source.scale, source.shape[-1]), (2.0**-15, units)):
        dtype = source.dtype if vector == source.scale else DType.INT16
        scales = [_weight_scale(rng, vector, values, dtype) for _ in range(3 * units)]
        params = QuantParams(tuple(scales), (0,) * len(scales), 0)
        data = rng.integers(-127, 128, (3 * units, values)).astype(np.int8)
        inputs.append(builder.constant("w", data, params))
        biases.append(_bias(builder, rng, [vector * s for s in scales], 0, source.dtype))
    inputs += biases
    axis, reverse = (1, False) if plain else _way(rng, source.shape)
    if not plain and rng.integers(2):
        size = (math.prod(source.shape[axis + 1 : -1]) * units,)
        data = rng.integers(-32768, 32768, size).astype(np.int16)
        inputs.append(builder.constant("h", data, QuantParams.per_tensor(2.0**-15, 0)))
    if begin is not None:
        inputs.append(begin)
    attrs = GruAttrs(axis, reverse, bool(rng.integers(2)))
    return add_node(builder, "gru", inputs, _output_quant(rng, source.dtype), attrs, source.dtype)


def add_activation(builder: GraphBuilder, rng: np.random.Generator, shape: tuple[int, ...]) -> str:
    """An int8 or int16 input."""
    if rng.integers(2):
        return add_input(builder, shape, quant(rng, 1e-3, 1e-1))
    params = QuantParams.per_tensor(scale(rng, 1e-5, 1e-3), 0)
    return add_input(builder, shape, params, DType.INT16)


def random_network(seed: int) -> Graph:
    """Up to three recurrent layers of one type, dense layers between, all states joined or the last
    alone; rows out, or what the last frame leaves."""
    rng = np.random.default_rng(seed)
    builder = GraphBuilder("recurrent")
    values = int(rng.integers(1, 14))
    x = add_activation(builder, rng, (1, FRAMES, values))
    outputs = [x]
    for _ in range(int(rng.integers(1, 4))):
        add = (add_lstm, add_gru)[rng.integers(2)]
        outputs.append(add(builder, rng, outputs[-1], int(rng.integers(1, 14))))
        if rng.integers(3) == 0:
            outputs.append(_dense(builder, rng, outputs[-1], int(rng.integers(1, 9))))
    last = outputs[-1]
    if rng.integers(2):
        rows = [*outputs[1:-1], last]
        tensor = builder.tensors[last]
        axis = ConcatenationAttrs(2)
        rows = [name for name in rows if builder.tensors[name].quant == tensor.quant]
        if len(rows) > 1:
            last = add_node(builder, "concatenation", rows, _kept(tensor.quant), axis, tensor.dtype)
    builder.outputs.append(last)
    return builder.build()


def _dense(builder: GraphBuilder, rng: np.random.Generator, x: str, units: int) -> str:
    source = builder.tensors[x]
    params = QuantParams.per_tensor(0.01, 0)
    data = rng.integers(-127, 128, (units, source.shape[-1])).astype(np.int8)
    weights = builder.constant("w", data, params)
    out = _output_quant(rng, source.dtype)
    attrs = FullyConnectedAttrs(keep_num_dims=True)
    return add_node(builder, "fully_connected", [x, weights], out, attrs, source.dtype)


def _kept(quant: QuantParams | None) -> QuantParams:
    assert quant is not None
    return quant


def _way(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[int, bool]:
    return int(rng.integers(0, len(shape) - 1)), bool(rng.integers(2))


def _one(quant: QuantParams) -> float:
    return quant.tensor_scale


def _output_quant(rng: np.random.Generator, dtype: DType) -> QuantParams:
    """Of values in [-1, 1], or of less."""
    most = scale(rng, 0.2, 1.2)
    if dtype is DType.INT16:
        return QuantParams.per_tensor(most / 32767, 0)
    return QuantParams.per_tensor(most / 127, int(rng.integers(-40, 41)))


def _weight_scale(rng: np.random.Generator, of: float, values: int, dtype: DType) -> float:
    """Arguments of gates of some units, saturated at times."""
    largest = of * (1 << 7 if dtype is DType.INT8 else 1 << 15) * 127 * math.sqrt(values)
    return float(np.float32(scale(rng, 0.5, 30) / largest))


def _bias(
    builder: GraphBuilder,
    rng: np.random.Generator,
    units: list[float],
    axis: int | None,
    dtype: DType,
) -> str:
    """Real values around 1."""
    values = rng.normal(0, 1, len(units)) / np.asarray(units)
    data: Array = np.clip(np.rint(values), -(2**28), 2**28).astype(BIAS_TYPES[dtype].numpy)
    scales = tuple(float(np.float32(unit)) for unit in (units if axis == 0 else units[:1]))
    params = QuantParams(scales, (0,) * len(scales), axis)
    return builder.constant("b", data, params)
