"""Compilers and their flags: it compiles without a warning, gives the same bytes, leaves r9 be."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.matrix import (
    COMPILERS,
    FLAGS,
    OPTIMIZE,
    R9_ALLOWED,
    Row,
    build,
    compiler_flags,
    find_compiler,
    wrong_bytes,
)
from toolkit.compare.front_end import feature_findings
from toolkit.deploy.model import load
from toolkit.errors import ToolMissingError
from toolkit.plan.schedule import ScheduleRequest
from toolkit.resources import data_dir, kernel_folders
from toolkit.toolchain.elf import ElfImage

ROWS = [Row(t, f, o) for t in COMPILERS for f in FLAGS for o in OPTIMIZE]
#: Every compiler with both sets of kernels, every flag but -O2 once (-O3 is the toolkit's own).
PAIRWISE = [
    Row("gcc", "-O0", "speed"),
    Row("gcc", "-Og -g", "size"),
    Row("gcc", "-ffixed-r9", "speed"),
    Row("clang", "frame pointer", "speed"),
    Row("clang", "-flto", "speed"),
    Row("clang", "-O1", "size"),
    Row("zig", "undefined behaviour traps", "size"),
    Row("zig", "-Os", "speed"),
]
#: Of speech: more than what layers look ahead.
SECONDS = 0.2
#: GNU C beside the language: keywords with underscores and what stands for gcc or an instruction.
GNU = re.compile(
    r"__asm\w*|\basm\b|__attribute\w*|__builtin_\w+|__restrict\w*|__extension__|__inline\w*"
    r"|__typeof\w*|\btypeof\b|__label__|__auto_type|\(\s*\{|\?:|#pragma"
)
COMMENTS = re.compile(r"/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)


def require(name: str) -> None:
    """Skip the test where the compiler is not installed."""
    try:
        find_compiler(name)
    except ToolMissingError as error:
        pytest.skip(str(error))


def check_row(row: Row, folder: Path) -> None:
    require(row.toolchain)
    harness, linked = build(row, folder / "project")
    assert wrong_bytes(harness, linked) == 0
    if row.flags == "-ffixed-r9":
        assert writes_of_r9(linked.elf) == []


@pytest.mark.parametrize("row", PAIRWISE, ids=str)
def test_pairs_of_flags(row: Row, tmp_path: Path) -> None:
    check_row(row, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_row(row: Row, tmp_path: Path) -> None:
    check_row(row, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_wav2small_under_every_row(row: Row, tmp_path: Path) -> None:
    """Audio in, outputs out: those of the integer reference."""
    require(row.toolchain)
    request = ScheduleRequest("stream", 1, row.optimize)
    deployment = load("wav2small", SECONDS).deploy("cortex-m4", request)
    with compiler_flags(row):
        firmware = deployment.compile(row.toolchain, tmp_path)
    run = firmware.run_on(deployment.stimulus(whole=False))
    assert list(run.outputs) == list(run.expected)
    rows, clip = run.execution.output.cases[0].rows, run.clip
    assert clip is not None and rows is not None and run.front_end is not None
    check = feature_findings(run.front_end, clip.features, rows)[1]
    assert check.passed, check
    if row.flags == "-ffixed-r9":
        assert writes_of_r9(firmware.linked.elf) == []


def writes_of_r9(elf: ElfImage) -> list[str]:
    """Instructions that may change r9, disassembled; not those of functions called __name, of
    compilers' run-time libraries that came compiled."""
    from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
    from capstone.arm import ARM_REG_R9

    disassembler = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
    disassembler.detail, disassembler.skipdata = True, True
    found, instructions = [], 0
    for function in [f for f in elf.functions if not f.name.startswith("__")]:
        code = elf.read(function.address, function.size_bytes)
        for instruction in disassembler.disasm(code, function.address):
            if instruction.id != 0:
                instructions += 1
                if ARM_REG_R9 in instruction.regs_access()[1]:
                    found.append(f"{function.name}: {instruction.mnemonic} {instruction.op_str}")
    assert instructions > 1_000
    return found


def test_writes_of_r9_are_seen(tmp_path: Path) -> None:
    """The firmware that may use r9 does."""
    require("zig")
    found = writes_of_r9(build(Row("zig", "-Os", "speed"), tmp_path / "project")[1].elf)
    functions = {text.split(":")[0] for text in found}
    assert any(name.startswith("tk_short_block_") for name in functions)
    assert any(name.startswith("tk_matmul_s16_") for name in functions)


def own_text(path: Path) -> str:
    """The code of a C file, without comments and strings."""
    return COMMENTS.sub(" ", path.read_text(encoding="utf-8"))


def portable_files() -> list[Path]:
    """The C files of kernels and features that any C99 compiler takes; not `tk_compiler.h`."""
    folders = (kernel_folders()[0], data_dir("firmware_templates") / "features")
    found = [path for folder in folders for path in sorted(folder.glob("*.[ch]"))]
    return [path for path in found if path.name != "tk_compiler.h" and path not in with_assembly()]


def with_assembly() -> list[Path]:
    """The C files whose assembly stands behind a check of the compiler."""
    portable, dsp = kernel_folders()
    return sorted([*dsp.glob("*.[ch]"), *portable.glob("tk_blocked_*.[ch]")])


@pytest.mark.parametrize("path", portable_files(), ids=lambda path: path.name)
def test_portable_code_is_plain_c99(path: Path) -> None:
    assert GNU.findall(own_text(path)) == []


@pytest.mark.parametrize("path", with_assembly(), ids=lambda p: p.name)
def test_dsp_code_is_plain_c99_to_other_compilers(path: Path) -> None:
    """What is left of a file where no compiler is GNU's, on a core with the DSP extension."""
    compiler = shutil.which("gcc") or pytest.skip("needs a preprocessor")
    core = (
        "-D__thumb__=1",
        "-D__ARM_FEATURE_DSP=1",
        "-D__ARM_FEATURE_SIMD32=1",
        "-D__ARM_FP=4",
        "-D__OPTIMIZE__=1",
    )
    folders = [f"-I{folder}" for folder in kernel_folders()]
    command = [compiler, "-E", "-std=c99", *core, *folders, f"-D{R9_ALLOWED[2:]}", "-x", "c"]
    source = path.read_text(encoding="utf-8")
    done = subprocess.run(
        [*command, "-include", "stdint.h", "-include", "stddef.h", "-include", "string.h", "-"],
        # The C library's headers are read as gcc, ours as another compiler.
        input=f"#undef __GNUC__\n{source}",
        capture_output=True,
        text=True,
        check=True,
    )
    ours, keep = [], False
    for line in done.stdout.splitlines():
        if line.startswith("# "):
            name = line.split('"')[1]
            keep = name == "<stdin>" or Path(name).name.startswith("tk_")
        elif keep:
            ours.append(line)
    text = COMMENTS.sub(" ", "\n".join(ours))
    assert "tk_" in text
    assert GNU.findall(text) == []
