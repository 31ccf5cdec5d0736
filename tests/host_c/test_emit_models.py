"""Published models: read, planned, generated, compiled for this workstation, against numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from tests.support.host_run import assert_c_matches_numpy
from toolkit.model.load import load_source
from toolkit.plan import check_plan, plan_arena
from toolkit.quantize.convert import convert
from toolkit.tflite.read import load_tflite, read_tflite
from toolkit.tflite.write import write_tflite

#: Arena in bytes; each equals the lower bound.
ARENAS = {"mlperf_tiny_kws_int8": 16_000, "mlperf_tiny_resnet8_int8": 49_152}


@pytest.mark.parametrize("name", ARENAS)
def test_the_arena_is_the_lower_bound(models_dir: Path, name: str) -> None:
    graph = load_tflite(models_dir / f"{name}.tflite")
    plan = check_plan(graph, plan_arena(graph))
    assert (plan.arena_bytes, plan.lower_bound_bytes) == (ARENAS[name], ARENAS[name])


@pytest.mark.parametrize("name", ARENAS)
def test_the_generated_c_gives_the_reference_bytes(
    models_dir: Path, tmp_path: Path, name: str
) -> None:
    graph = load_tflite(models_dir / f"{name}.tflite")
    assert_c_matches_numpy(graph, tmp_path, cases=20)


@pytest.mark.parametrize("attention", ["fused", "builtin"])
def test_wav2small_at_one_second(tmp_path: Path, attention: Literal["fused", "builtin"]) -> None:
    """Two activations of 499 x 26 x 13 B are live at once; each is rounded up to 16 B."""
    source = load_source("wav2small")
    assert source.float_graph is not None and source.ranges is not None
    graph = convert(source.float_graph, source.ranges, attention)
    graph = read_tflite(write_tflite(graph), "wav2small")
    plan = check_plan(graph, plan_arena(graph))
    assert (plan.lower_bound_bytes, plan.arena_bytes) == (2 * 168_662, 2 * 168_672)
    assert_c_matches_numpy(graph, tmp_path, cases=2)
