"""Attributes of QuantizeLinear and DequantizeLinear: followed, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import ModelMaker, save
from toolkit.errors import UnsupportedError
from toolkit.frontend.load import load_onnx

Attrs = dict[str, Any]


def pair(opset: int, quantize: Attrs, dequantize: Attrs, zero: bool = True) -> onnx.ModelProto:
    maker = ModelMaker(1, 4)
    parameters = [maker.constant(np.array(0.1, np.float32))]
    if zero:
        parameters.append(maker.constant(np.array(3, np.int8)))
    stored = maker.op("QuantizeLinear", maker.op("Tanh", "x"), *parameters, **quantize)
    return maker.model(maker.op("DequantizeLinear", stored, *parameters, **dequantize), opset)


@pytest.mark.parametrize(
    ("model", "zero_point"),
    [
        (pair(13, {"axis": 1}, {"axis": 0}), 3),
        (pair(21, {"axis": 0, "saturate": 0, "output_dtype": 3}, {}), 3),
        (pair(23, {"precision": 0}, {"output_dtype": 1}), 3),
        (pair(21, {"output_dtype": 0}, {}, zero=False), -128),
        (pair(21, {"output_dtype": 3}, {}, zero=False), 0),
    ],
)
def test_attributes_that_are_followed(
    model: onnx.ModelProto, zero_point: int, tmp_path: Path
) -> None:
    graph = load_onnx(save(model, tmp_path))
    quant = graph.tensors[graph.outputs[0]].quant
    assert quant is not None
    assert quant.tensor_scale == pytest.approx(0.1)
    assert quant.tensor_zero_point == zero_point


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (pair(21, {"output_dtype": 2}, {}), "output_dtype 2 beside a zero point of int8"),
        (pair(23, {}, {"output_dtype": 10}), "output_dtype 10"),
        (pair(23, {"precision": 10}, {}), "'precision' = 10 is not taken account of"),
        (pair(21, {"block_size": 2}, {}), "in blocks"),
    ],
)
def test_attributes_that_are_refused(model: onnx.ModelProto, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        load_onnx(save(model, tmp_path))
    assert words in str(caught.value)


def test_a_scalar_constant_stays_a_scalar(tmp_path: Path) -> None:
    maker = ModelMaker(4)
    scale, zero = maker.constant(np.array(0.5, np.float32)), maker.constant(np.array(1, np.int8))
    three = maker.op("DequantizeLinear", maker.constant(np.array(7, np.int8)), scale, zero)
    graph = load_onnx(save(maker.model(maker.op("Mul", "x", three)), tmp_path))
    (constant,) = (t for t in graph.tensors.values() if t.is_constant)
    assert constant.values.reshape(-1).tolist() == [3.0]
