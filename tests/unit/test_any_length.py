"""Models that their ranges or constants tie to a clip length: streamed up to a declared one, or
not at all (contract C10).  The outside's word is onnxruntime's, on the same file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.cli import toolkit as command
from tests.support.onnx_models import ModelMaker
from tests.support.sums import (
    BANDS,
    CHANNELS,
    ROWS,
    SPEC,
    axis,
    length,
    mean_over_time,
    model_rows,
    number,
    outside,
    pooled_model,
    sum_over_time,
)
from toolkit.deploy.model import Model, load
from toolkit.errors import InputError, ModelError, NotStreamableError
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.ir import DType
from toolkit.model.reference import run_case
from toolkit.model.source import demo_clip
from toolkit.ops.execute import run_graph
from toolkit.plan import plan_stream
from toolkit.plan.any_length import MAX_FRAMES_KEY, ONE_LENGTH_KEY
from toolkit.plan.schedule import ScheduleRequest
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.outputs import real_values
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

Form = Callable[[ModelMaker, str], str]


def mean_times_length(m: ModelMaker, x: str) -> str:
    return m.op("Mul", mean_over_time(m, x), length(m, x))


def sum_over_length(m: ModelMaker, x: str) -> str:
    return m.op("Div", sum_over_time(m, x), length(m, x))


def sum_over_root(m: ModelMaker, x: str) -> str:
    return m.op("Div", sum_over_time(m, x), m.op("Sqrt", length(m, x)))


def shifted_by_length(m: ModelMaker, x: str) -> str:
    return m.op("Add", mean_over_time(m, x), m.op("Mul", length(m, x), number(m, 0.01)))


def unbiased(m: ModelMaker, x: str) -> str:
    n = length(m, x)
    return m.op("Mul", mean_over_time(m, x), m.op("Div", n, m.op("Sub", n, number(m, 1))))


def scaled_rows(m: ModelMaker, x: str) -> str:
    return sum_over_time(m, m.op("Div", x, length(m, x)))


def weighted_attention(m: ModelMaker, x: str) -> str:
    """Attention pooling over the length: the pool itself streams, its factor does not."""
    return m.op("Div", attention(m, x), length(m, x))


def first_frames(m: ModelMaker, x: str) -> str:
    """A part of time that the file's own clip does not reach."""
    return mean_over_time(m, m.op("Slice", x, axis(m, 0), axis(m, ROWS + 10), axis(m, 2)))


def attention(m: ModelMaker, x: str) -> str:
    weights = m.op("Softmax", m.conv(x, (CHANNELS, CHANNELS), (1,)), axis=2)
    return sum_over_time(m, m.op("Mul", x, weights))


def gated_sum(m: ModelMaker, x: str) -> str:
    gate = m.op("Sigmoid", m.conv(x, (CHANNELS, CHANNELS), (1,)))
    return sum_over_time(m, m.op("Mul", x, gate))


def cropped_to_length(m: ModelMaker, x: str) -> str:
    end = m.op("Gather", m.op("Shape", x), axis(m, 2), axis=0)
    return mean_over_time(m, m.op("Slice", x, axis(m, 0), end, axis(m, 2)))


def constant_factor(m: ModelMaker, x: str) -> str:
    return m.op("Mul", mean_over_time(m, x), number(m, 50.0))


def attention_and_sum(m: ModelMaker, x: str) -> str:
    return m.op("Add", attention(m, x), gated_sum(m, x))


def sum_over_channels(m: ModelMaker, x: str) -> str:
    total = m.op("ReduceSum", x, axis(m, 1), keepdims=1)
    return mean_over_time(m, m.op("Add", x, total))


def load_pooled(form: Form, folder: Path, rows: int | str = "rows") -> tuple[Path, Model]:
    path = pooled_model(form, folder, rows)
    return path, load(path)


def assert_float_at(path: Path, model: Model, frames: int) -> None:
    graph = model.source.float_graph
    assert graph is not None
    graph = graph if frames == ROWS else retime(find_time_axis(graph), frames)
    rows = np.random.default_rng(frames).standard_normal((frames, BANDS)).astype(np.float32)
    found = run_graph(graph, {graph.inputs[0]: model_rows(graph, rows)})[graph.outputs[0]]
    np.testing.assert_allclose(found.ravel(), outside(path)(rows), rtol=1e-4, atol=1e-4)


TIED = [
    (mean_times_length, "Mul_"),
    (sum_over_length, "Div_"),
    (sum_over_root, "Div_"),
    (shifted_by_length, "Add_"),
    (unbiased, "Mul_"),
    (scaled_rows, "Div_"),
    (weighted_attention, "Div_"),
]


@pytest.mark.parametrize(
    ("form", "node"), TIED, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_constant_made_from_the_clips_length_keeps_the_file_at_it(
    form: Form, node: str, tmp_path: Path
) -> None:
    path, model = load_pooled(form, tmp_path)
    assert_float_at(path, model, ROWS)
    declared = load(path, max_seconds=6)
    why = rf"node '{node}\d+': a constant of it is made from the file's clip length"
    with pytest.raises(NotStreamableError, match=why):
        declared.deploy("cortex-m4", ScheduleRequest("stream"))
    deployment = declared.deploy("cortex-m4")
    assert deployment.plan.schedule == "batch"
    assert "made from the file's clip length" in deployment.notes[0].message
    built = read_tflite(declared.int8.data, "again")
    with pytest.raises(NotStreamableError, match=why):
        plan_stream(built)


def test_a_part_of_time_beyond_the_files_clip_is_one(tmp_path: Path) -> None:
    path, model = load_pooled(first_frames, tmp_path)
    assert_float_at(path, model, ROWS)
    with pytest.raises(
        NotStreamableError, match=r"node .*: it is laid out for the file's clip length"
    ):
        model.deploy("cortex-m4", ScheduleRequest("stream"))


FREE = [
    attention,
    gated_sum,
    attention_and_sum,
    cropped_to_length,
    constant_factor,
    sum_over_channels,
    sum_over_time,
]


@pytest.mark.parametrize("form", FREE, ids=lambda form: form.__name__)
@pytest.mark.parametrize("frames", [ROWS // 2, ROWS, 3 * ROWS])
def test_what_follows_the_clip_streams_and_is_right_at_every_length(
    form: Form, frames: int, tmp_path: Path
) -> None:
    path, model = load_pooled(form, tmp_path)
    deployment = load(path, max_seconds=6).deploy("cortex-m4", ScheduleRequest("stream"))
    assert deployment.plan.schedule == "stream"
    assert_float_at(path, model, frames)


def times(factor: float, m: ModelMaker, x: str) -> str:
    return m.op("Mul", mean_over_time(m, x), number(m, factor))


def rows_times(factor: float, m: ModelMaker, x: str) -> str:
    return mean_over_time(m, m.op("Mul", x, number(m, factor)))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (partial(times, 48.0), "48 is made from the file's clip length, n of n = 48"),
        (partial(times, 48**0.5), "6.9282 is .* the root of n of n = 48"),
        (partial(times, 48 / 47), r"1.02128 is .* n/\(n - 1\) of n = 48"),
        (partial(rows_times, 1 / 48), "0.0208333 is .* 1/n of n = 48"),
    ],
)
def test_a_length_that_the_exporter_wrote_as_a_number(
    form: Form, text: str, tmp_path: Path
) -> None:
    """A file of one clip length; as an int8 file too."""
    _, model = load_pooled(form, tmp_path, rows=48)
    for found in (model, load(written(tmp_path, model.int8.data))):
        with pytest.raises(NotStreamableError, match=f"its constant {text}"):
            found.deploy("cortex-m4", ScheduleRequest("stream", time_axis=1))


@pytest.mark.parametrize("factor", [6.0, 1 / 6, 50.0])
def test_other_numbers_are_numbers(factor: float, tmp_path: Path) -> None:
    _, model = load_pooled(partial(times, factor), tmp_path, rows=48)
    assert model.deploy("cortex-m4").plan.schedule == "stream"


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(data)
    return path


@pytest.fixture
def summed(tmp_path: Path) -> Path:
    return pooled_model(sum_over_time, tmp_path)


def test_a_sum_without_a_longest_clip_runs_in_batch_and_says_why(summed: Path) -> None:
    deployment = load(summed).deploy("cortex-m4")
    assert deployment.plan.schedule == "batch"
    (note,) = deployment.notes
    assert "a sum that grows with the clip: --max-seconds states the longest" in note.message
    with pytest.raises(NotStreamableError, match=r"node 't\d+': a sum .*--max-seconds"):
        load(summed).deploy("cortex-m4", ScheduleRequest("stream"))


def test_the_longest_clip_travels_in_the_tflite(summed: Path, tmp_path: Path) -> None:
    built = load(written(tmp_path, load(summed, max_seconds=3).int8.data))
    deployment = built.deploy("cortex-m4")
    frames = SPEC.rows_for_samples(3 * SPEC.sample_rate_hz)
    assert deployment.plan.stream is not None and deployment.plan.stream.max_frames == frames
    assert deployment.at_rows(frames).plan.input_rows == frames
    with pytest.raises(InputError, match=rf"at most {frames} frames.*larger --max-seconds"):
        deployment.at_rows(frames + 1)


def test_the_stock_form_of_a_model_that_sums_beside_its_attention(tmp_path: Path) -> None:
    model = load(pooled_model(attention_and_sum, tmp_path), max_seconds=3)
    assert model.int8.builtin is not None
    stock = read_tflite(model.int8.builtin, "stock")
    assert "attention_pool" not in {node.op for node in stock.nodes}


def sum_of_all(m: ModelMaker, x: str) -> str:
    total = m.op("Reshape", m.op("ReduceSum", x, axis(m, 1, 2), keepdims=0), axis(m, 1, 1))
    return m.op("Add", mean_over_time(m, x), total)


def test_the_longest_clip_does_not_saturate(tmp_path: Path) -> None:
    """Of values that int16 sums would not hold: int8, on a clip that calibration has not heard."""
    path, seconds = pooled_model(sum_of_all, tmp_path), 20
    model = load(path, max_seconds=seconds)
    samples = load_clip(demo_clip(), SPEC.sample_rate_hz).samples
    rows = extract(np.resize(samples, seconds * SPEC.sample_rate_hz), SPEC)
    graph = model.deploy("cortex-m4", ScheduleRequest("stream")).plan.at_rows(len(rows)).graph
    assert {graph.tensors[n.outputs[0]].dtype for n in graph.nodes if n.op == "sum"} == {DType.INT8}
    entry, end = (graph.tensors[names[0]] for names in (graph.inputs, graph.outputs))
    found = run_case(graph, [quantise_features(rows, entry.scale, entry.zero_point)])
    want = outside(path)(rows)
    np.testing.assert_allclose(real_values(graph, found), want, atol=end.scale, rtol=0)


def test_the_command_line_states_it(summed: Path, tmp_path: Path) -> None:
    asked = ("profile", str(summed), "--schedule", "stream", "--json")
    refused = command(*asked, cwd=tmp_path)
    assert refused.exit_code == 2 and "--max-seconds states the longest" in refused.stderr
    done = command(*asked, "--max-seconds", "3", cwd=tmp_path)
    assert done.exit_code == 0 and done.json["schedule"] == "stream"
    converted = command(
        "convert", str(summed), "-o", "m.tflite", "--max-seconds", "3", cwd=tmp_path
    )
    assert converted.exit_code == 0
    assert load(tmp_path / "m.tflite").deploy("cortex-m4").plan.schedule == "stream"


def test_what_an_onnx_file_says_of_it_is_not_believed(summed: Path) -> None:
    model = onnx.load(summed)
    entry = model.metadata_props.add()
    entry.key, entry.value = MAX_FRAMES_KEY, "100000"
    onnx.save(model, summed)
    assert load(summed).deploy("cortex-m4").plan.schedule == "batch"


@pytest.mark.parametrize("text", ["0", "-3", "1e9", "9" * 30, "²", "{}"])
def test_a_damaged_longest_clip_in_a_tflite_is_refused(summed: Path, text: str) -> None:
    graph = load(summed, max_seconds=3).int8.graph.with_metadata(**{MAX_FRAMES_KEY: text})
    with pytest.raises(ModelError, match="must be a number of frames"):
        plan_stream(read_tflite(write_tflite(graph), "damaged"))


@pytest.mark.parametrize("text", ["[1]", '{"a": 1}', "[" * 9999, '"ab"'])
def test_damaged_reasons_in_a_tflite_are_refused(summed: Path, text: str) -> None:
    graph = load(summed, max_seconds=3).int8.graph.with_metadata(**{ONE_LENGTH_KEY: text})
    with pytest.raises(ModelError, match="is damaged"):
        plan_stream(read_tflite(write_tflite(graph), "damaged"))


@pytest.mark.parametrize("seconds", [0.0, -1.0, 61.0, float("nan"), float("inf")])
def test_a_longest_clip_that_no_clip_has_is_refused(summed: Path, seconds: float) -> None:
    with pytest.raises(InputError, match="--max-seconds must be above 0 and at most 60"):
        load(summed, max_seconds=seconds)


def test_a_longest_clip_below_the_models_own_is_refused(summed: Path) -> None:
    with pytest.raises(InputError, match=rf"0.5 s are \d+ frames; the model's own clip has {ROWS}"):
        _ = load(summed, max_seconds=0.5).int8


def test_a_longest_clip_needs_ranges_still_to_be_made(summed: Path, tmp_path: Path) -> None:
    path = written(tmp_path, load(summed, max_seconds=3).int8.data)
    with pytest.raises(InputError, match=r"the ranges of .* are in the file already"):
        load(path, max_seconds=3)


def test_a_longest_clip_without_anything_that_grows_is_noted(tmp_path: Path) -> None:
    model = load(pooled_model(mean_over_time, tmp_path), max_seconds=3)
    assert [i for i in model.int8.issues if i.code == "calibration.max_seconds"]
    assert MAX_FRAMES_KEY not in model.int8.graph.metadata
    assert model.deploy("cortex-m4").plan.schedule == "stream"
