"""Generated libraries compile without a warning: sources as C99, public headers as C++17."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import pytest
import ziglang

from tests.support.clang import TARGET_FLAG
from tests.support.row_models import FORMS, hearing
from tests.support.states import listening_network
from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.emit import FirmwareProject, write_files
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.plan.schedule import ScheduleRequest
from toolkit.targets import load_target
from toolkit.tflite.write import write_tflite
from toolkit.toolchain.base import DEVICE_FLAGS

TARGET = load_target("cortex-m4")
#: One of each kind of schedule, with the kernels of either sort.
SCHEDULES = {
    "stream": ScheduleRequest("stream", 1, "speed"),
    "continuous": ScheduleRequest("auto", 1, "size", 0.5, 1.0),
    "batch": ScheduleRequest("batch", 1, "speed"),
}
#: Of outputs with time: behind features whose end needs silence, and with several inputs.
ROWS: dict[str, Callable[[], onnx.ModelProto]] = {
    "rows": lambda: hearing(replace(WAV2SMALL_RUNNING, center=True)),
    "inputs": FORMS["two_inputs"],
}
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Wcast-align")
C99 = ("-std=c99", *WARNINGS, "-Wstrict-prototypes")
CPP17 = ("-x", "c++", "-std=c++17", *WARNINGS)
CHECK = ("-fsyntax-only", "-O2", "-Werror")


@dataclass(frozen=True)
class Compiler:
    """A compiler for this workstation or the target; ``cpp`` is its name for C++."""

    command: tuple[str, ...]
    flags: tuple[str, ...] = ()
    cpp: tuple[str, ...] = ()

    def check(self, arguments: tuple[str, ...], folder: Path, cpp: bool = False) -> str:
        """What it has to say; skips the test where it is not installed."""
        command = self.cpp if cpp and self.cpp else self.command
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        done = subprocess.run(
            [*command, *self.flags, *CHECK, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")


_ARM = (TARGET_FLAG, "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", *DEVICE_FLAGS)
# `zig cc` cannot check alone; this is the compiler in it, without its search for headers.
_ZIG = (sys.executable, "-m", "ziglang", "clang")
_HEADERS = f"-isystem{Path(ziglang.__file__).parent / 'lib' / 'include'}"
COMPILERS = {
    "gcc": Compiler(("gcc",), cpp=("g++",)),
    "gcc for Arm": Compiler(
        ("arm-none-eabi-gcc",),
        (*TARGET.compiler_flags("gcc"), *DEVICE_FLAGS),
        ("arm-none-eabi-g++",),
    ),
    "clang": Compiler(("clang",)),
    "clang for Arm": Compiler(("clang",), _ARM),
    "zig": Compiler(_ZIG, (_HEADERS, "-ffreestanding")),
    "zig for Arm": Compiler(_ZIG, (_HEADERS, *_ARM)),
}


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of libraries, each called as its schedule."""
    folder, model = tmp_path_factory.mktemp("libraries"), load("wav2small")
    for name, request in SCHEDULES.items():
        deployment = model.deploy(TARGET, request, name=f"{name}_ear")
        assert deployment.plan.schedule == name
        _write(deployment, folder)
    (folder / "ring.tflite").write_bytes(write_tflite(listening_network()))
    deployment = load(folder / "ring.tflite").deploy(TARGET, name="step_ear")
    assert deployment.plan.schedule == "step"
    _write(deployment, folder)
    for name, form in ROWS.items():
        (folder / "rows.onnx").write_bytes(form().SerializeToString())
        request = ScheduleRequest("stream", 2, "speed")
        _write(load(folder / "rows.onnx").deploy(TARGET, request, name=f"{name}_ear"), folder)
    return folder


def _write(deployment: Deployment, folder: Path) -> None:
    """The library of a deployment alone."""
    files, name = deployment.project().files, deployment.name
    own = {path: data for path, data in files.items() if path.startswith(f"{name}/")}
    write_files(FirmwareProject(own), folder)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", [*SCHEDULES, *ROWS, "step"])
def test_sources_as_c99(libraries: Path, name: str, compiler: str) -> None:
    folder = libraries / f"{name}_ear"
    sources = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.c"))]
    assert len(sources) > 5
    said = COMPILERS[compiler].check((*C99, "-Iinclude", "-Isrc", "-Ikernels", *sources), folder)
    assert said == ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_public_headers_as_cpp17(libraries: Path, tmp_path: Path, compiler: str) -> None:
    """Each alone, then all of them in one file."""
    headers = sorted(path for path in libraries.rglob("include/*.h"))
    assert len(headers) >= 2 * len(SCHEDULES) - 1
    texts = [f'#include "{header.name}"\n' * 2 for header in headers]
    for number, text in enumerate([*texts, "".join(texts)]):
        (tmp_path / f"part{number}.cpp").write_text(text, encoding="utf-8")
    include = [f"-I{folder}" for folder in sorted({str(header.parent) for header in headers})]
    parts = [f"part{number}.cpp" for number in range(len(texts) + 1)]
    assert COMPILERS[compiler].check((*CPP17, *include, *parts), tmp_path, cpp=True) == ""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_warning_is_seen(tmp_path: Path, compiler: str) -> None:
    text = "int narrow(long long value);\nint narrow(long long value) { return value; }\n"
    (tmp_path / "narrow.c").write_text(text, encoding="utf-8")
    assert "conversion" in COMPILERS[compiler].check((*C99, "narrow.c"), tmp_path)
