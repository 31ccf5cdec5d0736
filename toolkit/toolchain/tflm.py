"""TensorFlow Lite for Microcontrollers from a checkout of the user's: what a model needs of it,
compiled and linked with ``arm-none-eabi-g++``."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError, ToolMissingError
from toolkit.targets import Target
from toolkit.toolchain.base import (
    DEVICE_FLAGS,
    LANGUAGE_FLAGS,
    Binaries,
    define_flags,
    finish,
    include_flags,
    linker_script,
    run_compiler,
)
from toolkit.toolchain.gcc import GccToolchain

_CC, _CXX = "arm-none-eabi-gcc", "arm-none-eabi-g++"
#: The flags of its own Makefile, release build; kernels at -O2, everything else at -Os.
CXX_FLAGS = (
    *("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-ffp-contract=off"),
    *("-ffunction-sections", "-fdata-sections", "-DTF_LITE_STATIC_MEMORY"),
    *("-DTF_LITE_STRIP_ERROR_STRINGS", "-DNDEBUG"),
)
_LINK_FLAGS = ("-nostdlib", "-Wl,--gc-sections", "-Wl,-T,linker.ld")
_LIBRARIES = ("-lm", "-lc", "-lgcc")
_MICRO = "tensorflow/lite/micro"
#: Folders whose sources every model needs, and what in their files' names says that none does.
_FOLDERS = (
    *(_MICRO, f"{_MICRO}/arena_allocator", f"{_MICRO}/memory_planner", f"{_MICRO}/tflite_bridge"),
    *("tensorflow/lite/core/api", "tensorflow/lite/core/c", "tensorflow/lite/kernels"),
    *("tensorflow/lite/kernels/internal", "tensorflow/compiler/mlir/lite/core/api"),
    "tensorflow/compiler/mlir/lite/schema",
)
_NOT_NEEDED = ("test", "mock_", "fake_", "recording_")
_KERNELS = f"{_MICRO}/kernels"
_EVERY_KERNEL = ("kernel_util.cc", "micro_tensor_utils.cc")
#: Headers of others, in the folder of their repository.
_THIRD_PARTY = {"flatbuffers": "include", "gemmlowp": "", "ruy": ""}
#: Where TFLM's own Makefile downloads them to.
_DOWNLOADS = f"{_MICRO}/tools/make/downloads"
_JOBS = 2


@dataclass(frozen=True)
class Checkout:
    """A checkout of tflite-micro, and the folders that its sources include from."""

    folder: Path
    includes: tuple[Path, ...]

    @classmethod
    def at(cls, folder: Path) -> Checkout:
        """The checkout in ``folder``; flatbuffers, gemmlowp and ruy lie beside it, or where its
        Makefile downloads them to.  Raises InputError where something is missing."""
        home = folder.resolve()
        if not (home / _MICRO / "micro_interpreter.cc").is_file():
            raise InputError(
                f"--tflm-dir: '{folder}' is no checkout of tflite-micro.",
                hint=f"It must hold {_MICRO}.",
            )
        includes = [home]
        for name, inner in _THIRD_PARTY.items():
            places = (home / _DOWNLOADS / name, home.parent / name)
            found = next((place for place in places if place.is_dir()), None)
            if found is None:
                raise InputError(
                    f"--tflm-dir: there is no {name} for '{folder}'.",
                    hint=f"Put {', '.join(_THIRD_PARTY)} beside it, of the versions that TFLM's "
                    "Makefile downloads.",
                )
            includes.append(found / inner)
        return cls(home, tuple(includes))

    @property
    def include_flags(self) -> list[str]:
        return [part for path in self.includes for part in ("-isystem", str(path))]

    def core(self) -> list[Path]:
        """The sources that every model needs, and some more, for the linker to leave out."""
        paths = [path for name in _FOLDERS for path in (self.folder / name).glob("*.cc")]
        return sorted(p for p in paths if not any(word in p.name for word in _NOT_NEEDED))

    def kernels(self, operators: Iterable[str]) -> list[Path]:
        """The sources of builtin operators, in the reference form.

        Raises InputError for an operator that this checkout does not have.
        """
        folder = self.folder / _KERNELS
        texts = {
            path: path.read_text(encoding="utf-8")
            for path in folder.glob("*.cc")
            if not any(word in path.name for word in _NOT_NEEDED)
        }
        found = {folder / name for name in _EVERY_KERNEL}
        for operator in operators:
            own = [path for path, text in texts.items() if f" Register_{operator}() {{" in text]
            if not own:
                raise InputError(
                    f"--tflm-dir: this checkout has no kernel for {operator}.",
                    hint="Use a newer one.",
                )
            found |= {*own, *(path.with_name(f"{path.stem}_common.cc") for path in own)}
        return sorted(path for path in found if path.is_file())


@dataclass(frozen=True)
class TflmToolchain:
    """The compiler for a target, whose objects go to ``scratch``, with what it calls itself."""

    checkout: Checkout
    target: Target
    scratch: Path
    version: str

    @classmethod
    def find(cls, checkout: Checkout, target: Target, scratch: Path) -> TflmToolchain:
        """Raises ToolMissingError without the compiler for C or for C++."""
        version = GccToolchain.find().version
        if shutil.which(_CXX) is None:
            raise ToolMissingError(
                f"the compiler '{_CXX}' is not installed.",
                hint="Install gcc-arm-none-eabi and libstdc++-arm-none-eabi-newlib.",
            )
        return cls(checkout, target, scratch, version)

    def library(self, operators: Iterable[str]) -> tuple[Path, ...]:
        """Objects of TFLM and of the kernels of builtin operators."""
        flags = [*self._cxx, "-w"]
        jobs = [(path, "-Os") for path in self.checkout.core()]
        jobs += [(path, "-O2") for path in self.checkout.kernels(operators)]
        commands = {
            self._object(path.relative_to(self.checkout.folder)): [_CXX, *flags, level, str(path)]
            for path, level in jobs
        }
        return self._compile(commands, self.checkout.folder)

    def sources(
        self, project: Path, sources: Sequence[str], defines: Mapping[str, str | int]
    ) -> tuple[Path, ...]:
        """Objects of C and C++ files of a ``project``, by paths relative to it."""
        given = [*define_flags(defines), *include_flags(project)]
        core = self.target.compiler_flags("gcc")
        c = [_CC, *core, *LANGUAGE_FLAGS, *DEVICE_FLAGS, *given]
        cxx = [_CXX, *self._cxx, "-Os", "-Wall", "-Wextra", "-Werror", *given]
        commands = {
            self._object(Path(path)): [*(cxx if path.endswith(".cc") else c), path]
            for path in sources
        }
        return self._compile(commands, project)

    def link(self, project: Path, objects: Sequence[Path], out: Path) -> Binaries:
        """Link with the project's linker script; ``out`` gets the ELF, its images and the map."""
        script, elf = linker_script(project), out.resolve() / "firmware.elf"
        shutil.copy(project / script, self.scratch / "linker.ld")
        core = self.target.compiler_flags("gcc")
        names = [path.name for path in objects]
        command = [_CXX, *core, *_LINK_FLAGS, "-Wl,-Map,firmware.map", *names, *_LIBRARIES]
        run_compiler([*command, "-o", elf.name], self.scratch, _CXX)
        shutil.copy(self.scratch / elf.name, elf)
        map_text = (self.scratch / "firmware.map").read_text(encoding="utf-8")
        return finish(elf, map_text, command, f"gcc {self.version}")

    @property
    def _cxx(self) -> list[str]:
        return [*self.target.compiler_flags("gcc"), *CXX_FLAGS, *self.checkout.include_flags]

    def _object(self, source: Path) -> Path:
        return self.scratch / f"{source.as_posix().replace('/', '__')}.o"

    def _compile(self, commands: Mapping[Path, list[str]], folder: Path) -> tuple[Path, ...]:
        def build(job: tuple[Path, list[str]]) -> Path:
            out, command = job
            run_compiler([*command, "-c", "-o", str(out)], folder, command[0])
            return out

        with ThreadPoolExecutor(_JOBS) as pool:
            return tuple(pool.map(build, commands.items()))
