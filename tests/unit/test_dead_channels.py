"""Channels that are the same for every input disappear, and no output byte changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.dead import FORMS, kill, with_dead_channels
from tests.support.graphs import activation, add_conv
from tests.support.operators import add_node
from tests.support.oracle import random_inputs, run_numpy, run_tflm
from tests.support.random_graphs import random_graph
from tests.support.random_streams import random_stream
from toolkit.errors import NotStreamableError
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.check import custom_operators
from toolkit.ops.execute import run_graph
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.base import view
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.passes.channel_bounds import channel_bounds
from toolkit.passes.dead_channels import Saved, without_dead_channels
from toolkit.passes.needed_channels import needed_channels
from toolkit.plan.choose import choose_variants
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.targets import load_target
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

ONE, THREE = Window(1, 1), Window(3, 3, padding=Padding(1, 1, 1, 1))


def assert_same(graph: Graph, lean: Graph, seed: int = 0, cases: int = 3) -> None:
    """Every value that is left is what it was, and lies within its bounds."""
    bounds = channel_bounds(graph)
    needed = needed_channels(graph, bounds)
    for case in zip(*random_inputs(graph, cases, seed), strict=True):
        given = dict(zip(graph.inputs, case, strict=True))
        whole, rest = run_graph(graph, given), run_graph(lean, given)
        for name, values in whole.items():
            rows = values.reshape(-1, len(needed[name]))
            assert (rows >= bounds[name].low).all() and (rows <= bounds[name].high).all(), name
            if name in rest:
                np.testing.assert_array_equal(rest[name].reshape(-1), rows[:, needed[name]].flat)


@pytest.mark.parametrize("seed", range(40))
def test_random_networks_keep_their_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    choose = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    graph = with_dead_channels(random_graph(choose), rng)
    lean, _ = without_dead_channels(graph)
    assert_same(graph, lean, seed)
    assert without_dead_channels(lean)[0] is lean
    again = read_tflite(write_tflite(lean), graph.name)  # what is delivered
    inputs = random_inputs(graph, 2, seed)
    for want, have in zip(run_numpy(graph, inputs), run_numpy(again, inputs), strict=True):
        np.testing.assert_array_equal(want, have)


def stream_of(seed: int, builtin: bool) -> Graph:
    rng = np.random.default_rng(seed)
    choose = lambda low, high: int(rng.integers(low, high + 1))  # noqa: E731
    return with_dead_channels(random_stream(choose, builtin=builtin), rng)


@pytest.mark.parametrize("seed", range(30))
def test_streams_keep_their_bytes_at_every_length(seed: int) -> None:
    graph = stream_of(seed, builtin=False)
    lean, _ = without_dead_channels(graph)
    assert_same(graph, lean, seed)
    try:
        times = find_time_axis(graph), find_time_axis(lean)
        others = [[retime(time, frames) for time in times] for frames in (47, 63, 90)]
    except NotStreamableError:
        return
    for whole, rest in others:
        inputs = random_inputs(whole, 1, seed)
        for want, have in zip(run_numpy(whole, inputs), run_numpy(rest, inputs), strict=True):
            np.testing.assert_array_equal(want, have)


@pytest.mark.parametrize("seed", range(6))
def test_tflm_gives_the_same_bytes_for_both(seed: int) -> None:
    graph = stream_of(100 + seed, builtin=True)
    lean, _ = without_dead_channels(graph)
    assert not custom_operators(graph)
    inputs = random_inputs(graph, 4, seed)
    whole, rest = (run_tflm(write_tflite(g), inputs).outputs for g in (graph, lean))
    for want, have in zip(whole, rest, strict=True):
        np.testing.assert_array_equal(want, have)


# --- rules ----------------------------------------------------------------------------------------
def chain(*windows: Window, channels: int = 6) -> Graph:
    """Convolutions one after another; their ReLU ends at the zero point, the 'low' dead value."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("chain")
    x = builder.add_input(activation("x", (1, 7, 6, 3), 0.1, 4))
    for number, window in enumerate(windows):
        x = add_conv(builder, x, window, channels, rng, f"c{number}")
    builder.outputs.append(x)
    return builder.build()


@pytest.mark.parametrize("form", FORMS)
def test_a_dead_channel_goes_with_its_weights(form: str) -> None:
    graph = chain(THREE, ONE)
    graph = kill(graph, graph.nodes[0], [form, "", form])
    lean, saved = without_dead_channels(graph)
    assert replace(saved, constants=0) == Saved(
        channels=2, weights=2 * 27 + 6 * 2, macs=42 * (2 * 27 + 6 * 2)
    )
    assert lean.tensors["c0"].shape == (1, 7, 6, 4)
    assert_same(graph, lean)


@pytest.mark.parametrize(("form", "stays"), [("low", False), ("high", True)])
def test_padding_of_another_value_is_seen(form: str, stays: bool) -> None:
    """At the zero point, which is what padding is, a constant passes every window."""
    graph = chain(THREE, THREE)
    graph = kill(graph, graph.nodes[0], [form])
    lean, saved = without_dead_channels(graph)
    assert lean.tensors["c0"].shape[-1] == (6 if stays else 5)
    assert saved.channels == (0 if stays else 1)
    assert_same(graph, lean)


def test_ends_keep_their_shape_and_lose_their_weights() -> None:
    graph = chain(THREE)
    graph = kill(graph, graph.nodes[0], ["shifted", "high", ""])
    lean, saved = without_dead_channels(graph)
    assert lean.tensors["c0"].shape == graph.tensors["c0"].shape
    assert (saved.channels, saved.constants) == (0, 2)
    weights, bias = (lean.tensors[name or ""].values for name in lean.nodes[0].inputs[1:])
    assert not weights[:2].any() and weights[2:].any() and np.abs(bias[:2]).max() <= 4 * 255
    assert_same(graph, lean)


@pytest.mark.parametrize(("dead", "channels"), [("ab", 5), ("a", 6)])
def test_a_sum_loses_a_channel_when_both_sides_do(dead: str, channels: int) -> None:
    rng = np.random.default_rng(1)
    builder = GraphBuilder("residual")
    x = builder.add_input(activation("x", (1, 5, 5, 4), 0.1, 4))
    a, b = (add_conv(builder, x, THREE, 6, rng, name) for name in "ab")
    quant = QuantParams.per_tensor(0.1, 0)
    total = add_node(builder, "add", [a, b], quant, ArithmeticAttrs())
    builder.outputs.append(add_conv(builder, total, ONE, 3, rng, "y"))
    graph = builder.build()
    for node in graph.nodes[:2]:
        graph = kill(graph, node, ["low"] if node.name in dead else [])
    lean, _ = without_dead_channels(graph)
    assert lean.tensors[total].shape[-1] == channels
    assert_same(graph, lean)


def test_a_depthwise_channel_dies_both_ways() -> None:
    """Of a constant it makes constants; what only its zeros read goes too."""
    rng = np.random.default_rng(2)
    builder = GraphBuilder("depthwise")
    x = builder.add_input(activation("x", (1, 6, 6, 3), 0.1, 4))
    a = add_conv(builder, x, ONE, 4, rng, "a")
    weights = rng.integers(-127, 128, (1, 3, 3, 8)).astype(np.int8)
    weights[..., 2:4] = 0  # of channel 1
    scales = QuantParams((0.004,) * 8, (0,) * 8, 3)
    constant = builder.constant("dw/weights", weights, scales)
    out = activation("dw", (1, 6, 6, 8), 0.07, -5)
    builder.add_node("depthwise_conv_2d", [a, constant, None], out, WindowedAttrs(THREE), "dw")
    builder.outputs.append(add_conv(builder, "dw", ONE, 3, rng, "y"))
    graph = builder.build()
    graph = kill(graph, graph.nodes[0], ["low"])
    lean, saved = without_dead_channels(graph)
    assert lean.tensors["a"].shape[-1] == 2 and lean.tensors["dw"].shape[-1] == 4
    assert saved.channels == 2 + 4
    assert_same(graph, lean)


def test_a_network_of_constants_keeps_a_channel_of_each_layer() -> None:
    graph = chain(ONE, ONE, ONE)
    for node in graph.nodes:
        graph = kill(graph, node, ["low"] * 6)
    lean, _ = without_dead_channels(graph)
    assert [lean.tensors[f"c{i}"].shape[-1] for i in range(3)] == [1, 1, 6]
    assert_same(graph, lean)


def test_a_mean_rounds_by_its_length_but_at_the_zero_point() -> None:
    """Of a constant of another value the mean may depend on how many frames there are."""
    x = activation("x", (1, 9, 1, 2), 0.1, 3)
    builder = GraphBuilder("mean")
    builder.add_input(x)
    attrs = MeanAttrs((1, 2))
    name = add_node(builder, "mean", ["x"], QuantParams.per_tensor(0.037, -7), attrs)
    builder.outputs.append(name)
    graph = builder.build()
    mean = view(graph, graph.nodes[0])
    point = channel_bounds(graph)["x"]
    point = replace(point, low=np.array([3, 90]), high=np.array([3, 90]))
    found = OPERATORS["mean"].channel_bounds(mean, [point])
    assert found.constant.tolist() == [True, False] and found.low[0] == -7


def test_shared_weights_are_cut_for_one_reader_alone() -> None:
    graph = chain(ONE, ONE, ONE)
    second, third = graph.nodes[1:]
    shared = replace(third, inputs=(third.inputs[0], *second.inputs[1:]))
    graph = replace(graph, nodes=(*graph.nodes[:2], shared)).pruned()
    graph = kill(graph, graph.nodes[0], ["high"])
    lean, saved = without_dead_channels(graph)
    assert saved.channels == 1
    assert_same(graph, lean)


def test_nothing_dead_nothing_changed() -> None:
    graph = chain(THREE, ONE)
    lean, saved = without_dead_channels(graph)
    assert lean is graph and saved == Saved()


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize("op", ["add", "sub", "mul"])
def test_bounds_of_two_operands_hold_and_are_met(op: str, dtype: DType) -> None:
    rng = np.random.default_rng(3)
    zero = 0 if dtype is DType.INT16 else 5
    builder = GraphBuilder(op)
    quants = [QuantParams.per_tensor(scale, zero) for scale in (0.1, 0.03, 0.4)]
    for name, quant in zip("ab", quants, strict=False):
        builder.add_input(replace(activation(name, (1, 50), 1, 0), dtype=dtype, quant=quant))
    out = replace(activation("y", (1, 50), 1, 0), dtype=dtype, quant=quants[2])
    builder.outputs.append(builder.add_node(op, ["a", "b"], out, ArithmeticAttrs()))
    graph = builder.build()
    node = view(graph, graph.nodes[0])
    low, high = dtype.limits
    ends = np.sort(rng.integers(low, high, (2, 2, 50), endpoint=True), axis=1)
    known = channel_bounds(graph)["a"]
    given = [replace(known, low=e[0], high=e[1]) for e in ends]
    found = OPERATORS[op].channel_bounds(node, given)
    values: list[Array] = []
    for _ in range(300):
        pair = [rng.integers(e[0], e[1] + 1).astype(dtype.numpy) for e in ends]
        values.append(OPERATORS[op].run_int(node, pair))
    assert (np.min(values, axis=0) >= found.low).all()
    assert (np.max(values, axis=0) <= found.high).all()


def test_one_saturating_channel_costs_no_kernel(cases_dir: Path) -> None:
    """Bounds are per channel, and a constant that stays is a small bias."""
    target = load_target("cortex-m4")
    chosen = {}
    for name in ("perf_dead_channel", "perf_live"):
        graph, _ = without_dead_channels(load_tflite(cases_dir / "models" / f"{name}.tflite"))
        chosen[name] = choose_variants(graph, target, "balanced")
    assert chosen["perf_dead_channel"] == chosen["perf_live"]
