"""The table that takes an energy to its int8 feature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.edges import Edges, find_edges

DB = 10.0 / math.log(10.0)
# Unit of the logarithm, floor, whether it is added, scale, zero point.
CASES = {
    "wav2small": (DB, 1e-10, False, 0.4741, 40),
    "ln": (1.0, 1e-10, False, 0.10917, 40),
    "fine": (DB, 1e-10, False, 0.001, -128),
    "finest": (1.0, 1e-10, False, 1e-5, 0),
    "coarse": (DB, 1e-30, False, 50.0, 0),
    "floor_in_range": (DB, 1e-3, False, 0.3, 100),
    "floor_added": (1.0, 1e-3, True, 0.1, 60),
    "least_floor_added": (DB, 1e-30, True, 2.0, 127),
    "an_edge_at_one": (1.0, 1e-10, False, 2.0 * math.log(2.0), 0),
}


def device(edges: Edges, energies: NDArray[np.float32]) -> NDArray[np.int64]:
    """What the C code does."""
    bits = energies.view(np.int32).astype(np.int64)
    bucket = np.clip((bits - edges.first_bucket) >> edges.shift, 0, len(edges.before) - 1)
    edge = np.array(edges.before)[bucket]
    reached = bits >= np.array([*edges.bits, 2**32 - 1])[edge]
    return np.asarray(edges.least + edge + reached)


def steps(
    energies: NDArray[np.float32],
    unit: float,
    floor: float,
    added: bool,
    scale: float,
    zero_point: int,
) -> NDArray[np.float64]:
    """Features in float64, in int8 steps before rounding."""
    exact = energies.astype(np.float64)
    floored = exact + floor if added else np.maximum(exact, floor)
    return unit * np.log(floored) / scale + zero_point


@pytest.mark.parametrize("name", CASES)
def test_features_are_those_of_the_logarithm(name: str) -> None:
    edges = find_edges(*CASES[name])
    rng = np.random.default_rng(0)
    centre = np.array(edges.bits)[rng.integers(0, len(edges.bits), 50_000)]
    near = (centre + rng.integers(-40, 41, centre.size)).astype(np.int32).view(np.float32)
    anywhere = rng.integers(0, 0x7F800000, 200_000).astype(np.int32).view(np.float32)
    limits = np.array([0.0, 1e-45, 1.0, 3.4e38], np.float32)
    for energies in (near, anywhere, limits):
        wanted = steps(energies, *CASES[name])
        found = device(edges, energies)
        assert found.min() >= -128 and found.max() <= 127
        rounded = np.clip(np.floor(wanted + 0.5), -128, 127)
        # Where they differ, the exact value lies within float32 of the edge.
        unit, _, _, scale, _ = CASES[name]
        differ = found != rounded
        to_edge = np.abs(wanted + 0.5 - np.round(wanted + 0.5))[differ]
        assert np.all(to_edge <= 6e-8 * unit / scale + 1e-12)
        assert np.all(np.abs(found - rounded) <= 1)


def test_logarithm_is_within_a_thousandth_of_a_step() -> None:
    """An edge stands for its logarithm: how far each is from where it should be, in steps."""
    unit, floor, added, scale, zero_point = CASES["wav2small"]
    edges = find_edges(unit, floor, added, scale, zero_point)
    energies = np.array(edges.bits, np.int32).view(np.float32)
    wanted = edges.least + np.arange(len(energies)) + 0.5
    errors = np.abs(steps(energies, unit, floor, added, scale, zero_point) - wanted)
    assert len(energies) == 255 and errors.max() < 1e-6


@pytest.mark.parametrize("name", CASES)
def test_no_bucket_holds_two_edges(name: str) -> None:
    edges = find_edges(*CASES[name])
    count = len(edges.before)
    assert count & (count - 1) == 0
    assert count <= 1024
    for edge, before in enumerate(edges.before):
        start = edges.first_bucket + (edge << edges.shift)
        inside = sum(start < bits < start + (1 << edges.shift) for bits in edges.bits)
        assert inside <= 1
        assert before == sum(bits <= start for bits in edges.bits)


def test_no_feature_is_below_that_of_the_floor() -> None:
    edges = find_edges(DB, 1e-3, False, 0.3, 100)
    assert edges.least == 0
    assert device(edges, np.array([0.0], np.float32))[0] == 0


def test_unusable_scales_are_refused() -> None:
    with pytest.raises(InputError, match="finer than float32"):
        find_edges(1.0, 1e-10, False, 1e-8, 0)
    with pytest.raises(InputError, match="all values are 127"):
        find_edges(DB, 1.0, False, 0.3, 127)
