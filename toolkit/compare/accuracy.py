"""How near an int8 model is to its float original: outputs, and layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.ir.labels import output_labels
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.metrics import concordance
from toolkit.model.cases import InputCases, model_cases
from toolkit.model.int8 import Int8Model
from toolkit.quantize.layers import MAX_CASES, tensor_errors
from toolkit.quantize.outputs import Batch, real_outputs, renamed
from toolkit.quantize.snr import int8_snr_db

#: Of a model with more output values no concordance of each is given: it is no list of scores.
MOST_OUTPUTS = 32


@dataclass(frozen=True)
class Accuracy:
    """Figures of the outputs, those of layers by the name of what they compute, and what was done
    to the data."""

    measurements: tuple[Measurement, ...]
    layers: Mapping[str, tuple[Measurement, ...]]
    issues: tuple[Issue, ...]


def measure_accuracy(model: Int8Model, test: Path) -> Accuracy:
    """The int8 form of a model against its float form on ``test``: a folder of audio or an array,
    as `model_cases` takes them.

    Layers have ``int8_snr_db`` and ``output_error_share``, the part of the outputs' squared error
    that enters there.  Raises InputError for a model that came as int8, or data that cannot be
    used.
    """
    float_graph, quantized = model.float_graph, model.quantized
    if float_graph is None or quantized is None:
        raise InputError(
            f"{model.source.argument}: is an int8 .tflite; there is no float form to measure its "
            "accuracy against.",
            hint="Name the .onnx or checkpoint as the model, or leave `test` out; `labels` "
            "measures a .tflite too.",
        )
    data = model_cases(test, float_graph)
    cases = data.batches(float_graph)
    conversion = quantized.conversion
    some = cases[:: -(-len(cases) // MAX_CASES)]
    basis = _basis(some, test)
    layers = {
        error.name: tuple(
            Measurement(name, round(value, digits), unit, Provenance.MEASURED, basis)
            for name, value, unit, digits in (
                ("int8_snr_db", error.snr_db, "dB", 2),
                ("output_error_share", error.output_share, "fraction", 4),
            )
            if math.isfinite(value)
        )
        for error in tensor_errors(conversion.float_graph, conversion.quantized, some)
    }
    outputs = tuple(int8_agreement(float_graph, model.graph, data, test))
    return Accuracy(outputs, layers, data_issues(data))


def data_issues(data: InputCases) -> tuple[Issue, ...]:
    """What was done to the recordings of a test."""
    return tuple(Issue("test.data", note) for note in data.notes)


def int8_agreement(
    float_graph: Graph, graph: Graph, data: InputCases, test: Path
) -> Iterator[Measurement]:
    """``int8_snr_db``, the largest deviation and the concordance of each output with float, of the
    file as read back, whose input may go by another name.

    A graph with states runs every recording from step to step, on its own states.  Raises
    InputError where float outputs do not vary.
    """
    cases = data.batches(float_graph)
    reference = real_outputs(float_graph, cases)
    found = real_outputs(graph, [renamed(case, graph.inputs) for case in cases])
    snr = int8_snr_db(reference, found)
    if not np.isfinite(snr):
        raise InputError(
            f"{test}: the signal-to-noise ratio is {snr}: the float outputs do not vary over "
            f"{len(cases)} cases, or int8 has no error.",
            hint="Give several different cases.",
        )
    basis = _basis(cases, test)
    if graph.states:
        basis += ", states carried from step to step"
    yield Measurement("int8_snr_db", round(snr, 3), "dB", Provenance.MEASURED, basis)
    most = round(float(np.abs(found - reference).max()), 6)
    yield Measurement("int8_max_deviation", most, "output units", Provenance.MEASURED, basis)
    count = reference.shape[1]
    for index, label in enumerate(output_labels(graph) if count <= MOST_OUTPUTS else ()):
        ccc = round(concordance(found[:, index], reference[:, index]), 6)
        name = f"int8_ccc_to_float_{label}"
        yield Measurement(name, ccc, "CCC", Provenance.MEASURED, basis)


def _basis(cases: Sequence[Batch], test: Path) -> str:
    return f"{len(cases)} cases of {test.name}, integer reference against float"
