"""Firmware of CMSIS-NN's layers: the C of a call from the parameters of our portable kernel."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from toolkit.ir import DType, Graph
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import on_whole
from toolkit.ops.parts.base import KernelCall, view
from toolkit.resources import data_dir
from toolkit.targets import Target

_COMPILER = "arm-none-eabi-gcc"
_FLAGS = ("-O3", "-ffunction-sections", "-fdata-sections", "-fomit-frame-pointer", "-w")
_LINK = ("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-Wl,--gc-sections")
_PARTS = ("BasicMath", "Convolution", "FullyConnected", "NNSupport", "Pooling")
_TYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t"}
_MAIN = """\
#include "arm_nnfunctions.h"
#include "tk_io.h"
#include <string.h>
#define MARKER(name) \\
    void name(void); \\
    __attribute__((noinline, used)) void name(void) { static volatile int calls; calls++; }
MARKER(tk_phase_other)
MARKER(tk_phase_features)
MARKER(tk_phase_model)
static int32_t scratch[65536] __attribute__((section(".bss.harness")));
#define LAYER __attribute__((noinline)) static int
"""


def layer_symbol(number: int) -> str:
    """The function that runs a layer."""
    return f"peer_layer_{number}"


def firmware_text(graphs: Sequence[Graph], inputs: Sequence[Sequence[Array]]) -> str:
    """A program that runs the only node of every graph on its inputs and writes what comes out."""
    text, copies, body = _MAIN, "", ""
    for number, (graph, given) in enumerate(zip(graphs, inputs, strict=True)):
        call = _portable(graph)
        arrays = {k: v for k, v in call.params.items() if not isinstance(v, int)}
        if "shifts" in arrays:
            arrays["shifts"] = arrays["shifts"].astype(np.int32)
        text += "".join(_constant(f"{k}_{number}", v) for k, v in arrays.items())
        out = graph.tensors[graph.outputs[0]]
        kind = _TYPES[out.dtype.value]
        for index, array in enumerate(given):
            text += _constant(f"given{index}_{number}", array)
            text += f"static {kind} in{index}_{number}[{array.size}] __attribute__((aligned(8)));\n"
            name = f"in{index}_{number}"
            copies += f"    memcpy({name}, given{index}_{number}, sizeof {name});\n"
        text += f"static {kind} out_{number}[{out.elements}] __attribute__((aligned(8)));\n"
        statement = _statement(graph, call).replace("@", str(number))
        text += f"LAYER {layer_symbol(number)}(void) {{\n{statement}\n}}\n"
        body += f"    if ({layer_symbol(number)}() != 0) tk_io_exit(1);\n"
    body = f"{copies}    tk_phase_features();\n    tk_phase_model();\n{body}    tk_phase_other();\n"
    writes = "".join(f"    tk_io_write(out_{n}, sizeof out_{n});\n" for n in range(len(graphs)))
    end = f"    tk_io_open();\n{writes}    tk_io_exit(TK_EXIT_OK);\n    return 0;\n"
    return f"{text}int main(void) {{\n{body}{end}}}\n"


def compile_library(cmsis_nn: Path, target: Target, out: Path) -> None:
    """CMSIS-NN's integer kernels as objects for a core.  SystemExit where the compiler fails."""
    sources = [
        path
        for part in _PARTS
        for path in sorted((cmsis_nn / "Source" / f"{part}Functions").glob("*.c"))
        if not path.stem.endswith(("_f16", "_f32", "_s4"))
    ]

    def build(source: Path) -> None:
        _run([*_command(cmsis_nn, target), "-c", str(source), "-o", str(out / f"{source.stem}.o")])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, sources))


def link(text: str, cmsis_nn: Path, target: Target, library: Path, out: Path) -> Path:
    """The ELF of a program with the library's objects."""
    harness = data_dir("firmware_templates") / "harness"
    script = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
        (harness / "linker.ld.jinja").read_text(encoding="utf-8")
    )
    context = dataclasses.asdict(target.linker_context()) | {"stack_bytes": 16_384}
    (out / "linker.ld").write_text(script.render(context), encoding="utf-8")
    (out / "main.c").write_text(text, encoding="utf-8")
    own = [out / "main.c", *(harness / name for name in ("startup.c", "tk_io_semihosting.c"))]
    objects = sorted(library.glob("*.o"))
    elf = out / "peer.elf"
    command = [*_command(cmsis_nn, target), f"-I{harness}", *map(str, (*own, *objects))]
    _run([*command, *_LINK, f"-T{out / 'linker.ld'}", "-o", str(elf)])
    return elf


def _command(cmsis_nn: Path, target: Target) -> list[str]:
    return [_COMPILER, *target.compiler_flags("gcc"), *_FLAGS, f"-I{cmsis_nn / 'Include'}"]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"CMSIS-NN: {done.stderr.strip()[-2000:]}")


def _portable(graph: Graph) -> KernelCall:
    """Our portable kernel for the operator as which CMSIS-NN runs the node."""
    node = view(graph, graph.nodes[0])
    whole = on_whole(node)
    return OPERATORS[node.node.op].kernel_call(whole if whole.node.op == node.node.op else node)


def _constant(name: str, array: Array) -> str:
    values = ",".join(map(str, array.reshape(-1).tolist())).replace("-2147483648", "INT32_MIN")
    kind = _TYPES[array.dtype.name]
    return f"static const {kind} {name}[] __attribute__((aligned(8))) = {{{values}}};\n"


def _statement(graph: Graph, call: KernelCall) -> str:
    node = view(graph, graph.nodes[0])
    wide = node.output.dtype is DType.INT16
    p = {
        "in_zero_point": 0,
        "out_zero_point": 0,
        "a_zero_point": 0,
        "b_zero_point": 0,
        **call.params,
    }
    suffix = "s16" if wide else "s8"
    if node.node.op in ("conv_2d", "depthwise_conv_2d"):
        return _convolution(p, suffix)
    if node.node.op == "fully_connected":
        return _dense(p, suffix)
    if node.node.op.endswith("pool_2d"):
        return _pool(p, node.node.op, suffix)
    return _elementwise(p, node.node.op, node.output.elements, suffix)


def _convolution(p: Mapping[str, Any], suffix: str) -> str:
    depthwise = "depth_multiplier" in p
    out_c = p["in_c"] * p["depth_multiplier"] if depthwise else p["out_c"]
    name = f"arm_{'depthwise_conv' if depthwise else 'convolve'}_wrapper_{suffix}"
    filter_dims = f"{{1, {p['kernel_h']}, {p['kernel_w']}, {out_c}}}"
    if not depthwise:
        filter_dims = f"{{{out_c}, {p['kernel_h']}, {p['kernel_w']}, {p['in_c']}}}"
    multiplier = f"{p['depth_multiplier']}, " if depthwise else ""
    bias = "bias_@"
    kinds = "dw_conv" if depthwise else "conv"
    text = f"""\
    const cmsis_nn_{kinds}_params p = {{{-p["in_zero_point"]}, {p["out_zero_point"]}, {multiplier}\
{{{p["stride_w"]}, {p["stride_h"]}}}, {{{p["pad_left"]}, {p["pad_top"]}}}, \
{{{p["dilation_w"]}, {p["dilation_h"]}}}, {{{p["out_min"]}, {p["out_max"]}}}}};
    const cmsis_nn_per_channel_quant_params q = {{(int32_t *)multipliers_@, (int32_t *)shifts_@}};
    const cmsis_nn_dims in = {{1, {p["in_h"]}, {p["in_w"]}, {p["in_c"]}}}, w = {filter_dims};
    const cmsis_nn_dims b = {{1, 1, 1, {out_c}}}, out = {{1, {p["out_h"]}, {p["out_w"]}, {out_c}}};
    const cmsis_nn_context c = {{scratch, sizeof scratch}};
"""
    if suffix == "s16" and not depthwise:
        text += "    const cmsis_nn_bias_data bias = {bias_@, false};\n"
        bias = "&bias"
    return text + (
        f"    return {name}(&c, &p, &q, &in, in0_@, &w, weights_@, &b, {bias}, &out, out_@);"
    )


def _dense(p: Mapping[str, Any], suffix: str) -> str:
    limits = f"{{{p['out_min']}, {p['out_max']}}}"
    if suffix == "s8":
        name = "arm_fully_connected_wrapper_s8"
        arrays = "(int32_t *)multipliers_@, (int32_t *)shifts_@"
        by_output = int(len(np.unique([p["multipliers"], p["shifts"]], axis=1)[0]) > 1)
        quant = f"const cmsis_nn_quant_params q = {{{arrays}, {by_output}}};"
    else:
        name = "arm_fully_connected_s16"
        quant = "const cmsis_nn_per_tensor_quant_params q = {multipliers_@[0], shifts_@[0]};"
    return f"""\
    const cmsis_nn_fc_params p = {{{-p["in_zero_point"]}, 0, {p["out_zero_point"]}, {limits}}};
    {quant}
    const cmsis_nn_dims in = {{{p["batches"]}, 1, 1, {p["inputs"]}}};
    const cmsis_nn_dims w = {{{p["inputs"]}, 1, 1, {p["outputs"]}}};
    const cmsis_nn_dims b = {{1, 1, 1, {p["outputs"]}}};
    const cmsis_nn_dims out = {{{p["batches"]}, 1, 1, {p["outputs"]}}};
    const cmsis_nn_context c = {{scratch, sizeof scratch}};
    return {name}(&c, &p, &q, &in, in0_@, &w, weights_@, &b, bias_@, &out, out_@);"""


def _pool(p: Mapping[str, Any], op: str, suffix: str) -> str:
    name = f"arm_{'max_pool' if op == 'max_pool_2d' else 'avgpool'}_{suffix}"
    return f"""\
    const cmsis_nn_pool_params p = {{{{{p["stride_w"]}, {p["stride_h"]}}}, \
{{{p["pad_left"]}, {p["pad_top"]}}}, {{{p["out_min"]}, {p["out_max"]}}}}};
    const cmsis_nn_dims in = {{1, {p["in_h"]}, {p["in_w"]}, {p["channels"]}}};
    const cmsis_nn_dims w = {{1, {p["kernel_h"]}, {p["kernel_w"]}, 1}};
    const cmsis_nn_dims out = {{1, {p["out_h"]}, {p["out_w"]}, {p["channels"]}}};
    const cmsis_nn_context c = {{scratch, sizeof scratch}};
    return {name}(&c, &p, &in, in0_@, &w, &out, out_@);"""


def _elementwise(p: Mapping[str, Any], op: str, count: int, suffix: str) -> str:
    end = f"out_@, {p['out_zero_point']}, {p['out_multiplier']}, {p['out_shift']}"
    end += f", {p['out_min']}, {p['out_max']}, {count}"
    a, b = -p["a_zero_point"], -p["b_zero_point"]
    if op == "mul":
        return f"    return arm_elementwise_mul_{suffix}(in0_@, in1_@, {a}, {b}, {end});"
    a_scale = f"{a}, {p['a_multiplier']}, {p['a_shift']}"
    b_scale = f"{b}, {p['b_multiplier']}, {p['b_shift']}"
    room = 15 if suffix == "s16" else 20
    operands = f"in0_@, in1_@, {a_scale}, {b_scale}, {room}"
    return f"    return arm_elementwise_add_{suffix}({operands}, {end});"
