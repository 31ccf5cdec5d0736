"""The decimator in C: the reference's bits in blocks of any size; soxr's audio within bounds."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import tiny
from tests.support.compilers import compile_c, host_compiler
from tests.support.kernel import FLAGS
from toolkit.errors import InputError
from toolkit.features.audio import load_clip
from toolkit.features.decimate import OUTPUT_HZ, Samples, decimate, filters, tables
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.resources import data_dir, feature_path
from toolkit.simulate import simulate
from toolkit.simulate.protocol import decode_output
from toolkit.toolchain import TOOLCHAINS, device_sources
from toolkit.toolchain.elf import read_elf

RATES = (48_000, 44_100, 32_000, 24_000)
STEMS = ("decimate", "decimate_tables", "samples")
SOURCES = ("tk_compiler.h", *(f"tk_{stem}.{suffix}" for stem in STEMS for suffix in "hc"))
TAIL = 176
#: Cycles for a second of audio on a Cortex-M4: a tenth to a fifth of 64 MHz.
MOST_CYCLES = {48_000: 12_000_000, 44_100: 12_000_000, 32_000: 7_000_000, 24_000: 9_000_000}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("decimate")
    for name in SOURCES:
        (folder / name).write_bytes(feature_path(name).read_bytes())
    flags = (*FLAGS, "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-I.")
    sources = [name for name in SOURCES if name.endswith(".c")]
    compile_c([*host_compiler(), *flags, *sources, "-o", "decimate.so"], folder)
    return ctypes.CDLL(str(folder / "decimate.so"))


def converted(library: ctypes.CDLL, samples: NDArray[Any]) -> Samples:
    """int16 samples by `tk_samples_q31` or `tk_samples_f32`."""
    suffix = {"int32": "q31", "float32": "f32"}[samples.dtype.name]
    out = np.full(samples.size + 4, 12345, np.int16)
    library[f"tk_samples_{suffix}"](
        ctypes.c_void_p(samples.ctypes.data),
        ctypes.c_size_t(samples.size),
        ctypes.c_void_p(out.ctypes.data),
    )
    assert (out[samples.size :] == 12345).all()
    return out[: samples.size]


def test_wide_samples_are_rounded_to_the_nearest_halves_away_from_zero(
    library: ctypes.CDLL,
) -> None:
    whole = np.concatenate([np.arange(-300, 300), [-32768, -32767, 32765, 32766]])
    for fraction in (-0.5, -0.499, -0.25, 0.0, 0.25, 0.499, 0.5):
        exact = np.clip(whole + fraction, -32768, 32767)
        expected = np.trunc(exact + np.copysign(0.5, exact)).clip(-32768, 32767)
        wide = (exact * 65536).astype(np.int32)
        assert np.array_equal(converted(library, wide), expected), fraction
        real = (exact / 32768).astype(np.float32)
        assert np.array_equal(converted(library, real), expected), fraction


def run_c(
    library: ctypes.CDLL,
    samples: NDArray[np.int16] | NDArray[np.int32] | NDArray[np.float32],
    rate_hz: int,
    block: Callable[[], int],
) -> Samples:
    """Push all samples in blocks, then the tail; the outputs that lie in the input."""
    suffix = {"int16": "s16", "int32": "q31", "float32": "f32"}[samples.dtype.name]
    push = library[f"tk_decimate_{suffix}"]
    push.restype = ctypes.c_size_t
    state = (ctypes.c_int64 * 128)()
    rate = ctypes.c_char.in_dll(library, f"tk_decimate_from_{rate_hz}")
    library.tk_decimate_init(state, ctypes.byref(rate))
    padded = np.concatenate([samples, np.zeros(TAIL, samples.dtype)])
    found, at = [], 0
    while at < padded.size:
        part = np.ascontiguousarray(padded[at : at + block()])
        room = 2 * part.size // 3 + 2
        out = np.full(room + 4, 12345, np.int16)
        count = push(
            state,
            ctypes.c_void_p(part.ctypes.data),
            ctypes.c_size_t(part.size),
            ctypes.c_void_p(out.ctypes.data),
        )
        assert count <= room and (out[room:] == 12345).all()
        found.append(out[:count])
        at += part.size
    joined = np.concatenate(found)
    outputs = -(-samples.size * OUTPUT_HZ // rate_hz)
    assert joined.size >= outputs
    return joined[:outputs]


def noise(count: int, seed: int = 0) -> Samples:
    """Full scale, its ends more often than not."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(-40_000, 40_001, count).clip(-32_768, 32_767).astype(np.int16)
    samples[: count // 4] = rng.choice(np.array([-32_768, 32_767], np.int16), count // 4)
    return samples


@pytest.mark.parametrize("rate_hz", RATES)
def test_bits_in_blocks_of_any_size(library: ctypes.CDLL, rate_hz: int) -> None:
    samples, rng = noise(5_003), np.random.default_rng(1)
    expected = decimate(samples, rate_hz)
    for block in (lambda: 1, lambda: 10_000, lambda: int(rng.integers(1, 300))):
        np.testing.assert_array_equal(run_c(library, samples, rate_hz, block), expected)


@pytest.mark.parametrize("rate_hz", RATES)
def test_other_types_are_rounded_first(library: ctypes.CDLL, rate_hz: int) -> None:
    rng = np.random.default_rng(2)
    wide = rng.integers(-(1 << 31), 1 << 31, 2_000).astype(np.int32)
    wide[:2] = (1 << 31) - 1, -(1 << 31)
    wide[2:12:2] = 1 << 15, -(1 << 15), (1 << 15) - 1, 1 - (1 << 15), -(3 << 15)
    magnitude = (abs(wide.astype(np.int64)) + (1 << 15)) >> 16
    nearest = (np.sign(wide) * magnitude).clip(-32_768, 32_767)
    expected = decimate(nearest.astype(np.int16), rate_hz)
    np.testing.assert_array_equal(run_c(library, wide, rate_hz, lambda: 77), expected)
    real = rng.uniform(-1.1, 1.1, 2_000).astype(np.float32)
    real[:4] = np.inf, -np.inf, np.nan, 0.5 / 32_768
    real[4:12:2] = np.array([-0.5, 1.5, 0.49999997, -0.49999997], np.float32) / 32_768
    scaled = np.nan_to_num(real.astype(np.float64) * 32_768, nan=0.0, posinf=1e9, neginf=-1e9)
    nearest = np.trunc(scaled + np.copysign(0.5, scaled)).clip(-32_768, 32_767)
    expected = decimate(nearest.astype(np.int16), rate_hz)
    np.testing.assert_array_equal(run_c(library, real, rate_hz, lambda: 77), expected)


def test_tables_are_the_reference_s() -> None:
    """The committed C file holds the numbers that are designed today."""
    numbers = re.compile(r"-?\b\d+\b|\btk_decimate_from_\d+")
    committed = feature_path("tk_decimate_tables.c").read_text(encoding="utf-8")
    assert numbers.findall(committed) == numbers.findall("\n".join(tables()))


def test_a_rate_without_filters_is_refused() -> None:
    with pytest.raises(InputError, match="22050 Hz"):
        filters(22_050)


def db(values: NDArray[np.float64]) -> float:
    """Root mean square against full scale."""
    return float(10 * np.log10(max(np.mean(values**2), 1e-12)))


@pytest.mark.parametrize("rate_hz", RATES)
def test_speech_and_chirps_are_soxr_s(rate_hz: int) -> None:
    """Against its HQ: -75 dBFS where the speech has all frequencies, -79 dBFS below 7.2 kHz."""
    import soxr

    clip = load_clip(data_dir("models") / "wav2small" / "demo_clip.wav", 16_000).samples
    source = soxr.resample(clip / 32_768, 16_000, rate_hz, quality="VHQ")
    speech = np.rint(source * 32_768).clip(-32_768, 32_767).astype(np.int16)
    time = np.arange(rate_hz) / rate_hz
    chirp = np.rint(29_000 * np.sin(2 * np.pi * (50 + 3_525 * time) * time)).astype(np.int16)
    for samples, bound in ((speech, -75), (chirp, -79)):
        want = soxr.resample(samples / 32_768, rate_hz, 16_000, quality="HQ")
        got = decimate(samples, rate_hz)[: want.size] / 32_768
        assert db((got - want[: got.size])[500:-500]) < bound


@pytest.mark.parametrize("rate_hz", RATES)
def test_what_must_pass_passes_and_what_must_stop_stops(rate_hz: int) -> None:
    time = np.arange(rate_hz // 4) / rate_hz
    for hz in (*range(500, 7_201, 335), *range(8_000, rate_hz // 2, 181)):
        tone = np.rint(29_490 * np.sin(2 * np.pi * hz * time)).astype(np.int16)
        level = db(decimate(tone, rate_hz)[300:3_500] / 20_852.6)
        assert abs(level) < 0.01 if hz <= 7_200 else level < -70, hz


_BODY = """
    static int16_t in[@COUNT@], out[@COUNT@];
    static tk_decimate state;
    uint32_t seed = 1, hash = 2166136261u, total = 0;
    for (uint32_t i = 0; i < @COUNT@; ++i) {
        seed = seed * 1664525u + 1013904223u;
        in[i] = (int16_t)(uint16_t)(seed >> 16);
    }
    tk_decimate_init(&state, &tk_decimate_from_@RATE@);
    for (uint32_t at = 0; at < @COUNT@; at += @BLOCK@) {
        total += (uint32_t)tk_decimate_s16(&state, in + at, @BLOCK@, out + total);
    }
    for (uint32_t i = 0; i < total; ++i) {
        hash = (hash ^ (uint16_t)out[i]) * 16777619u;
    }
    __builtin_memcpy(m->arena + 32, &total, sizeof total);
    __builtin_memcpy(m->arena + 48, &hash, sizeof hash);
"""


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_bits_and_cycles_on_the_core(toolchain: str, rate_hz: int, tmp_path: Path) -> None:
    count, block = rate_hz // 10, rate_hz // 100
    body = _BODY.replace("@COUNT@", str(count)).replace("@RATE@", str(rate_hz))
    body = body.replace("@BLOCK@", str(block))
    compiler = tiny.toolchain_or_skip(toolchain)
    folder = tiny.write_tiny(tmp_path / "tiny")
    text = (folder / "model.c").read_text(encoding="utf-8")
    text = '#include "tk_decimate.h"\n' + text[: text.index("void model_invoke")]
    (folder / "model.c").write_text(text + f"void model_invoke(model *m) {{{body}}}\n")
    for name in SOURCES:
        (folder / "kernels" / name).write_bytes(feature_path(name).read_bytes())
    (tmp_path / "out").mkdir()
    sources = device_sources(folder)
    firmware = compiler.compile(folder, sources, tiny.TARGET, tmp_path / "out", tiny.FEATURES)
    result = simulate(firmware.elf, tiny.tensor_input(1), "unicorn", tiny.TARGET)
    total, digest = decode_output(result.output, tiny.OUTPUT_BYTES).cases[0].outputs

    seed, samples = 1, np.zeros(count, np.int16)
    for i in range(count):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        samples[i] = np.uint16(seed >> 16).astype(np.int16)
    expected = decimate(samples, rate_hz)
    produced, want = int.from_bytes(total[:4], "little"), 2166136261
    assert count * OUTPUT_HZ // rate_hz - TAIL < produced <= expected.size
    for value in expected[:produced].view(np.uint16).tolist():
        want = ((want ^ value) * 16777619) & 0xFFFFFFFF
    assert int.from_bytes(digest, "little") == want

    model = CycleModel(read_elf(firmware.elf), load_cycle_table(tiny.TARGET))
    rows = model.estimate(result.phase("model")).functions
    cycles = 10 * sum(row.cycles for row in rows if row.function != "model_invoke")
    assert cycles < MOST_CYCLES[rate_hz]
