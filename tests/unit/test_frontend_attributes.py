"""Every attribute of every operator, in every operator set that changed it, against onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import defs

from tests.support.onnx_models import ModelMaker
from tests.support.random_onnx import difference, imported, outside
from toolkit.errors import ToolkitError
from toolkit.frontend.load import LOWERINGS
from toolkit.frontend.reader import MAX_OPSET
from toolkit.frontend.schema import schema_of
from toolkit.ops.numerics.functions import FUNCTIONS


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).uniform(0.5, 2, shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


#: Functions of one value that are a row of `numerics.functions`.
ROWS = tuple(row.onnx for row in FUNCTIONS.values() if row.onnx)

#: An input, constants after it and the attributes of a node, for each operator that computes.
BASES: dict[str, tuple[tuple[int, ...], list[Any], dict[str, Any]]] = {
    "Add": ((2, 3), [floats(3)], {}),
    "AveragePool": ((1, 2, 7, 8), [], {"kernel_shape": [3, 3]}),
    "BatchNormalization": ((1, 3, 4), [floats(3)] * 4, {}),
    "Cast": ((2, 3), [], {"to": 1}),
    "Clip": ((2, 3), [np.float32(0), np.float32(6)], {}),
    "Concat": ((2, 3), [floats(2, 3)], {"axis": 1}),
    "Conv": ((1, 4, 7, 8), [floats(4, 2, 3, 3)], {"group": 2}),
    "ConvTranspose": ((1, 4, 5, 6), [floats(4, 2, 3, 3)], {}),
    "Div": ((2, 3), [floats(3)], {}),
    "Dropout": ((2, 3), [], {}),
    "Einsum": ((2, 3), [floats(3, 4)], {"equation": "ab,bc->ac"}),
    "Exp": ((2, 3), [], {}),
    "Expand": ((2, 1, 3), [ints(1, 4, 1)], {}),
    "Flatten": ((2, 3, 4), [], {}),
    "Gather": ((4, 3), [np.array(1, np.int64)], {}),
    "Gemm": ((4, 4), [floats(4, 4), floats(4, 1)], {}),
    "GlobalAveragePool": ((1, 3, 4), [], {}),
    "GRU": ((3, 1, 2), [floats(1, 3, 2), floats(1, 3, 1), floats(1, 6)], {"hidden_size": 1}),
    "GlobalMaxPool": ((1, 3, 4), [], {}),
    "HardSigmoid": ((2, 3), [], {}),
    "HardSwish": ((2, 3), [], {}),
    "Identity": ((2, 3), [], {}),
    "GroupNormalization": ((1, 4, 5), [floats(4), floats(4)], {"num_groups": 2}),
    "InstanceNormalization": ((1, 3, 5), [floats(3), floats(3)], {}),
    "LayerNormalization": ((2, 3, 5), [floats(5), floats(5)], {}),
    "MeanVarianceNormalization": ((2, 3, 4, 5), [], {}),
    "RMSNormalization": ((2, 3, 5), [floats(5)], {}),
    "LeakyRelu": ((2, 3), [], {}),
    "Max": ((2, 3), [floats(3)], {}),
    "Min": ((2, 3), [floats(2, 3)], {}),
    "PRelu": ((2, 3), [floats(3) - 1], {}),
    "LSTM": ((3, 1, 2), [floats(1, 4, 2), floats(1, 4, 1), floats(1, 8)], {"hidden_size": 1}),
    "MatMul": ((2, 3), [floats(3, 4)], {}),
    "MaxPool": ((1, 2, 7, 8), [], {"kernel_shape": [3, 3]}),
    "Mul": ((2, 3), [floats(3)], {}),
    "Pad": ((2, 3), [ints(0, 1, 2, 0)], {}),
    "Pow": ((2, 3), [np.array(2, np.float32)], {}),
    "ReduceMax": ((2, 3, 4), [], {}),
    "ReduceMean": ((2, 3, 4), [], {}),
    "ReduceSum": ((2, 3, 4), [], {}),
    "Relu": ((2, 3), [], {}),
    "Reshape": ((2, 3, 4), [ints(2, -1)], {}),
    "Shape": ((2, 3, 4), [], {}),
    "Resize": ((1, 2, 3, 4), ["", np.array([1, 1, 2, 3], np.float32)], {}),
    **{f"Reduce{kind}": ((2, 3, 4), [], {}) for kind in ("L1", "L2", "LogSum", "LogSumExp")},
    **{f"Reduce{kind}": ((2, 3, 4), [], {}) for kind in ("Min", "SumSquare")},
    "DepthToSpace": ((1, 12, 2, 3), [], {"blocksize": 2}),
    "SpaceToDepth": ((1, 3, 4, 6), [], {"blocksize": 2}),
    "ScatterND": ((2, 3), [floats(4, 3), np.array([[1], [2]])], {}),
    "Sigmoid": ((2, 3), [], {}),
    "Slice": ((4, 5), [ints(1), ints(3)], {}),
    "Softmax": ((2, 3, 4), [], {}),
    "Split": ((4, 6), [], {}),
    "Sqrt": ((2, 3), [], {}),
    "Squeeze": ((1, 3, 1), [], {}),
    "Sub": ((2, 3), [floats(3)], {}),
    "Tanh": ((2, 3), [], {}),
    "Transpose": ((2, 3, 4), [], {}),
    "Unsqueeze": ((2, 3), [ints(1)], {}),
    **{op: ((2, 3), [], {}) for op in ("Gelu", "Neg", *ROWS)},
}  # fmt: skip
#: Values of every attribute that an operator has in some operator set, defaults and others.
VALUES: dict[str, list[Any]] = {
    "activation_alpha": [[0.5]],
    "activation_beta": [[0.5]],
    "activations": [["Sigmoid", "Tanh"], ["Sigmoid", "Tanh", "Tanh"], ["Relu", "Tanh", "Tanh"]],
    "allowzero": [0, 1],
    "alpha": [1.0, 0.5],
    "approximate": ["none", "tanh"],
    "auto_pad": ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"],
    "antialias": [0, 1],
    "axes": [[0], [-1], [0, 1]],
    "axis": [0, 1, -1],
    "beta": [1.0, 0.5],
    "blocksize": [1, 2],
    "coordinate_transformation_mode": [
        "half_pixel",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
        "half_pixel_symmetric",
    ],
    "cubic_coeff_a": [-0.75, -0.5],
    "exclude_outside": [0, 1],
    "extrapolation_value": [0.0],
    "bias": [0.0, 0.25],
    "ceil_mode": [0, 1],
    "clip": [0.5],
    "count_include_pad": [0, 1],
    "direction": ["forward", "reverse", "bidirectional"],
    "dilations": [[1, 1], [2, 1]],
    "end": [1, 2, -1, 9],
    "equation": ["ab,bc->ac", "ab,bc->ca", "ab,bc->abc", "ab,bc->b"],
    "epsilon": [1e-5, 0.5],
    "gamma": [1.0, 2.0],
    "group": [1, 2],
    "hidden_size": [1, 2],
    "input_forget": [0, 1],
    "keep_aspect_ratio_policy": ["stretch", "not_larger"],
    "keepdims": [0, 1],
    "kernel_shape": [[3, 3], [2, 3]],
    "layout": [0, 1],
    "linear_before_reset": [0, 1],
    "lambd": [0.5, 1.0],
    "mode": ["constant", "reflect", "edge", "wrap", "nearest", "linear", "cubic", "DCR", "CRD"],
    "nearest_mode": ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"],
    "momentum": [0.9, 0.1],
    "noop_with_empty_axes": [0, 1],
    "num_groups": [1, 2],
    "stash_type": [1],
    "num_outputs": [1, 2],
    "output_padding": [[0, 0], [0, 1]],
    "output_shape": [[9, 9]],
    "pads": [[0, 0, 0, 0], [1, 0, 2, 1]],
    "reduction": ["none", "add", "mul"],
    "round_mode": ["up", "down"],
    "saturate": [0, 1],
    "to": [1, 10],
    "perm": [[0, 1, 2], [2, 0, 1]],
    "seed": [0, 1],
    "start": [0, 1, -2, 9],
    "storage_order": [0, 1],
    "strides": [[1, 1], [2, 3]],
    "training_mode": [0, 1],
    "transA": [0, 1],
    "transB": [0, 1],
}


def stated(op: str, opset: int, attrs: dict[str, Any]) -> onnx.ModelProto:
    """A model of ``op`` between two additions; `Shape` feeds a Reshape."""
    shape, constants, base = BASES[op]
    maker = ModelMaker(*shape)
    one = maker.constant(np.ones(1, np.float32))
    x = maker.op("Add", "x", one)
    if op in ("Log", "Reciprocal", "ReduceLogSum", "Sqrt"):  # of what has one
        x = maker.op("Add", maker.op("Mul", x, x), one)
    names = ["" if isinstance(v, str) else maker.constant(v) for v in constants]
    operands = [*names, x] if op in ("Concat", "ScatterND") else [x, *names]
    y = maker.op(op, *operands, **{**base, **attrs})
    if op == "Shape":
        target = maker.op("Concat", y, maker.constant(ints(-1)), axis=0)
        y = maker.op("Reshape", x, target)
    return maker.model(maker.op("Add", y, one), opset)


def versions(op: str) -> Iterator[int]:
    """The operator sets from 13 on in which the meaning of ``op`` changed."""
    seen = set()
    for opset in range(13, MAX_OPSET + 1):
        try:
            schema = defs.get_schema(op, opset)
        except defs.SchemaError:
            continue
        if schema.since_version not in seen:
            seen.add(schema.since_version)
            yield opset


def test_every_operator_is_swept() -> None:
    quantised = {"QuantizeLinear", "DequantizeLinear"}  # tests/unit/test_qdq.py
    assert not LOWERINGS.keys() - BASES.keys() - quantised, "operators without a row of BASES"
    assert BASES.keys() == LOWERINGS.keys() - quantised | {"Shape"}


@pytest.mark.parametrize("op", BASES)
def test_every_attribute_is_followed_or_refused(op: str, tmp_path: Path) -> None:
    taken, wrong = 0, []
    for opset in versions(op):
        schema = schema_of(op, opset)
        assert schema is not None
        assert not schema.attributes.keys() - VALUES.keys(), "attributes without a row of VALUES"
        cases = [{}, *({a: v} for a in schema.attributes for v in VALUES[a])]
        for attrs in cases:
            model = stated(op, opset, attrs)
            graphs, want = imported(model, tmp_path), outside(model, 1)
            if isinstance(graphs, ToolkitError) or want is None:
                continue
            taken += 1
            differences = [difference(graph, want) for graph in graphs.values()]
            wrong += [(opset, attrs, what) for what in differences if what]
    assert not wrong
    assert taken
