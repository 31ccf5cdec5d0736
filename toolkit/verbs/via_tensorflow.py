"""``toolkit convert --via tensorflow``: TensorFlow's conversion of an ONNX file beside ours, and in
its place where ours refuses the file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.compare.outside import Job, ask
from toolkit.compare.via_tensorflow import Opinion, Question, ask_tensorflow
from toolkit.errors import InputError, ToolFailedError, ToolkitError, UnsupportedError
from toolkit.frontend.reader import OnnxInput, read_onnx
from toolkit.ir import Graph, Shape
from toolkit.ir.tensor import Array
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.model.inputs import load_arrays
from toolkit.model.int8 import Int8Model
from toolkit.model.stated import named_shapes
from toolkit.model.synthetic import SYNTHETIC_CASES, synthetic_batches
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_exported_layout
from toolkit.quantize.outputs import Batch, real_outputs
from toolkit.quantize.snr import int8_snr_db

#: Cases that TensorFlow calibrates on, and that both are run on, at most.
MOST_CASES = 128


@dataclass(frozen=True, eq=False)
class Instead:
    """What TensorFlow made of a file that ours refuses: the int8 graph, figures and notes."""

    name: str
    sha256: str
    graph: Graph
    measurements: tuple[Measurement, ...]
    issues: tuple[Issue, ...]


def second_opinion(
    int8: Int8Model, tests: Sequence[Batch]
) -> tuple[tuple[Measurement, ...], tuple[Issue, ...]]:
    """Both conversions against the float network on the same data: ``tests``, else what ours was
    calibrated on, else made-up input.

    Raises InputError for a model that no ONNX file is of, or that has states, ToolMissingError
    without TensorFlow.  What its converters cannot do is an issue.
    """
    graph, onnx, quantized = int8.float_graph, int8.source.onnx, int8.quantized
    assert graph is not None and quantized is not None
    if onnx is None or graph.states:
        what = "it has states" if graph.states else "it did not come as ONNX"
        raise InputError(f"--via tensorflow: {int8.name}: {what}.", hint="Leave the option out.")
    made_up, what = synthetic_batches(graph)
    given, tests = list(quantized.batches or made_up), list(tests)
    kind = "test cases" if tests else "calibration cases" if quantized.batches else ""
    given, tests = given[:MOST_CASES], (tests or given)[:MOST_CASES]
    cases, run = (_columns(graph, batches) for batches in (given, tests))
    shapes = {name: values.shape[1:] for name, values in run.items()}
    outputs = graph.free_outputs
    try:
        opinion = ask_tensorflow(
            Question(onnx, shapes, outputs, list(cases.values()), list(run.values()))
        )
        values = [run_graph(graph, _fed(graph, batch)) for batch in tests]
        theirs = opinion.snr_db([np.stack([case[name] for case in values]) for name in outputs])
    except ToolFailedError as error:
        text = f"no second opinion: {error.message}"
        return (), (Issue("via.tensorflow", text),)
    ours = int8_snr_db(real_outputs(graph, tests), real_outputs(int8.graph, tests))
    basis = f"{len(tests)} {kind}" if kind else what
    rows = (
        ("own_snr_db", ours, "integer reference"),
        ("tensorflow_snr_db", theirs, f"{opinion.converter}, LiteRT's reference kernels"),
    )
    figures = [
        *(_ratio(name, value, f"{basis}; {by}") for name, value, by in rows),
        _bytes(opinion),
    ]
    return tuple(figure for figure in figures if figure is not None), ()


def tensorflow_instead(
    model: str, stated: Mapping[str, Shape], calib: Path | None, why: UnsupportedError
) -> Instead:
    """What TensorFlow makes of an ONNX file that our importer refuses, ``why`` it says.

    ``stated`` are shapes of inputs with open dimensions, ``calib`` arrays in the file's layout
    (None: noise).  Raises ``why`` for another file, InputError for unusable data, ToolMissingError
    without TensorFlow, ToolFailedError where it fails, UnsupportedError where the device lacks an
    operator of what comes of it.
    """
    path = Path(model)
    if path.suffix.lower() != ".onnx":
        raise why
    read, data = read_onnx(path), path.read_bytes()
    shapes = _shapes(read.inputs, named_shapes(stated, read.inputs, path), path)
    cases, what = _given(shapes, calib)
    opinion = ask_tensorflow(
        Question(data, shapes, read.outputs, list(cases.values()), list(cases.values()))
    )
    try:
        graph = opinion.graph(path.stem)
    except UnsupportedError as error:
        raise UnsupportedError(
            f"{why.message} TensorFlow's conversion is refused too: {error.message}", error.hint
        ) from None
    basis = f"{len(next(iter(cases.values())))} {what}"
    issues = [Issue("via.tensorflow", f"{opinion.converter} made this file: {why.message}")]
    figures: list[Measurement | None] = [_bytes(opinion)]
    try:
        found = ask(data, [Job(cases)]).values[0].arrays
        theirs = opinion.snr_db([found[name] for name in read.outputs])
        text = f"{basis}; LiteRT's reference kernels against onnxruntime"
        figures.insert(0, _ratio("tensorflow_snr_db", theirs, text))
    except ToolkitError as error:
        issues.append(Issue("via.tensorflow", f"not compared with float: {error.message}"))
    if calib is None:
        text = "calibrated on noise only: --calib takes arrays in the file's layout"
        issues.append(Issue("calibration", text))
    kept = tuple(figure for figure in figures if figure is not None)
    return Instead(path.stem, hashlib.sha256(data).hexdigest(), graph, kept, tuple(issues))


def _shapes(
    inputs: Sequence[OnnxInput], stated: Mapping[str, Shape], path: Path
) -> dict[str, Shape]:
    """Every input's shape, an open first dimension being a batch of one."""
    shapes = {}
    for source in inputs:
        dims = [1 if i == 0 and isinstance(d, str) else d for i, d in enumerate(source.dims)]
        known = tuple(d for d in dims if isinstance(d, int))
        if source.name not in stated and len(known) < len(dims):
            raise InputError(
                f"{path.name}: input {source.name!r} leaves dimensions open.",
                hint=f"State them: --shape {source.name}=1,40,8.",
            )
        shapes[source.name] = stated.get(source.name, known)
    return shapes


def _given(shapes: Mapping[str, Shape], calib: Path | None) -> tuple[dict[str, Array], str]:
    """Arrays for each input, cases first, and in words what they are."""
    if calib is None:
        rng = np.random.default_rng(0)
        noise = {
            name: rng.standard_normal((SYNTHETIC_CASES, *shape)).astype(np.float32)
            for name, shape in shapes.items()
        }
        return noise, "cases of standard normal noise"
    if calib.is_dir():
        raise InputError(
            f"--calib {calib}: --via tensorflow takes arrays here.", hint="Save a .npy or .npz."
        )
    found = load_arrays(calib, list(shapes))
    values = {}
    for name, shape in shapes.items():
        array = found[name].astype(np.float32)
        if array.size % math.prod(shape):
            raise InputError(
                f"{calib}: {name!r} is {list(array.shape)}; it must be cases of {shape}."
            )
        values[name] = array.reshape(-1, *shape)[:MOST_CASES]
    if len({len(array) for array in values.values()}) > 1:
        raise InputError(f"{calib}: its arrays must have equally many cases.")
    return values, f"cases of {calib.name}"


def _columns(graph: Graph, batches: Sequence[Batch]) -> dict[str, Array]:
    """Inputs in the file's layout, cases on the first axis."""
    shaped = [to_exported_layout(graph, _fed(graph, batch)) for batch in batches]
    return {name: np.stack([case[name] for case in shaped]) for name in graph.inputs}


def _fed(graph: Graph, batch: Batch) -> dict[str, Array]:
    return {name: batch[name].reshape(graph.tensors[name].shape) for name in graph.inputs}


def _ratio(name: str, value: float, basis: str) -> Measurement | None:
    if not math.isfinite(value):
        return None
    return Measurement(name, round(value, 3), "dB", Provenance.MEASURED, basis)


def _bytes(opinion: Opinion) -> Measurement:
    size = len(opinion.int8)
    return Measurement("tensorflow_tflite_bytes", size, "B", Provenance.MEASURED, "file")
