"""Recurrent networks streamed in C on this workstation: the bits of the whole clip."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.recurrent import random_network
from tests.support.stream_host import OK, Streamed, assert_streams_like_batch, random_clip
from tests.support.variants import dsp_variants
from toolkit.ops.check import check_operators
from toolkit.plan import check_stream, plan_stream
from toolkit.plan.stream import StreamPlan

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")

QUICK, EXHAUSTIVE, TOGETHER = 40, 500, 20


def planned(seed: int) -> StreamPlan:
    graph = random_network(seed)
    check_operators(graph)
    variants = dsp_variants(graph) if seed % 2 else {}
    return check_stream(graph, plan_stream(graph, variants=variants))


def assert_stream(seeds: range, lengths: list[int], folder: Path) -> None:
    plans = [planned(seed) for seed in seeds]
    for streamed in Streamed.several(plans, folder):
        assert_streams_like_batch(streamed, lengths)


@pytest.mark.parametrize("first", range(0, QUICK, TOGETHER))
def test_random_networks(tmp_path: Path, first: int) -> None:
    assert_stream(range(first, first + TOGETHER), [1, 2, 3, 7, 30], tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(QUICK, EXHAUSTIVE, TOGETHER))
def test_many_random_networks(tmp_path: Path, first: int) -> None:
    assert_stream(range(first, first + TOGETHER), [*range(1, 33), 300], tmp_path)


def test_a_reset_begins_anew(tmp_path: Path) -> None:
    """Rows after a reset are those of a new instance, whatever came before it."""
    streamed = Streamed.several([planned(1)], tmp_path)[0]
    (rows,) = random_clip(streamed.graph, 9, 5)
    fresh, used = streamed.instance(), streamed.instance()
    want = fresh.run(rows)
    assert used.push(rows[:1]) == {OK}
    used.reset()
    for have, expected in zip(used.run(rows), want, strict=True):
        np.testing.assert_array_equal(have, expected)
