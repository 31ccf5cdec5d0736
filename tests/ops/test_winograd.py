"""The Winograd convolution has the bits of CONV_2D's integer reference, on the core and here."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.tiny import toolchain_or_skip
from tests.support.winograd import Case, build_device, convolution, run_device, run_sanitized
from toolkit.ir import QuantParams
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import view
from toolkit.ops.parts.window import Padding
from toolkit.ops.variants import conv_2d_s8_winograd2 as winograd
from toolkit.profiling.stack import bound_stack
from toolkit.toolchain import TOOLCHAINS
from toolkit.toolchain.elf import read_elf

#: Width, input and output channels.
SHAPES = (
    *((in_w, in_c, 3 + (in_w + in_c) % 6) for in_w in range(1, 18) for in_c in (1, 4)),
    *((in_w, in_c, 3 + (in_w + in_c) % 6) for in_w in (6, 8) for in_c in range(1, 20)),
    *((26, 13, 13), (13, 13, 13), (8, 16, 16), (6, 32, 32), (8, 64, 10), (5, 19, 7), (3, 37, 4)),
)


@cache
def cases() -> list[Case]:
    """Every shape once; clamp, weights, padding and zero points take turns."""
    found = []
    for number, (in_w, in_c, out_c) in enumerate(SHAPES):
        graph = convolution(
            in_w,
            in_c,
            out_c,
            number,
            weights=("random", "ends")[number % 5 == 0],
            activation=(Activation.NONE, Activation.RELU)[number // 2 % 2],
            pad_right=0 if in_w > 2 and number % 3 == 0 else 1,
            pad_top=number // 3 % 2,
            pad_bottom=number // 5 % 2,
            zero_points=((-128, -128), (-3, 5), (127, 0))[number % 3],
        )
        found.append(Case(graph, second=number % 7 != 2))
    return found


@pytest.mark.parametrize("level", ["-O2", "-O3", "-Os"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_bits_on_the_core(
    toolchain: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain_or_skip(toolchain)
    for module in ("gcc", "zig"):
        name = f"toolkit.toolchain.{module}.LANGUAGE_FLAGS"
        monkeypatch.setattr(name, _with_level(name, level))
    # Every shape at the level that firmware has, every third at those that a user may choose.
    chosen = cases()[:: 1 if level == "-O3" else 3]
    firmware = build_device(tmp_path, chosen, toolchain)
    run_device(firmware, chosen)
    assert bound_stack(read_elf(firmware.elf)).holds


def _with_level(name: str, level: str) -> tuple[str, ...]:
    module, _, attribute = name.rpartition(".")
    flags: tuple[str, ...] = getattr(importlib.import_module(module), attribute)
    assert "-O3" in flags
    # Zig strips all symbols at -Os, unless told to keep debugging information.
    keep = ("-g",) if level == "-Os" else ()
    return (*(level if flag == "-O3" else flag for flag in flags), *keep)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="AddressSanitizer comes with gcc")
def test_bits_and_bounds_on_a_workstation(tmp_path: Path) -> None:
    run_sanitized(tmp_path, cases()[::3])


def test_transform_of_a_filter_gives_its_convolution() -> None:
    """The inverse transform, in rationals, of products of transforms is the convolution."""
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, (1, 3, 3, 1)).astype(np.int8)
    patch = rng.integers(-255, 256, (4, 4))
    forward = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    back = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
    along = np.array([2, 1, 1, 2])  # what the filter's transform along the row lacks
    products = winograd.transformed(weights).reshape(4, 4)[[2, 0, 1, 3]].T * (
        forward @ patch @ forward.T
    )
    outputs = back @ (products * along) @ back.T
    for y, x in np.ndindex(2, 2):
        assert outputs[y, x] == 4 * (patch[y : y + 3, x : x + 3] * weights[0, :, :, 0]).sum()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"stride_w": 2}, "a stride or dilation"),
        ({"dilation_h": 2}, "a stride or dilation"),
        ({"padding": Padding(0, 0, 0, 1)}, "0 columns of padding on the left"),
        ({"kernel_w": 1}, "a 3x1 kernel"),
    ],
)
def test_which_windows_are_eligible(change: dict[str, Any], reason: str | None) -> None:
    graph = convolution(6, 3, 4, 0)
    conv = view(graph, graph.nodes[0])
    attrs = replace(conv.attrs, window=replace(conv.attrs.window, **change))
    assert winograd.ineligible(replace(conv, attrs=attrs)) == reason


def test_which_sizes_are_eligible() -> None:
    def reason(in_c: int, out_c: int, bias: int = 0, out_scale: float = 1.0) -> str | None:
        graph = convolution(4, in_c, out_c, 0)
        conv = view(graph, graph.nodes[0])
        biases = replace(conv.input(2), data=np.full(out_c, bias, np.int32))
        assert conv.output.quant is not None
        scale = conv.output.scale * out_scale
        quant = QuantParams.per_tensor(scale, conv.output.zero_point)
        inputs = (*conv.inputs[:2], biases)
        outputs = (replace(conv.output, quant=quant),)
        return winograd.ineligible(replace(conv, inputs=inputs, outputs=outputs))

    assert reason(255, 3) is None
    assert reason(3, 585) is None
    assert reason(256, 3) == "256 input and 3 output channels"
    assert reason(3, 2) == "3 input and 2 output channels"
    assert reason(3, 586) == "3 input and 586 output channels"
    assert "accumulators" in str(reason(3, 4, bias=2**29))
    assert "right shifts" in str(reason(3, 4, out_scale=1e-6))
    assert "right shifts" in str(reason(3, 4, out_scale=1e7))
