"""FeatureSpec: validation, JSON, row arithmetic."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.specs import as_mfcc
from toolkit.errors import InputError
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
    LogMel,
    MicroSpec,
    Raw,
    from_json,
)
from toolkit.features.text import from_toml, read_spec, to_toml

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


log_mels = st.builds(
    lambda frame_and_hop, **fields: LogMel(44_100, *frame_and_hop, **fields),
    framing,
    n_mels=st.integers(1, 512),
    f_min_hz=st.floats(0.0, 100.0),
    f_max_hz=st.floats(200.0, 22_050.0),
    level=levels,
    log=st.sampled_from(["db", "ln"]),
    mel_slopes=st.sampled_from(["hz", "mel"]),
    flooring=st.sampled_from(["max", "add"]),
    power=st.sampled_from([1.0, 2.0]),
    center=st.booleans(),
)
any_spec = st.one_of(
    log_mels,
    st.builds(lambda spec: as_mfcc(spec, n_mfcc=1, mfcc_norm="htk"), log_mels),
    st.builds(lambda level: Raw(8000, 99, 99, level=level), levels),
    st.builds(
        lambda **micro: replace(MICRO_SPEECH, micro=MicroSpec(**micro)),
        smoothing_bits=st.integers(3, 12),
        even_smoothing=st.floats(0.0, 1.0),
        pcan=st.booleans(),
        output_scale=st.floats(1e-6, 1e6),
    ),
)


@given(any_spec)
@settings(derandomize=True)
def test_json_and_toml_round_trip(spec: FeatureSpec) -> None:
    assert from_json(spec.to_json()) == spec
    assert from_toml(to_toml(spec)) == spec


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_files_are_read_by_their_suffix(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"spec{suffix}"
    path.write_text(KEYWORD_MFCC.to_json() if suffix == ".json" else to_toml(KEYWORD_MFCC))
    assert read_spec(path) == KEYWORD_MFCC


@pytest.mark.parametrize(
    "text", [b"frame_samples = ", b"kind = 'log_mel'", b"\xff", b"level = 3\nsample_rate_hz = 1"]
)
def test_bad_files_are_refused_in_one_line_that_names_them(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"spec\.toml: ") as error:
        read_spec(path)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"missing\.toml: "):
        read_spec(tmp_path / "missing.toml")


def test_fields_of_other_kinds_are_not_written() -> None:
    raw = Raw(16_000, 160, 160)
    assert set(json.loads(raw.to_json())) == {
        "kind",
        "sample_rate_hz",
        "frame_samples",
        "hop_samples",
        "level",
    }


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
    centred = replace(spec, center=True)
    assert centred.rows_for_samples(samples) == (1 + samples // hop if samples else 0)
    if samples:
        fewest = centred.samples_for_rows(1 + samples // hop)
        assert fewest <= samples
        assert centred.rows_for_samples(fewest) == 1 + samples // hop
    assert spec.rows_for_samples(spec.samples_for_rows(rows)) == rows
    assert spec.samples_for_rows(rows) <= samples


def test_one_second_of_wav2small_is_499_rows() -> None:
    assert WAV2SMALL.rows_for_samples(16_000) == 499
    assert WAV2SMALL_RUNNING.samples_for_rows(499) == 16_000


def test_every_violation_is_named_at_once() -> None:
    with pytest.raises(InputError) as error:
        LogMel(
            *(16_000, 16, 0, LevelSpec("loud", 0.0, 0.0, 0.0)),
            n_mels=0,
            f_min_hz=-1.0,
            f_max_hz=9000.0,
            mel_scale="bark",
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
        {"window": "kaiser"},
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
        from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}"])
def test_damaged_json_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match=r"^feature spec: "):
        from_json(text)


def test_the_documented_specification_is_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "FEATURES.md").read_text(encoding="utf-8")
    spec = from_toml(text.split("```toml\n")[1].split("```")[0])
    assert isinstance(spec, LogMel)
    written = {field.name for field in fields(LogMel)} - {"kind"}
    assert written - {"delta_width", "stack_step"} == {
        name for name in written if f"\n{name} = " in text or name == "level"
    }
