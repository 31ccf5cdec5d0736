"""`check_operators`: every violation at once, each with where, rule, finding and remedy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.operators import add_input, add_node
from toolkit.errors import ModelError, UnsupportedError
from toolkit.frontend.load import LOWERINGS
from toolkit.ir import DType, GraphBuilder, QuantParams, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators, rule_and_remedy
from toolkit.ops.conv_2d import Conv2DAttrs
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.ops.softmax import SoftmaxAttrs

QUANT = QuantParams.per_tensor(0.1, 0)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "SUPPORTED_OPS.md"


def conv(builder: GraphBuilder, batch: int, kernel_h: int) -> str:
    x = add_input(builder, (batch, 40, 4, 2), QUANT)
    weights = builder.constant("w", np.ones((1, kernel_h, 1, 2), np.int8), QUANT)
    return add_node(builder, "conv_2d", [x, weights], QUANT, Conv2DAttrs(Window(kernel_h, 1)))


def test_lists_every_violation_of_every_node() -> None:
    builder = GraphBuilder("bad")
    builder.outputs = [conv(builder, 2, 33), conv(builder, 1, 3), conv(builder, 1, 40)]
    with pytest.raises(UnsupportedError) as caught:
        check_operators(builder.build())
    assert str(caught.value).splitlines() == [
        "node 'y' (CONV_2D): batch size must be 1; got batch 2. "
        "Export the model with a batch of one, see docs/SUPPORTED_OPS.md#conv_2d",
        "node 'y' (CONV_2D): kernel height must be at most 32, but for inputs one column "
        "wide; got 33. See docs/SUPPORTED_OPS.md#conv_2d",
        "node 'y_2' (CONV_2D): kernel height must be at most 32, but for inputs one column "
        "wide; got 40. See docs/SUPPORTED_OPS.md#conv_2d",
    ]


def test_a_wrong_output_shape_is_a_model_error() -> None:
    builder = GraphBuilder("bad")
    x = add_input(builder, (1, 4), QUANT)
    out = Tensor("y", (1, 5), DType.INT8, QUANT)
    builder.outputs.append(builder.add_node("relu", [x], out))
    with pytest.raises(ModelError, match=r"output shape must be \[1, 4\]; got \[1, 5\]"):
        check_operators(builder.build())


def scaled(scale: float, zero_point: int = 0) -> QuantParams:
    return QuantParams.per_tensor(scale, zero_point)


def violation(builder: GraphBuilder, output: str) -> str:
    builder.outputs.append(output)
    with pytest.raises(UnsupportedError) as caught:
        check_operators(builder.build())
    return str(caught.value)


@pytest.mark.parametrize(
    ("op", "shape", "out", "attrs", "rule"),
    [
        ("softmax", (1, 512), scaled(1 / 256, -128), SoftmaxAttrs(), "at most 511 terms"),
        ("softmax", (1, 10), scaled(1 / 255, -128), SoftmaxAttrs(), "scale 1/256"),
        ("logistic", (1, 10), scaled(1 / 256, 0), None, "scale 1/256"),
        ("tanh", (1, 10), scaled(1 / 128, 1), None, "scale 1/128"),
        ("relu6", (1, 10), scaled(0.2), None, "same scale and zero point"),
        ("relu", (1, 10), scaled(1e-6), None, "below 16384 times"),
        ("quantize", (1, 10), scaled(1e-6), None, "below 16384 times"),
        ("hard_swish", (1, 10), scaled(1e-4), None, "1/128 to 256 times"),
        ("mean", (1, 3, 4, 5), QUANT, MeanAttrs((1, 3)), "must be neighbours"),
        ("mean", (1, 9_000_000), QUANT, MeanAttrs((1,)), "at most 8,421,503 values"),
        ("max_pool_2d", (1, 50, 4, 1), QUANT, WindowedAttrs(Window(40, 4)), "at most 32 rows"),
        (
            "average_pool_2d",
            (1, 5, 4, 1),
            QUANT,
            WindowedAttrs(Window(2, 2, padding=Padding(top=2))),
            "every window must meet the input",
        ),
    ],
)
def test_each_rule_of_one_input(
    op: str, shape: tuple[int, ...], out: QuantParams, attrs: object, rule: str
) -> None:
    builder = GraphBuilder("bad")
    x = add_input(builder, shape, QUANT)
    assert rule in violation(builder, add_node(builder, op, [x], out, attrs))


def test_sums_must_fit_32_bits() -> None:
    builder = GraphBuilder("bad")
    x = add_input(builder, (1, 1000), scaled(0.1, 127))
    weights = builder.constant("w", np.full((1, 1000), 127, np.int8), scaled(0.1))
    bias = builder.constant("b", np.array([(1 << 31) - 1000 * 127 * 255], np.int32), scaled(0.01))
    attrs = FullyConnectedAttrs()
    output = add_node(builder, "fully_connected", [x, weights, bias], scaled(10), attrs)
    assert "may leave 32 bits" in violation(builder, output)


def test_tiny_output_scale_of_a_sum() -> None:
    builder = GraphBuilder("bad")
    x, y = (add_input(builder, (1, 3), scaled(1.0)) for _ in range(2))
    output = add_node(builder, "add", [x, y], scaled(1e-6), ArithmeticAttrs())
    assert "must exceed 2^-19 (int16: 2^-14) times" in violation(builder, output)


def test_float_is_refused_by_every_operator_that_computes() -> None:
    builder = GraphBuilder("bad")
    x = builder.add_input(Tensor("x", (1, 3), DType.FLOAT32))
    outputs = [
        builder.add_node(op, [x], Tensor("y", (1, 3), DType.FLOAT32), attrs)
        for op, attrs in (("relu", None), ("logistic", None), ("softmax", SoftmaxAttrs()))
    ]
    builder.outputs.extend(outputs)
    with pytest.raises(UnsupportedError) as caught:
        check_operators(builder.build())
    assert {line.split(" (")[0] for line in str(caught.value).splitlines()} == {
        "node 'y'",
        "node 'y_1'",
        "node 'y_2'",
    }


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_constraint_states_a_rule(name: str) -> None:
    assert OPERATORS[name].constraints
    for constraint in OPERATORS[name].constraints:
        rule, _ = rule_and_remedy(constraint)
        assert len(rule) > 8 and not rule.endswith("."), constraint


def test_the_document_is_up_to_date() -> None:
    command = [sys.executable, "-m", "toolkit.ops.document"]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert DOCUMENT.read_text(encoding="utf-8") == page, "run `make docs`"
    for name in OPERATORS:
        assert re.search(rf"^## {name}$", page, re.MULTILINE)


def test_every_onnx_operator_is_in_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    leaves_nothing = {"Cast", "Dropout", "DequantizeLinear", "Identity"}
    missing = [op for op in LOWERINGS if op not in leaves_nothing and op not in text]
    assert not missing
