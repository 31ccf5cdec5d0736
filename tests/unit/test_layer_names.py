"""Short layer names: what is left out, and that layers stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.measurement import Symbol
from toolkit.report.layer_names import WIDTH, short_names

TENSORFLOW = (
    "StatefulPartitionedCall/model/block_1/conv/Relu_22;model/block_1/bn/FusedBatchNormV3",
    "StatefulPartitionedCall/model/block_2/conv/Relu_23",
    "StatefulPartitionedCall:0",
)


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (
            ("/vgg7/l1/Relu_output_0", "/vgg7/ReduceSum_output_0", "/MatMul_output_0", "adv@int16"),
            ("vgg7/l1", "vgg7/ReduceSum", "MatMul", "adv@int16"),
        ),
        # Two operators of a module keep theirs; all share "net".
        (("/net/a/Conv", "/net/a/Add", "/net/b/Relu"), ("a/Conv", "a/Add", "b")),
        (("functional_1/activation/Relu_22", "Identity"), ("activation", "Identity")),
        (TENSORFLOW, ("block_1/conv", "block_2/conv", "StatefulPartitionedCall:0")),
        (("x", "/x", "model/x"), ("x#1", "x#2", "x#3")),
        (("/a/Relu_output_0", "/a/Relu_output_0@flat"), ("Relu", "Relu@flat")),
        (("only",), ("only",)),
        (("", "/", ";"), ("?#1", "/", "?#3")),
    ],
)
def test_what_all_layers_share_and_noise_are_left_out(
    names: tuple[str, ...], short: tuple[str, ...]
) -> None:
    assert tuple(map(short_names(names).of, names)) == short


def test_long_names_keep_their_end_and_differ() -> None:
    names = [f"{head}/{'x' * 50}" for head in "abc"]
    short = [short_names(names).of(name) for name in names]
    assert short == [f"…{'x' * (WIDTH - 3)}#{n}" for n in (1, 2, 3)]


@given(
    st.lists(
        st.text(st.sampled_from("/a;b@#1R_ '\x1b…"), max_size=40)
        | st.sampled_from(["/m/Relu_output_0", "m/Relu", "/m/Conv_output_0", "m#1", "m#2"]),
        unique=True,
    ),
    st.integers(10, 40),
)
def test_layers_stay_apart_within_the_width(names: list[str], width: int) -> None:
    short = [short_names(names, width).of(name) for name in names]
    assert len(set(short)) == len(names)
    assert all(0 < len(text) <= width and "\x1b" not in text for text in short)


def test_symbols_name_their_layers() -> None:
    layers = ["/vgg7/l2/Relu_output_0", "/vgg7/l3/Relu_output_0", "adv", "adv@int16"]
    symbols = {
        "layer_2_x_step": Symbol("step", ("/vgg7/l2/Relu_output_0",)),
        "model_adv_weights": Symbol("weights", ("adv@int16",)),
        "model_shared_1": Symbol("shared", tuple(layers[:3])),
        "model_advance": Symbol("driver"),
    }
    names = short_names(layers, symbols=symbols)
    assert names.of_symbol("layer_2_x_step") == "vgg7/l2 step"
    assert names.of_symbol("layer_2_x_step.constprop.0") == "vgg7/l2 step"
    assert names.of_symbol("model_adv_weights") == "adv@int16 weights"
    assert names.of_symbol("model_shared_1") == "vgg7/l2 +2 shared"
    assert names.of_symbol("model_advance") == "model_advance"
    assert names.of_symbol("model_adv_bias") == "model_adv_bias"  # not in the map: no guess
    assert names.of_symbol("/vgg7/l3/Relu_output_0") == "vgg7/l3"
    assert names.of_symbol("tk_max_pool_2d_s8_row") == "max_pool_2d_s8_row"
    assert names.of_symbol("tk_conv_2d_s8_winograd2/winograd2") == "winograd2"
    assert names.of("/elsewhere/Conv_output_0") == "elsewhere/Conv"


def test_a_number_alone_is_no_name() -> None:
    names = short_names(("28", "91", "/x/Relu"), ops=("conv_2d", "mean", "conv_2d"))
    assert [names.of(name) for name in ("28", "91")] == ["conv_2d 28", "mean 91"]
