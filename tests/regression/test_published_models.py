"""MLPerf Tiny's int8 models: their firmware gives the bytes of TFLM's interpreter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import toolkit
from toolkit.ir.tensor import Array
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import load_tflite

MODELS = ("mlperf_tiny_kws_int8", "mlperf_tiny_resnet8_int8")
CASES = 100

pytestmark = pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")


def inputs_and_tflm_outputs(model: Path, cases: int) -> tuple[Array, Array]:
    """Half of the cases random over all of int8, half around the zero point, as images are."""
    graph = load_tflite(model)
    entry = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng(7)
    wide = rng.integers(-128, 128, (cases // 2, *entry.shape), dtype=np.int8)
    narrow = rng.normal(entry.zero_point, 30, (cases - cases // 2, *entry.shape))
    inputs = np.concatenate([wide, np.clip(np.round(narrow), -128, 127).astype(np.int8)])
    (outputs,) = run_tflm(model.read_bytes(), [inputs]).outputs
    return inputs, outputs


@pytest.mark.parametrize("name", MODELS)
def test_the_firmware_equals_tflm(models_dir: Path, tmp_path: Path, name: str) -> None:
    """The C compiled for the host on all inputs, the firmware in the simulator on a few."""
    model = models_dir / f"{name}.tflite"
    inputs, outputs = inputs_and_tflm_outputs(model, CASES)
    assert len(np.unique(outputs.reshape(CASES, -1), axis=0)) > CASES // 4
    few = [0, CASES - 1]
    for simulator, chosen in (("host", slice(None)), ("unicorn", few)):
        np.save(tmp_path / "x.npy", inputs[chosen])
        np.save(tmp_path / "y.npy", outputs[chosen])
        arguments = ("--inputs", "x.npy", "--expected", "y.npy", "--json")
        options = ("--target", "cortex-m4", "--simulator", simulator)
        run = toolkit("verify", model, *options, *arguments, cwd=tmp_path)
        assert (run.exit_code, run.stderr) == (0, "")
        found = json.loads(run.stdout)
        assert found["mismatches"] == []
        assert found["cases"] == len(inputs[chosen])
        assert (found["compared_with"], found["simulator"]) == ("y.npy", simulator)


def test_a_planted_difference_is_found(models_dir: Path, tmp_path: Path) -> None:
    model = models_dir / f"{MODELS[0]}.tflite"
    inputs, outputs = inputs_and_tflm_outputs(model, CASES)
    planted = outputs.reshape(CASES, -1).copy()
    planted[37, 5] ^= 1
    np.save(tmp_path / "x.npy", inputs)
    np.save(tmp_path / "y.npy", planted)
    arguments = ("--inputs", "x.npy", "--expected", "y.npy", "--json", "--simulator", "host")
    run = toolkit("verify", model, "--target", "cortex-m4", *arguments, cwd=tmp_path)
    assert run.exit_code == 1
    (mismatch,) = run.json["mismatches"]
    assert (mismatch["case"], mismatch["first_offset"]) == (37, 5)


def test_build_compares_with_tflm(models_dir: Path, tmp_path: Path) -> None:
    model = models_dir / f"{MODELS[0]}.tflite"
    options = ("--target", "cortex-m4", "--out", "out", "--json")
    run = toolkit("build", model, *options, cwd=tmp_path)
    assert run.exit_code == 0, run
    checks = {check["name"]: check["passed"] for check in run.json["checks"]}
    assert checks.pop("bit_match") and checks.pop("tflm_match")
    assert checks.pop("plan_linked") and checks.pop("stack_within_bound")
    assert checks.pop("device_near_float") is None  # a .tflite brings no float network
    assert checks == {"fits_flash": True, "fits_ram": True, "fits_stack": True}
    (library,) = (path.parent for path in (tmp_path / "out").glob("*/include"))
    built = library / f"{library.name}.tflite"
    assert built.read_bytes() == model.read_bytes()
