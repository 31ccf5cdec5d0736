"""Programs that run Winograd convolutions, many in one, on the target core or this workstation.

Every case is an independent model input (its four rows, less those of padding) and output (its two
rows, between guard bytes); every buffer is a C object of exactly the size it must have.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jinja2
import numpy as np

from tests.support.compilers import GCC, compile_c
from tests.support.kernel import FLAGS, SANITIZE
from toolkit.ir import DType, Graph, GraphBuilder, QuantParams, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.conv_2d import Conv2DAttrs
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.base import NodeView, view
from toolkit.ops.parts.window import Padding, Window
from toolkit.ops.variants import conv_2d_s8_winograd2 as winograd
from toolkit.resources import data_dir, kernel_path
from toolkit.simulate import SimulationResult, simulate
from toolkit.simulate.protocol import decode_output, encode_tensors
from toolkit.targets import load_target
from toolkit.toolchain import Binaries, device_sources, find_toolchain

TARGET = load_target("cortex-m4")
GUARD_BYTES = 8
GUARD = 0x55


@dataclass(frozen=True)
class Case:
    """A convolution of four rows to two; ``second`` whether the second row is wanted."""

    graph: Graph
    second: bool = True

    @property
    def view(self) -> NodeView[Conv2DAttrs]:
        return view(self.graph, self.graph.nodes[0])

    @property
    def row_bytes(self) -> int:
        _, _, width, channels = self.view.output.shape
        return width * channels

    @property
    def output_bytes(self) -> int:
        return 2 * self.row_bytes + 3 * GUARD_BYTES

    @cached_property
    def inputs(self) -> list[Array]:
        """Rows of one value each, a checkerboard, noise at the ends, uniform noise."""
        shape, rng = self.view.input(0).shape, np.random.default_rng(0)
        board = np.where(np.indices(shape).sum(axis=0) % 2, 127, -128).astype(np.int8)
        return [
            np.full(shape, -128, np.int8),
            np.full(shape, 127, np.int8),
            board,
            rng.choice(np.array([-128, 127], np.int8), shape),
            rng.integers(-128, 128, shape).astype(np.int8),
            rng.integers(-128, 128, shape).astype(np.int8),
        ]

    @cached_property
    def expected(self) -> list[bytes]:
        """What the kernel must have written for every input, guards and all."""
        return [self._expected(x) for x in self.inputs]

    def _expected(self, x: Array) -> bytes:
        conv = self.view
        values = [x, *(t.values for t in conv.inputs[1:] if t is not None)]
        rows = OPERATORS["conv_2d"].run_int(conv, values)[0]
        guard, unwritten = bytes([GUARD]) * GUARD_BYTES, bytes([GUARD]) * self.row_bytes
        texts = [row.tobytes() for row in rows]
        text: bytes = guard + texts[0] + guard + (texts[1] if self.second else unwritten) + guard
        return text


def convolution(
    in_w: int,
    in_c: int,
    out_c: int,
    seed: int,
    *,
    weights: str = "random",
    activation: Activation = Activation.NONE,
    pad_right: int = 1,
    pad_top: int = 0,
    pad_bottom: int = 0,
    zero_points: tuple[int, int] = (-3, 5),
) -> Graph:
    """A convolution with weights ``random``, or all at the ``ends`` of their range."""
    rng = np.random.default_rng(seed)
    x_quant = QuantParams.per_tensor(0.02, zero_points[0])
    ends = rng.choice(np.array([-127, 127], np.int8), (out_c, 3, 3, in_c))
    noise = rng.integers(-127, 128, (out_c, 3, 3, in_c)).astype(np.int8)
    values = ends if weights == "ends" else noise
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.002, 0.01, out_c))
    in_h = 4 - pad_top - pad_bottom
    builder = GraphBuilder("winograd")
    x = builder.add_input(Tensor("x", (1, in_h, in_w, in_c), DType.INT8, x_quant))
    w = builder.constant("w", values, QuantParams(scales, (0,) * out_c, 0))
    bias_quant = QuantParams(tuple(0.02 * s for s in scales), (0,) * out_c, 0)
    bias = builder.constant("b", rng.integers(-9000, 9000, out_c).astype(np.int32), bias_quant)
    out_scale = 0.02 * 0.006 * 73 * 73 * (9 * in_c) ** 0.5 / 60
    out_w = in_w + pad_right - 1
    out = Tensor(
        "y", (1, 2, out_w, out_c), DType.INT8, QuantParams.per_tensor(out_scale, zero_points[1])
    )
    attrs = Conv2DAttrs(
        Window(3, 3, padding=Padding(pad_top, pad_bottom, 1, pad_right)), activation
    )
    builder.outputs.append(builder.add_node("conv_2d", [x, w, bias], out, attrs, "y"))
    return builder.build()


_MODEL_H = """
#ifndef MODEL_H
#define MODEL_H
#include <stdint.h>
#define MODEL_INPUTS {{ cases | length }}
#define MODEL_OUTPUTS {{ cases | length }}
typedef struct { uint8_t unused; } model;
extern const uint32_t model_input_bytes[MODEL_INPUTS];
extern const uint32_t model_output_bytes[MODEL_OUTPUTS];
void *model_input(model *m, uint32_t index);
const void *model_output(const model *m, uint32_t index);
void model_invoke(model *m);
#define MODEL_OK 0
static inline int model_init(model *m) {
    (void)m;
    return MODEL_OK;
}
#endif
"""

_MODEL_C = """
#include "model.h"
#include "{{ kernel }}.h"
{% for c in cases %}
static int8_t in{{ loop.index0 }}[{{ c.in_bytes }}];
static uint32_t scratch{{ loop.index0 }}[{{ c.scratch_words }}];
static int8_t out{{ loop.index0 }}[{{ c.out_bytes }}];
{% for name, values in c.arrays.items() %}
static const int32_t {{ name }}{{ c.number }}[] = { {{ values | join(", ") }} };
{% endfor %}
static const {{ kernel }}_params params{{ loop.index0 }} = { {{ c.fields | join(", ") }} };
void layer{{ loop.index0 }}(const int8_t *const *rows, int8_t *first, int8_t *second,
                            void *scratch);
__attribute__((noinline)) void layer{{ loop.index0 }}(const int8_t *const *rows, int8_t *first,
                                                      int8_t *second, void *scratch) {
    {{ kernel }}_rows(&params{{ loop.index0 }}, rows, first, second, scratch);
}
{% endfor %}
const uint32_t model_input_bytes[] = { {{ cases | map(attribute="in_bytes") | join(", ") }} };
const uint32_t model_output_bytes[] = { {{ cases | map(attribute="out_bytes") | join(", ") }} };
static void *const in[] = { {{ ins | join(", ") }} };
static void *const out[] = { {{ outs | join(", ") }} };
void *model_input(model *m, uint32_t index) {
    (void)m;
    return in[index];
}
const void *model_output(const model *m, uint32_t index) {
    (void)m;
    return out[index];
}
void model_invoke(model *m) {
    (void)m;
    for (uint32_t i = 0; i < MODEL_OUTPUTS; ++i) {
        for (uint32_t j = 0; j < model_output_bytes[i]; ++j) {
            ((uint8_t *)out[i])[j] = {{ guard }};
        }
    }
{% for c in cases %}
    {
        const int8_t *const rows[4] = { {{ c.rows | join(", ") }} };
        int8_t *const first = out{{ loop.index0 }} + {{ guard_bytes }};
        layer{{ loop.index0 }}(rows, first, {{ c.second }}, scratch{{ loop.index0 }});
    }
{% endfor %}
}
"""


def _context(number: int, case: Case) -> dict[str, object]:
    call = winograd.winograd2_call(case.view)
    assert call is not None
    _, in_h, in_w, in_c = case.view.input(0).shape
    arrays = {
        name.rpartition(".")[2]: np.asarray(value)
        for name, value in call.params.items()
        if not isinstance(value, int)
    }
    fields = [
        value if isinstance(value, int) else f"{name.rpartition('.')[2]}{number}"
        for name, value in call.params.items()
    ]
    top = case.view.attrs.window.padding.top
    rows = [
        f"in{number} + {(i - top) * in_w * in_c}" if 0 <= i - top < in_h else "NULL"
        for i in range(4)
    ]
    return {
        "number": number,
        "in_bytes": in_h * in_w * in_c,
        "scratch_words": call.scratch_bytes // 4,
        "out_bytes": case.output_bytes,
        "arrays": {name: array.reshape(-1).tolist() for name, array in arrays.items()},
        "fields": [f"{{ {', '.join(map(str, fields[:8]))} }}", *fields[8:]],
        "rows": rows,
        "second": f"first + {case.row_bytes + GUARD_BYTES}" if case.second else "NULL",
    }


def write_project(folder: Path, cases: Sequence[Case]) -> Path:
    """Write the harness, the kernels and ``cases`` as a model into ``folder``."""
    templates = data_dir("firmware_templates") / "harness"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates), undefined=jinja2.StrictUndefined
    )
    context = {
        "kernel": "tk_conv_2d_s8_winograd2",
        "cases": [_context(number, case) for number, case in enumerate(cases)],
        "ins": [f"in{number}" for number in range(len(cases))],
        "outs": [f"out{number}" for number in range(len(cases))],
        "guard": GUARD,
        "guard_bytes": GUARD_BYTES,
    }
    script = environment.get_template("linker.ld.jinja").render(
        dataclasses.asdict(TARGET.linker_context())
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "linker.ld").write_text(script)
    (folder / "model.h").write_text(environment.from_string(_MODEL_H).render(context))
    (folder / "model.c").write_text(environment.from_string(_MODEL_C).render(context))
    kernels = (
        "tk_conv_2d_s8_winograd2.h",
        "tk_winograd_2x2.h",
        "tk_winograd_columns.h",
        "tk_matmul_s16.h",
        "tk_matmul_s16.c",
        "tk_dsp.h",
        "tk_common.h",
        "tk_compiler.h",
    )
    sources = [*templates.glob("*.c"), *templates.glob("*.h")]
    for path in (*sources, *(kernel_path(name) for name in kernels)):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def build_device(folder: Path, cases: Sequence[Case], toolchain: str) -> Binaries:
    """The program for the target core."""
    write_project(folder, cases)
    out = folder / "out"
    out.mkdir()
    return find_toolchain(toolchain).compile(folder, device_sources(folder), TARGET, out, {})


def run_device(firmware: Binaries, cases: Sequence[Case]) -> SimulationResult:
    """Run all inputs of all cases on the target core; assert that every byte is right."""
    result = simulate(firmware.elf, _input(cases), "unicorn", TARGET)
    assert_right(cases, result.output)
    return result


def run_sanitized(folder: Path, cases: Sequence[Case]) -> None:
    """The same on this workstation, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    write_project(folder, cases)
    sources = sorted(
        path.name
        for path in folder.glob("*.c")
        if path.name not in ("startup.c", "tk_io_semihosting.c", "tk_memory.c")
    )
    program = folder / "program"
    compile_c([*GCC, *FLAGS, *SANITIZE, *sources, "-o", program.name], folder)
    (folder / "input.bin").write_bytes(_input(cases))
    subprocess.run([str(program)], cwd=folder, check=True)
    assert_right(cases, (folder / "output.bin").read_bytes())


def _input(cases: Sequence[Case]) -> bytes:
    rounds = zip(*([x.tobytes() for x in case.inputs] for case in cases), strict=True)
    return encode_tensors(list(rounds))


def assert_right(cases: Sequence[Case], output: bytes) -> None:
    """Every byte the kernels wrote, and none besides, is the reference's."""
    rounds = decode_output(output, [case.output_bytes for case in cases]).cases
    for number, got in enumerate(rounds):
        for case, data in zip(cases, got.outputs, strict=True):
            want = np.frombuffer(case.expected[number], np.uint8)
            wrong = np.flatnonzero(np.frombuffer(data, np.uint8) != want)
            name = f"{case.view.input(0).shape} to {case.view.output.shape}"
            assert wrong.size == 0, f"{name}: input {number}, bytes {wrong[:9]} of {want.size}"
