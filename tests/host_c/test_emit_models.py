"""Published models: read, planned, generated, compiled for this workstation, against numpy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.host_run import assert_c_matches_numpy
from toolkit.plan import check_plan, plan_arena
from toolkit.tflite.read import load_tflite

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
