"""Reference of ``tk_decimate.c``: int16 audio of other sample rates to 16 kHz, bit for bit.

FIR filters with int16 taps and exact sums; at a fractional step a set of taps for each place
between two samples.  The last has the steep edge, between 7.2 and 8 kHz.  From 44.1 and 48 kHz a
short one goes to 32 kHz before: it passes all up to 8 kHz and stops what would come to lie there,
from 24 kHz on.  ``python -m toolkit.features.decimate`` prints ``tk_decimate_tables.c``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError

Samples = NDArray[np.int16]

OUTPUT_HZ = 16_000
_MIDDLE_HZ = 32_000
_EDGE_HZ = 7_600
#: Of the window: what stops is some 75 dB (80 dB) down.
_STEEP_KAISER, _SHORT_KAISER = 7.5, 8.0


@dataclass(frozen=True, eq=False)
class Filter:
    """``up`` outputs for ``down`` inputs; taps [up][count] in units of 2^-shift."""

    up: int
    down: int
    shift: int
    taps: NDArray[np.int16]

    def run(self, samples: Samples) -> Samples:
        """Filter; output n lies at input n * down / up, silence on both sides."""
        width = self.taps.shape[1]
        padded = np.zeros(samples.size + 2 * width, np.int64)
        padded[width // 2 - 1 :][: samples.size] = samples
        at = np.arange(samples.size * self.up // self.down) * self.down
        windows = np.lib.stride_tricks.sliding_window_view(padded, width)[at // self.up]
        sums = np.einsum("nk,nk->n", windows, self.taps[at % self.up].astype(np.int64))
        rounded = (sums + (1 << (self.shift - 1))) >> self.shift
        clipped: Samples = np.clip(rounded, -32768, 32767).astype(np.int16)
        return clipped


def _design(rate_hz: int, up_down: tuple[int, int], width: int, shift: int) -> Filter:
    """A sinc under a Kaiser window, ``width`` samples of ``rate_hz`` wide, to 16 or 32 kHz."""
    up, down = up_down
    short = rate_hz * up == down * _MIDDLE_HZ
    edge_hz, kaiser = (OUTPUT_HZ, _SHORT_KAISER) if short else (_EDGE_HZ, _STEEP_KAISER)
    x = np.arange(width) - (width // 2 - 1) - np.arange(up)[:, None] / up
    inside = np.maximum(1 - (x / (width / 2)) ** 2, 0)
    window = np.i0(kaiser * np.sqrt(inside)) * (inside > 0)
    taps = np.sinc(2 * edge_hz / rate_hz * x) * window
    exact = taps / taps.sum(axis=1, keepdims=True) * (1 << shift)
    # Every phase passes 0 Hz alike, or the difference would be heard: the largest remainders go up.
    floors = np.floor(exact).astype(np.int64)
    ranks = np.argsort(np.argsort(floors - exact, axis=1, kind="stable"), axis=1, kind="stable")
    whole = floors + (ranks < (1 << shift) - floors.sum(axis=1, keepdims=True))
    assert np.abs(whole).max() <= 32767
    return Filter(up, down, shift, whole.astype(np.int16))


@cache
def _filter(name: str) -> Filter:
    """A filter by its name in C."""
    return {
        "half": lambda: _design(_MIDDLE_HZ, (1, 2), 208, 16),
        "two_thirds": lambda: _design(24_000, (2, 3), 160, 15),
        "middle_of_48000": lambda: _design(48_000, (2, 3), 16, 15),
        "middle_of_44100": lambda: _design(44_100, (320, 441), 16, 15),
    }[name]()


_STAGES = {
    48_000: ("middle_of_48000", "half"),
    44_100: ("middle_of_44100", "half"),
    32_000: ("half",),
    24_000: ("two_thirds",),
}


#: Rates that have filters.
RATES_HZ = tuple(_STAGES)


def filters(rate_hz: int) -> tuple[Filter, ...]:
    """The filters from ``rate_hz`` to 16 kHz, in order; InputError for a rate without any."""
    if rate_hz not in _STAGES:
        raise InputError(
            f"audio of {rate_hz} Hz cannot be decimated on the device.",
            hint=f"Take one of {', '.join(map(str, _STAGES))} Hz.",
        )
    return tuple(_filter(name) for name in _STAGES[rate_hz])


def decimate(samples: Samples, rate_hz: int) -> Samples:
    """The audio at 16 kHz: output n lies at input n * rate_hz / 16000, as long as the input.

    Raises InputError for a rate that has no filters.
    """
    outputs = -(-samples.size * OUTPUT_HZ // rate_hz)
    padded = np.concatenate([samples, np.zeros(rate_hz // 50, np.int16)])
    for stage in filters(rate_hz):
        padded = stage.run(padded)
    return padded[:outputs]


def tables() -> Iterator[str]:
    """Lines of ``tk_decimate_tables.c``."""
    yield "/* SPDX-License-Identifier: Apache-2.0 */"
    yield "/* Written by toolkit/features/decimate.py. */"
    yield '#include "tk_decimate_tables.h"\n'
    yield "#include <stddef.h>\n"
    for name in dict.fromkeys(name for stages in _STAGES.values() for name in stages):
        stage = _filter(name)
        values = ", ".join(map(str, stage.taps.reshape(-1).tolist()))
        yield f"static const int16_t {name}_taps[] = {{{values}}};"
        fields = f"{name}_taps, {stage.up}, {stage.down}, {stage.taps.shape[1]}, {stage.shift}"
        yield f"static const tk_decimate_filter {name} = {{{fields}}};\n"
    for rate, stages in _STAGES.items():
        pointers = ", ".join(f"&{name}" for name in stages)
        first = "" if len(stages) == 2 else "NULL, "
        yield f"const tk_decimate_rate tk_decimate_from_{rate} = {{{first}{pointers}}};"


if __name__ == "__main__":
    print("\n".join(tables()))
