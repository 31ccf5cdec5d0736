"""TensorFlow's conversion of an ONNX file, as a second opinion: onnx2tf, then TFLiteConverter, on a
copy and in a process of their own, whose interpreter may be another one (`PYTHON`).

Nothing else of the toolkit touches TensorFlow.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.errors import ToolFailedError, ToolMissingError
from toolkit.ir import Graph, Shape
from toolkit.ir.edit import rename_tensors
from toolkit.ir.tensor import Array
from toolkit.quantize.snr import int8_snr_db
from toolkit.tflite.read import read_tflite

#: Names the Python interpreter that has TensorFlow and onnx2tf; without it this one.
PYTHON = "TOOLKIT_TENSORFLOW_PYTHON"
TIME_S = 900.0
_WORKER = Path(__file__).with_name("via_tensorflow_worker.py")
#: Axes of an output that onnx2tf may have moved.
_MOST_MOVED = 5


@dataclass(frozen=True, eq=False)
class Question:
    """An ONNX file, shapes of its inputs by name, its outputs' names, and in the layout of the
    file, cases on the first axis: ``cases`` to calibrate on and ``tests`` to run."""

    onnx: bytes
    shapes: Mapping[str, Shape]
    outputs: Sequence[str]
    cases: Sequence[Array]
    tests: Sequence[Array]


@dataclass(frozen=True, eq=False)
class Opinion:
    """The int8 ``.tflite`` that came of it, the names of its ends to those of the ONNX file, and
    what LiteRT's reference kernels make of the tests by the float file and by this one."""

    int8: bytes
    names: Mapping[str, str]
    floats: Sequence[Array]
    integers: Sequence[Array]
    converter: str

    def graph(self, name: str) -> Graph:
        """The file read as any other, its ends called as in the ONNX file.

        Raises ModelError or UnsupportedError for what the toolkit lacks.
        """
        graph = read_tflite(self.int8, name)
        ends = {*graph.inputs, *graph.outputs}
        return rename_tensors(graph, {n: new for n, new in self.names.items() if n in ends})

    def snr_db(self, wanted: Sequence[Array]) -> float:
        """The ratio of ``wanted`` outputs to what its integers add, in decibels.

        onnx2tf may have moved an output's axes: in which order, its float file says.
        """
        pairs = zip(wanted, self.floats, self.integers, strict=True)
        have = [_as_wanted(want, floats, values) for want, floats, values in pairs]
        rows = [np.concatenate([v.reshape(len(v), -1) for v in some], 1) for some in (wanted, have)]
        return int8_snr_db(*rows)


def ask_tensorflow(question: Question) -> Opinion:
    """Have the file converted.

    Raises ToolMissingError where the interpreter has not what it takes, ToolFailedError where one
    of the converters fails.
    """
    python = os.environ.get(PYTHON) or sys.executable
    with tempfile.TemporaryDirectory(prefix="toolkit-tensorflow-") as scratch:
        folder = Path(scratch)
        (folder / "model.onnx").write_bytes(question.onnx)
        request = {"shapes": dict(question.shapes), "outputs": list(question.outputs)}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        for name, arrays in (("cases", question.cases), ("tests", question.tests)):
            np.savez(folder / f"{name}.npz", *(np.asarray(v, np.float32) for v in arrays))
        try:
            # -P keeps this package's folder out of the worker's import path.
            done = subprocess.run(
                [python, "-P", str(_WORKER), str(folder)],
                cwd=folder,  # onnx2tf leaves files where it runs
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME_S,
                check=False,
            )
        except OSError as error:
            raise ToolMissingError(
                f"--via tensorflow: {python} does not run: {error.strerror}.",
                hint=f"{PYTHON} names a Python with TensorFlow and onnx2tf.",
            ) from None
        except subprocess.TimeoutExpired:
            raise ToolFailedError(f"TensorFlow did not finish in {TIME_S:g} s") from None
        if done.returncode or not (folder / "answer.json").is_file():
            raise ToolFailedError(f"TensorFlow's conversion failed: {_death(done)}")
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        if "missing" in answer:
            raise ToolMissingError(
                f"--via tensorflow: {python} has no module '{answer['missing']}'.",
                hint="pip install 'hearing-aid-toolkit[tensorflow]', or set "
                f"{PYTHON} to a Python that has it.",
            )
        return _read(folder, answer, len(question.outputs))


def _read(folder: Path, answer: Mapping[str, str], outputs: int) -> Opinion:
    with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
        floats, integers = (
            [archive[f"{kind}.{i}"] for i in range(outputs)] for kind in ("float", "int8")
        )
    names = answer["names"]
    assert isinstance(names, dict)
    converter = f"TensorFlow {answer['tensorflow']} by onnx2tf {answer['onnx2tf']}"
    return Opinion((folder / "int8.tflite").read_bytes(), names, floats, integers, converter)


def _death(done: subprocess.CompletedProcess[str]) -> str:
    """Why it ended, in its own words: the last line that names an error, else the last one."""
    lines = [line.strip() for line in (done.stdout + done.stderr).split("\n") if line.strip()]
    named = [line for line in lines if "Error: " in line or "ERROR" in line]
    last = (named or lines or ["no message"])[-1][:300]
    return f"the converter ended with {done.returncode}: {last}"


def _as_wanted(want: Array, floats: Array, values: Array) -> Array:
    """``values`` with their axes in the order in which ``floats`` are nearest to ``want``."""
    if want.ndim > _MOST_MOVED or floats.size != want.size:
        raise ToolFailedError(
            f"TensorFlow's conversion: an output {list(floats.shape[1:])} where "
            f"{list(want.shape[1:])} was wanted"
        )
    orders = [
        (0, *order)
        for order in itertools.permutations(range(1, floats.ndim))
        if tuple(floats.shape[axis] for axis in (0, *order)) == want.shape
    ] or [tuple(range(floats.ndim))]
    near = min(
        orders, key=lambda o: float(np.abs(floats.transpose(o).reshape(want.shape) - want).max())
    )
    return np.asarray(values.transpose(near).reshape(want.shape))
