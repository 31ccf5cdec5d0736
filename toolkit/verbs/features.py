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
    compare_features,
    judge_features,
)
from toolkit.compare.front_end import feature_issues
from toolkit.deploy.model import load
from toolkit.emit.features_only import OUTPUT_BYTES, emit_features_only
from toolkit.emit.write import write_files
from toolkit.errors import InputError
from toolkit.features.describe import describe
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import HOW_TO_ATTACH
from toolkit.features.presets import PRESETS, SPEC_SUFFIXES
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import feature_context, state_bytes
from toolkit.features.text import read_spec
from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.model.audio import load_whole_audio
from toolkit.model.source import demo_clip
from toolkit.model.zoo import zoo_model
from toolkit.report.model import Report
from toolkit.simulate.host import run_host
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.toolchain import find_toolchain, host_sources

Quantisation = tuple[float, int]


@dataclass(frozen=True)
class Subject:
    """A feature specification, where it came from, and the model input's scale and zero point
    where a model came with it."""

    name: str
    sha256: str
    spec: FeatureSpec
    quantisation: Quantisation | None


def load_front_end(argument: str) -> Subject:
    """The features of a model (see `load_source`), of a preset where no model is called so, or of a
    .toml or .json specification.

    InputError when the file cannot be used, or the model carries no specification that fits it.
    """
    path = Path(argument)
    if path.suffix.lower() in SPEC_SUFFIXES:
        spec = read_spec(path)
        return Subject(path.stem, hashlib.sha256(path.read_bytes()).hexdigest(), spec, None)
    if argument in PRESETS and zoo_model(argument) is None:
        spec = PRESETS[argument].spec
        return Subject(argument, hashlib.sha256(spec.to_json().encode()).hexdigest(), spec, None)
    model = load(argument).int8
    if model.spec is None:
        raise InputError(
            f"{argument}: the model carries no feature specification.",
            hint=HOW_TO_ATTACH,
        )
    entry = model.graph.tensors[model.graph.inputs[0]]
    return Subject(model.name, model.sha256, model.spec, (entry.scale, entry.zero_point))


def show(subject: Subject, arithmetic: str) -> tuple[tuple[str, ...], Report]:
    """The specification in words, and its figures; ``arithmetic`` is one of ``ARITHMETICS``."""
    spec = subject.spec
    rate = spec.sample_rate_hz
    exact, generated = "the specification", "generated C; the compiler refuses another state size"
    figures = (
        ("frame_ms", 1e3 * spec.frame_samples / rate, "ms", exact),
        ("hop_ms", 1e3 * spec.row_hop_samples / rate, "ms", exact),
        ("frames_per_second", rate / spec.row_hop_samples, "1/s", exact),
        ("row_values", spec.row_values, "values", exact),
        ("feature_latency_ms", _latency_ms(spec), "ms", "from a frame's middle to its row"),
        ("feature_state_bytes", state_bytes(spec, arithmetic), "B", generated),
        (
            "feature_tables_bytes",
            _tables_bytes(subject, arithmetic),
            "B",
            "generated C, constant tables",
        ),
    )
    measurements = tuple(
        Measurement(name, value, unit, Provenance.ESTIMATED, basis)
        for name, value, unit, basis in figures
    )
    issues = tuple(Issue("features", reason) for reason in spec.whole_clip)
    return describe(spec), _report(subject, "", measurements, (), issues)


def _latency_ms(spec: FeatureSpec) -> float:
    return 1e3 * (spec.frame_samples / 2 + spec.is_mirrored) / spec.sample_rate_hz


def _tables_bytes(subject: Subject, arithmetic: str) -> int:
    """Sizes of the generated arrays; mel weights that are written out as code are not in it."""
    scale, zero_point = subject.quantisation or (1.0, 0)
    context = feature_context(subject.spec, scale, zero_point, arithmetic)
    return sum(table.size_bytes for table in context.tables)


def check(subject: Subject, audio: Path | None, toolchain: str, arithmetic: str) -> Report:
    """Build the generated C for this workstation and compare its rows with numpy's.

    ``audio`` is a file or a folder (the clip that ships, when None), ``arithmetic`` one of
    ``ARITHMETICS``.  Without a model's input the rows are quantised over the range that their
    features have.
    """
    spec = subject.spec
    heard = load_whole_audio(audio or demo_clip(), spec)
    scale, zero_point = subject.quantisation or _spanning([clip.features for clip in heard])
    front_end = FrontEnd(spec, scale, zero_point, arithmetic)
    rows = rows_from_c(front_end, [clip.samples for clip in heard], toolchain)
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
    issues = [issue for clip in heard for issue in clip.issues]
    issues += feature_issues(front_end)
    if subject.quantisation is None:
        note = f"no model: rows quantised over their own range, scale {scale:.6g}"
        issues.append(Issue("features", f"{note}, zero point {zero_point}"))
    compiler = find_toolchain(toolchain)
    return _report(
        subject,
        f"{compiler.name} {compiler.version}",
        measurements,
        (Check("features_match", passed, detail),),
        tuple(issues),
    )


def _spanning(features: Sequence[NDArray[np.float32]]) -> Quantisation:
    """A scale and zero point that spread the features over 240 of the 256 int8 values."""
    low = min(float(part.min()) for part in features)
    high = max(float(part.max()) for part in features)
    scale = max((high - low) / 240.0, 1e-6)
    return scale, int(np.clip(round(-120.0 - low / scale), -128, 127))


def rows_from_c(
    front_end: FrontEnd, clips: Sequence[NDArray[np.int16]], toolchain: str
) -> list[NDArray[np.int8]]:
    """Rows [rows, row_values] of each clip [n] by the generated C, compiled for this machine."""
    with tempfile.TemporaryDirectory(prefix="toolkit-features-") as scratch:
        folder = Path(scratch)
        write_files(emit_features_only(front_end), folder)
        defines = {"HARNESS_FEATURES": 1}
        program = find_toolchain(toolchain).compile_host(
            folder, host_sources(folder), folder, defines
        )
        output = run_host(program, encode_audio(clips)).output
    values = front_end.spec.row_values
    rows = [case.rows for case in decode_output(output, [OUTPUT_BYTES], values).cases]
    return [part for part in rows if part is not None]


def _measured(name: str, value: float | int, unit: str, basis: str) -> Measurement:
    return Measurement(name, value, unit, Provenance.MEASURED, basis)


def _report(
    subject: Subject,
    toolchain: str,
    measurements: tuple[Measurement, ...],
    checks: tuple[Check, ...],
    issues: tuple[Issue, ...],
) -> Report:
    return Report(
        model_name=subject.name,
        model_sha256=subject.sha256,
        target="host",
        toolchain=toolchain,
        simulator="host",
        schedule="stream" if subject.spec.streams else "batch",
        measurements=measurements,
        checks=checks,
        issues=issues,
    )
