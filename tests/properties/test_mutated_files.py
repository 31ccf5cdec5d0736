"""Files of every type with bytes changed: exit 0 or 2, never a defect of ours, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.small_models import mobile_net
from tests.support.onnx_models import ModelMaker
from tests.support.strange_files import bounded, heard, profiled
from toolkit.budget.load import load_budgets
from toolkit.deploy.model import load
from toolkit.errors import InputError
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.features.text import read_spec, to_toml
from toolkit.model.inputs import load_array
from toolkit.model.labels import load_labels
from toolkit.report.json_format import report_json
from toolkit.report.read import read_report
from toolkit.tflite.write import write_tflite

HOSTILE = (
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"nan",
    b"1e999",
    b"[" * 64,
)


def small_onnx() -> bytes:
    maker = ModelMaker(1, 2, 6, 5)
    x = maker.op("Conv", "x", maker.constant(np.ones((3, 2, 3, 3), np.float32)), pads=[1, 1, 1, 1])
    x = maker.op("MaxPool", maker.op("Relu", x), kernel_shape=[2, 2], strides=[2, 1])
    shape = maker.op("Concat", maker.constant(np.array([1, -1], np.int64)), axis=0)
    x = maker.op("Softmax", maker.op("Reshape", x, shape), axis=-1)
    content: bytes = maker.model(x).SerializeToString()
    return content


def budgets() -> bytes:
    return (Path(__file__).parent.parent.parent / "toolkit.toml").read_bytes()


def clip() -> bytes:
    return (Path(__file__).parent.parent.parent / "models/wav2small/demo_clip.wav").read_bytes()[
        :9000
    ]


def array() -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, np.arange(12, dtype=np.float32).reshape(3, 4))
    return stream.getvalue()


def archive() -> bytes:
    import io

    stream = io.BytesIO()
    np.savez_compressed(stream, x=np.arange(12, dtype=np.float32).reshape(3, 4))
    return stream.getvalue()


def report() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        path.write_bytes(write_tflite(mobile_net()))
        return report_json(load(path).deploy("cortex-m4").estimate()).encode()


def labels(path: Path) -> None:
    load_labels(path, path.parent, ("a", "b"))


#: Suffix, a sound file, and what reads it.
KINDS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], Any]]] = {
    "onnx": (".onnx", small_onnx, profiled),
    "tflite": (".tflite", lambda: write_tflite(mobile_net()), profiled),
    "npy": (".npy", array, load_array),
    "npz": (".npz", archive, load_array),
    "wav": (".wav", clip, heard),
    "spec": (".toml", lambda: to_toml(WAV2SMALL_RUNNING).encode(), read_spec),
    "budget": (".toml", budgets, load_budgets),
    "labels": (".csv", lambda: b"file,a,b\nx.wav,0.5,0.25\ny.wav,1,0\n", labels),
    "report": (".json", report, read_report),
}


def mutated(sound: bytes, rng: np.random.Generator) -> bytes:
    """``sound`` with a few bytes, or stretches of them, changed, cut or put in."""
    data = bytearray(sound)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, max(len(data), 1)))
        match int(rng.integers(0, 6)):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(0, 256))])
            case 1:
                del data[at:]
            case 2:
                del data[at : at + int(rng.integers(1, 33))]
            case 3:
                data[at:at] = HOSTILE[int(rng.integers(0, len(HOSTILE)))]
            case 4:
                hostile = HOSTILE[int(rng.integers(0, len(HOSTILE)))]
                data[at : at + len(hostile)] = hostile
            case _:
                begin = int(rng.integers(0, max(len(data), 1)))
                data[at:at] = data[begin : begin + int(rng.integers(1, 65))]
    return bytes(data)


def sweep(kind: str, folder: Path, count: int, seed: int) -> None:
    suffix, make, read = KINDS[kind]
    sound = make()
    path = folder / f"file{suffix}"
    path.write_bytes(sound)
    taken = 0
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        content = mutated(sound, rng)
        path.write_bytes(content)
        try:
            with bounded(), np.errstate(all="ignore"):
                read(path)
            taken += 1
        except InputError as error:
            assert str(error).strip()
        except Exception as error:
            kept = folder / f"wrong-{kind}-{number}{suffix}"
            kept.write_bytes(content)
            raise AssertionError(f"{kept}: {type(error).__name__}: {error}") from error
    assert taken < count  # some of it was refused, or nothing was changed


@pytest.mark.parametrize("kind", KINDS)
def test_changed_files_are_read_or_refused(kind: str, tmp_path: Path) -> None:
    sweep(kind, tmp_path, 250, seed=0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_many_changed_files_are_read_or_refused(kind: str, seed: int, tmp_path: Path) -> None:
    sweep(kind, tmp_path, 700, seed)
