"""Stated scales beside every option that wants measured ranges: it works, or is refused with a
remedy that works.  onnxruntime quantises, and its float outputs are the standard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.support import onnx_models, outside, qdq
from tests.support.cli import Run, refused, toolkit
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir.tensor import Array, dequantize, quantize
from toolkit.model.zoo import zoo_model
from toolkit.ops.execute import run_graph
from toolkit.quantize.snr import int8_snr_db
from toolkit.tflite.read import load_tflite

pytest.importorskip("onnxruntime")
from onnxruntime.quantization import QuantType

INT8 = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
ROWS = 24
CLIPS = Path(__file__).parents[2] / "ci/test_clips"

#: Options that want ranges measured, or choose what is int16.
OPTIONS: list[tuple[str, ...]] = [
    (),
    ("--calibration", "percentile"),
    ("--calibration", "mse"),
    ("--bias-correction",),
    ("--attention", "fused", "--mixed", "none"),
    ("--mixed", "auto"),
    ("--mixed", "auto", "--target-snr-db", "60", "--bias-correction", "--calibration", "mse"),
    ("--attention", "builtin"),
    ("--attention", "builtin", "--mixed", "auto", "--bias-correction"),
]
#: Of every operator, or of some only: what states no scale is calibrated.
STATED: dict[str, dict[str, Any]] = {"all": {}, "some": {"op_types_to_quantize": ["Conv", "Relu"]}}


@dataclass(frozen=True)
class Model:
    """``model.onnx`` with scales, calibration cases and the float model's outputs for ``test``, in
    a folder; the ratio in dB that int8 must reach."""

    folder: Path
    test: Array
    expected: Array
    least_db: float

    def convert(self, *options: str) -> Run:
        return toolkit("convert", "model.onnx", "-o", "m.tflite", *options, cwd=self.folder)

    def snr_db(self) -> float:
        """Of the file written, against onnxruntime's float outputs."""
        graph = load_tflite(self.folder / "m.tflite")
        entry, end = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        assert entry.quant is not None and end.quant is not None
        found = []
        for case in self.test:
            moved = np.moveaxis(case, 0, -1) if case.ndim == 3 else case
            x = quantize(moved.reshape(entry.shape), entry.quant, entry.dtype)
            found.append(dequantize(run_graph(graph, {entry.name: x})[end.name], end.quant))
        return int8_snr_db(self.expected, np.stack(found))


def speech() -> Array:
    """Log-mel rows [cases, 1, ROWS, 26] of words, noise and near silence."""
    spec = WAV2SMALL_RUNNING
    clips = [load_clip(path, 16_000).samples for path in sorted(CLIPS.glob("*.wav"))]
    rows = np.concatenate([extract(clip, spec) for clip in clips if np.abs(clip).max() > 1000])
    return rows[: len(rows) // ROWS * ROWS].reshape(-1, 1, ROWS, spec.n_mels)


def wav2small() -> onnx.ModelProto:
    """The zoo's, for ROWS rows."""
    zoo = zoo_model("wav2small")
    assert zoo is not None
    model = onnx.load(zoo.onnx)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = ROWS
    return model


def made(name: str, folder: Path, **options: Any) -> Model:
    """A float model that onnxruntime quantised on every second case."""
    if name == "wav2small":
        model, cases, least = wav2small(), speech(), 22.0
    else:
        model, least = onnx_models.attention(), 13.0
        dims = model.graph.input[0].type.tensor_type.shape.dim
        dims[2].dim_value = ROWS
        shape = tuple(dim.dim_value for dim in dims)
        cases = np.concatenate(qdq.noise(shape, 40))
    quantized = qdq.quantize_with_onnxruntime(
        model, [x[None] for x in cases[::2]], folder, **INT8, **options
    )
    onnx.save(quantized, folder / "model.onnx")
    np.save(folder / "calib.npy", cases[::2])
    test = cases[1::2]
    expected = np.stack([onnx_models.onnxruntime_output(model, x[None]) for x in test])
    return Model(folder, test, expected.reshape(len(test), -1), least)


@pytest.fixture(scope="module", params=["attention-all", "attention-some", "wav2small-all"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    name, stated = request.param.split("-")
    return made(name, tmp_path_factory.mktemp(request.param), **STATED[stated])


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("data", [(), ("--calib", "calib.npy")], ids=["no data", "data"])
def test_options_that_measure_work(
    model: Model, data: tuple[str, ...], options: tuple[str, ...]
) -> None:
    run = model.convert(*data, *options, "--json")
    assert (run.exit_code, run.stderr) == (0, "")
    assert model.snr_db() >= model.least_db
    codes = {issue["code"] for issue in run.json["issues"]}
    assert "quantisation.kept" in codes
    if data:
        assert "calibration.fallback" not in codes
    elif "quantisation.calibrated" in codes or "--bias-correction" in options:
        assert "calibration.fallback" in codes


def test_equalising_is_refused_and_the_remedy_works(model: Model) -> None:
    message = refused(model.convert("--calib", "calib.npy", "--equalize"))
    assert "Leave --equalize out" in message
    assert model.convert("--calib", "calib.npy").exit_code == 0


def test_stated_scales_of_int16_activations_need_no_data(tmp_path: Path) -> None:
    """Every scale is stated: nothing is measured by default."""
    file = outside.file(outside.CASES, "models/wav2small_qdq.onnx")
    run = toolkit("convert", file, "-o", "m.tflite", "--json", cwd=tmp_path)
    assert (run.exit_code, run.stderr) == (0, "")
    assert {row["code"] for row in run.json["issues"]} == {
        "quantisation.kept",
        "quantisation.changed",
    }
