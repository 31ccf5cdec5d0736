"""What users state of a model's inputs: shapes that its file leaves open, which axis is time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.cli import toolkit
from tests.support.onnx_models import onnxruntime_output
from tests.support.stream_host import Streamed, assert_streams_like_batch
from tests.support.time_forms import Net
from toolkit.errors import InputError
from toolkit.model.int8 import to_int8
from toolkit.model.load import load_source
from toolkit.model.stated import Stated
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.put_time_first import time_axis_in
from toolkit.plan import check_stream, plan_stream
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.recipe import Recipe

BANDS = 8


def spectrogram(folder: Path) -> Path:
    """Convolutions on ``[1, 1, bands, frames]``, time last, strided over the bands."""
    m = Net("batch", 1, BANDS, "frames")
    x = m.relu(m.conv("x", (1, 4), (3, 5), strides=[2, 1], pads=[1, 2, 1, 2]))
    x = m.relu(m.conv(x, (4, 4), (3, 3), pads=[1] * 4, group=4))
    x = m.op("MaxPool", x, kernel_shape=[1, 2], strides=[1, 2])
    x = m.relu(m.conv(x, (4, 6), (4, 3)))
    path = folder / "spectrogram.onnx"
    onnx.save(m.model(m.head(m.mean(x, 2, 3))), path)
    return path


def test_time_may_be_the_last_axis_of_a_spectrogram(tmp_path: Path) -> None:
    path = spectrogram(tmp_path)
    source = load_source(str(path), stated=Stated({"": (1, 1, BANDS, 40)}, 3))
    assert source.float_graph is not None and source.one_length == {}
    assert time_axis_in(source.float_graph, -1) == 1
    time = find_time_axis(source.float_graph)
    for frames in (time.min_frames + 3, 40, 51):
        x = np.random.default_rng(frames).standard_normal((1, 1, BANDS, frames))
        graph, x = retime(time, frames), x.astype(np.float32)
        found = run_graph(graph, to_graph_layout(graph, {"x": x}))[graph.outputs[0]]
        want = onnxruntime_output(onnx.load(path), x)
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    int8 = to_int8(source, Recipe()).graph
    plan = check_stream(int8, plan_stream(int8))
    streamed = Streamed(plan.graph, plan, tmp_path / "c")
    assert_streams_like_batch(streamed, [*range(plan.min_frames, 65)])


def test_without_a_time_axis_the_layout_stays(tmp_path: Path) -> None:
    source = load_source(str(spectrogram(tmp_path)), stated=Stated({"x": (1, 1, BANDS, 40)}))
    assert source.float_graph is not None
    assert source.float_graph.tensors["x"].shape == (1, BANDS, 40, 1)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (Stated(), "has dynamic dimensions"),
        (Stated({"y": (1, 1, BANDS, 40)}), "has the inputs 'x'; got y"),
        (Stated({"": (1, 1, 9, 40)}), r"does not fit \['batch', 1, 8, 'frames'\]"),
        (Stated({"": (1, 1, BANDS, 40)}, 4), "has 4 axes, 0 to 3; got 4"),
    ],
)
def test_what_does_not_fit_is_said(stated: Stated, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_source(str(spectrogram(tmp_path)), stated=stated)


def test_verbs_take_a_shape_and_the_files_own_axis(tmp_path: Path) -> None:
    path = spectrogram(tmp_path)
    shape = ("--shape", f"x=1,1,{BANDS},40")
    found = toolkit("inspect", path, *shape, "--json", cwd=tmp_path).json
    assert found["inputs"][0]["shape"] == [1, BANDS, 40, 1]
    wanted = ("--target", "cortex-m4", *shape, "--time-axis", 3, "--json")
    assert toolkit("profile", path, *wanted, cwd=tmp_path).json["schedule"] == "stream"
    run = toolkit("inspect", path, "--shape", "1,1,x", cwd=tmp_path)
    assert run.exit_code == 2 and "--shape must be like" in run.stderr
