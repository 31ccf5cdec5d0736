"""Integers of recurrent networks over a minute of real speech: near float, and no further at its
end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
from benchmarks.denoiser import training_mixtures, unheard_mixture  # noqa: E402
from benchmarks.recurrent import HOP, export, heard  # noqa: E402
from benchmarks.recurrent_nets import BANDS, Layered  # noqa: E402
from toolkit.features.extract import extract  # noqa: E402
from toolkit.model.int8 import to_int8  # noqa: E402
from toolkit.model.load import load_source  # noqa: E402
from toolkit.quantize.recipe import Recipe  # noqa: E402
from toolkit.quantize.snr import int8_snr_db  # noqa: E402

SECONDS = 10


def drift(data: Path, folder: Path, rnn: type[torch.nn.Module], times: int) -> tuple[float, float]:
    """The ratio of the recurrent layer's outputs over the first and the last of so many times the
    same speech, of which calibration has seen the beginning."""
    torch.manual_seed(0)
    features = extract(unheard_mixture(data, SECONDS).noisy, HOP)
    calibration = [extract(m.noisy, HOP) for m in training_mixtures(data, 6)]
    path = folder / "net.onnx"
    net = Layered(rnn(BANDS, 24, 2, batch_first=True))
    export(net, False, [*calibration, features], path)
    int8 = to_int8(load_source(str(path)), Recipe(), None)
    found = heard(path, int8, np.concatenate([features] * times))
    rows = len(features)
    parts = (slice(0, rows), slice(-rows, None))
    first, last = (int8_snr_db(found.float_state[p], found.int8_state[p]) for p in parts)
    return first, last


def test_no_drift(data_dir: Path, tmp_path: Path) -> None:
    first, last = drift(data_dir / "emodb", tmp_path, torch.nn.LSTM, 2)
    assert first > 25 and last > first - 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("rnn", [torch.nn.LSTM, torch.nn.GRU])
def test_no_drift_over_a_minute(data_dir: Path, tmp_path: Path, rnn: type[torch.nn.Module]) -> None:
    first, last = drift(data_dir / "emodb", tmp_path, rnn, 6)
    assert first > 25 and last > first - 1
