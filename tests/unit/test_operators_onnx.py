"""Operators that become several of ours: onnxruntime's values, and the same bits in numpy, C and,
where all are builtin, TFLM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from tests.support.onnx_models import ModelMaker
from tests.support.whole_way import all_the_way

Make = Callable[[ModelMaker], str]


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def resized(m: ModelMaker, scales: np.ndarray, **attrs: str) -> str:
    return m.op("Resize", "x", "", m.constant(scales), **attrs)


def padded(m: ModelMaker, mode: str) -> str:
    return m.op("Pad", "x", m.constant(ints(0, 0, 2, 1, 0, 0, 1, 2)), mode=mode)


def glu(m: ModelMaker) -> str:
    """As torch exports torch.nn.GLU over channels."""
    m.nodes.append(helper.make_node("Split", ["x"], ["a", "b"], axis=1))
    return m.op("Mul", "a", m.op("Sigmoid", "b"))


def grouped(m: ModelMaker) -> str:
    return m.conv("x", (4, 6), (3, 3), group=2, pads=[1, 1, 1, 1])


#: Models of an input [1, 4, 6, 8].
MODELS: dict[str, Make] = {
    "resize nearest": lambda m: resized(m, floats(1, 1, 2, 3)),
    "resize linear": lambda m: resized(m, floats(1, 1, 2, 2), mode="linear"),
    "resize half": lambda m: resized(m, floats(1, 1, 0.5, 0.5)),
    "pad reflect": lambda m: padded(m, "reflect"),
    "pad edge": lambda m: padded(m, "edge"),
    "gather": lambda m: m.op("Gather", "x", m.constant(ints(3, 0, 1, -1)), axis=3),
    "depth to space": lambda m: m.op("DepthToSpace", "x", blocksize=2),
    "depth to space, column first": lambda m: m.op("DepthToSpace", "x", blocksize=2, mode="CRD"),
    "space to depth": lambda m: m.op("SpaceToDepth", "x", blocksize=2),
    "smallest": lambda m: m.op("ReduceMin", "x", axes=[2], keepdims=1),
    "norm": lambda m: m.op("ReduceL2", "x", axes=[3], keepdims=1),
    "largest of three": lambda m: m.op("Max", "x", m.op("Neg", "x"), m.constant(floats(0.5))),
    "smallest of vectors": lambda m: m.op("Min", "x", m.weights(8)),
    "prelu": lambda m: m.op("PRelu", "x", m.constant(m.rng.uniform(0, 1, (4, 1, 1)).astype("f4"))),
    "matmul of vectors": lambda m: m.op("MatMul", "x", m.op("ReduceMax", "x", axes=[0, 1, 2],
                                                            keepdims=0)),
    "matmul of ranks": lambda m: m.op("MatMul", "x", m.op("Transpose", m.op(
        "ReduceMean", "x", axes=[0, 1], keepdims=0), perm=[1, 0])),
    "matmul of heads": lambda m: m.op("MatMul", "x", m.weights(4, 8, 5)),
    "matmul of one head": lambda m: m.op("MatMul", "x", m.weights(1, 1, 8, 5)),
    "glu": glu,
    "grouped": grouped,
    "pool, ceil": lambda m: m.op("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2],
                                 ceil_mode=1),
    "pool, padding counts": lambda m: m.op("AveragePool", "x", kernel_shape=[3, 3],
                                           pads=[1, 1, 1, 1], count_include_pad=1),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_all_the_way(name: str, tmp_path: Path) -> None:
    maker = ModelMaker(1, 4, 6, 8)
    all_the_way(maker.model(MODELS[name](maker)), tmp_path, 25.0)


def test_raw_audio_through_a_long_window(tmp_path: Path) -> None:
    maker = ModelMaker(1, 1, 400)
    x = maker.conv("x", (1, 8), (40,), strides=[20])
    all_the_way(maker.model(maker.op("Relu", x)), tmp_path)
