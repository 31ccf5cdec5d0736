"""Forms in which time is found: streamed as in batch at every length, imported as onnxruntime has
them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.onnx_models import onnxruntime_output
from tests.support.stream_host import Streamed, assert_streams_like_batch
from tests.support.time_forms import FORMS, Form
from tests.support.variants import dsp_variants
from toolkit.frontend.load import load_onnx
from toolkit.ir import Graph
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.plan import check_stream, plan_stream
from toolkit.plan.other_length import LENGTH_STEP, tied_nodes
from toolkit.plan.time_axis import TimeAxis, find_time_axis, retime
from toolkit.quantize.convert import convert
from toolkit.quantize.ranges import calibrate
from toolkit.tflite.read import read_tflite
from toolkit.tflite.write import write_tflite

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

LONGEST = 64


def imported(form: Form, folder: Path, more: int = 0) -> Graph:
    return optimize(load_onnx(form.save(folder), {"x": form.at(form.rows + more)}))


def assert_imported_right(form: Form, time: TimeAxis, folder: Path) -> None:
    """The float network gives onnxruntime's values at its own length, a short and another one."""
    model = onnx.load(form.save(folder))
    for frames in {form.rows, time.min_frames + 4, form.rows + 7}:
        if frames != form.rows and form is FORMS["windows_over_the_clip"]:
            continue  # the file itself has one length
        x = np.random.default_rng(frames).standard_normal(form.at(frames)).astype(np.float32)
        graph = retime(time, frames)
        found = run_graph(graph, to_graph_layout(graph, {"x": x}))[graph.outputs[0]]
        np.testing.assert_allclose(found, onnxruntime_output(model, x), rtol=1e-4, atol=1e-5)


def quantized(form: Form, graph: Graph) -> Graph:
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(4):
        x = rng.standard_normal(form.at(form.rows)).astype(np.float32)
        batches.append(to_graph_layout(graph, {"x": x}))
    return read_tflite(write_tflite(convert(graph, calibrate(graph, batches))), "form")


@pytest.mark.parametrize("name", FORMS)
def test_streams_with_the_bits_of_the_batch_network(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    graph = imported(form, tmp_path)
    assert_imported_right(form, find_time_axis(graph), tmp_path)
    int8 = quantized(form, graph)
    plan = check_stream(int8, plan_stream(int8))
    streamed = Streamed(plan.graph, plan, tmp_path)
    longest = max(LONGEST, plan.min_frames + 3)
    assert_streams_like_batch(streamed, [*range(plan.min_frames, longest + 1)])


@pytest.mark.parametrize("name", ["chomp", "kernel_of_64", "long_windows", "channel_shuffle"])
def test_kernels_of_cores_with_dsp_give_the_same_bits(name: str, tmp_path: Path) -> None:
    form = FORMS[name]
    int8 = quantized(form, imported(form, tmp_path))
    plan = check_stream(int8, plan_stream(int8, variants=dsp_variants(int8)))
    first = plan.min_frames
    assert_streams_like_batch(Streamed(plan.graph, plan, tmp_path), [first, first + 1, first + 30])


@pytest.mark.parametrize("name", [name for name in FORMS if name != "windows_over_the_clip"])
def test_is_the_same_network_read_at_another_length(name: str, tmp_path: Path) -> None:
    """What exporters compute from the length follows it."""
    form = FORMS[name]
    assert tied_nodes(imported(form, tmp_path), imported(form, tmp_path, LENGTH_STEP)) == {}
