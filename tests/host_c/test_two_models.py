"""Several libraries in one C++ program: nothing of them has the same name unless it is the same."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.compilers import compile_c
from tests.support.graphs import activation, add_conv, conv_graph
from tests.support.host_run import NAME, project_of
from tests.support.older import older_kernels
from tests.support.oracle import run_numpy
from toolkit.emit import FirmwareProject, Library, emit_project, write_files
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import LevelSpec, LogMel
from toolkit.ir import Graph, GraphBuilder
from toolkit.ops.mean import MeanAttrs
from toolkit.ops.parts.window import Window
from toolkit.plan import plan_stream
from toolkit.targets import load_target
from toolkit.toolchain.base import LANGUAGE_FLAGS

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which("gcc") is None, reason="g++ is not installed"
)

CPP = ("g++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
BANDS = 8
SPEC = LogMel(
    sample_rate_hz=16000,
    frame_samples=64,
    hop_samples=32,
    n_mels=BANDS,
    f_min_hz=0,
    f_max_hz=8000,
    level=LevelSpec("fixed", gain=4.0),
)
#: Two streamed models, of other features and other weights, and one that takes whole arrays.
STREAMED = ("first", "second")
LIBRARIES = (*STREAMED, NAME)

_MAIN = """
#include <cstdio>
#include <cstdint>
#include <cstring>
{includes}
int main() {{
    static std::int16_t samples[4000];
    std::uint32_t state = 1;
    for (auto &sample : samples) {{
        state = state * 1664525u + 1013904223u;
        sample = static_cast<std::int16_t>(state >> 18);
    }}
{calls}
    return 0;
}}
"""
_STREAM = """    {{
        static {name}_audio a;
        {name}_audio_init(&a);
        {name}_push_audio(&a, samples, 4000);
        if ({name}_audio_finish(&a) != {upper}_OK) {{
            return 1;
        }}
        std::fwrite({name}_output(&a.model, 0), 1, {upper}_OUTPUT_ELEMENTS, stdout);
        if ({name}_output(&a.model, {upper}_OUTPUTS) != nullptr) {{
            return 2;
        }}
        static {name}_resampled r;
        {name}_resampled_init_48000(&r);
        {name}_resampled_push_s16(&r, samples, 4000);
        if ({name}_resampled_finish(&r) != {upper}_OK) {{
            return 3;
        }}
        std::fwrite({name}_output(&r.audio.model, 0), 1, {upper}_OUTPUT_ELEMENTS, stdout);
    }}
"""
_BATCH = """    {{
        static {name} m;
        std::memcpy({name}_input(&m, 0), samples, {name}_input_bytes[0]);
        {name}_invoke(&m);
        std::fwrite({name}_output(&m, 0), 1, {upper}_OUTPUT_ELEMENTS, stdout);
    }}
"""


def main_cpp(names: tuple[str, ...]) -> str:
    """A program that runs each of these on the same noise and writes what they answer."""
    headers = [f"{name}_resampled.h" if name in STREAMED else f"{name}.h" for name in names]
    includes = "".join(f'#include "{header}"\n' for header in headers)
    calls = "".join(
        (_STREAM if name in STREAMED else _BATCH).format(name=name, upper=name.upper())
        for name in names
    )
    return _MAIN.format(includes=includes, calls=calls)


def streamed_graph(seed: int, channels: int) -> Graph:
    """A convolution over all bands, averaged over time."""
    builder = GraphBuilder("streamed")
    x = builder.add_input(activation("x", (1, 20, BANDS, 1), 0.3, 10))
    x = add_conv(builder, x, Window(3, BANDS), channels, np.random.default_rng(seed), "rows")
    mean = activation("mean", (1, channels), 0.05, -3)
    builder.outputs.append(builder.add_node("mean", [x], mean, MeanAttrs((1, 2), False), "mean"))
    return builder.build()


def project(name: str) -> FirmwareProject:
    if name == NAME:
        return project_of(conv_graph())
    number = STREAMED.index(name)
    graph = streamed_graph(number, 5 + number)
    spec = replace(SPEC, frame_samples=64 << number, level=LevelSpec("running"))
    arithmetic = ("float32", "fixed")[number]
    front_end = FrontEnd.feeding(graph.tensors[graph.inputs[0]], spec, arithmetic)
    return emit_project(
        Library(name, plan_stream(graph), name.encode(), front_end), load_target("cortex-m4")
    )


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all libraries, without their harness."""
    folder = tmp_path_factory.mktemp("libraries")
    for name in LIBRARIES:
        files = project(name).files
        own = {path: data for path, data in files.items() if path.startswith(f"{name}/")}
        write_files(FirmwareProject(own), folder)
    return folder


def build(libraries: Path, names: tuple[str, ...], folder: Path) -> bytes:
    """What a program of these libraries answers, compiled with every folder on the include path."""
    folder.mkdir()
    sources: dict[str, Path] = {}
    for name in names:
        for source in sorted((libraries / name).rglob("*.c")):
            other = sources.setdefault(source.name, source)
            assert other.read_bytes() == source.read_bytes(), source.name
    parts = [f"-I{name}/{part}" for name in names for part in ("include", "src", "kernels")]
    flags = ["-O1" if flag == "-O3" else flag for flag in LANGUAGE_FLAGS]
    objects = []
    for source in sources.values():
        objects.append(f"{source.stem}.o")
        relative, out = source.relative_to(libraries), folder / objects[-1]
        compile_c(["gcc", *flags, *parts, "-c", str(relative), "-o", str(out)], libraries)
    (folder / "main.cpp").write_text(main_cpp(names))
    public = [f"-I{libraries / name / 'include'}" for name in names]
    command = [*CPP, *public, "main.cpp", *objects, "-o", "program"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run([folder / "program"], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def answers(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What each library answers alone."""
    folder = tmp_path_factory.mktemp("alone")
    return {name: build(libraries, (name,), folder / name) for name in LIBRARIES}


def test_alone_they_answer(answers: dict[str, bytes]) -> None:
    """The batch model's bytes are the reference's; the streamed ones' are not all the same."""
    graph = conv_graph()
    size = graph.tensors[graph.inputs[0]].elements
    state, samples = 1, []
    while 2 * len(samples) < size:
        state = (state * 1664525 + 1013904223) % 2**32
        samples.append(state >> 18)
    entry = np.array(samples, "<i2").view(np.int8)[:size]
    (expected,) = run_numpy(graph, [entry.reshape(1, *graph.tensors[graph.inputs[0]].shape)])
    assert answers[NAME] == expected.tobytes()
    assert [len(answers[name]) for name in STREAMED] == [2 * 5, 2 * 6], "at 16 kHz and from 48 kHz"
    assert all(len(set(answers[name])) > 1 for name in STREAMED)


def test_together_they_answer_the_same(
    libraries: Path, answers: dict[str, bytes], tmp_path: Path
) -> None:
    both = build(libraries, LIBRARIES, tmp_path / "all")
    assert both == b"".join(answers[name] for name in LIBRARIES)
    shared = [{path.name for path in (libraries / n / "kernels").iterdir()} for n in LIBRARIES]
    assert shared[0] & shared[1], "what this is about"
    assert any(name.startswith("tk_decimate_") for name in shared[0] & shared[1])


def test_with_the_kernels_of_another_version(
    libraries: Path, answers: dict[str, bytes], tmp_path: Path
) -> None:
    """Two versions of the same kernels stand side by side."""
    folder = tmp_path / "libraries"
    shutil.copytree(libraries / "first", folder / "first")
    with older_kernels():
        files = project("second").files
    own = {path: data for path, data in files.items() if path.startswith("second/")}
    write_files(FirmwareProject(own), folder)
    assert build(folder, STREAMED, tmp_path / "both") == answers["first"] + answers["second"]
    before, after = ({p.name for p in (folder / n / "kernels").iterdir()} for n in STREAMED)
    assert not before & after
    assert {name[:-11] for name in before} & {name[:-11] for name in after}, "what this is about"


# --- CMake ---------------------------------------------------------------------------------------
_CONSUMER = """
cmake_minimum_required(VERSION 3.16)
project(app CXX)
set(CMAKE_CXX_STANDARD 17)
{lines}
add_executable(app main.cpp)
target_link_libraries(app PRIVATE {targets})
"""


def cmake(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["cmake", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def consume(folder: Path, lines: str, names: tuple[str, ...], targets: str) -> bytes:
    """What a program answers that CMake makes of these libraries."""
    folder.mkdir()
    (folder / "main.cpp").write_text(main_cpp(names))
    (folder / "CMakeLists.txt").write_text(_CONSUMER.format(lines=lines, targets=targets))
    cmake("-S", folder, "-B", folder / "build")
    cmake("--build", folder / "build")
    return subprocess.run([folder / "build" / "app"], capture_output=True, check=True).stdout


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_cmake_takes_them_as_subdirectories(
    libraries: Path, answers: dict[str, bytes], tmp_path: Path
) -> None:
    names = ("first", NAME)
    lines = "\n".join(f'add_subdirectory("{libraries / name}" {name})' for name in names)
    answer = consume(tmp_path / "app", lines, names, " ".join(names))
    assert answer == b"".join(answers[name] for name in names)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_cmake_finds_an_installed_one(
    libraries: Path, answers: dict[str, bytes], tmp_path: Path
) -> None:
    prefix = tmp_path / "prefix"
    cmake("-S", libraries / "first", "-B", tmp_path / "build")
    cmake("--build", tmp_path / "build")
    cmake("--install", tmp_path / "build", "--prefix", prefix)
    lines = f'list(APPEND CMAKE_PREFIX_PATH "{prefix}")\nfind_package(first REQUIRED)'
    answer = consume(tmp_path / "app", lines, ("first",), "first::first")
    assert answer == answers["first"]
