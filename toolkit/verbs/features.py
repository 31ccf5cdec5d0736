"""``toolkit features show``, ``check``: what features are and cost, and whether C gives them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.compare.features import (
    arithmetic_in_use,
    arithmetic_notes,
    compare_features,
    judge_features,
)
from toolkit.deploy.run import compile_host
from toolkit.emit.features_only import OUTPUT_BYTES, emit_features_only
from toolkit.emit.write import write_files
from toolkit.errors import AudioError, InputError
from toolkit.features.audio import load_clip
from toolkit.features.describe import describe
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import feature_context, state_bytes
from toolkit.features.text import read_spec
from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.model.inputs import AUDIO_SUFFIXES
from toolkit.model.int8 import to_int8
from toolkit.model.source import demo_clip, feature_spec, load_source
from toolkit.report.model import Report
from toolkit.simulate.host import run_host
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.tflite.read import read_tflite
from toolkit.toolchain import find_toolchain

SPEC_SUFFIXES = (".toml", ".json")
# The harness' clip buffer holds 4 Mi samples.
_MAX_CLIP_SAMPLES = 4 * 1024 * 1024 - 65_536

Quantisation = tuple[float, int]


@dataclass(frozen=True)
class FrontEnd:
    """A feature specification, where it came from, and the model input's scale and zero point
    where a model came with it."""

    name: str
    sha256: str
    spec: FeatureSpec
    quantisation: Quantisation | None


@dataclass(frozen=True, eq=False)
class Heard:
    """An audio file as samples and reference features."""

    path: Path
    samples: NDArray[np.int16]
    features: NDArray[np.float32]
    notes: tuple[str, ...]


def load_front_end(argument: str) -> FrontEnd:
    """The features of a model (see `load_source`), or of a .toml or .json specification.

    InputError when the file cannot be used, or the model carries no specification that fits it.
    """
    path = Path(argument)
    if path.suffix.lower() in SPEC_SUFFIXES:
        spec = read_spec(path)
        return FrontEnd(path.stem, hashlib.sha256(path.read_bytes()).hexdigest(), spec, None)
    source = load_source(argument)
    graph = read_tflite(to_int8(source, "fused")[0], source.name)
    carried = feature_spec(graph)
    if carried is None:
        raise InputError(
            f"{argument}: the model carries no feature specification.",
            hint="Give a .toml or .json specification, or export the model with one; "
            "see docs/FEATURES.md.",
        )
    entry = graph.tensors[graph.inputs[0]]
    return FrontEnd(source.name, source.sha256, carried, (entry.scale, entry.zero_point))


def show(front_end: FrontEnd, arithmetic: str) -> tuple[tuple[str, ...], Report]:
    """The specification in words, and its figures; ``arithmetic`` is one of ``ARITHMETICS``."""
    spec = front_end.spec
    rate = spec.sample_rate_hz
    exact, generated = "the specification", "generated C; the compiler refuses another state size"
    figures = (
        ("frame_ms", 1e3 * spec.frame_samples / rate, "ms", exact),
        ("hop_ms", 1e3 * spec.hop_samples / rate, "ms", exact),
        ("frames_per_second", rate / spec.hop_samples, "1/s", exact),
        ("row_values", spec.row_values, "values", exact),
        ("feature_latency_ms", _latency_ms(spec), "ms", "from a frame's middle to its row"),
        ("feature_state_bytes", state_bytes(spec, arithmetic), "B", generated),
        (
            "feature_tables_bytes",
            _tables_bytes(front_end, arithmetic),
            "B",
            "generated C, constant tables",
        ),
    )
    measurements = tuple(
        Measurement(name, value, unit, Provenance.ESTIMATED, basis)
        for name, value, unit, basis in figures
    )
    issues = () if spec.streams else (Issue("features", _CLIP_LEVEL),)
    return describe(spec), _report(front_end, "", measurements, (), issues)


_CLIP_LEVEL = (
    "level mode 'clip' measures the whole clip before its first row: it cannot run on endless "
    "audio, and push_audio asks for the clip's level first; 'running' and 'fixed' stream"
)


def _latency_ms(spec: FeatureSpec) -> float:
    return 1e3 * (spec.frame_samples / 2) / spec.sample_rate_hz


def _tables_bytes(front_end: FrontEnd, arithmetic: str) -> int:
    """Sizes of the generated arrays; mel weights that are written out as code are not in it."""
    scale, zero_point = front_end.quantisation or (1.0, 0)
    context = feature_context(front_end.spec, scale, zero_point, arithmetic)
    return sum(table.size_bytes for table in context.tables)


def check(front_end: FrontEnd, audio: Path | None, toolchain: str, arithmetic: str) -> Report:
    """Build the generated C for this workstation and compare its rows with numpy's.

    ``audio`` is a file or a folder (the clip that ships, when None), ``arithmetic`` one of
    ``ARITHMETICS``.  Without a model's input the rows are quantised over the range that their
    features have.
    """
    spec = front_end.spec
    heard = hear(spec, audio)
    scale, zero_point = front_end.quantisation or _spanning([clip.features for clip in heard])
    samples = [clip.samples for clip in heard]
    rows = rows_from_c(spec, (scale, zero_point), samples, toolchain, arithmetic)
    arithmetic = arithmetic_in_use(spec, arithmetic)
    reference = [quantise_features(clip.features, scale, zero_point) for clip in heard]
    identical, steps = compare_features(np.concatenate(reference), np.concatenate(rows))
    values = sum(part.size for part in reference)
    basis = f"{arithmetic} C on this workstation against numpy, {len(heard)} clips"
    measurements = (
        _measured("feature_identical_fraction", identical, "fraction", basis),
        _measured("feature_max_error_steps", steps, "steps", basis),
        _measured("feature_values", values, "values", basis),
    )
    passed, detail = judge_features(arithmetic, identical, steps)
    issues = [Issue("audio", f"{clip.path.name}: {n}") for clip in heard for n in clip.notes]
    issues += [Issue("features", note) for note in arithmetic_notes(spec, arithmetic)]
    if front_end.quantisation is None:
        note = f"no model: rows quantised over their own range, scale {scale:.6g}"
        issues.append(Issue("features", f"{note}, zero point {zero_point}"))
    compiler = find_toolchain(toolchain)
    return _report(
        front_end,
        f"{compiler.name} {compiler.version}",
        measurements,
        (Check("features_match", passed, detail),),
        tuple(issues),
    )


def hear(spec: FeatureSpec, audio: Path | None) -> list[Heard]:
    """Every clip that ``audio`` names; AudioError for one that gives no row."""
    heard = []
    for path in _audio_files(audio or demo_clip()):
        clip = load_clip(path, spec.sample_rate_hz)
        if not 0 < len(clip.samples) <= _MAX_CLIP_SAMPLES:
            raise AudioError(
                f"{path}: a clip may have at most {_MAX_CLIP_SAMPLES} samples; "
                f"it has {len(clip.samples)}.",
                "Cut it.",
            )
        if spec.rows_for_samples(len(clip.samples)) == 0:
            raise AudioError(
                f"{path}: {len(clip.samples)} samples give no row; "
                f"one takes {spec.samples_for_rows(1)}."
            )
        heard.append(Heard(path, clip.samples, extract(clip.samples, spec), clip.notes))
    return heard


def _audio_files(audio: Path) -> list[Path]:
    if not audio.is_dir():
        return [audio]
    files = sorted(p for p in audio.iterdir() if p.suffix.lower() in AUDIO_SUFFIXES)
    if not files:
        raise InputError(
            f"{audio}: holds no audio files.", hint=f"Looked for {', '.join(AUDIO_SUFFIXES)}."
        )
    return files


def _spanning(features: Sequence[NDArray[np.float32]]) -> Quantisation:
    """A scale and zero point that spread the features over 240 of the 256 int8 values."""
    low = min(float(part.min()) for part in features)
    high = max(float(part.max()) for part in features)
    scale = max((high - low) / 240.0, 1e-6)
    return scale, int(np.clip(round(-120.0 - low / scale), -128, 127))


def rows_from_c(
    spec: FeatureSpec,
    quantisation: Quantisation,
    clips: Sequence[NDArray[np.int16]],
    toolchain: str,
    arithmetic: str = "float32",
) -> list[NDArray[np.int8]]:
    """Rows [rows, row_values] of each clip [n] by the generated C, compiled for this machine."""
    with tempfile.TemporaryDirectory(prefix="toolkit-features-") as scratch:
        folder = Path(scratch)
        write_files(emit_features_only(spec, *quantisation, arithmetic), folder)
        program = compile_host(folder, toolchain, True, folder)
        output = run_host(program, encode_audio(clips)).output
    rows = [case.rows for case in decode_output(output, [OUTPUT_BYTES], spec.row_values).cases]
    return [part for part in rows if part is not None]


def _measured(name: str, value: float | int, unit: str, basis: str) -> Measurement:
    return Measurement(name, value, unit, Provenance.MEASURED, basis)


def _report(
    front_end: FrontEnd,
    toolchain: str,
    measurements: tuple[Measurement, ...],
    checks: tuple[Check, ...],
    issues: tuple[Issue, ...],
) -> Report:
    return Report(
        model_name=front_end.name,
        model_sha256=front_end.sha256,
        target="host",
        toolchain=toolchain,
        simulator="host",
        schedule="stream" if front_end.spec.streams else "batch",
        measurements=measurements,
        checks=checks,
        issues=issues,
    )
