"""Kernels for the DSP extension: the operators' bits, on the workstation and on the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ops import (
    test_arithmetic,
    test_conv_2d,
    test_depthwise_conv_2d,
    test_fully_connected,
    test_lookup,
    test_recurrent,
    test_softmax,
    test_table,
)
from tests.support import tiny
from tests.support.dsp_firmware import (
    Case,
    buffer_names,
    by_rows,
    run_on_device,
    run_sanitized,
    write_project,
)
from tests.support.operators import AddCase, add_input, add_node, case_inputs, pack, quant
from tests.support.oracle import run_numpy
from tests.support.windows import ACTIVATIONS, add_weights, random_window
from toolkit.ir import DType, GraphBuilder, QuantParams
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import on_whole
from toolkit.ops.parts.base import KernelCall, NodeView, view
from toolkit.ops.parts.convolution import convolution_multipliers
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.ops.variants.conv_2d_s8_dsp import conv_2d_call
from toolkit.ops.variants.conv_2d_s8_short import conv_2d_short_call
from toolkit.ops.variants.depthwise_conv_2d_s8_dsp import depthwise_conv_2d_call
from toolkit.targets import Target
from toolkit.toolchain import TOOLCHAINS


def conv_2d(view: NodeView[Any], weight_bits: int) -> KernelCall | None:
    return conv_2d_call(view, *convolution_multipliers(view), weight_bits)


def conv_2d_short(view: NodeView[Any]) -> KernelCall | None:
    return conv_2d_short_call(view, *convolution_multipliers(view))


def short(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """Windows of at most 64 values; a third of them of one pixel."""
    while True:
        in_h, in_w, in_c, out_c = (int(n) for n in rng.integers((1, 1, 1, 1), (6, 20, 65, 12)))
        window = random_window(rng, in_h, in_w) if rng.integers(3) else Window(1, 1)
        if window.kernel_h * window.kernel_w * in_c <= 64:
            break
    x_quant, y_quant = quant(rng), quant(rng, 1e-3, 10)
    if rng.integers(2):
        y_quant = QuantParams.per_tensor(y_quant.tensor_scale, -128)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant)
    shape = (out_c, window.kernel_h, window.kernel_w, in_c)
    inputs: list[str | None] = [x, *add_weights(builder, rng, shape, 0, x_quant.tensor_scale)]
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, "conv_2d", inputs, y_quant, attrs)


def depthwise_conv_2d(view: NodeView[Any]) -> KernelCall | None:
    return depthwise_conv_2d_call(view, *convolution_multipliers(view))


def strips(rng: np.random.Generator, in_h: int, in_w: int) -> Window:
    """Any window, or for every second one 3x3 at stride 1 along the row; dilated or not."""
    if rng.integers(2):
        return random_window(rng, in_h, in_w, dilated=bool(rng.integers(2)))
    down, apart, stride = (int(n) for n in rng.integers(1, (4, 4, 3)))
    pads = Padding(down, down, apart, apart)
    return Window(3, 3, 1 if down > 1 else stride, 1, down, apart, pads)


def depthwise(builder: GraphBuilder, rng: np.random.Generator) -> str:
    """One filter a channel or up to three."""
    in_h, in_w, channels = (int(n) for n in rng.integers((1, 1, 4), (9, 30, 14)))
    window, multiplier = strips(rng, in_h, in_w), max(1, int(rng.integers(-1, 4)))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, channels), x_quant)
    shape = (1, window.kernel_h, window.kernel_w, channels * multiplier)
    inputs: list[str | None] = [x, *add_weights(builder, rng, shape, 3, x_quant.tensor_scale)]
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, "depthwise_conv_2d", inputs, quant(rng, 1e-3, 10), attrs)


def pool(op: str, dtype: DType, builder: GraphBuilder, rng: np.random.Generator) -> str:
    """Mostly 3x3 at stride 2, with and without padding."""
    in_h, in_w, channels = (int(n) for n in rng.integers((1, 2, 1), (9, 12, 14)))
    window = random_window(rng, in_h, in_w, dilated=False)
    if rng.integers(4):
        pads = Padding(*(int(n) for n in rng.integers(0, 3, 4)))
        window = Window(3, 3, int(rng.integers(1, 3)), 2, padding=pads)
        if min(window.output_hw(in_h, in_w)) < 1:
            window = replace(window, padding=Padding(1, 1, 1, 1))
    wide = dtype is DType.INT16
    quantisation = QuantParams.per_tensor(1e-4, 0) if wide else quant(rng)
    x = add_input(builder, (1, in_h, in_w, channels), quantisation, dtype)
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, [x], quantisation, attrs, dtype)


def every_length() -> Iterator[Case]:
    """Windows of 1 to 64 values, rounding of negative sums with and without effect."""
    rng = np.random.default_rng(20)
    for values in range(1, 65):
        builder = GraphBuilder("cases")
        x_quant = quant(rng)
        x = add_input(builder, (1, 1, int(rng.integers(1, 9)), values), x_quant)
        shape = (int(rng.integers(1, 9)), 1, 1, values)
        inputs: list[str | None] = [x, *add_weights(builder, rng, shape, 0, x_quant.tensor_scale)]
        zero_point = -128 if values % 2 else int(rng.integers(-127, 128))
        quantisation = QuantParams.per_tensor(0.02 * float(rng.uniform(1, values)), zero_point)
        attrs = WindowedAttrs(Window(1, 1))
        builder.outputs.append(add_node(builder, "conv_2d", inputs, quantisation, attrs))
        graph = builder.build()
        call = conv_2d_short(view(graph, graph.nodes[0]))
        if call is not None:
            given = case_inputs(graph, values)
            yield Case(call, tuple(given), run_numpy(graph, given)[0])


def first_fast(view: NodeView[Any]) -> KernelCall | None:
    return next(iter(OPERATORS[view.node.op].dsp_calls(view)), None)


def of_few_channels(view: NodeView[Any]) -> KernelCall | None:
    """A depthwise convolution as the convolution that it is."""
    return None if view.input(0).shape[3] > 3 else fully_connected(view)


def fully_connected(view: NodeView[Any], choice: int = 0) -> KernelCall | None:
    """By weights of 8 bits, or of 16."""
    calls = OPERATORS[view.node.op].dsp_calls(view)
    return calls[choice] if calls else None


def of_the_whole(view: NodeView[Any]) -> KernelCall | None:
    """A convolution as the dense layer that it is."""
    return first_fast(on_whole(view))


def portable(view: NodeView[Any]) -> KernelCall:
    return OPERATORS[view.node.op].kernel_call(view)


#: Random cases of an operator, and its kernels.
Sweep = list[tuple[AddCase, tuple[Callable[[NodeView[Any]], KernelCall | None], ...]]]
KERNELS: Sweep = [
    (test_conv_2d.case, (partial(conv_2d, weight_bits=8), partial(conv_2d, weight_bits=16))),
    (test_conv_2d.whole, (of_the_whole,)),
    (short, (conv_2d_short,)),
    (depthwise, (depthwise_conv_2d,)),
    (test_depthwise_conv_2d.case, (of_few_channels,)),
    (test_fully_connected.case_int8, (fully_connected, partial(fully_connected, choice=1))),
    (test_recurrent.lstm, (first_fast,)),
    (test_recurrent.other, (first_fast,)),
    (test_recurrent.begun, (first_fast,)),
    (test_recurrent.begun_lstm, (first_fast,)),
    (partial(pool, "max_pool_2d", DType.INT8), (portable,)),
    (partial(pool, "max_pool_2d", DType.INT16), (portable,)),
    (partial(pool, "average_pool_2d", DType.INT8), (portable,)),
    (partial(pool, "average_pool_2d", DType.INT16), (portable,)),
    (partial(test_arithmetic.case, "add"), (portable,)),
    (partial(test_lookup.case, "tanh"), (portable,)),
    (partial(test_table.case, (DType.INT8, DType.INT16)), (portable,)),
    (test_softmax.case, (portable,)),
]


def random_cases(count: int, seed: int, swept: Sweep = KERNELS) -> Iterator[Case]:
    """Eligible ones among ``count`` random nodes of each operator, whole and by rows in turn."""
    number = 0
    for add_case, kernels in swept:
        graph = pack(add_case, count, seed)
        inputs = case_inputs(graph, seed)
        expected = dict(zip(graph.outputs, run_numpy(graph, inputs), strict=True))
        runs = len(inputs[0])
        given = {
            name: np.stack([tensor.values] * runs)
            for name, tensor in graph.tensors.items()
            if tensor.is_constant
        } | dict(zip(graph.inputs, inputs, strict=True))
        for index, node in enumerate(graph.nodes):
            call = kernels[index % len(kernels)](view(graph, node))
            if call is None:
                continue
            rows = "pad_top" in call.params and index // len(kernels) % 2 == 1
            yield Case(
                call,
                tuple(given[name] for name in call.inputs),
                expected[node.outputs[0]],
                by_rows(number, call) if rows else "",
            )
            number += 1


def check(
    folder: Path, monkeypatch: pytest.MonkeyPatch, toolchain: str, level: str, count: int, seed: int
) -> None:
    run(list(random_cases(count, seed)), folder, monkeypatch, toolchain, level)


def run(
    cases: list[Case],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    toolchain: str,
    level: str,
    target: Target = tiny.TARGET,
) -> None:
    compiler = tiny.toolchain_or_skip(toolchain)
    for module in ("gcc", "zig"):
        name = f"toolkit.toolchain.{module}.LANGUAGE_FLAGS"
        flags = pytest.importorskip(f"toolkit.toolchain.{module}").LANGUAGE_FLAGS
        # zig strips programs for size, unless they are to be debugged.
        monkeypatch.setattr(name, ("-g", *(level if f == "-O3" else f for f in flags)))
    write_project(cases, folder / "project", target)
    run_on_device(cases, compiler, folder / "project", target)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_random_cases_on_the_core(
    toolchain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(tmp_path, monkeypatch, toolchain, "-O3", 16, 0)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_every_length_on_the_core(
    toolchain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = list(every_length())
    assert len(cases) > 50
    run(cases, tmp_path, monkeypatch, toolchain, "-O3")


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize("level", ["-O2", "-O3", "-Os"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_sweep_on_the_core(
    toolchain: str, level: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(tmp_path, monkeypatch, toolchain, level, 60, seed)


@pytest.mark.parametrize("beyond", ["b0_out[-1]", "b0_out[sizeof b0_out]", "b0_in0[-16]"])
def test_a_byte_beside_a_buffer_spoils_a_case_on_the_core(
    beyond: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = list(random_cases(1, 3))[:1]
    call = f"{case.call.kernel}(&p, {', '.join(buffer_names(0, case))});"
    run([replace(case, body=call)], tmp_path / "right", monkeypatch, "zig", "-O2")
    wrong = f"{call}\n((volatile int8_t *)&{beyond})[0] = 1;"
    with pytest.raises(AssertionError, match="values differ"):
        run([replace(case, body=wrong)], tmp_path / "wrong", monkeypatch, "zig", "-O2")


@pytest.mark.parametrize("seed", [10])
def test_random_cases_under_the_sanitisers(seed: int, tmp_path: Path) -> None:
    cases = list(random_cases(20, seed))
    write_project(cases, tmp_path / "project")
    run_sanitized(cases, tmp_path / "project")


def test_extreme_scales_are_refused_or_right() -> None:
    """Every node either has no DSP kernel or constants that `tk_dsp_requantize` can take."""
    graph = pack(test_conv_2d.case, 200, seed=5)
    calls = [conv_2d(view(graph, node), 8) for node in graph.nodes]
    records = np.concatenate([c.params["requantize"] for c in calls if c is not None])
    assert 0 < sum(call is None for call in calls) < len(calls)
    assert records[:, 3].min() >= 1
    assert np.abs(records[:, 2].astype(np.int64)).max() < 1 << 30
