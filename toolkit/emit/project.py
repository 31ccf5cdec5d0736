"""A whole firmware project in memory: generated C, the kernels it needs, harness, build files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.emit.contexts import Banner, FileText, ProjectContext
from toolkit.emit.model import emit_model
from toolkit.emit.parts import banner
from toolkit.emit.symbols import HARNESS_FEATURES, HARNESS_MODEL
from toolkit.errors import ToolkitError
from toolkit.features.front_end import FrontEnd
from toolkit.measurement import Symbols
from toolkit.plan import Plan
from toolkit.plan.continuous import require_endless_level
from toolkit.resources import data_dir, feature_path, kernel_path, render
from toolkit.targets import Target

#: The test harness: the same files for every model.
HARNESS_FILES = (
    "main.c",
    "startup.c",
    "tk_io.h",
    "tk_io_host.c",
    "tk_io_semihosting.c",
    "tk_memory.c",
)
#: C files that only one of the two programs is made of.
HOST_ONLY = frozenset({"tk_io_host.c"})
DEVICE_ONLY = frozenset({"startup.c", "tk_io_semihosting.c", "tk_memory.c"})

_PURPOSES = {
    "model.tflite": "the int8 model this firmware was generated from; open it in Netron",
    "model.h": "the model's interface: sizes, inputs, outputs, and how it is run",
    "model.c": "the model: parameters and one kernel call a layer",
    "model_audio.h": "audio samples in, outputs out: features and model as one",
    "model_audio.c": "features and model as one",
    "model_weights.h": "declarations of the model's constants",
    "model_weights.c": "the model's constants",
    "features.h": "the audio front-end's interface: samples in, feature rows out",
    "features.c": "the audio front-end's tables",
    "main.c": "test harness: runs the cases of input.bin, writes output.bin",
    "startup.c": "vector table, memory initialisation, stack painting (target only)",
    "tk_io.h": "what the harness needs of the machine",
    "tk_io_semihosting.c": "files through semihosting (target only)",
    "tk_io_host.c": "files on a workstation (workstation only)",
    "tk_memory.c": "memcpy, memmove, memset (target only)",
    "linker.ld": "memory map of the simulated board",
    "CMakeLists.txt": "builds the firmware without Python",
    "README.md": "this file",
}


@dataclass(frozen=True)
class FirmwareProject:
    """Every file of a firmware project, by path relative to its directory (``/`` separates), and
    what the C symbols of the model belong to."""

    files: Mapping[str, bytes]
    symbols: Symbols = field(default_factory=dict)

    def with_files(self, files: Mapping[str, bytes]) -> FirmwareProject:
        """A project with further or replaced files."""
        return replace(self, files={**self.files, **files})


def emit_project(
    plan: Plan, target: Target, model_tflite: bytes, front_end: FrontEnd | None = None
) -> FirmwareProject:
    """The firmware project of a planned graph, read from ``model_tflite``, for ``target``.

    A ``front_end`` feeds the model's only input.  Same inputs give the same bytes.  Raises
    UnsupportedError for tensors that are not integers, InputError for features that a continuous
    plan cannot have.
    """
    sha256 = hashlib.sha256(model_tflite).hexdigest()
    templates = data_dir("firmware_templates")
    model = emit_model(plan, sha256, target.name)
    text, symbols = {**model.files}, {**model.symbols, **HARNESS_MODEL}
    text |= _kernels(plan.kernel_files)
    text |= {name: _read(templates / "harness" / name) for name in HARNESS_FILES}
    text["linker.ld"] = render("linker.ld", target.linker_context())
    if front_end is not None:
        if plan.continuous is not None:
            require_endless_level(front_end.spec)
        symbols |= HARNESS_FEATURES
        text |= front_end.files()
        for name, source in plan.audio_files.items():
            text[name] = _read(templates / "features" / source)
        for name in front_end.kernel_files:
            text[f"kernels/{name}"] = _read(feature_path(name))
    head = banner(plan.graph, sha256, target.name)
    context = _project_context(text, head, plan, target, front_end is not None)
    text |= {name: render(name, context) for name in ("CMakeLists.txt", "README.md")}
    files = {name: content.encode() for name, content in text.items()}
    files["model.tflite"] = model_tflite
    return FirmwareProject(dict(sorted(files.items())), symbols)


def _kernels(stems: Iterable[str]) -> dict[str, str]:
    """The named kernels and, through their includes, all they need; path to text.

    A kernel is a header and, unless that is all, a C file of the same stem.
    """
    files: dict[str, str] = {}
    waiting = sorted(stems)
    while waiting:
        stem = waiting.pop()
        header, source = kernel_path(f"{stem}.h"), kernel_path(f"{stem}.c")
        if not header.is_file():
            raise ToolkitError(f"kernel '{stem}' is missing from the firmware templates.")
        for path in (header, source):
            name = f"kernels/{path.name}"
            if name not in files and path.is_file():
                files[name] = _read(path)
                waiting += re.findall(r'^#include "(\w+)\.h"', files[name], re.MULTILINE)
    return files


def _project_context(
    text: Mapping[str, str],
    head: Banner,
    plan: Plan,
    target: Target,
    has_features: bool,
) -> ProjectContext:
    sources = sorted(name for name in text if name.endswith(".c"))
    names = sorted((*text, "model.tflite", "CMakeLists.txt", "README.md"))
    return ProjectContext(
        banner=head,
        schedule=plan.schedule,
        ram_bytes=plan.ram_bytes,
        lower_bound_bytes=plan.lower_bound_bytes,
        files=tuple(
            FileText(n, "kernel" if n.startswith("kernels/") else _PURPOSES[n]) for n in names
        ),
        device_sources=tuple(n for n in sources if n not in HOST_ONLY),
        host_sources=tuple(n for n in sources if n not in DEVICE_ONLY),
        core_flags=tuple(target.compiler_flags("gcc")),
        has_features=has_features,
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
