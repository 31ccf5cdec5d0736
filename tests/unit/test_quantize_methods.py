"""Range methods, bias correction, equalisation and made-up speech, each against its definition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support import onnx_models
from tests.support.onnx_models import save
from tests.unit.test_quantize import cases, float_graph, outputs
from toolkit.errors import InputError
from toolkit.features.synthetic import speech_like
from toolkit.frontend.load import load_onnx
from toolkit.ir import DType, Graph
from toolkit.ir.tensor import Array, dequantize
from toolkit.ir.tensor import quantize as quantize_values
from toolkit.ops.execute import run_graph
from toolkit.passes.equalize import equalize
from toolkit.passes.optimize import optimize
from toolkit.quantize.bias import correct_bias
from toolkit.quantize.convert import convert
from toolkit.quantize.histogram import BINS, Histogram, least_error_range, percentile_range
from toolkit.quantize.outputs import Batch
from toolkit.quantize.parameters import activation_params
from toolkit.quantize.ranges import Method, calibrate
from toolkit.quantize.recipe import Data, Recipe, apply_recipe, channel_peaks


def histogram(values: Array) -> Histogram:
    return Histogram.empty(float(values.min()), float(values.max())).adding(values)


def squared_error(values: Array, low: float, high: float) -> float:
    quant = activation_params(low, high, DType.INT8)
    restored = dequantize(quantize_values(values, quant, DType.INT8), quant)
    return float(np.mean((restored - values) ** 2))


def test_percentile_leaves_out_the_rarest_values() -> None:
    values = np.random.default_rng(0).normal(0, 1, 200_000)
    values[:3] = 50.0
    low, high = percentile_range(histogram(values))
    bin_width = (values.max() - values.min()) / BINS
    assert high == pytest.approx(np.quantile(values, 1 - 5e-5), abs=2 * bin_width)
    assert low == pytest.approx(np.quantile(values, 5e-5), abs=2 * bin_width)


@pytest.mark.parametrize("shape", ["normal", "laplace", "rectified", "outlier"])
def test_least_error_range_beats_every_symmetric_shrinking(shape: str) -> None:
    """Its true int8 error is within 5 % of the best found by trying ranges on the values."""
    rng = np.random.default_rng(1)
    values = {
        "normal": rng.normal(1, 2, 50_000),
        "laplace": rng.laplace(0, 1, 50_000),
        "rectified": np.maximum(rng.normal(-1, 1, 50_000), 0),
        "outlier": np.append(rng.uniform(-1, 1, 50_000), [40.0]),
    }[shape].astype(np.float32)
    found = squared_error(values, *least_error_range(histogram(values)))
    low, high = float(values.min()), float(values.max())
    tried = [squared_error(values, low * f, high * f) for f in np.linspace(0.1, 1, 60)]
    assert found <= 1.05 * min(tried)


def test_zeros_and_constants_do_not_disturb() -> None:
    assert percentile_range(histogram(np.zeros(10))) == (0.0, 0.0)
    assert least_error_range(histogram(np.zeros(10))) == (0.0, 0.0)
    counted = histogram(np.array([0.0, 0.0, 1.0, 2.0]))
    assert int(counted.counts.sum()) == 2


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_methods_narrow_the_inside_and_leave_the_outputs(method: Method, tmp_path: Path) -> None:
    graph = float_graph("resnet", tmp_path)
    batches = [{"x": x} for x in cases(graph, 20)]
    wide, narrow = calibrate(graph, batches), calibrate(graph, batches, method)
    for name, (low, high) in narrow.limits.items():
        seen_low, seen_high = (min(wide.limits[name][0], 0.0), max(wide.limits[name][1], 0.0))
        assert seen_low <= low <= high <= seen_high or name in graph.outputs
    assert all(narrow.limits[name] == wide.limits[name] for name in graph.outputs)
    assert any(narrow.limits[n][1] < wide.limits[n][1] for n in narrow.limits)


def shifted(graph: Graph) -> Graph:
    """Weights rounded to a coarse grid downwards, so that every channel's mean moves."""
    changed = {}
    for node in graph.nodes:
        if node.op == "conv_2d":
            tensor = graph.tensors[str(node.inputs[1])]
            moved = np.clip(tensor.values.astype(np.int32) - 3, -127, 127).astype(np.int8)
            changed[tensor.name] = replace(tensor, data=moved)
    return replace(graph, tensors={**graph.tensors, **changed})


def test_bias_correction_takes_out_a_shift_of_the_weights(tmp_path: Path) -> None:
    graph = float_graph("ds_cnn", tmp_path)
    inputs = cases(graph, 40)
    batches: list[Batch] = [{"x": x} for x in inputs]
    quantized = shifted(convert(graph, calibrate(graph, batches)))
    corrected = correct_bias(graph, quantized, batches[:20])
    name = next(n.outputs[0] for n in graph.nodes if n.op == "mean" or "Pool" in n.outputs[0])

    def shift(form: Graph) -> float:
        errors = []
        for x in inputs[20:]:
            entry, tensor = form.tensors[form.inputs[0]], form.tensors[name]
            assert entry.quant is not None and tensor.quant is not None
            values = run_graph(form, {entry.name: quantize_values(x, entry.quant, entry.dtype)})
            errors.append(dequantize(values[name], tensor.quant) - run_graph(graph, {"x": x})[name])
        return float(np.abs(np.mean(errors, axis=0)).mean())

    assert shift(corrected) < 0.25 * shift(quantized)
    unchanged = {n for n, t in quantized.tensors.items() if corrected.tensors[n] is t}
    assert {n for n in quantized.tensors if n not in unchanged} <= {
        str(node.inputs[2]) for node in quantized.nodes if len(node.inputs) > 2
    }


def uneven(tmp_path: Path) -> Graph:
    """Channels of an activation that differ by a factor of 200."""
    m = onnx_models.ModelMaker(1, 3, 8, 8)
    spread = np.geomspace(0.1, 20.0, 8).astype(np.float32)
    first = m.rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * spread[:, None, None, None]
    second = m.rng.standard_normal((5, 8, 3, 3)).astype(np.float32) / spread[:, None, None]
    x = m.op("Conv", "x", m.constant(first), m.constant(spread), pads=[1, 1, 1, 1])
    x = m.op("MaxPool", m.op("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    model = m.model(m.op("Conv", x, m.constant(second)))
    return optimize(load_onnx(save(model, tmp_path)))


def test_equalisation_keeps_the_function_and_balances_channels(tmp_path: Path) -> None:
    graph = uneven(tmp_path)
    batches: list[Batch] = [{"x": x} for x in cases(graph, 30)]
    before = channel_peaks(graph, batches)
    equal = equalize(graph, before)
    after = channel_peaks(equal, batches)
    name = graph.nodes[0].outputs[0]
    assert np.ptp(np.log(before[name])) > 3 * np.ptp(np.log(after[name]))
    for batch in batches[:5]:
        want, have = (run_graph(g, batch)[graph.outputs[0]] for g in (graph, equal))
        np.testing.assert_allclose(have, want, rtol=1e-4, atol=1e-4)


def test_equalisation_helps_where_channels_are_uneven(tmp_path: Path) -> None:
    graph = uneven(tmp_path)
    inputs = cases(graph, 60)
    batches: list[Batch] = [{"x": x} for x in inputs[:30]]
    want = outputs(graph, inputs[30:])

    def error(recipe: Recipe) -> float:
        form = apply_recipe(graph, recipe, None, Data(batches)).quantized
        return float(np.mean((outputs(form, inputs[30:]) - want) ** 2))

    assert error(Recipe(equalize=True)) < 0.2 * error(Recipe())


@pytest.mark.parametrize("name", ["ds_cnn", "resnet", "mobilenet_v3", "attention"])
def test_equalisation_never_changes_the_function(name: str, tmp_path: Path) -> None:
    graph = float_graph(name, tmp_path)
    batches: list[Batch] = [{"x": x} for x in cases(graph, 6)]
    equal = equalize(graph, channel_peaks(graph, batches))
    for batch in batches:
        want, have = (run_graph(g, batch)[graph.outputs[0]] for g in (graph, equal))
        np.testing.assert_allclose(have, want, rtol=1e-3, atol=1e-4)


def test_equalisation_of_stored_ranges_is_refused(tmp_path: Path) -> None:
    graph = float_graph("dense", tmp_path)
    ranges = calibrate(graph, [{"x": x} for x in cases(graph, 4)])
    with pytest.raises(InputError, match="stored ranges"):
        apply_recipe(graph, Recipe(equalize=True), ranges, Data())


def test_made_up_speech_is_the_same_every_time_and_varies_with_its_seed() -> None:
    clips = [speech_like(1.0, 16_000, seed) for seed in range(8)]
    assert all(clip.shape == (16_000,) and clip.dtype == np.int16 for clip in clips)
    np.testing.assert_array_equal(clips[0], speech_like(1.0, 16_000, 0))
    levels = [20 * np.log10(np.abs(clip).max() / 32768) for clip in clips]
    assert -41 < min(levels) < -25 < max(levels) <= -9.9
    spectra = np.abs(np.fft.rfft(np.array(clips, np.float64)))
    low, high = spectra[:, 100:1000].mean(), spectra[:, 6000:].mean()
    assert low > 5 * high, "voiced, not white"
