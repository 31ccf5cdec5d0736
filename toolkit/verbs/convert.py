"""``toolkit convert``: a source to an int8 ``.tflite`` on disk, with its accuracy if asked."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.compare.accuracy import agreement
from toolkit.errors import InputError
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.model.int8 import Quantized, quantize_source, synthetic_batches
from toolkit.model.source import Source, load_source, model_inputs
from toolkit.profiling.int16_cost import WideCost, wide_costs
from toolkit.quantize.advice import advice, attention_issues, summary
from toolkit.quantize.convert import Attention
from toolkit.quantize.layers import TensorError, tensor_errors
from toolkit.quantize.outputs import Batch, real_outputs
from toolkit.quantize.ranges import Method
from toolkit.quantize.recipe import Mixed, Recipe
from toolkit.quantize.snr import int8_snr_db
from toolkit.quantize.wide import candidates
from toolkit.report import Report
from toolkit.report.accuracy import AccuracyReport, AccuracyRow
from toolkit.report.accuracy import render as render_accuracy


@dataclass(frozen=True)
class ConversionRequest:
    """What the user asks: recipe, calibration data, test data, and where the layer report goes
    (its suffix, .txt, .json or .html, is the format)."""

    output: Path
    recipe: Recipe
    calib: Path | None = None
    test: Path | None = None
    layer_report: Path | None = None
    clip_seconds: float = 1.0


def recipe_of(
    attention: Attention,
    calibration: Method,
    bias_correction: bool | None,
    equalize: bool | None,
    mixed: str,
    target_snr_db: float,
) -> Recipe:
    """The recipe that options on the command line spell; InputError where they make no sense."""
    kinds: dict[str, Mixed] = {"auto": "auto", "head": "head", "none": "none"}
    chosen = kinds.get(mixed, tuple(name for name in mixed.split(",") if name))
    if not np.isfinite(target_snr_db):
        raise InputError(f"--target-snr-db must be finite; got {target_snr_db}.")
    return Recipe(attention, calibration, bias_correction, equalize, chosen, target_snr_db)


def convert_model(model: str, request: ConversionRequest) -> Report:
    """Write the int8 form of ``model`` to ``request.output``, whole or not at all.

    With ``test`` (float inputs, or audio for a model with features) the report carries
    ``int8_snr_db`` and the concordance of each output with float.  Raises InputError for a source
    that is int8 already.
    """
    from toolkit.tflite.read import read_tflite

    output, recipe, layers = request.output, request.recipe, request.layer_report
    if output.resolve() == Path(model).resolve():
        raise InputError(f"-o {output}: is the model itself.", hint="Choose another file.")
    source = load_source(model, request.clip_seconds)
    if source.float_graph is None:
        raise InputError(
            f"{model}: is an int8 .tflite already.", hint="Build or verify it as it is."
        )
    quantized = quantize_source(source, recipe, request.calib)
    graph = read_tflite(quantized.data, source.name)
    basis = f"file, attention {recipe.attention}"
    size = Measurement("tflite_bytes", len(quantized.data), "B", Provenance.MEASURED, basis)
    measurements = [size]
    cases: Sequence[Batch] = ()
    if request.test is not None:
        entry = source.float_graph.inputs[0]
        cases = [{entry: case} for case in model_inputs(request.test, source.float_graph)]
        measurements += agreement(source.float_graph, graph, cases, request.test)
    costs = wide_costs(quantized.conversion)
    measurements += _mixed(quantized, costs)
    if layers is not None:
        about = request.test or request.calib
        what = about.name if about else "made-up input"
        cases = cases or quantized.batches or synthetic_batches(source.float_graph)[0]
        accuracy = _accuracy(source, quantized, cases, what, costs)
        write_atomically(layers, render_accuracy(accuracy, layers.suffix).encode())
    write_atomically(output, quantized.data)
    return Report(
        model_name=source.name,
        model_sha256=source.sha256,
        target="",
        toolchain="",
        simulator="",
        schedule="",
        measurements=tuple(measurements),
        issues=(*quantized.issues, *_findings(quantized, recipe)),
    )


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
        basis = f"{search.cases} calibration cases, integer reference against float"
        figures = (("mixed_snr_db", search.snr_db), ("all_int8_snr_db", search.int8_snr_db))
        rows += [
            Measurement(name, round(value, 3), "dB", Provenance.MEASURED, basis)
            for name, value in figures
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
    if search is not None and not search.reached:
        text = (
            f"--mixed auto: no choice of int16 activations reaches {recipe.target_snr_db:g} dB; "
            f"the best one tried gives {search.snr_db:.1f} dB: see --report for what limits it"
        )
        issues.append(Issue("mixed.unreached", text))
    return tuple(issues)


def _accuracy(
    source: Source,
    quantized: Quantized,
    cases: Sequence[Batch],
    what: str,
    costs: Sequence[WideCost],
) -> AccuracyReport:
    conversion = quantized.conversion
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
        model_name=source.name,
        model_sha256=source.sha256,
        basis=f"{len(cases)} cases of {what}",
        int8_snr_db=snr,
        summary=summary(errors),
        rows=tuple(row(error) for error in errors),
    )
