"""A whole firmware project in memory: the model's library, and the test harness around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from toolkit.emit.c_text import CommentText
from toolkit.emit.contexts import (
    AudioContext,
    Banner,
    FileText,
    HarnessContext,
    LibraryContext,
)
from toolkit.emit.cost import Costs
from toolkit.emit.kernel_files import kernel_files
from toolkit.emit.model import ALL_IN_FLASH, InRam, emit_model
from toolkit.emit.naming import kernel_tags, named, named_page, named_symbol
from toolkit.emit.parts import banner, label_macros, output_texts
from toolkit.emit.symbols import HARNESS_FEATURES, HARNESS_MODEL
from toolkit.errors import InputError
from toolkit.features.decimate import OUTPUT_HZ, RATES_HZ
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import FeatureSpec
from toolkit.measurement import Symbols
from toolkit.ops.check import custom_operators
from toolkit.plan import Plan
from toolkit.plan.continuous import require_endless_level
from toolkit.resources import data_dir, feature_path, read_text, render
from toolkit.targets import Target

#: The test harness: the same files for every model but for its name in ``main.c``.
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
#: Kernel files that every library has.
_LIBRARY_FILES = ("tk_compiler", "tk_weights")
#: Headers that a user includes; all others are the library's own.
_PUBLIC = frozenset({"model.h", "model_audio.h", "model_resampled.h"})
#: Kernels behind what takes audio, and audio of other rates.
_AUDIO_KERNELS = ("tk_samples",)
_RESAMPLED_KERNELS = ("tk_decimate",)
#: Bytes of `tk_decimate` at most, whatever a pointer has; the library's C refuses more.
_DECIMATOR_BYTES = 600

_PURPOSES = {
    "model.h": "the interface: sizes, outputs, and how the model is run",
    "model.c": "the model: parameters and one kernel call a layer",
    "model_audio.h": "the interface for audio: samples in, outputs out",
    "model_audio.c": "front-end and model as one",
    "model_resampled.h": "the interface for audio of 48, 44.1, 32 and 24 kHz",
    "model_resampled.c": "a decimator before that for audio",
    "model_weights.h": "declarations of the model's constants",
    "model_weights.c": "the model's constants",
    "features.h": "the front-end: samples in, feature rows out",
    "features.c": "the front-end's tables",
}


@dataclass(frozen=True)
class FirmwareProject:
    """Every file of a firmware project, by path relative to its directory (``/`` separates), and
    what the C symbols of the model belong to.

    The folder called ``name`` is the library, which a firmware takes in; ``page`` is what its
    README.md says (None: it has none).
    """

    files: Mapping[str, bytes]
    symbols: Symbols = field(default_factory=dict)
    name: str = ""
    page: LibraryContext | None = None

    def with_files(self, files: Mapping[str, bytes]) -> FirmwareProject:
        """A project with further or replaced files."""
        return replace(self, files={**self.files, **files})

    def cost_files(self, costs: Costs) -> dict[str, bytes]:
        """The files of the library that say what its calls cost; none where it has no page."""
        if self.page is None:
            return {}
        path = f"include/{self.name}_cost.h"
        row = FileText(path, "what calls cost, as macros")
        files = sorted((*self.page.files, row), key=lambda file: file.path)
        page = replace(self.page, costs=costs, files=tuple(files))
        text = {
            path: named(render("model_cost.h", costs), self.name),
            "README.md": _page(page),
        }
        return {f"{self.name}/{file}": content.encode() for file, content in text.items()}


@dataclass(frozen=True)
class Library:
    """What a library is generated from: a planned graph read from ``model_tflite``, and the
    features that feed its only input (None: it takes arrays); ``name`` stands in all its names,
    ``in_ram`` is what start-up code copies there."""

    name: str
    plan: Plan
    model_tflite: bytes
    front_end: FrontEnd | None = None
    in_ram: InRam = ALL_IN_FLASH

    @property
    def model_file(self) -> str:
        """What ``model_tflite`` is called: ``<name>.tflite`` is kept for what stock TFLM runs."""
        form = "_fused" if custom_operators(self.plan.graph) else ""
        return f"{self.name}{form}.tflite"


def emit_project(library: Library, target: Target) -> FirmwareProject:
    """The library of a model for ``target``, and its test harness.

    Same inputs give the same bytes.  Raises UnsupportedError for tensors that are not integers,
    InputError for features that a continuous plan cannot have.
    """
    name, plan, front_end = library.name, library.plan, library.front_end
    sha256 = hashlib.sha256(library.model_tflite).hexdigest()
    if front_end is not None and (plan.continuous is not None or plan.graph.states):
        require_endless_level(front_end.spec)
    in_ram = library.in_ram
    model = emit_model(plan, sha256, target.name, _read_with(library), in_ram)
    own, purposes = _own_files(library, model.files)
    kernels = kernel_files({*plan.kernel_files, *_LIBRARY_FILES, *_audio_kernels(library)})
    text = {f"{name}/{path}": content for path, content in {**own, **kernels}.items()}
    head = banner(plan.graph, sha256, target.name)
    page = _library_context(library, head, purposes, kernels)
    text |= _about(page)
    text |= _harness(library, head, target)
    symbols = {**model.symbols, **HARNESS_MODEL}
    if front_end is not None:
        symbols |= HARNESS_FEATURES
    files = {path: content.encode() for path, content in text.items()}
    files[f"{name}/{library.model_file}"] = library.model_tflite
    return FirmwareProject(
        files=dict(sorted(files.items())),
        symbols={named_symbol(symbol, name): of for symbol, of in symbols.items()},
        name=name,
        page=page,
    )


def _read_with(library: Library) -> tuple[str, ...]:
    """What beside the model's own C the weights are made for: kernels by tag, and the front-end."""
    tags, front_end = kernel_tags(), library.front_end
    kernels = (tags.file(stem) for stem in sorted(library.plan.kernel_files))
    return (*kernels, *(front_end.files().values() if front_end else ()))


def _own_files(
    library: Library, model: Mapping[str, str]
) -> tuple[dict[str, str], tuple[FileText, ...]]:
    """The files that carry the model's name, by path in the library, and what each is."""
    name, plan, front_end, tags = library.name, library.plan, library.front_end, kernel_tags()
    text = {**model, **({} if front_end is None else _audio(plan, front_end))}
    plain = {file: named(tags.apply(content), name) for file, content in text.items()}
    if front_end is not None:
        parts = dict(front_end.files())
        parts |= {file: read_text(feature_path(file)) for file in front_end.kernel_files}
        plain |= {file: named(content, name, features=True) for file, content in parts.items()}
    paths = {file: _path(file, name) for file in plain}
    purposes = tuple(
        FileText(paths[file], _PURPOSES.get(file, "of the front-end")) for file in sorted(plain)
    )
    return {paths[file]: text for file, text in plain.items()}, purposes


def _audio(plan: Plan, front_end: FrontEnd) -> dict[str, str]:
    """The files that take audio.

    Raises InputError where a clip is no whole number of feature rows.
    """
    spec, inputs = front_end.spec, plan.graph.free_inputs
    values = sum(plan.graph.tensors[entry].elements for entry in inputs)
    frames, rest = divmod(values, spec.row_values)
    if rest or len(inputs) != 1:
        raise InputError(
            f"features of {spec.row_values} values a row do not fit the model's "
            f"{len(inputs)} input(s) of {values} values.",
            hint="Give the feature specification that the model was trained with.",
        )
    context = AudioContext(
        schedule=plan.schedule,
        has_rows=bool(plan.outputs_in_rows),
        starts_with_padding=plan.stream is not None and plan.stream.starts_with_padding,
        spec=spec,
        state_bytes=front_end.state_bytes,
        clip_frames=frames if plan.stream is None else 0,
        rates_hz=RATES_HZ,
        decimator_bytes=_DECIMATOR_BYTES,
    )
    templates = dict(plan.audio_templates)
    if _is_resampled(spec):
        templates |= {file: file for file in ("model_resampled.h", "model_resampled.c")}
    return {file: render(template, context) for file, template in templates.items()}


def _is_resampled(spec: FeatureSpec) -> bool:
    """Whether audio of other rates is decimated for these features: not where they need the level
    of the clip first."""
    return spec.sample_rate_hz == OUTPUT_HZ and not spec.needs_clip


def _audio_kernels(library: Library) -> tuple[str, ...]:
    """Stems of the kernels that take audio."""
    if library.front_end is None:
        return ()
    resampled = _is_resampled(library.front_end.spec)
    return (*_AUDIO_KERNELS, *(_RESAMPLED_KERNELS if resampled else ()))


def _path(file: str, name: str) -> str:
    """Where a file of the templates lies in a library."""
    folder = "include" if file in _PUBLIC else "src"
    return f"{folder}/{named(file, name, features=True)}"


def _library_context(
    library: Library,
    head: Banner,
    purposes: tuple[FileText, ...],
    kernels: Iterable[str],
) -> LibraryContext:
    plan, front_end = library.plan, library.front_end
    paths = (*(file.path for file in purposes), *kernels)
    return LibraryContext(
        banner=head,
        name=library.name,
        model_file=library.model_file,
        custom_operators=custom_operators(plan.graph),
        schedule=plan.schedule,
        ram_bytes=plan.ram_bytes,
        lower_bound_bytes=plan.lower_bound_bytes,
        outputs=output_texts(plan),
        labels=label_macros(plan.graph, plan.output_tensors),
        files=purposes,
        sources=tuple(sorted(path for path in paths if path.endswith(".c"))),
        has_features=front_end is not None,
        has_resampled=front_end is not None and _is_resampled(front_end.spec),
        hot_code=bool(library.in_ram.layers),
        ram_weights=library.in_ram.weights,
        has_rows=bool(plan.outputs_in_rows),
    )


def _about(page: LibraryContext) -> dict[str, str]:
    """What a person reads of a library, and CMake."""
    licence = data_dir("firmware_templates") / "library" / "LICENSE"
    return {
        f"{page.name}/CMakeLists.txt": render("library_CMakeLists.txt", page),
        f"{page.name}/{page.name}Config.cmake": render("library_Config.cmake", page),
        f"{page.name}/README.md": _page(page),
        f"{page.name}/LICENSE": read_text(licence),
    }


def _page(context: LibraryContext) -> str:
    """README.md; what is in it already of the model is not renamed."""
    kept = replace(
        context, name="@NAME@", banner=replace(context.banner, model=CommentText("@MODEL@"))
    )
    text = named_page(render("README.md", kept), context.name)
    return text.replace("@NAME@", context.name).replace("@MODEL@", context.banner.model)


def harness_sources(name: str) -> dict[str, str]:
    """The test harness of a library called ``name``, by path in the project."""
    folder = data_dir("firmware_templates") / "harness"
    text = {f"harness/{file}": read_text(folder / file) for file in HARNESS_FILES}
    return {**text, "harness/main.c": named(text["harness/main.c"], name)}


def _harness(library: Library, head: Banner, target: Target) -> dict[str, str]:
    """The test harness, and what builds it with the library."""
    text = harness_sources(library.name)
    text["harness/linker.ld"] = render("linker.ld", target.linker_context())
    context = HarnessContext(
        banner=head,
        name=library.name,
        core_flags=tuple(target.compiler_flags("gcc")),
        has_features=library.front_end is not None,
    )
    text["harness/CMakeLists.txt"] = render("harness_CMakeLists.txt", context)
    return text
