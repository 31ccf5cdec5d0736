"""FeatureSpec: validation, JSON, row arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import InputError
from toolkit.features.spec import WAV2SMALL, WAV2SMALL_RUNNING, FeatureSpec, LevelSpec

levels = st.builds(
    LevelSpec,
    mode=st.sampled_from(["clip", "running", "fixed"]),
    time_constant_s=st.floats(0.001, 3600),
    gain=st.floats(1e-4, 1e4),
    epsilon=st.floats(1e-7, 1e-3),
)
framing = (
    st.integers(5, 12)
    .map(lambda n: 2**n)
    .flatmap(lambda frame: st.tuples(st.just(frame), st.integers(1, frame)))
)


@given(framing, levels, st.sampled_from(["db", "ln"]), st.integers(1, 512))
def test_json_round_trip(
    frame_and_hop: tuple[int, int], level: LevelSpec, log: str, n_mels: int
) -> None:
    frame, hop = frame_and_hop
    spec = FeatureSpec(44_100, frame, hop, n_mels, 20.0, 22_050.0, level, log=log)
    assert FeatureSpec.from_json(spec.to_json()) == spec


def test_json_names_every_field_of_the_contract() -> None:
    assert json.loads(WAV2SMALL.to_json()) == {
        "kind": "log_mel",
        "sample_rate_hz": 16000,
        "frame_samples": 64,
        "hop_samples": 32,
        "n_mels": 26,
        "f_min_hz": 0.0,
        "f_max_hz": 8000.0,
        "mel_scale": "slaney",
        "mel_norm": "area",
        "window": "hann",
        "center": False,
        "power": 2.0,
        "log": "db",
        "floor": 1e-10,
        "level": {"mode": "clip", "time_constant_s": 3.0, "gain": 1.0, "epsilon": 1e-07},
    }


@given(framing, st.integers(0, 100_000))
def test_rows_count_whole_frames(frame_and_hop: tuple[int, int], samples: int) -> None:
    frame, hop = frame_and_hop
    spec = replace(WAV2SMALL, frame_samples=frame, hop_samples=hop)
    rows = spec.rows_for_samples(samples)
    assert rows == len(range(0, samples - frame + 1, hop))
    assert spec.rows_for_samples(spec.samples_for_rows(rows)) == rows
    assert spec.samples_for_rows(rows) <= samples


def test_one_second_of_wav2small_is_499_rows() -> None:
    assert WAV2SMALL.rows_for_samples(16_000) == 499
    assert WAV2SMALL_RUNNING.samples_for_rows(499) == 16_000


def test_every_violation_is_named_at_once() -> None:
    with pytest.raises(InputError) as error:
        FeatureSpec(
            16_000, 16, 0, 0, -1.0, 9000.0, LevelSpec("loud", 0.0, 0.0, 0.0), mel_scale="bark"
        )
    message = str(error.value)
    assert "\n" not in message
    for part in (
        "frame_samples must be a whole number in [17, 4096]; got 16",
        "hop_samples must be a whole number in [1, 65536]; got 0",
        "n_mels must be a whole number in [1, 512]; got 0",
        "mel range must satisfy",
        "mel_scale must be 'slaney' or 'htk'; got 'bark'",
        "level.mode must be 'clip' or 'running' or 'fixed'; got 'loud'",
        "level.time_constant_s",
        "level.gain",
        "level.epsilon",
    ):
        assert part in message


@pytest.mark.parametrize(
    "change",
    [
        {"hop_samples": 0},
        {"frame_samples": 4097},
        {"hop_samples": True},
        {"sample_rate_hz": "16000"},
        {"sample_rate_hz": 16000.5},
        {"f_max_hz": 8000.1},
        {"f_min_hz": 8000.0},
        {"f_max_hz": float("nan")},
        {"floor": 0.0},
        {"floor": None},
        {"floor": 1e-29, "level": {"epsilon": 1e-11}},
        {"power": 1.5},
        {"power": True},
        {"center": 1},
        {"center": True, "frame_samples": 63},
        {"window": "hamming"},
        {"kind": "mfcc"},
        {"kind": "mfcc", "n_mfcc": 27},
        {"kind": "mfcc", "n_mfcc": 13, "mfcc_norm": "slaney"},
        {"kind": "micro_frontend"},
        {"kind": "micro_frontend", "level": {"mode": "fixed"}, "micro": {"gain_bits": 99}},
        {"kind": "micro_frontend", "level": {"mode": "fixed"}, "micro": {"pcan": "yes"}},
        {"kind": "raw"},
        {"flooring": "min"},
        {"mel_slopes": "bark"},
        {"level": {"mode": ["clip"]}},
        {"level": {"floor": 1.0}},
        {"level": "clip"},
        {"colour": "blue"},
    ],
)
def test_bad_values_in_json_are_input_errors(change: dict[str, object]) -> None:
    data = {**json.loads(WAV2SMALL.to_json()), **change}
    with pytest.raises(InputError, match=r"^feature spec: .*\.$"):
        FeatureSpec.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}"])
def test_damaged_json_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match=r"^feature spec: "):
        FeatureSpec.from_json(text)
