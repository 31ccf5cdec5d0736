"""``toolkit convert``: a source to an int8 ``.tflite`` on disk, with its accuracy if asked."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.ir.tensor import Array, dequantize, quantize
from toolkit.loading import Source, load_source, model_inputs, to_int8
from toolkit.measurement import Measurement, Provenance
from toolkit.ops.execute import run_graph
from toolkit.quantize.convert import Attention
from toolkit.quantize.snr import int8_snr_db
from toolkit.report import Report


def convert_model(
    model: str,
    output: Path,
    attention: Attention,
    calib: Path | None,
    test: Path | None,
    clip_seconds: float,
) -> Report:
    """Write the int8 form of ``model`` to ``output``, whole or not at all.

    With ``test`` (float inputs, or audio for a model with features) the report carries
    ``int8_snr_db``.  Raises InputError for a source that is int8 already.
    """
    from toolkit.tflite.read import read_tflite

    if output.resolve() == Path(model).resolve():
        raise InputError(f"-o {output}: is the model itself.", hint="Choose another file.")
    source = load_source(model, clip_seconds)
    if source.float_graph is None:
        raise InputError(
            f"{model}: is an int8 .tflite already.", hint="Build or verify it as it is."
        )
    data, issues = to_int8(source, attention, calib)
    graph = read_tflite(data, source.name)
    size = Measurement(
        "tflite_bytes", len(data), "B", Provenance.MEASURED, f"file, attention {attention}"
    )
    measurements = [size]
    if test is not None:
        measurements.append(_snr(source, source.float_graph, graph, test))
    write_atomically(output, data)
    return Report(
        model_name=source.name,
        model_sha256=source.sha256,
        target="",
        toolchain="",
        simulator="",
        schedule="",
        measurements=tuple(measurements),
        issues=issues,
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
            f"cannot write '{path}': {error.strerror}.", hint="Choose another file with -o."
        ) from error


def float_outputs(graph: Graph, cases: Array) -> Array:
    """Outputs of a float graph with one input, ``[cases, values]`` (all outputs flattened)."""
    rows = []
    for case in cases:
        values = run_graph(graph, {graph.inputs[0]: case})
        rows.append(np.concatenate([values[name].ravel() for name in graph.outputs]))
    return np.stack(rows)


def int_outputs(graph: Graph, cases: Array) -> Array:
    """The same of a quantised graph: float inputs quantised, outputs dequantised."""
    entry = graph.tensors[graph.inputs[0]]
    assert entry.quant is not None
    rows = []
    for case in cases:
        values = run_graph(graph, {entry.name: quantize(case, entry.quant, entry.dtype)})
        rows.append(np.concatenate([_real(graph, name, values[name]) for name in graph.outputs]))
    return np.stack(rows)


def _real(graph: Graph, name: str, values: Array) -> Array:
    quant = graph.tensors[name].quant
    assert quant is not None
    return dequantize(values, quant).ravel()


def _snr(source: Source, float_graph: Graph, graph: Graph, test: Path) -> Measurement:
    cases = model_inputs(test, float_graph)
    entry = graph.tensors[graph.inputs[0]]
    snr = int8_snr_db(
        float_outputs(float_graph, cases),
        int_outputs(graph, cases.reshape(len(cases), *entry.shape)),
    )
    if not np.isfinite(snr):
        raise InputError(
            f"--test: the signal-to-noise ratio is {snr}; the float outputs do not vary.",
            hint="Give several different cases.",
        )
    basis = f"{len(cases)} cases of {test.name}, integer reference against float"
    return Measurement("int8_snr_db", round(snr, 3), "dB", Provenance.MEASURED, basis)
