"""Firmware under other compiler flags than the toolkit's own: a network of all DSP kernels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.support.clang import ClangToolchain
from tests.support.graphs import activation, add_conv
from tests.support.oracle import random_inputs, run_tflm
from toolkit.deploy.harness import Harness
from toolkit.emit import write_project
from toolkit.ir import Graph, GraphBuilder, QuantParams
from toolkit.ir.tensor import Array
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.kernels import Variants
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.parts.window import Padding, Window, WindowedAttrs
from toolkit.plan import plan_arena
from toolkit.plan.choose import choose_variants
from toolkit.profiling.linked import Linked
from toolkit.simulate.protocol import encode_tensors
from toolkit.targets import load_target
from toolkit.tflite.write import write_tflite
from toolkit.toolchain import TOOLCHAINS, Toolchain, base, find_toolchain, gcc, zig

TARGET = load_target("cortex-m4")
R9_ALLOWED = "-DTK_MAY_USE_R9=1"
#: Compiler flags that a user may have, each with what it takes the place of.
FLAGS: dict[str, tuple[str, ...]] = {
    "-O0": ("-O0",),
    "-Og -g": ("-Og", "-g"),
    "-O1": ("-O1",),
    "-O2": ("-O2",),
    "-O3": ("-O3",),
    "-Os": ("-Os",),
    "-flto": ("-O3", "-flto"),
    "frame pointer": ("-O3", "-fno-omit-frame-pointer"),
    "undefined behaviour traps": (
        "-O3",
        "-fsanitize=undefined",
        "-fsanitize-undefined-trap-on-error",
    ),
    "-ffixed-r9": ("-O3", "-ffixed-r9"),
}
OPTIMIZE = ("size", "speed")
COMPILERS = (*TOOLCHAINS, "clang")


@dataclass(frozen=True)
class Row:
    """A compiler, flags by their name in `FLAGS`, and what kernels are chosen for."""

    toolchain: str
    flags: str
    optimize: str

    def __str__(self) -> str:
        return f"{self.toolchain}, {self.flags}, {self.optimize}"


@contextlib.contextmanager
def compiler_flags(row: Row) -> Iterator[None]:
    """The toolkit's compilers take the row's flags beside their own."""
    language = tuple(flag for flag in base.LANGUAGE_FLAGS if flag != "-O3")
    device = [flag for flag in base.DEVICE_FLAGS if flag != R9_ALLOWED]
    if row.flags != "-ffixed-r9":
        device.append(R9_ALLOWED)
    # zig strips programs for size, unless they are to be debugged.
    extra = ["-g", *FLAGS[row.flags]]
    if row.flags == "-ffixed-r9" and row.toolchain == "zig":
        # zig takes -ffixed-r9 and does nothing: it has a feature of the processor for it.
        (processor,) = [f for f in TARGET.compiler_flags("zig") if f.startswith("-mcpu=")]
        extra.append(f"{processor}+reserve_r9")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("toolkit.deploy.harness.find_toolchain", find_compiler)
        for module in (gcc, zig, base):
            patch.setattr(module, "LANGUAGE_FLAGS", language)
            patch.setattr(module, "DEVICE_FLAGS", (*device, *extra))
        if row.flags == "-flto":
            patch.setattr(gcc, "_LINK_FLAGS", (*gcc._LINK_FLAGS, "-O3", "-flto"))
        yield


def find_compiler(name: str) -> Toolchain:
    """One of `COMPILERS`; ToolMissingError where it is not installed."""
    return ClangToolchain.find() if name == "clang" else find_toolchain(name)


@cache
def network() -> tuple[Graph, Variants]:
    """Every DSP kernel in one network, with its variant; every layer is an output."""
    rng, builder = np.random.default_rng(15), GraphBuilder("matrix")
    same = Padding(1, 1, 1, 1)
    x = builder.add_input(activation("x", (1, 6, 13, 5), 0.05, -3))
    variants = {}

    def add(name: str, variant: str, out: str) -> str:
        variants[name] = variant
        builder.outputs.append(out)
        return out

    def conv(name: str, variant: str, x: str, window: Window, channels: int) -> str:
        return add(name, variant, add_conv(builder, x, window, channels, rng, name))

    def depthwise(name: str, x: str, window: Window) -> str:
        return add(name, "dsp", _add_depthwise(builder, x, window, rng, name))

    x = conv("dsp8", "dsp8", x, Window(3, 3, padding=same), 7)
    x = conv("dsp16", "dsp16", x, Window(3, 3, padding=same), 9)
    x = conv("winograd_4", "winograd2", x, Window(3, 3, padding=same), 8)
    x = depthwise("slide_6", x, Window(3, 3, padding=same))
    x = conv("short", "dsp_short", x, Window(1, 1), 19)
    pool = Window(3, 3, 2, 2, padding=same)
    shape = (1, *pool.output_hw(6, 13), 19)
    pooled = replace(builder.tensors[x], name="pool", shape=shape)
    attrs = WindowedAttrs(pool, Activation.NONE)
    x = add("pool", "portable", builder.add_node("max_pool_2d", [x], pooled, attrs, "pool"))
    x = conv("winograd_3", "winograd2", x, Window(3, 3, padding=same), 6)
    x = depthwise("slide_4", x, Window(3, 3, padding=Padding(1, 1, 1, 0)))
    x = depthwise("pairs", x, Window(3, 3, 1, 2, padding=same))
    x = conv("blocked", "blocked", x, Window(3, 3, padding=same), 5)
    summed = activation("add", builder.tensors[x].shape, 0.1, 7)
    x = add("add", "portable", builder.add_node("add", [x, x], summed, ArithmeticAttrs(), "add"))
    add("dense", "dsp8", _add_dense(builder, x, 10, rng, "dense"))
    return builder.build(), variants


def _weights(
    builder: GraphBuilder,
    name: str,
    shape: tuple[int, ...],
    axis: int,
    x_scale: float,
    rng: np.random.Generator,
) -> list[str]:
    """Random weights with scales along ``axis``, and the bias that goes with them."""
    count = shape[axis]
    scales = rng.uniform(0.001, 0.01, count).astype(np.float32)
    zeros = (0,) * count
    bias_scales = tuple(map(float, scales * np.float32(x_scale)))
    return [
        builder.constant(
            f"{name}/weights",
            rng.integers(-127, 128, shape).astype(np.int8),
            QuantParams(tuple(map(float, scales)), zeros, axis),
        ),
        builder.constant(
            f"{name}/bias",
            rng.integers(-2000, 2000, count).astype(np.int32),
            QuantParams(bias_scales, zeros, 0),
        ),
    ]


def _add_depthwise(
    builder: GraphBuilder, x: str, window: Window, rng: np.random.Generator, name: str
) -> str:
    source = builder.tensors[x]
    _, height, width, channels = source.shape
    weights = _weights(
        builder, name, (1, window.kernel_h, window.kernel_w, channels), 3, source.scale, rng
    )
    out = activation(name, (1, *window.output_hw(height, width), channels), 0.05, 4)
    attrs = WindowedAttrs(window, Activation.NONE)
    return builder.add_node("depthwise_conv_2d", [x, *weights], out, attrs, name)


def _add_dense(
    builder: GraphBuilder, x: str, outputs: int, rng: np.random.Generator, name: str
) -> str:
    source = builder.tensors[x]
    weights = _weights(builder, name, (outputs, source.elements), 0, source.scale, rng)
    out = activation(name, (1, outputs), 0.3, -9)
    return builder.add_node("fully_connected", [x, *weights], out, FullyConnectedAttrs(), name)


@cache
def stimulus() -> tuple[list[Array], list[Array]]:
    """Inputs, cases first, and what TFLM's reference kernels make of them."""
    graph = network()[0]
    inputs = random_inputs(graph, 2)
    return inputs, list(run_tflm(write_tflite(graph), inputs).outputs)


def build(row: Row, folder: Path) -> tuple[Harness, Linked]:
    """The network's firmware under a row's flags, linked in ``folder``."""
    graph, variants = network()
    if row.optimize == "size":
        variants = choose_variants(graph, TARGET, row.optimize)
    harness = Harness(plan_arena(graph, variants), TARGET, b"")
    write_project(harness.project(), folder)
    with compiler_flags(row):
        return harness, harness.compile(folder, row.toolchain)


def wrong_bytes(harness: Harness, linked: Linked) -> int:
    """Bytes of all layers that are not TFLM's; assert that the firmware ran to its end."""
    inputs, expected = stimulus()
    cases = [tuple(a.tobytes() for a in case) for case in zip(*inputs, strict=True)]
    execution = harness.run(linked.binaries.elf, encode_tensors(cases), "unicorn")
    wrong = 0
    for number, case in enumerate(execution.output.cases):
        for data, want in zip(case.outputs, expected, strict=True):
            got = np.frombuffer(data, want.dtype)
            wrong += int(np.count_nonzero(got != want[number].reshape(-1)))
    return wrong
