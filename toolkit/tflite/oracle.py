"""Reference interpreters as oracles: TFLM and LiteRT's reference kernels, each in a subprocess.

They may abort the process on a model they do not like; here that is a `ToolFailedError`.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.errors import ToolFailedError, ToolMissingError
from toolkit.ir.tensor import Array

_WORKER = Path(__file__).with_name("oracle_worker.py")
_ARENA_BYTES = 64 << 20
_ARENA_USED = re.compile(r"Arena allocation total (\d+) bytes")


@dataclass(frozen=True, eq=False)
class TflmResult:
    """``outputs``: one array per model output, cases on the first axis.  ``arena_bytes``: what the
    interpreter allocated, with the pointers of an x86-64 host (a 32-bit target needs less)."""

    outputs: tuple[Array, ...]
    arena_bytes: int


def tflm_available() -> bool:
    return importlib.util.find_spec("tflite_micro") is not None


def run_tflm(
    model: bytes,
    inputs: Sequence[Array],
    arena_bytes: int = _ARENA_BYTES,
    timeout_s: float = 600.0,
    clips: Sequence[int] = (),
) -> TflmResult:
    """Run every case through TFLM's interpreter.

    ``inputs``: one array per model input, cases on the first axis, each case of the input's size
    and type.  The cases of a model with states are the steps of ``clips`` of so many steps each,
    one after the other (none: of one clip); each clip has an interpreter of its own.  Raises
    `ToolMissingError` without tflite-micro, `ToolFailedError` when the interpreter refuses the
    model or aborts.
    """
    if not tflm_available():
        raise ToolMissingError(
            "tflite-micro is not installed", "pip install 'hearing-aid-toolkit[dev]'"
        )
    outputs, log = _run("tflm", model, inputs, arena_bytes, timeout_s, clips)
    used = _ARENA_USED.search(log)
    if used is None:
        raise ToolFailedError("TFLM did not report its arena size")
    return TflmResult(outputs, int(used[1]))


def run_litert_reference(
    model: bytes, inputs: Sequence[Array], timeout_s: float = 600.0
) -> tuple[Array, ...]:
    """Run every case through LiteRT's reference kernels (never the optimised ones, which differ);
    arguments and result as in `run_tflm`."""
    return _run("litert", model, inputs, 0, timeout_s)[0]


def _run(
    engine: str,
    model: bytes,
    inputs: Sequence[Array],
    arena_bytes: int,
    timeout_s: float,
    clips: Sequence[int] = (),
) -> tuple[tuple[Array, ...], str]:
    with tempfile.TemporaryDirectory(prefix="toolkit-oracle-") as folder:
        directory = Path(folder)
        (directory / "model.tflite").write_bytes(model)
        np.savez(directory / "inputs.npz", *inputs)
        try:
            done = subprocess.run(
                # -P keeps this package's folder out of the worker's import path.
                [
                    *(sys.executable, "-P", str(_WORKER), engine, folder, str(arena_bytes)),
                    *map(str, clips),
                ],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolFailedError(f"{engine} did not finish in {timeout_s:g} s") from error
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            reason = f"signal {-done.returncode}; " if done.returncode < 0 else ""
            raise ToolFailedError(f"{engine} failed: {reason}{' | '.join(lines[-3:])}")
        with np.load(directory / "outputs.npz", allow_pickle=False) as archive:
            outputs = tuple(archive[f"arr_{i}"] for i in range(len(archive.files)))
    return outputs, done.stderr
