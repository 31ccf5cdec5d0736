"""ONNX files run by interpreters that the project does not own: onnxruntime, else onnx's own.

They run in a child process of bounded memory and time (`outside_worker`), so that a file which
makes them take gigabytes, hang or abort costs a note, never a verb.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from toolkit.errors import ToolFailedError
from toolkit.ir.tensor import Array

MEMORY_BYTES = 1 << 30
TIME_S = 20.0

_WORKER = Path(__file__).with_name("outside_worker.py")


@dataclass(frozen=True, eq=False)
class Job:
    """Inputs by name, cases on the first axis, each in the layout of the file.

    ``open`` are axes of inputs that the file fixes and this job does not; ``every_value`` asks for
    what every node computes; ``unquantised`` lets pairs of QuantizeLinear and DequantizeLinear on
    activations pass real values.
    """

    inputs: Mapping[str, Array]
    open: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    every_value: bool = False
    unquantised: bool = False


@dataclass(frozen=True, eq=False)
class Values:
    """What a job gave: arrays by name, in the file's order, cases on the first axis.  Or why it
    gave none, with the node (empty: unknown) at which the interpreter stopped."""

    arrays: Mapping[str, Array]
    error: str = ""
    node: str = ""


@dataclass(frozen=True)
class OnnxNodeName:
    """A node of the file; unnamed ones are called as the importer calls them."""

    name: str
    op: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Answer:
    """Name and version of the interpreter, what it gave for each job, and the file's nodes."""

    oracle: str
    values: tuple[Values, ...]
    nodes: tuple[OnnxNodeName, ...]


def ask(onnx: bytes, jobs: Sequence[Job]) -> Answer:
    """Run an ONNX file on every job, in the first interpreter that can run the first one.

    Raises ToolFailedError where none can, or where the child ran out of memory or time, or died.
    """
    request = {
        "memory_bytes": MEMORY_BYTES,
        "jobs": [
            {
                "inputs": list(job.inputs),
                "open": {name: list(axes) for name, axes in job.open.items()},
                "every_value": job.every_value,
                "unquantised": job.unquantised,
            }
            for job in jobs
        ],
    }
    arrays = tuple(
        (f"{index}.{at}", values.shape, np.ascontiguousarray(values, np.float32).tobytes())
        for index, job in enumerate(jobs)
        for at, values in enumerate(job.inputs.values())
    )
    return _asked(onnx, json.dumps(request), arrays, TIME_S)


@lru_cache(maxsize=4)
def _asked(
    onnx: bytes,
    request: str,
    arrays: tuple[tuple[str, tuple[int, ...], bytes], ...],
    time_s: float,
) -> Answer:
    """The answer of a child process; the same question is asked once, as when a model is built for
    many targets."""
    with tempfile.TemporaryDirectory(prefix="toolkit-outside-") as scratch:
        folder = Path(scratch)
        (folder / "model.onnx").write_bytes(onnx)
        (folder / "request.json").write_text(request, encoding="utf-8")
        given = {name: np.frombuffer(data, "f4").reshape(shape) for name, shape, data in arrays}
        np.savez(folder / "inputs.npz", **given)  # type: ignore[arg-type]
        try:
            # -P keeps this package's folder out of the worker's import path.
            done = subprocess.run(
                [sys.executable, "-P", str(_WORKER), str(folder)],
                env={**os.environ, "TMPDIR": str(folder)},  # onnxruntime leaves files there
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=time_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ToolFailedError(f"the interpreter did not finish in {time_s:g} s") from None
        if done.returncode or not (folder / "answer.json").is_file():
            raise ToolFailedError(_death(done))
        try:
            return _read(folder)
        except (OSError, ValueError, KeyError) as error:
            raise ToolFailedError(f"the interpreter's answer is damaged: {error}") from None


def _death(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "no message")[:200]
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    memory = " (it may take 1 GB)" if "MemoryError" in last or "bad_alloc" in last else ""
    return f"the interpreter's process ended with {how}: {last}{memory}"


def _read(folder: Path) -> Answer:
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    if "error" in answer:
        raise ToolFailedError(answer["error"])
    with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
        values = tuple(
            Values(
                {name: archive[f"{index}.{at}"] for at, name in enumerate(job["outputs"])},
                job["error"],
                job["node"],
            )
            for index, job in enumerate(answer["jobs"])
        )
    nodes = tuple(OnnxNodeName(n["name"], n["op"], tuple(n["outputs"])) for n in answer["nodes"])
    return Answer(answer["oracle"], values, nodes)
