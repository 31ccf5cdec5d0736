"""Blocked kernels in plain C: the operators' bits, on cores without the DSP extension and on the
workstation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ops import (
    test_conv_2d,
    test_depthwise_conv_2d,
    test_dsp,
    test_dsp_int16,
    test_fully_connected,
)
from tests.support.dsp_firmware import run_sanitized, write_project
from tests.support.operators import add_input, add_node, quant
from tests.support.windows import ACTIVATIONS, add_weights
from toolkit.ir import GraphBuilder
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import KernelCall, NodeView
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.targets import load_target
from toolkit.toolchain import TOOLCHAINS

CORES = ("cortex-m0plus", "cortex-m3")


def blocked(view: NodeView[Any]) -> KernelCall | None:
    return next(iter(OPERATORS[view.node.op].blocked_calls(view)), None)


def window_3x3(op: str, builder: GraphBuilder, rng: np.random.Generator) -> str:
    """Windows of 3x3 with padding or without, of up to 20 channels."""
    in_h, in_w, in_c, out_c = (int(n) for n in rng.integers((3, 3, 1, 1), (9, 12, 20, 9)))
    pad = int(rng.integers(2))
    stride = int(rng.integers(1, 4))
    window = Window(3, 3, int(rng.integers(1, 3)), stride, padding=Padding(pad, pad, pad, pad))
    x_quant = quant(rng)
    x = add_input(builder, (1, in_h, in_w, in_c), x_quant)
    depthwise = op == "depthwise_conv_2d"
    shape = (1, 3, 3, in_c) if depthwise else (out_c, 3, 3, in_c)
    axis = 3 if depthwise else 0
    inputs: list[str | None] = [x, *add_weights(builder, rng, shape, axis, x_quant.tensor_scale)]
    attrs = WindowedAttrs(window, ACTIVATIONS[rng.integers(4)])
    return add_node(builder, op, inputs, quant(rng, 1e-3, 10), attrs)


KERNELS: test_dsp.Sweep = [
    (test_conv_2d.case, (blocked,)),
    (partial(window_3x3, "conv_2d"), (blocked,)),
    (test_depthwise_conv_2d.case, (blocked,)),
    (partial(window_3x3, "depthwise_conv_2d"), (blocked,)),
    (test_fully_connected.case_int8, (blocked,)),
    (partial(test_dsp_int16.convolution, "conv_2d"), (blocked,)),
    (test_dsp_int16.dense, (blocked,)),
]


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_random_cases_on_the_core(
    toolchain: str, core: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = list(test_dsp.random_cases(20, 3, KERNELS))
    assert len(cases) > 50
    test_dsp.run(cases, tmp_path, monkeypatch, toolchain, "-O3", load_target(core))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_sweep_on_the_core(
    toolchain: str,
    core: str,
    level: str,
    seed: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Unoptimised, what every case has on the stack lies there at once: fewer fit a part's RAM.
    count = 5 if level == "-O0" else 60
    cases = list(test_dsp.random_cases(count, seed, KERNELS))
    test_dsp.run(cases, tmp_path, monkeypatch, toolchain, level, load_target(core))


def test_random_cases_under_the_sanitisers(tmp_path: Path) -> None:
    cases = list(test_dsp.random_cases(40, 10, KERNELS))
    write_project(cases, tmp_path / "project")
    run_sanitized(cases, tmp_path / "project")
