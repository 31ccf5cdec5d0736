"""Where device features deviate, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.specs import as_mfcc
from toolkit.compare.features import arithmetic_notes, locate_deviation
from toolkit.features.spec import WAV2SMALL, FeatureSpec, LevelSpec, Raw

FRAMES = 50
BEFORE_OR_AFTER = "level, window, FFT or logarithm"


def arrays(spec: FeatureSpec) -> tuple[np.ndarray, np.ndarray]:
    reference = np.full((FRAMES, spec.row_values), 7, np.int8)
    return reference, reference.copy()


def test_equal_features_deviate_nowhere() -> None:
    assert locate_deviation(*arrays(WAV2SMALL), WAV2SMALL) == ""


def test_one_band_points_at_the_filterbank() -> None:
    reference, device = arrays(WAV2SMALL)
    device[:, 3] = 8
    device[12, 3] = -7
    assert locate_deviation(reference, device, WAV2SMALL) == (
        "largest at frame 12 (24 ms), band 3, counted from 0: -7 for 7; "
        "50 of 50 frames and 1 of 26 bands differ: the filterbank's weights"
    )


def test_the_largest_step_is_found_beyond_the_range_of_int8() -> None:
    reference, device = arrays(WAV2SMALL)
    reference[4, 5], device[4, 5] = 127, -128
    device[0, 0] = 100
    assert "frame 4 (8 ms), band 5, counted from 0: -128 for 127" in locate_deviation(
        reference, device, WAV2SMALL
    )


MFCC = as_mfcc(WAV2SMALL, n_mfcc=13)
RAW = Raw(16_000, 64, 64)


@pytest.mark.parametrize(
    ("spec", "columns", "word", "stage"),
    [
        (WAV2SMALL, 26, "band", BEFORE_OR_AFTER),
        (MFCC, 1, "coefficient", "the cosine transform"),
        (MFCC, 13, "coefficient", "differ"),
        (RAW, 1, "value", "level or quantisation"),
    ],
)
def test_the_stage_follows_from_what_differs(
    spec: FeatureSpec, columns: int, word: str, stage: str
) -> None:
    reference, device = arrays(spec)
    device[5, :columns] = 1
    text = locate_deviation(reference, device, spec)
    assert f"{word} 0" in text and text.endswith(stage)


def test_a_kind_without_a_floor_asks_for_none() -> None:
    assert arithmetic_notes(replace(RAW, level=LevelSpec("running")), "fixed") == ()
