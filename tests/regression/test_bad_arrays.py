"""`verify` with arrays that cannot be used, and with expectations that do not hold."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.cli import Run, image_model, refused, toolkit
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.tflite.read import load_tflite

HOST = ("--target", "cortex-m4", "--simulator", "host")
INPUTS = np.random.default_rng(1).integers(-128, 128, (5, 8, 8), dtype=np.int8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 model, ``inputs.npy`` and the outputs the reference gives, ``expected.npy``."""
    path = tmp_path_factory.mktemp("arrays")
    onnx.save(image_model(), path / "m.onnx")
    assert toolkit("convert", "m.onnx", "-o", "m.tflite", cwd=path).exit_code == 0
    graph = load_tflite(path / "m.tflite")
    shape = graph.tensors[graph.inputs[0]].shape
    values = [run_graph(graph, {graph.inputs[0]: case.reshape(shape)}) for case in INPUTS]
    np.save(path / "inputs.npy", INPUTS)
    np.save(path / "expected.npy", np.stack([v[graph.outputs[0]] for v in values]))
    return path


def verify(folder: Path, *options: str | Path) -> Run:
    return toolkit("verify", "m.tflite", *HOST, *options, cwd=folder)


def big(value: Array) -> Callable[[Path], None]:
    return lambda path: np.save(path, value)


def write_pickle(path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (path.parent / "executed",))

    np.save(path, np.array([Payload()], dtype=object), allow_pickle=True)


def write_bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps([1, 2, 3]))


def write_claim(path: Path) -> None:
    """A header that claims 8 TB."""
    np.save(path, np.zeros(4))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"(4,)            ", b"(1000000000000,)"))


NAN = INPUTS.astype(np.float32)
NAN[2, 3, 4] = np.nan

UNUSABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "absent": (lambda path: None, "No such file"),
    "directory": (Path.mkdir, "x.npy"),
    "text": (lambda path: path.write_text("1 2 3") and None, "is not an array"),
    "pickle in .npy": (write_pickle, "is not an array"),
    "pickle": (write_bare_pickle, "is not an array"),
    "claims more than it holds": (write_claim, "x.npy"),
    "shape": (big(INPUTS[:, :7]), "the shape [1, 8, 8, 1], 64 values; found shape [5, 7, 8]"),
    "no cases": (big(INPUTS[:0]), "found shape [0, 8, 8]"),
    "scalar": (big(np.float32(1)), "found shape []"),
    "NaN": (big(NAN), "1 of 320 values are not"),
    "beyond float32": (big(np.full((1, 64), 1e300)), "64 of 64 values are not"),
    "complex": (big(INPUTS.astype(complex)), "found complex128"),
    "bool": (big(INPUTS > 0), "found bool"),
    "text in .npy": (big(np.full((5, 64), "a")), "found <U1"),
    "other integers": (big(INPUTS.astype(np.int32)), "must be int8 or floating point"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_inputs(folder: Path, tmp_path: Path, name: str) -> None:
    write, expected = UNUSABLE[name]
    write(tmp_path / "x.npy")
    assert expected in refused(verify(folder, "--inputs", tmp_path / "x.npy"))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a[:4], "holds 4 cases; the inputs are 5"),
        (lambda a: a.astype(np.int16), "must be int8; found int16"),
        (lambda a: a.astype(np.float32), "must be int8; found float32"),
        (lambda a: a[:, :, :2], "must have the shape [1, 3], 3 values"),
    ],
    ids=["count", "int16", "float", "shape"],
)
def test_unusable_expectations(
    folder: Path, tmp_path: Path, change: Callable[[Array], Array], expected: str
) -> None:
    np.save(tmp_path / "y.npy", change(np.load(folder / "expected.npy")))
    run = verify(folder, "--inputs", "inputs.npy", "--expected", tmp_path / "y.npy")
    assert expected in refused(run)


def test_equal_outputs(folder: Path) -> None:
    run = verify(folder, "--inputs", "inputs.npy", "--expected", "expected.npy")
    assert (run.exit_code, run.stderr) == (0, "")
    assert "5 of 5 cases equal expected.npy, byte for byte" in run.stdout


def test_planted_differences_are_found_and_listed_by_case(folder: Path, tmp_path: Path) -> None:
    expected = np.load(folder / "expected.npy").reshape(5, 3)
    planted = expected.copy()
    planted[1, 2] ^= 1
    planted[4, 0] ^= 1
    planted[4, 1] ^= 1
    np.save(tmp_path / "y.npy", planted)
    options = ("--inputs", "inputs.npy", "--expected", tmp_path / "y.npy")
    run = verify(folder, *options, "--json")
    assert (run.exit_code, run.stderr) == (1, "")
    found = [(m["case"], m["first_offset"], m["differing_bytes"]) for m in run.json["mismatches"]]
    assert found == [(1, 2, 1), (4, 0, 2)]
    assert run.json["mismatches"][0]["expected"] == int(planted[1, 2]) & 0xFF
    assert run.json["mismatches"][0]["found"] == int(expected[1, 2]) & 0xFF
    text = verify(folder, *options)
    assert text.exit_code == 1
    assert "case 1, output" in text.stdout and "3 of 5 cases equal" in text.stdout


def test_float_inputs_are_quantised_and_archives_are_read(folder: Path, tmp_path: Path) -> None:
    graph = load_tflite(folder / "m.tflite")
    entry = graph.tensors[graph.inputs[0]]
    floats = (INPUTS.astype(np.float64) - entry.zero_point) * entry.scale
    np.savez(tmp_path / "x.npz", floats)
    run = verify(folder, "--inputs", tmp_path / "x.npz", "--expected", "expected.npy")
    assert (run.exit_code, run.stderr) == (0, "")


@pytest.mark.parametrize("cases", ["0", "-1", "many"])
def test_number_of_cases(folder: Path, cases: str) -> None:
    assert "--cases" in refused(verify(folder, "--cases", cases))


def test_a_model_is_not_overwritten_by_its_conversion(folder: Path) -> None:
    before = (folder / "m.onnx").read_bytes()
    assert "is the model itself" in refused(
        toolkit("convert", "m.onnx", "-o", "./m.onnx", cwd=folder)
    )
    assert (folder / "m.onnx").read_bytes() == before
