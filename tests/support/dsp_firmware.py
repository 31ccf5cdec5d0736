"""Kernels called from one generated C file: many cases in one program, each a function of its own.

The parameters are constants there, as in generated models, and every buffer has its exact size.  On
the core, where no sanitizer looks at assembly, bytes on both sides of each buffer must stay as they
are: where one does not, the case's output is spoilt.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from tests.support import tiny
from tests.support.compilers import compile_c, host_compiler
from tests.support.kernel import FLAGS, SANITIZE, parameter_struct
from toolkit.ir.tensor import Array
from toolkit.ops.parts.base import KernelCall
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.resources import data_dir, kernel_path
from toolkit.simulate import simulate
from toolkit.simulate.protocol import decode_output, encode_tensors
from toolkit.toolchain import Toolchain, device_sources, host_sources
from toolkit.toolchain.elf import read_elf

_INCLUDE = re.compile(r'#include "(tk_\w+\.h)"')
_TYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t"}
_TYPES |= {"uint8": "uint8_t", "uint16": "uint16_t", "uint32": "uint32_t"}

_MODEL_H = """#ifndef MODEL_H
#define MODEL_H
#include <stdint.h>
#define MODEL_INPUTS 1
#define MODEL_OUTPUTS 1
extern const uint32_t model_input_bytes[MODEL_INPUTS];
extern const uint32_t model_output_bytes[MODEL_OUTPUTS];
typedef struct model {{ uint8_t in[{inputs}], out[{outputs}]; }} model;
void *model_input(model *m, uint32_t index);
const void *model_output(const model *m, uint32_t index);
void model_invoke(model *m);
#define MODEL_OK 0
static inline int model_init(model *m) {{
    (void)m;
    return MODEL_OK;
}}
#endif
"""

_COMMON = """
const uint32_t model_input_bytes[] = {{{inputs}}};
const uint32_t model_output_bytes[] = {{{outputs}}};
void *model_input(model *m, uint32_t index) {{ (void)index; return m->in; }}
const void *model_output(const model *m, uint32_t index) {{ (void)index; return m->out; }}
"""

#: A buffer between guard bytes on the core; on the workstation it stands alone, for sanitizers.
_GUARDED = """\
#ifdef __arm__
static struct {{ uint8_t before[16]; {kind} data[{count}]; uint8_t after[16]; }} {name}_guarded
    __attribute__((aligned(8)));
#define {name} {name}_guarded.data
#else
static {kind} {name}[{count}];
#endif
"""
_GUARDS = """
#ifdef __arm__
#define SET_GUARDS(buffer) guards(buffer##_guarded.before, buffer##_guarded.after, 0)
#define BROKEN(buffer) guards(buffer##_guarded.before, buffer##_guarded.after, 1)
static int guards(uint8_t *before, uint8_t *after, int look) {
    int broken = 0;
    for (uint32_t i = 0; i < 16; ++i) {
        broken |= before[i] != 90 || after[i] != 90;
        if (!look) {
            before[i] = after[i] = 90;
        }
    }
    return broken;
}
#else
#define SET_GUARDS(buffer) (void)0
#define BROKEN(buffer) 0
#endif
"""

#: A windowed kernel row by row, as a stream calls it.
BY_ROWS = """
    const int8_t *rows[32];
    for (int32_t y = 0; y < p.out_h; ++y) {{
        for (int32_t k = 0; k < {taps}; ++k) {{
            const int32_t at = y * p.stride_h - p.pad_top + k * {dilation};
            rows[k] = at >= 0 && at < p.in_h ? in + at * {in_row} : NULL;
        }}
        {kernel}_row(&p, rows, out + y * {out_row}{scratch});
    }}
"""


@dataclass(frozen=True)
class Case:
    """A kernel call, what it reads (cases first) and what it must write (likewise)."""

    call: KernelCall
    inputs: tuple[Array, ...]
    expected: Array
    body: str = ""  # instead of the plain call


def _constant(name: str, array: Array) -> str:
    values = ", ".join(
        f"INT64_C({v})"
        if array.dtype == np.int64
        else f"(int32_t){v & 0xFFFFFFFF:#x}u"
        if array.dtype == np.int32
        else f"{v}u"
        if array.dtype.kind == "u"
        else str(v)
        for v in array.reshape(-1).tolist()
    )
    return f"static const {_TYPES[array.dtype.name]} {name}[] = {{{values}}};\n"


def buffer_names(number: int, case: Case) -> list[str]:
    """What the buffers of a case are called in C: inputs, output, scratch where it takes any."""
    names = [f"in{index}" for index in range(len(case.inputs))]
    names += ["out", *(["scratch"] if case.call.scratch_bytes else [])]
    return [f"b{number}_{name}" for name in names]


def _case_text(number: int, case: Case) -> str:
    call, text, fields = case.call, "", []
    kinds = parameter_struct(call.kernel)[1]
    assert list(call.params) == list(kinds), f"{call.kernel}: fields differ from the header's"
    for field, value in call.params.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == kinds[field][0], f"{call.kernel}: {field} is {value.dtype}"
            text += _constant(f"c{number}_{field}", value)
            fields.append(f".{field} = c{number}_{field}")
        else:
            fields.append(f".{field} = {value}")
    buffers = buffer_names(number, case)
    kinds_and_counts = [(_TYPES[a.dtype.name], a[0].size) for a in (*case.inputs, case.expected)]
    kinds_and_counts += [("int64_t", -(-call.scratch_bytes // 8))]  # where there is a name for it
    for name, (kind, count) in zip(buffers, kinds_and_counts, strict=False):
        text += _GUARDED.format(kind=kind, name=name, count=count)
    text += f"static const {call.kernel}_params p{number} = {{{', '.join(fields)}}};\n"
    body = case.body or f"{call.kernel}(&p, {', '.join(buffers)});"
    body = body.replace("&p", f"&p{number}").replace("p.", f"p{number}.")
    text += f"void case_{number}(void);\n"
    text += f"__attribute__((noinline)) void case_{number}(void) {{\n{body}\n}}\n"
    return text


def by_rows(number: int, call: KernelCall) -> str:
    """The body of a case that calls the kernel's row function for every row of the output."""
    p = call.params
    channels = p["out_c"] if "out_c" in p else p["in_c"] if "in_c" in p else p["channels"]
    in_c = p["in_c"] if "in_c" in p else p["channels"]
    text = BY_ROWS.format(
        taps=p["kernel_h"],
        dilation=p.get("dilation_h", 1),
        in_row=p["in_w"] * in_c,
        out_row=p["out_w"] * channels,
        kernel=call.kernel,
        scratch=f", b{number}_scratch" if call.scratch_bytes else "",
    )
    return text.replace("in +", f"b{number}_in0 +").replace("out +", f"b{number}_out +")


def _kernel_files(cases: Sequence[Case]) -> set[str]:
    """The cases' kernels and what they include."""
    files: set[str] = set()
    found = {f"{stem}.h" for c in cases for stem in (c.call.kernel, *c.call.extra_kernels)}
    while found:
        files |= found
        found |= {f"{name[:-2]}.c" for name in found}
        found = {name for name in found if kernel_path(name).exists()}
        files |= found
        texts = [kernel_path(name).read_text() for name in found]
        found = {name for text in texts for name in _INCLUDE.findall(text)} - files
    return files


def write_project(cases: Sequence[Case], folder: Path) -> None:
    """All cases as a project whose model's input and output are theirs, one after the other."""
    folder.mkdir(parents=True)
    (folder / "kernels").mkdir()
    for name in _kernel_files(cases):
        (folder / "kernels" / name).write_text(kernel_path(name).read_text())
    templates = data_dir("firmware_templates") / "harness"
    for path in (*templates.glob("*.c"), *templates.glob("*.h")):
        (folder / path.name).write_text(path.read_text())
    script = (templates / "linker.ld.jinja").read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    context = dataclasses.asdict(tiny.TARGET.linker_context())
    (folder / "linker.ld").write_text(environment.from_string(script).render(context))
    sizes = [(sum(a[0].nbytes for a in c.inputs), c.expected[0].nbytes) for c in cases]
    inputs, outputs = (sum(column) for column in zip(*sizes, strict=True))
    (folder / "model.h").write_text(_MODEL_H.format(inputs=inputs, outputs=outputs))
    kernels = sorted({case.call.kernel for case in cases})
    text = '#include "model.h"\n' + "".join(f'#include "kernels/{k}.h"\n' for k in kernels)
    text += _COMMON.format(inputs=inputs, outputs=outputs) + _GUARDS
    text += "".join(_case_text(number, case) for number, case in enumerate(cases))
    text += "void model_invoke(model *m) {\n"
    text += "    const uint8_t *in = m->in; uint8_t *out = m->out;\n"
    for number, case in enumerate(cases):
        for index in range(len(case.inputs)):
            name = f"b{number}_in{index}"
            text += f"    __builtin_memcpy({name}, in, sizeof {name}); in += sizeof {name};\n"
        text += f"    for (uint32_t i = 0; i < sizeof b{number}_out; ++i) "
        text += f"((uint8_t *)b{number}_out)[i] = 85;\n"
        buffers = buffer_names(number, case)
        text += "".join(f"    SET_GUARDS({buffer});\n" for buffer in buffers)
        text += f"    case_{number}();\n"
        broken = " || ".join(f"BROKEN({buffer})" for buffer in buffers)
        text += f"    if ({broken}) {{ ((uint8_t *)b{number}_out)[0] ^= 255; }}\n"
        name = f"b{number}_out"
        text += f"    __builtin_memcpy(out, {name}, sizeof {name}); out += sizeof {name};\n"
    (folder / "model.c").write_text(text + "}\n")


def input_file(cases: Sequence[Case]) -> bytes:
    runs = range(len(cases[0].expected))
    return encode_tensors(
        [[b"".join(a[run].tobytes() for c in cases for a in c.inputs)] for run in runs]
    )


def check_output(cases: Sequence[Case], data: bytes) -> None:
    """Every byte that the cases wrote is the reference's."""
    total = sum(case.expected[0].nbytes for case in cases)
    for run, result in enumerate(decode_output(data, [total]).cases):
        at = 0
        for number, case in enumerate(cases):
            want = case.expected[run]
            part = result.outputs[0][at : at + want.nbytes]
            have = np.frombuffer(part, want.dtype).reshape(want.shape)
            differing = np.argwhere(have != want)
            shown = {k: v for k, v in case.call.params.items() if isinstance(v, int)}
            assert not len(differing), (
                f"case {number} ({case.call.kernel}), run {run}: {len(differing)} of {want.size} "
                f"values differ, first at {differing[0]}: {have[tuple(differing[0])]} for "
                f"{want[tuple(differing[0])]}; {shown}"
            )
            at += want.nbytes


def run_on_device(cases: Sequence[Case], compiler: Toolchain, folder: Path) -> dict[str, int]:
    """Build for the target, run in Unicorn, check; cycles of every function over all runs."""
    out = folder / "out"
    out.mkdir()
    firmware = compiler.compile(folder, device_sources(folder), tiny.TARGET, out, {})
    result = simulate(firmware.elf, input_file(cases), "unicorn", tiny.TARGET)
    check_output(cases, result.output)
    model = CycleModel(read_elf(firmware.elf), load_cycle_table(tiny.TARGET))
    rows = model.estimate(result.phase("model")).functions
    return {row.function: row.cycles for row in rows}


def run_sanitized(cases: Sequence[Case], folder: Path) -> None:
    """Build for the workstation under AddressSanitizer and UndefinedBehaviorSanitizer, run, check;
    there the kernels are the same algorithms in C."""
    program = folder / "sanitized"
    command = [*host_compiler(), *FLAGS, *SANITIZE, "-iquote.", "-iquotekernels"]
    compile_c([*command, *host_sources(folder), "-o", str(program)], folder)
    check_output(cases, simulate(program, input_file(cases), "host", tiny.TARGET).output)
