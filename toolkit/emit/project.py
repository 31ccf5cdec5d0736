"""A whole firmware project in memory: generated C, the kernels it needs, harness, build files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.emit.contexts import FileText, ModelContext, ProjectContext
from toolkit.emit.environment import render
from toolkit.emit.model import MODEL_FILES, kernel_calls, model_context
from toolkit.errors import ToolkitError
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import KERNEL_FILES as FEATURE_KERNEL_FILES
from toolkit.features.tables import render_features
from toolkit.ir import Graph
from toolkit.plan import Plan
from toolkit.resources import data_dir
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
    "model.h": "the model's interface: sizes, inputs, outputs, invoke",
    "model.c": "the model: parameters and one kernel call a layer",
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
    """Every file of a firmware project, by path relative to its directory (``/`` separates)."""

    files: Mapping[str, bytes]

    def with_files(self, files: Mapping[str, bytes]) -> FirmwareProject:
        """A project with further or replaced files."""
        return replace(self, files={**self.files, **files})


def emit_project(
    graph: Graph,
    plan: Plan,
    target: Target,
    model_tflite: bytes,
    features: FeatureSpec | None = None,
) -> FirmwareProject:
    """The firmware project of a quantised graph, read from ``model_tflite``, for ``target``.

    With ``features`` the audio front-end feeds model input 0, whose quantisation it takes.
    Same inputs give the same bytes.  Raises UnsupportedError for tensors that are not integers.
    """
    model = model_context(graph, plan, hashlib.sha256(model_tflite).hexdigest(), target.name)
    templates = data_dir("firmware_templates")
    text = {name: render(name, model) for name in MODEL_FILES}
    text |= _kernels(templates / "kernels", kernel_stems(graph))
    text |= {name: _read(templates / "project" / name) for name in HARNESS_FILES}
    text["linker.ld"] = render("linker.ld", target.linker_context())
    if features is not None:
        quantisation = graph.tensors[graph.inputs[0]]
        text |= render_features(features, quantisation.scale, quantisation.zero_point)
        for name in FEATURE_KERNEL_FILES:
            text[f"kernels/{name}"] = _read(templates / "features" / name)
    context = _project_context(text, model, target, features is not None)
    text |= {name: render(name, context) for name in ("CMakeLists.txt", "README.md")}
    files = {name: content.encode() for name, content in text.items()}
    files["model.tflite"] = model_tflite
    return FirmwareProject(dict(sorted(files.items())))


def kernel_stems(graph: Graph) -> set[str]:
    """Stems of the kernel files the nodes of ``graph`` name."""
    stems: set[str] = set()
    for call in kernel_calls(graph).values():
        stems.update((call.kernel, *call.extra_kernels))
    return stems


def _kernels(folder: Path, stems: Iterable[str]) -> dict[str, str]:
    """The named kernels and, through their includes, all they need; path to text.

    A kernel is a header and, unless that is all, a C file of the same stem.
    """
    files: dict[str, str] = {}
    waiting = sorted(stems)
    while waiting:
        stem = waiting.pop()
        if not (folder / f"{stem}.h").is_file():
            raise ToolkitError(f"kernel '{stem}' is missing from the firmware templates.")
        for path in (folder / f"{stem}.h", folder / f"{stem}.c"):
            name = f"kernels/{path.name}"
            if name not in files and path.is_file():
                files[name] = _read(path)
                waiting += re.findall(r'^#include "(\w+)\.h"', files[name], re.MULTILINE)
    return files


def _project_context(
    text: Mapping[str, str], model: ModelContext, target: Target, has_features: bool
) -> ProjectContext:
    sources = sorted(name for name in text if name.endswith(".c"))
    names = sorted((*text, "model.tflite", "CMakeLists.txt", "README.md"))
    return ProjectContext(
        banner=model.banner,
        files=tuple(
            FileText(n, "kernel" if n.startswith("kernels/") else _PURPOSES[n]) for n in names
        ),
        device_sources=tuple(n for n in sources if n not in HOST_ONLY),
        host_sources=tuple(n for n in sources if n not in DEVICE_ONLY),
        core_flags=tuple(target.compiler_flags("gcc")),
        has_features=has_features,
        weights_bytes=model.weights_bytes,
        macs=model.macs,
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
