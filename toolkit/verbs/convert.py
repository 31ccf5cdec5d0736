"""``toolkit convert``: a source to an int8 ``.tflite`` on disk, with its accuracy if asked."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from toolkit.compare.accuracy import data_issues, int8_agreement
from toolkit.compare.import_match import import_cases, import_checks
from toolkit.deploy.model import Model, load
from toolkit.errors import InputError, UnsupportedError
from toolkit.ir import Shape
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.model.cases import model_cases
from toolkit.model.int8 import Int8Model, Quantized
from toolkit.model.synthetic import synthetic_batches
from toolkit.ops.check import custom_operators
from toolkit.profiling.int16_cost import WideCost, wide_costs
from toolkit.quantize.advice import advice, attention_issues, summary
from toolkit.quantize.convert import Attention
from toolkit.quantize.holdout import LEAST_CASES
from toolkit.quantize.layers import TensorError, tensor_errors
from toolkit.quantize.mixed import MARGIN_DB
from toolkit.quantize.outputs import Batch, real_outputs
from toolkit.quantize.recipe import Mixed, Recipe
from toolkit.quantize.snr import int8_snr_db
from toolkit.quantize.wide import candidates, int16_activations
from toolkit.report import Report
from toolkit.report.accuracy import AccuracyReport, AccuracyRow
from toolkit.report.accuracy import render as render_accuracy
from toolkit.tflite.write import write_tflite
from toolkit.verbs.via_tensorflow import second_opinion, tensorflow_instead


@dataclass(frozen=True)
class ConvertRequest:
    """What the user asked for: the model, the recipe, how attention pooling is spelt (in place of
    the recipe's; None: as TFLM runs it, where it can be), calibration and test data, and where the
    layer report goes (its suffix, .txt, .json or .html, is the format)."""

    model: str
    output: Path
    recipe: Recipe
    attention: Attention | None = None
    calib: Path | None = None
    test: Path | None = None
    layer_report: Path | None = None
    clip_seconds: float = 1.0
    max_seconds: float | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)  # of inputs with open dimensions
    time_axis: int | None = None  # in the file's layout
    states: tuple[str, ...] = ()
    features: str | None = None
    via: Literal["tensorflow"] | None = None  # whose conversion is a second opinion


def mixed_of(text: str) -> Mixed:
    """What ``--mixed`` spells: a word, or names of activations between commas."""
    words: dict[str, Mixed] = {"auto": "auto", "head": "head", "none": "none"}
    return words.get(text, tuple(name for name in text.split(",") if name))


def convert(request: ConvertRequest) -> Report:
    """Write the int8 form of a model to ``request.output``, whole or not at all.

    With ``test`` (float inputs, or audio for a model with features) the report carries
    ``int8_snr_db`` and the concordance of each output with float.  Raises InputError for a source
    that is int8 already, or options that make no sense.
    """
    output, recipe = request.output, request.recipe
    if not np.isfinite(recipe.target_snr_db):
        raise InputError(f"--target-snr-db must be finite; got {recipe.target_snr_db}.")
    if output.resolve() == Path(request.model).resolve():
        raise InputError(f"-o {output}: is the model itself.", hint="Choose another file.")
    try:
        model = _quantized(request)
    except UnsupportedError as error:
        if request.via is None:
            raise
        return _instead(request, error)
    int8, float_graph = model.int8, model.source.float_graph
    assert float_graph is not None
    quantized = int8.quantized
    assert quantized is not None
    measurements = _file_figures(int8)
    cases: Sequence[Batch] = ()
    issues = int8.issues
    if request.test is not None:
        data = model_cases(request.test, float_graph)
        cases, issues = data.batches(float_graph), (*issues, *data_issues(data))
        measurements += int8_agreement(float_graph, int8.graph, data, request.test)
        if int16_activations(int8.graph) and recipe.mixed != "auto":
            plain = model.quantize(request.calib, replace(model.recipe, mixed="none")).int8.graph
            snr, *_ = int8_agreement(float_graph, plain, data, request.test)
            measurements.append(replace(snr, name="all_int8_snr_db"))
    if request.via is not None:
        figures, notes = second_opinion(int8, cases)
        measurements, issues = [*measurements, *figures], (*issues, *notes)
    costs = wide_costs(quantized.conversion)
    measurements += _mixed(quantized, costs)
    if request.layer_report is not None:
        text = render_accuracy(_accuracy(int8, request, cases, costs), request.layer_report.suffix)
        write_atomically(request.layer_report, text.encode())
    write_atomically(output, int8.file)
    return Report(
        model_name=int8.name,
        model_sha256=int8.sha256,
        target="",
        toolchain="",
        simulator="",
        schedule="",
        measurements=tuple(measurements),
        checks=import_checks(
            int8,
            import_cases(int8),
            has_time=int8.spec is not None and not float_graph.states,
        ),
        issues=(*issues, *_findings(quantized, recipe), *_custom(int8)),
    )


def _instead(request: ConvertRequest, why: UnsupportedError) -> Report:
    """Write what TensorFlow makes of a file that ours refuses."""
    made = tensorflow_instead(request.model, request.shapes, request.calib, why)
    write_atomically(request.output, write_tflite(made.graph))
    return Report(
        model_name=made.name,
        model_sha256=made.sha256,
        target="",
        toolchain="",
        simulator="",
        schedule="",
        measurements=made.measurements,
        checks=(),
        issues=made.issues,
    )


def _quantized(request: ConvertRequest) -> Model:
    """The model made int8, its attention pooling as asked for."""
    model = load(
        request.model,
        request.clip_seconds,
        request.max_seconds,
        request.shapes,
        request.time_axis,
        request.states,
        request.features,
    )
    if model.source.float_graph is None:
        raise InputError(
            f"{request.model}: is an int8 .tflite already.", hint="Build or verify it as it is."
        )
    attention = request.attention or "fused"
    found = model.quantize(request.calib, replace(request.recipe, attention=attention))
    if request.attention is None and custom_operators(found.int8.graph):
        try:
            return model.quantize(request.calib, replace(found.recipe, attention="builtin"))
        except UnsupportedError:  # of weights that have no builtin form
            pass
    return found


def _file_figures(int8: Int8Model) -> list[Measurement]:
    """Its size, and how many activations have how many bits."""
    counts = (
        ("tflite_bytes", len(int8.file), "B"),
        ("activations", len(int8.graph.activations), "tensors"),
        ("int16_activations", len(int16_activations(int8.graph)), "tensors"),
    )
    return [
        Measurement(name, value, unit, Provenance.MEASURED, "file") for name, value, unit in counts
    ]


def _custom(int8: Int8Model) -> tuple[Issue, ...]:
    """What stock TFLM lacks for the file."""
    names = custom_operators(int8.graph)
    if not names:
        return ()
    text = f"TFLM does not bring {', '.join(names)}: the toolkit's own firmware runs this file"
    return (Issue("file.custom_operators", text),)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all; InputError where the file system refuses."""
    try:
        with tempfile.TemporaryDirectory(prefix=".toolkit-", dir=path.resolve().parent) as folder:
            staged = Path(folder) / "file"
            staged.write_bytes(data)
            staged.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write '{path}': {error.strerror}.", hint="Choose another file."
        ) from error


def _mixed(quantized: Quantized, costs: Sequence[WideCost]) -> list[Measurement]:
    """What int16 costs, and what the search for it found."""
    search = quantized.conversion.search
    rows = []
    if search is not None:
        basis = f"{search.cases} cases that calibrated nothing, integer reference against float"
        figures = (
            ("mixed_snr_db", search.snr_db),
            ("head_snr_db", search.head_snr_db),
            ("all_int8_snr_db", search.int8_snr_db),
        )
        rows += [
            Measurement(name, round(value, 3), "dB", Provenance.MEASURED, basis)
            for name, value in figures
            if np.isfinite(value)
        ]
    if costs:
        total = costs[0]
        basis = "memory plans with and without int16"
        rows.append(
            Measurement("int16_ram_bytes", total.ram_bytes, "B", Provenance.ESTIMATED, basis)
        )
        rows.append(
            Measurement(
                "int16_cycles", total.cycles, "cycles", Provenance.ESTIMATED, total.cycles_basis
            )
        )
    return rows


def _findings(quantized: Quantized, recipe: Recipe) -> tuple[Issue, ...]:
    conversion = quantized.conversion
    issues = list(attention_issues(conversion.quantized))
    search = conversion.search
    if recipe.mixed == "auto" and search is None:
        text = (
            f"--mixed auto: {len(quantized.batches)} cases are too few to hold some out for the "
            f"choice, which takes {LEAST_CASES}: attention's head is int16, nothing else"
        )
        issues.append(Issue("mixed.cases", text))
    if search is not None and not search.reached:
        text = (
            f"--mixed auto: no choice of int16 activations reaches {recipe.target_snr_db:g} dB "
            f"and a margin of {MARGIN_DB:g} dB on {search.cases} cases held out; the best one "
            f"tried gives {search.snr_db:.1f} dB: see --report for what limits it"
        )
        issues.append(Issue("mixed.unreached", text))
    return tuple(issues)


def _accuracy(
    model: Int8Model,
    request: ConvertRequest,
    cases: Sequence[Batch],
    costs: Sequence[WideCost],
) -> AccuracyReport:
    """Every layer on the test ``cases``, without them on what the model was calibrated with, else
    on made-up input."""
    quantized = model.quantized
    assert quantized is not None and model.float_graph is not None
    conversion, about = quantized.conversion, request.test or request.calib
    what = about.name if about else "made-up input"
    cases = cases or quantized.batches or synthetic_batches(model.float_graph)[0]
    errors = tensor_errors(conversion.float_graph, conversion.quantized, cases)
    possible = set(candidates(conversion.float_graph))
    by_name = {cost.name: cost for cost in costs[1:]}
    snr = int8_snr_db(
        real_outputs(conversion.float_graph, cases), real_outputs(conversion.quantized, cases)
    )

    def row(error: TensorError) -> AccuracyRow:
        cost = by_name.get(error.name)
        is_output = error.name in conversion.float_graph.outputs
        return AccuracyRow(
            **{field: getattr(error, field) for field in TensorError.__dataclass_fields__},
            advice=advice(error, error.name in possible, is_output),
            int16_ram_bytes=None if cost is None else cost.ram_bytes,
            int16_cycles=None if cost is None else cost.cycles,
        )

    return AccuracyReport(
        model_name=model.name,
        model_sha256=model.sha256,
        basis=f"{len(cases)} cases of {what}",
        int8_snr_db=snr,
        summary=summary(errors),
        rows=tuple(row(error) for error in errors),
    )
