"""What outputs with time amount to for a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.row_models import BANDS, FORMS, FRAMES, quantized
from toolkit.ir.tensor import dequantize
from toolkit.model.answer import answer_of
from toolkit.ops.execute import run_graph
from toolkit.plan.time_axis import find_time_axis, retime


def test_rows_count_by_their_means_at_any_length(tmp_path: Path) -> None:
    graph = quantized(FORMS["rows_and_final"](), tmp_path / "net.onnx")
    answer = answer_of(graph)
    assert len(answer.labels) == 4 + BANDS
    for frames in (FRAMES, 17):
        longer = retime(find_time_axis(graph), frames)
        values = np.random.default_rng(frames).integers(-128, 127, (1, frames, BANDS), np.int8)
        found = run_graph(longer, {longer.inputs[0]: values})
        scores, mask = (found[name] for name in graph.outputs)
        quants = [graph.tensors[name].quant for name in graph.outputs]
        assert mask.shape == (1, BANDS, frames) and None not in quants
        means = dequantize(mask, quants[1]).mean(2)  # type: ignore[arg-type]
        wanted = np.concatenate([dequantize(scores, quants[0])[0], means[0]])  # type: ignore[arg-type]
        flat = [scores.ravel(), mask.ravel()]
        assert np.allclose(answer.values(flat), wanted)


def test_labels_are_those_of_a_row(tmp_path: Path) -> None:
    graph = quantized(FORMS["frame_by_frame"](), tmp_path / "net.onnx")
    labelled = graph.with_metadata(**{"toolkit.labels": '["speech", "music", "noise"]'})
    assert answer_of(labelled).labels == ("speech", "music", "noise")
