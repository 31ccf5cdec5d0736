"""A whole firmware project in memory: generated C, the kernels it needs, harness, build files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.emit import parts
from toolkit.emit.contexts import Banner, FileText, ProjectContext
from toolkit.emit.model import emit_model, kernel_stems
from toolkit.emit.symbols import HARNESS_FEATURES, HARNESS_MODEL
from toolkit.errors import ToolkitError
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import kernel_files as feature_kernel_files
from toolkit.features.tables import render_features
from toolkit.ir import Graph
from toolkit.measurement import Symbols
from toolkit.plan import ArenaPlan, Plan
from toolkit.plan.continuous import require_endless_level
from toolkit.resources import data_dir, kernel_path, render
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
#: Features and model as one, and where they come from by schedule.
AUDIO_FILES: Mapping[str, Mapping[str, str]] = {
    "batch": {},
    "stream": {"model_audio.h": "model_audio.h", "model_audio.c": "model_audio.c"},
    "continuous": {
        "model_audio.h": "model_continuous_audio.h",
        "model_audio.c": "model_continuous_audio.c",
    },
}
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
    graph: Graph,
    plan: Plan,
    target: Target,
    model_tflite: bytes,
    features: FeatureSpec | None = None,
    arithmetic: str = "auto",
) -> FirmwareProject:
    """The firmware project of a quantised graph, read from ``model_tflite``, for ``target``.

    With ``features`` the audio front-end feeds model input 0, whose quantisation it takes;
    ``arithmetic`` as in `feature_arithmetic`.
    Same inputs give the same bytes.  Raises UnsupportedError for tensors that are not integers,
    InputError for features that a continuous plan cannot have.
    """
    sha256 = hashlib.sha256(model_tflite).hexdigest()
    templates = data_dir("firmware_templates")
    model = emit_model(graph, plan, sha256, target.name)
    text, symbols = {**model.files}, {**model.symbols, **HARNESS_MODEL}
    text |= _kernels(kernel_stems(graph, plan))
    text |= {name: _read(templates / "harness" / name) for name in HARNESS_FILES}
    text["linker.ld"] = render("linker.ld", target.linker_context())
    if features is not None:
        symbols |= HARNESS_FEATURES
        quantisation = graph.tensors[graph.inputs[0]]
        arithmetic = feature_arithmetic(target, arithmetic)
        text |= render_features(features, quantisation.scale, quantisation.zero_point, arithmetic)
        if plan.schedule == "continuous":
            require_endless_level(features)
        for name, source in AUDIO_FILES[plan.schedule].items():
            text[name] = _read(templates / "features" / source)
        for name in feature_kernel_files(features, arithmetic):
            text[f"kernels/{name}"] = _read(templates / "features" / name)
    context = _project_context(
        text, parts.banner(graph, sha256, target.name), plan, target, features
    )
    text |= {name: render(name, context) for name in ("CMakeLists.txt", "README.md")}
    files = {name: content.encode() for name, content in text.items()}
    files["model.tflite"] = model_tflite
    return FirmwareProject(dict(sorted(files.items())), symbols)


def feature_arithmetic(target: Target, asked: str = "auto") -> str:
    """What features are computed in: as ``asked``, or with "auto" float32 where the core has
    registers for it and fixed point elsewhere."""
    if asked != "auto":
        return asked
    return "float32" if "fpu" in target.core.extensions else "fixed"


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
    banner: Banner,
    plan: Plan,
    target: Target,
    features: FeatureSpec | None,
) -> ProjectContext:
    sources = sorted(name for name in text if name.endswith(".c"))
    names = sorted((*text, "model.tflite", "CMakeLists.txt", "README.md"))
    return ProjectContext(
        banner=banner,
        schedule=plan.schedule,
        ram_bytes=plan.arena_bytes if isinstance(plan, ArenaPlan) else plan.state_bytes,
        lower_bound_bytes=plan.lower_bound_bytes,
        files=tuple(
            FileText(n, "kernel" if n.startswith("kernels/") else _PURPOSES[n]) for n in names
        ),
        device_sources=tuple(n for n in sources if n not in HOST_ONLY),
        host_sources=tuple(n for n in sources if n not in DEVICE_ONLY),
        core_flags=tuple(target.compiler_flags("gcc")),
        has_features=features is not None,
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
