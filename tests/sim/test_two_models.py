"""Two streamed models in one C++ firmware, in QEMU: each answers as it does alone."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.support import outside
from tests.support.compilers import compile_c
from tests.support.graphs import activation, add_conv
from tests.support.older import older_kernels
from tests.support.tiny import simulator_or_skip
from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.emit import write_files
from toolkit.features.audio import load_clip
from toolkit.ir import GraphBuilder
from toolkit.model.source import demo_clip
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.window import Window
from toolkit.plan.schedule import ScheduleRequest
from toolkit.simulate import simulate
from toolkit.targets import load_target
from toolkit.tflite.write import write_tflite
from toolkit.toolchain.base import DEVICE_FLAGS, LANGUAGE_FLAGS
from toolkit.toolchain.elf import read_elf

TARGET = load_target("cortex-m4")
STREAM = ScheduleRequest("stream", 1, "size")
#: What listens to audio, and what takes frames.
EAR, WORDS = "wav2small", "ds_cnn"
CPP = (
    "-std=c++17",
    "-Os",
    "-ffreestanding",
    "-fno-exceptions",
    "-fno-rtti",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
)
SAMPLES, FRAMES = 2400, 60

_MAIN = """
#include <stddef.h>
{includes}
extern "C" {{
#include "tk_io.h"
int main();
/* The simulator looks for these. */
#define MARKER(name, number) \\
    void name(void); \\
    __attribute__((noinline, used)) void name(void) {{ asm volatile("" ::"r"(number) : "memory"); }}
MARKER(tk_phase_other, 1)
MARKER(tk_phase_features, 2)
MARKER(tk_phase_model, 3)
}}

namespace {{
{objects}
size_t read_block(void *to, size_t limit) {{
    size_t size = 0;
    tk_io_read(&size, 4);
    if (size > limit) {{
        tk_io_exit(TK_EXIT_PROTOCOL);
    }}
    tk_io_read(to, size);
    return size;
}}
void require(bool condition) {{
    if (!condition) {{
        tk_io_exit(TK_EXIT_PROTOCOL);
    }}
}}
TK_HARNESS int16_t samples[16384];
TK_HARNESS int8_t frames[16384];
}}  // namespace

int main() {{
    tk_io_open();
    const size_t count = read_block(samples, sizeof samples) / sizeof samples[0];
    const size_t bytes = read_block(frames, sizeof frames);
    size_t heard = 0;
    size_t seen = 0;
{begin}
    /* By turns, so that each goes on where it was. */
    while (heard < count || seen < bytes) {{
        const size_t part = count - heard < 77 ? count - heard : 77;
        {hear}
        heard += part;
        {see}
    }}
{end}
    tk_io_exit(TK_EXIT_OK);
    return 0;
}}
"""


@dataclass(frozen=True)
class Parts:
    """What the program does with one model."""

    header: str
    type: str
    begin: str
    push: str
    end: str


PARTS = {
    EAR: Parts(
        f"{EAR}_audio.h",
        f"{EAR}_audio",
        f"{EAR}_audio_init(&ear);",
        f"{EAR}_push_audio(&ear, samples + heard, part);",
        f"require({EAR}_audio_finish(&ear) == {EAR.upper()}_OK);"
        f"tk_io_write({EAR}_output(&ear.model, 0), {EAR}_output_bytes[0]);",
    ),
    WORDS: Parts(
        f"{WORDS}.h",
        WORDS,
        f"{WORDS}_init(&words);",
        f"if (seen < bytes) {{ require({WORDS}_push_frame(&words, frames + seen) == "
        f"{WORDS.upper()}_OK); seen += {WORDS.upper()}_FRAME_BYTES; }}",
        f"require({WORDS}_finish(&words) == {WORDS.upper()}_OK);"
        f"tk_io_write({WORDS}_output(&words, 0), {WORDS}_output_bytes[0]);",
    ),
}
VARIABLES = {EAR: "ear", WORDS: "words"}


def main_cpp(names: tuple[str, ...]) -> str:
    """A program that feeds these by turns, and writes what they answer in order."""
    parts = {name: PARTS[name] for name in names}
    push = {name: part.push for name, part in parts.items()}
    skip = "seen = bytes;"
    return _MAIN.format(
        includes="".join(f'#include "{part.header}"\n' for part in parts.values()),
        objects="".join(f"{part.type} {VARIABLES[name]};\n" for name, part in parts.items()),
        begin="\n".join(part.begin for part in parts.values()),
        hear=push.get(EAR, ""),
        see=push.get(WORDS, skip),
        end="\n".join(part.end for part in parts.values()),
    )


@cache
def deployment(name: str, folder: Path) -> Deployment:
    if name == EAR:
        return load(EAR).deploy(TARGET, STREAM, name=EAR)
    return load(str(words_file(folder))).deploy(TARGET, STREAM, name=WORDS)


def words_file(folder: Path) -> Path:
    """MLPerf Tiny's keyword spotter; where it is not there, a small network in its place."""
    published = Path(os.environ.get(outside.MODELS, "")) / "mlperf_tiny_kws_int8.tflite"
    if outside.MODELS in os.environ and published.is_file():
        return published
    builder = GraphBuilder("words")
    x = builder.add_input(activation("x", (1, 49, 10, 1), 0.3, 10))
    x = add_conv(builder, x, Window(3, 3), 6, np.random.default_rng(3), "rows")
    x = add_conv(builder, x, Window(1, 8), 5, np.random.default_rng(4), "bands")
    mean = activation("mean", (1, 5), 0.05, -3)
    builder.outputs.append(builder.add_node("mean", [x], mean, MeanAttrs((1, 2), False), "mean"))
    file = folder / "words.tflite"
    file.write_bytes(write_tflite(builder.build()))
    return file


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    for tool in ("arm-none-eabi-gcc", "arm-none-eabi-g++"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed; tests/host_c/test_two_models.py needs g++ only")
    simulator_or_skip("qemu")
    yield tmp_path_factory.mktemp("firmware")
    deployment.cache_clear()


def libraries(folder: Path, older: frozenset[str] = frozenset()) -> Path:
    """Both libraries and the harness in ``folder``, those ``older`` with kernels of other texts."""
    for name in (EAR, WORDS):
        with older_kernels() if name in older else nullcontext():
            project = deployment(name, folder.parent).project()
        write_files(project, folder)
    (folder / "harness" / "main.c").unlink()
    (folder / "harness" / "tk_io_host.c").unlink()
    return folder


def firmware(folder: Path, names: tuple[str, ...]) -> Path:
    """The ELF of a program of these libraries, compiled with every folder on the include path."""
    parts = [f"{name}/{part}" for name in names for part in ("include", "src", "kernels")]
    folders = [*(part for part in parts if (folder / part).is_dir()), "harness"]
    include = [f"-I{part}" for part in folders]
    core, out = TARGET.compiler_flags("gcc"), folder / f"program_{len(names)}_{names[0]}"
    out.mkdir()
    flags = [*core, *("-Os" if flag == "-O3" else flag for flag in LANGUAGE_FLAGS), *DEVICE_FLAGS]
    objects: dict[str, Path] = {}
    for source in (path for part in folders for path in sorted((folder / part).glob("*.c"))):
        made = out / f"{source.stem}.o"
        if source.name in objects:  # a kernel that both have is one file
            assert objects[source.name].read_bytes() == source.read_bytes()
            continue
        objects[source.name] = source
        relative = str(source.relative_to(folder))
        command = ["arm-none-eabi-gcc", *flags, *include, "-c", relative, "-o", str(made)]
        compile_c(command, folder)
    (out / "main.cpp").write_text(main_cpp(names))
    public = [f"-I{folder / part}" for part in folders if not part.endswith(("src", "kernels"))]
    made = [f"{Path(name).stem}.o" for name in objects]
    link = ["-nostdlib", "-Wl,--gc-sections", f"-Wl,-T,{folder / 'harness' / 'linker.ld'}"]
    for command in (
        [*core, *CPP, *public, "-c", "main.cpp", "-o", "main.o"],
        [*core, *link, "main.o", *made, "-lgcc", "-o", "firmware.elf"],
    ):
        subprocess.run(["arm-none-eabi-g++", *command], cwd=out, check=True)
    return out / "firmware.elf"


def answer(elf: Path) -> bytes:
    """What a program answers in QEMU to a bit of speech and random frames."""
    samples = load_clip(demo_clip(), 16000).samples[:SAMPLES].tobytes()
    row = deployment(WORDS, elf.parents[2]).plan.graph.tensors
    (entry,) = deployment(WORDS, elf.parents[2]).plan.graph.inputs
    frame_bytes = row[entry].size_bytes // row[entry].shape[1]
    frames = np.random.default_rng(5).bytes(FRAMES * frame_bytes)
    data = b"".join(struct.pack("<I", len(block)) + block for block in (samples, frames))
    return simulate(elf, data, "qemu", TARGET).output


@pytest.fixture(scope="module")
def built(scratch: Path) -> Path:
    return libraries(scratch / "same")


@pytest.fixture(scope="module")
def alone(built: Path) -> dict[str, bytes]:
    """What each answers in a firmware of its own."""
    return {name: answer(firmware(built, (name,))) for name in (EAR, WORDS)}


def kernels(elf: Path) -> dict[str, set[str]]:
    """The tags of every linked kernel function."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for function in read_elf(elf).functions:
        tagged = re.fullmatch(r"tk_([0-9a-f]{8})_(\w+?)", function.name)
        if tagged is not None:
            found[tagged[2]].add(tagged[1])
    return found


def test_both_answer_as_they_do_alone(built: Path, alone: dict[str, bytes]) -> None:
    assert all(len(set(data)) > 1 for data in alone.values())
    elf = firmware(built, (EAR, WORDS))
    assert answer(elf) == alone[EAR] + alone[WORDS]
    assert all(len(tags) == 1 for tags in kernels(elf).values())


def test_with_the_kernels_of_another_version(scratch: Path, alone: dict[str, bytes]) -> None:
    """Both versions of what both need are there, side by side."""
    elf = firmware(libraries(scratch / "older", frozenset({WORDS})), (EAR, WORDS))
    assert answer(elf) == alone[EAR] + alone[WORDS]
    twice = {name for name, tags in kernels(elf).items() if len(tags) == 2}
    assert twice, "what this is about"
