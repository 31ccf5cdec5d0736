"""Kernels for the DSP extension on int16 activations: the operators' bits, on the workstation and
on the core."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ops import test_dsp
from tests.ops.test_int16 import symmetric, weights
from tests.support.dsp_firmware import run_sanitized, write_project
from tests.support.operators import add_input, add_node
from tests.support.windows import ACTIVATIONS
from toolkit.ir import DType, GraphBuilder
from toolkit.ops import OPERATORS
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.parts.base import KernelCall, NodeView
from toolkit.ops.parts.window import WindowedAttrs
from toolkit.toolchain import TOOLCHAINS


def dsp(view: NodeView[Any]) -> KernelCall | None:
    return next(iter(OPERATORS[view.node.op].dsp_calls(view)), None)


def moderate(
    builder: GraphBuilder, rng: np.random.Generator, shape: tuple[int, ...], axis: int, scale: float
) -> list[str | None]:
    """Weights, and a bias that leaves the sums 32 bits."""
    names = weights(builder, rng, shape, axis, scale)
    if len(names) > 1 and rng.random() < 0.9:
        tensor = builder.tensors[names[1]]
        values = rng.integers(-(10**6), 10**6, tensor.shape).astype(np.int64)
        names[1] = builder.constant("b", values, tensor.quant)
    return list(names)


def convolution(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    """See `test_dsp.strips`; a depthwise one has up to three filters a channel."""
    in_h, in_w, in_c, out_c = (int(n) for n in rng.integers((3, 3, 1, 1), (9, 16, 14, 8)))
    depthwise = op == "depthwise_conv_2d"
    window, multiplier = test_dsp.strips(rng, in_h, in_w), max(1, int(rng.integers(-1, 4)))
    x_quant = symmetric(rng, 1e-4, 1e-2)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant, DType.INT16)
    kernel = (window.kernel_h, window.kernel_w)
    shape = (1, *kernel, in_c * multiplier) if depthwise else (out_c, *kernel, in_c)
    inputs = [x, *moderate(builder, rng, shape, 3 if depthwise else 0, x_quant.tensor_scale)]
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, inputs, symmetric(rng, 1e-3, 1e-1), attrs, DType.INT16)


def dense(builder: GraphBuilder, rng: np.random.Generator) -> str:
    batches, inputs, outputs = (int(n) for n in rng.integers((1, 1, 1), (4, 40, 14)))
    x_quant = symmetric(rng, 1e-4, 1e-2)
    x = add_input(builder, (batches, inputs), x_quant, DType.INT16)
    names = [x, *moderate(builder, rng, (outputs, inputs), 0, x_quant.tensor_scale)]
    attrs = FullyConnectedAttrs(ACTIVATIONS[rng.integers(4)])
    out = symmetric(rng, 1e-3, 1e-1)
    return add_node(builder, "fully_connected", names, out, attrs, DType.INT16)


KERNELS: test_dsp.Sweep = [
    (partial(convolution, "conv_2d"), (dsp,)),
    (partial(convolution, "depthwise_conv_2d"), (dsp,)),
    (dense, (dsp,)),
]


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_random_cases_on_the_core(
    toolchain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = list(test_dsp.random_cases(30, 2, KERNELS))
    assert len(cases) > 50
    test_dsp.run(cases, tmp_path, monkeypatch, toolchain, "-O3")


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_sweep_on_the_core(
    toolchain: str, level: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = list(test_dsp.random_cases(60, seed, KERNELS))
    test_dsp.run(cases, tmp_path, monkeypatch, toolchain, level)


def test_random_cases_under_the_sanitisers(tmp_path: Path) -> None:
    cases = list(test_dsp.random_cases(40, 10, KERNELS))
    write_project(cases, tmp_path / "project")
    run_sanitized(cases, tmp_path / "project")


def test_sums_beyond_32_bits_stay_portable() -> None:
    """A bias that takes the sums there is refused, as are scalings by more than one half."""
    graph = test_dsp.pack(partial(convolution, "conv_2d"), 100, seed=4)
    calls = [dsp(test_dsp.view(graph, node)) for node in graph.nodes]
    assert 0 < sum(call is None for call in calls) < len(calls)
