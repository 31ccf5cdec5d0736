"""The generated C features of every kind, compiled for the host, against the numpy reference."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet
from numpy.typing import NDArray

from tests.support import outside
from tests.support.compilers import GCC, ZIG, compile_c
from tests.support.specs import as_mfcc, as_spectrogram
from toolkit.compare.features import BOUNDS, arithmetic_notes, compare_features
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.fixed_tables import least_floor
from toolkit.features.front_end import FrontEnd
from toolkit.features.quantise import quantise_features
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
)
from toolkit.features.tables import kernel_files, render_features, state_bytes
from toolkit.resources import data_dir, feature_path, kernel_folders
from toolkit.verbs.features import rows_from_c

HERE = Path(__file__).parent
KERNELS = data_dir("firmware_templates") / "features"
DEMO_CLIP = data_dir("models") / "wav2small" / "demo_clip.wav"

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
# -iquote: with -I., glibc's headers would take the generated features.h for their own.
STRICT = ["-std=c99", *WARNINGS, "-ffp-contract=off", "-iquote."]
TRAPS = ["-g", "-fsanitize=undefined,float-cast-overflow,float-divide-by-zero"]

_WHISPER = LogMel(
    *(16_000, 400, 160, LevelSpec("fixed")),
    n_mels=40,
    f_min_hz=0.0,
    f_max_hz=8000.0,
    n_fft=400,
    center=True,
    padding="reflect",
    log="log10",
)

SPECS = {
    "wav2small_clip": WAV2SMALL,
    "wav2small_running": WAV2SMALL_RUNNING,
    "wav2small_fixed": replace(WAV2SMALL, level=LevelSpec("fixed", gain=4.0)),
    "coarse_htk_ln": replace(
        WAV2SMALL_RUNNING,
        frame_samples=512,
        hop_samples=160,
        n_mels=40,
        mel_scale="htk",
        mel_norm="none",
        log="ln",
    ),
    "centred": replace(WAV2SMALL, frame_samples=400, hop_samples=160, n_mels=40, center=True),
    "centred_running": replace(WAV2SMALL_RUNNING, hop_samples=48, center=True),
    "gaps": replace(WAV2SMALL_RUNNING, frame_samples=128, hop_samples=1000),
    "gap_of_an_odd_frame": replace(WAV2SMALL, frame_samples=101, hop_samples=102),
    "magnitude_db": replace(WAV2SMALL_RUNNING, frame_samples=256, hop_samples=100, power=1.0),
    "added_floor": replace(
        WAV2SMALL, frame_samples=320, n_mels=20, flooring="add", floor=1e-3, mel_slopes="mel"
    ),
    "keyword_mfcc": KEYWORD_MFCC,
    "mfcc_ortho": as_mfcc(
        WAV2SMALL_RUNNING, frame_samples=512, hop_samples=160, n_mels=40, n_mfcc=13
    ),
    "mfcc_of_the_clip": as_mfcc(
        WAV2SMALL,
        frame_samples=128,
        n_mels=16,
        n_mfcc=16,
        power=1.0,
        log="ln",
        floor=1e-5,
    ),
    "raw_clip": Raw(16_000, 100, 100),
    "raw_running": Raw(16_000, 320, 320, level=LevelSpec("running")),
    "raw_fixed": Raw(16_000, 1, 1, level=LevelSpec("fixed", gain=3.0)),
    "micro_speech": MICRO_SPEECH,
    "micro_without_gain": replace(
        MICRO_SPEECH, frame_samples=256, hop_samples=100, n_mels=16, micro=MicroSpec(pcan=False)
    ),
    "longest": replace(WAV2SMALL, frame_samples=4096, hop_samples=1021, n_mels=128),
    "shortest": replace(WAV2SMALL_RUNNING, frame_samples=32, hop_samples=7, n_mels=10),
    "mirrored": replace(_WHISPER, log="ln"),
    "mirrored_db_below_top": replace(_WHISPER, mean=(-4.0,), deviation=(4.0,), top_db=80.0),
    "symmetric_emphasised": replace(
        _WHISPER,
        frame_samples=512,
        window_samples=400,
        n_fft=0,
        window="hann_symmetric",
        padding="zeros",
        pre_emphasis=0.97,
        log="ln",
        flooring="add",
        floor=2.0**-24,
    ),
    "kaldi": replace(
        _WHISPER,
        center=False,
        padding="zeros",
        n_fft=0,
        window="povey",
        remove_dc=True,
        pre_emphasis=0.97,
        pre_emphasis_of="frame",
        mel_scale="htk",
        mel_norm="none",
        mel_slopes="mel",
        f_min_hz=20.0,
        level=LevelSpec("fixed", gain=32768.0),
        log="ln",
        floor=2.0**-23,
    ),
    "hamming_of_480": replace(
        WAV2SMALL_RUNNING, frame_samples=480, hop_samples=160, n_fft=480, window="hamming"
    ),
    "each_band": replace(
        WAV2SMALL_RUNNING,
        frame_samples=320,
        n_fft=320,
        n_mels=20,
        window="hamming_symmetric",
        mean=tuple(-60.0 + m for m in range(20)),
        deviation=tuple(10.0 + m for m in range(20)),
    ),
    "mfcc_below_top": as_mfcc(
        _WHISPER, n_fft=512, frame_samples=512, n_mfcc=13, log="db", top_db=80.0, mean=(-5.0,)
    ),
    "mfcc_of_600": as_mfcc(
        _WHISPER,
        n_fft=600,
        n_mfcc=13,
        log="ln",
        mean=tuple(float(-m) for m in range(13)),
        deviation=tuple(1.0 + m for m in range(13)),
    ),
    "linear": as_spectrogram(_WHISPER, n_fft=400, floor=1e-30, log="none"),
    "log_spectrogram": as_spectrogram(
        WAV2SMALL_RUNNING,
        frame_samples=400,
        hop_samples=160,
        window="rectangular",
        power=1.0,
        n_fft=500,
        floor=1e-4,
    ),
    "deltas": as_mfcc(_WHISPER, n_mfcc=12, log="ln", deltas=2, mean=(-3.0,)),
    "normalised": replace(
        _WHISPER, log="ln", n_mels=20, normalise="clip", deltas=1, center=False, padding="zeros"
    ),
    "stacked": replace(WAV2SMALL_RUNNING, hop_samples=64, stack=4, stack_step=3),
    "all_of_rows": replace(
        _WHISPER,
        log="ln",
        n_mels=12,
        deltas=1,
        delta_width=3,
        normalise="clip",
        stack=3,
        stack_step=2,
    ),
    "restarted": replace(
        WAV2SMALL_RUNNING,
        frame_samples=256,
        hop_samples=128,
        level=LevelSpec("running", restart_frames=40),
    ),
}

#: Of the younger ones, those that every run of the tests compiles; the others are exhaustive.
_QUICK = {"mirrored_db_below_top", "each_band", "linear", "all_of_rows"}
_OLD = tuple(SPECS)[: tuple(SPECS).index("mirrored")]


def marked(names: Iterable[str], quick: Collection[str] = ()) -> list[ParameterSet]:
    """A parameter for each specification, exhaustive where it is younger and not ``quick``."""
    chosen = {*_OLD, *quick}
    return [
        pytest.param(name, marks=() if name in chosen else pytest.mark.exhaustive) for name in names
    ]


Samples = NDArray[np.int16]
Run = Callable[[Samples, int], NDArray[np.int8]]


@cache
def quantisation(spec: FeatureSpec) -> tuple[float, int]:
    """A model input that takes the demo clip's features: log-mel about 120 dB over int8."""
    plain = {"db": 0.4741, "ln": 0.10917}
    if (
        spec.row_values == getattr(spec, "n_mels", 0)
        and spec.kind == "log_mel"
        and (spec.log in plain and spec.deviation == (1.0,) and spec.normalise != "clip")
    ):
        return plain[spec.log], -80 if spec.level.gain == 32768.0 else 40
    features = extract(load_clip(DEMO_CLIP, spec.sample_rate_hz).samples, spec)
    scale = float(features.max() - features.min()) / 240.0
    return scale, round(-122 - float(features.min()) / scale)


# Listed in docs/FEATURES.md.  float32 keeps 24 bits: beside a full-scale tone outside all bands, it
# cannot tell their silence.
UNRESOLVED = {("keyword_mfcc", "alternating")}

# Kinds that are integer by definition: nothing may differ.
EXACT = ("micro_speech", "micro_without_gain")


def reference(samples: Samples, spec: FeatureSpec) -> NDArray[np.int8]:
    return quantise_features(extract(samples, spec), *quantisation(spec))


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Compile the features of a spec; the result runs samples through them in chunks."""

    @cache
    def compile_and_wrap(
        spec: FeatureSpec,
        compiler: tuple[str, ...] = ZIG,
        flags: tuple[str, ...] = ("-O2",),
        arithmetic: str = "float32",
    ) -> Run:
        if compiler == GCC and not shutil.which("gcc"):
            pytest.skip("gcc is not installed")
        folder = tmp_path_factory.mktemp("features")
        for name, text in render_features(spec, *quantisation(spec), arithmetic).items():
            (folder / name).write_text(text)
        for name in kernel_files(spec, arithmetic):
            shutil.copy(feature_path(name), folder)
        shutil.copy(HERE / "features_driver.c", folder)
        sources = [name.name for name in sorted(folder.glob("*.c"))]
        command = [*compiler, *STRICT, *flags, *sources, "-o", "driver"]
        compile_c(command, folder)

        def run(samples: Samples, chunk: int = 0) -> NDArray[np.int8]:
            result = subprocess.run(
                [folder / "driver", str(chunk)],
                input=samples.astype("<i2").tobytes(),
                capture_output=True,
                check=True,
            )
            assert not result.stderr, result.stderr.decode()
            return np.frombuffer(result.stdout, np.int8).reshape(-1, spec.row_values)

        return run

    return compile_and_wrap


@pytest.fixture(scope="session")
def demo() -> Samples:
    return load_clip(DEMO_CLIP, 16_000).samples


def extremes(count: int = 16_000) -> dict[str, Samples]:
    """Signals that break careless arithmetic."""
    n = np.arange(count)
    rng = np.random.default_rng(1)
    impulse = np.zeros(count, np.int16)
    impulse[count // 2] = 32767
    return {
        "silence": np.zeros(count, np.int16),
        "impulse": impulse,
        "all_minimum": np.full(count, -32768, np.int16),
        "dc_and_noise": (20_000 + rng.integers(-3, 4, count)).astype(np.int16),
        "full_scale_square": np.where(n // 20 % 2, 32767, -32768).astype(np.int16),
        "alternating": np.where(n % 2, 32767, -32768).astype(np.int16),
        "full_scale_noise": rng.integers(-32768, 32768, count).astype(np.int16),
        "loud_then_silent": np.where(n < count // 2, np.where(n // 3 % 2, 32767, -32768), 0).astype(
            np.int16
        ),
        "least_noise": rng.integers(0, 2, count).astype(np.int16),
    }


@pytest.mark.parametrize("name", marked(SPECS, _QUICK))
def test_speech_is_within_one_step_of_the_reference(
    name: str, build: Callable[..., Run], demo: Samples
) -> None:
    spec = SPECS[name]
    identical, steps = compare_features(reference(demo, spec), build(spec)(demo))
    assert identical >= (1.0 if name in EXACT else 0.999)
    assert steps <= 1


def recordings() -> list[Path]:
    clips = outside.files(outside.DATA, "emo*/audio/*.flac")
    if not clips:
        pytest.skip("there is no speech in $TOOLKIT_DATA")
    return clips


@pytest.mark.parametrize("name", marked(SPECS))
def test_recorded_speech_is_within_one_step(name: str, build: Callable[..., Run]) -> None:
    tolerated = 0.0 if name in EXACT else 0.001
    assert_close(SPECS[name], build(SPECS[name]), recordings()[::100], tolerated, steps=1)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name",
    [
        *("wav2small_clip", "wav2small_running", "coarse_htk_ln"),
        *("keyword_mfcc", "mfcc_ortho", "micro_speech"),
    ],
)
def test_all_recorded_speech_is_within_one_step(name: str, build: Callable[..., Run]) -> None:
    tolerated = 0.0 if name in EXACT else 0.001
    assert_close(SPECS[name], build(SPECS[name]), recordings(), tolerated, steps=1)


def assert_close(
    spec: FeatureSpec, run: Run, clips: list[Path], differing: float, steps: int
) -> None:
    """At most that share of all values differs, none by more than ``steps``."""
    different = values = worst = 0
    for path in clips:
        samples = load_clip(path, spec.sample_rate_hz).samples
        expected = reference(samples, spec)
        identical, most = compare_features(expected, run(samples, 0))
        different += round((1.0 - identical) * expected.size)
        values += expected.size
        worst = max(worst, most)
    print(f"identical {1 - different / values:.6f} of {values}, at most {worst} steps")
    assert different <= differing * values
    assert worst <= steps


@pytest.mark.parametrize("name", marked(SPECS))
@pytest.mark.parametrize("chunk", [1, 7, 160])
def test_any_chunk_size_gives_the_same_rows(
    name: str, chunk: int, build: Callable[..., Run], demo: Samples
) -> None:
    run = build(SPECS[name])
    np.testing.assert_array_equal(run(demo, chunk), run(demo, 0))


@pytest.mark.parametrize("name", marked(SPECS))
def test_compilers_and_optimisation_levels_agree_bit_for_bit(
    name: str, build: Callable[..., Run], demo: Samples
) -> None:
    spec = SPECS[name]
    others = [build(spec, GCC, ("-O3",)), build(spec, GCC, ("-O0",))]
    for samples in (demo, *extremes().values()):
        rows = build(spec)(samples)
        for other in others:
            np.testing.assert_array_equal(other(samples), rows)


@pytest.mark.parametrize(
    "name",
    [
        "wav2small_clip",
        "wav2small_running",
        "wav2small_fixed",
        "micro_speech",
        "keyword_mfcc",
        "raw_running",
        "magnitude_db",
        "added_floor",
    ],
)
def test_extreme_signals_stay_within_one_step(name: str, build: Callable[..., Run]) -> None:
    spec = SPECS[name]
    for title, samples in extremes().items():
        if (name, title) in UNRESOLVED:
            continue
        identical, steps = compare_features(reference(samples, spec), build(spec)(samples))
        print(title, identical, steps)
        assert (identical >= 0.998, steps <= 1) == (True, True), (title, identical, steps)


@pytest.mark.parametrize("name", marked(SPECS))
def test_no_undefined_behaviour(name: str, build: Callable[..., Run], demo: Samples) -> None:
    spec = SPECS[name]
    if shutil.which("gcc"):
        run = build(spec, GCC, (*TRAPS, "-fsanitize=address", "-fno-sanitize-recover=all"))
    else:
        run = build(spec, ZIG, (*TRAPS, "-fsanitize-trap=all"))
    for samples in (demo, *extremes().values()):
        np.testing.assert_array_equal(run(samples, 77), build(spec)(samples))


FIXED = tuple(name for name in SPECS if SPECS[name].kind != "micro_frontend")


@pytest.mark.parametrize("name", marked(FIXED, _QUICK))
def test_fixed_point_is_within_two_steps(
    name: str, build: Callable[..., Run], demo: Samples
) -> None:
    spec = SPECS[name]
    identical, steps = compare_features(
        reference(demo, spec), build(spec, arithmetic="fixed")(demo)
    )
    assert identical >= 0.98
    assert steps <= 2


@pytest.mark.parametrize("name", marked(FIXED))
def test_fixed_point_on_recorded_speech(name: str, build: Callable[..., Run]) -> None:
    run = build(SPECS[name], arithmetic="fixed")
    assert_close(SPECS[name], run, recordings()[::100], differing=0.02, steps=2)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "name", ["wav2small_clip", "wav2small_running", "coarse_htk_ln", "keyword_mfcc", "mfcc_ortho"]
)
def test_fixed_point_on_all_recorded_speech(name: str, build: Callable[..., Run]) -> None:
    run = build(SPECS[name], arithmetic="fixed")
    assert_close(SPECS[name], run, recordings(), differing=0.02, steps=2)


@pytest.mark.parametrize("name", marked(FIXED))
def test_fixed_point_has_no_undefined_behaviour_and_one_result(
    name: str, build: Callable[..., Run], demo: Samples
) -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    spec = SPECS[name]
    flags = (*TRAPS, "-fsanitize=address", "-fno-sanitize-recover=all")
    checked, plain = build(spec, GCC, flags, "fixed"), build(spec, arithmetic="fixed")
    short_products = build(spec, GCC, (*flags, "-D__ARM_ARCH_6M__"), "fixed")
    for samples in (demo, *extremes().values()):
        rows = plain(samples)
        np.testing.assert_array_equal(checked(samples, 77), rows)
        np.testing.assert_array_equal(short_products(samples), rows)


# Bands that hold nothing beside a full-scale signal are left out: the 16-bit window gives 100 dB.
@pytest.mark.parametrize("name", ["wav2small_clip", "wav2small_running", "added_floor"])
def test_extreme_signals_in_fixed_point(name: str, build: Callable[..., Run]) -> None:
    spec = SPECS[name]
    for title, samples in extremes().items():
        rows = build(spec, arithmetic="fixed")(samples)
        identical, steps = compare_features(reference(samples, spec), rows)
        assert (identical >= 0.98, steps <= 2) == (True, True), (title, identical, steps)


def documented(title: str) -> list[list[str]]:
    """Cells of the table in docs/FEATURES.md whose heading begins with ``title``."""
    text = (HERE.parents[1] / "docs" / "FEATURES.md").read_text(encoding="utf-8")
    table = text[text.index(f"| {title} |") :].split("\n\n")[0].replace("−", "-")
    lines = [line.strip("| ").replace("`", "").split(" | ") for line in table.splitlines()]
    return [lines[0], *lines[2:]]


def test_extreme_signals_have_the_documented_values() -> None:
    (_, *heads), *lines = documented("signal")
    signals = extremes()
    assert [line[0] for line in lines] == list(signals)
    for title, *ranges in lines:
        for head, stated in zip(heads, ranges, strict=True):
            features = extract(signals[title], SPECS[head.removesuffix(", dB")])
            least, most = map(float, stated.split(" to "))
            assert features.min() == pytest.approx(least, abs=0.0051), (title, head)
            assert features.max() == pytest.approx(most, abs=0.0051), (title, head)


@pytest.mark.parametrize("arithmetic", ["float32", "fixed"])
@pytest.mark.parametrize("name", marked(SPECS, _QUICK))
def test_extreme_signals_are_further_off_where_it_is_documented_alone(
    name: str, arithmetic: str, build: Callable[..., Run]
) -> None:
    found = {}
    for title, samples in extremes().items():
        rows = build(SPECS[name], arithmetic=arithmetic)(samples)
        identical, steps = compare_features(reference(samples, SPECS[name]), rows)
        if identical < BOUNDS[arithmetic][0] or steps > BOUNDS[arithmetic][1]:
            found[title] = (100 * identical, steps)
    lines = documented("arithmetic")[1:]
    assert {line[1] for line in lines} <= set(SPECS)
    assert found == {
        title: (pytest.approx(float(share.removesuffix(" %")), abs=0.5), int(steps))
        for kind, of, title, share, steps in lines
        if (kind, of) == (arithmetic, name)
    }


def with_gaps(clip: Samples) -> Samples:
    """Speech in which a gate leaves zeros, a quarter second at a time."""
    gated = clip.copy()
    for start in range(4000, len(clip), 12_000):
        gated[start : start + 4000] = 0
    return gated


LEAST_FLOORS = {
    f"{mode}, {norm}, power {power:g}": replace(
        WAV2SMALL_RUNNING,
        level=LevelSpec(mode),
        frame_samples=400,
        hop_samples=160,
        mel_norm=norm,
        power=power,
    )
    for mode in ("clip", "running")
    for norm in ("area", "none")
    for power in (1.0, 2.0)
}


@pytest.mark.parametrize("name", LEAST_FLOORS)
def test_floors_that_fixed_point_is_said_to_resolve(name: str, demo: Samples) -> None:
    """At the least of them silence holds the bounds; a thousandth of it does not, and a note says
    so."""
    gated = with_gaps(demo)

    def within_bounds(floor: float) -> bool:
        spec = replace(LEAST_FLOORS[name], floor=floor)
        scale = max(0.5, -20.0 / spec.power * np.log10(floor) / 240.0)  # dB: floor to 0 dB fits
        zero_point = min(120, round(-120 - 20.0 / spec.power * np.log10(floor) / scale))
        (rows,) = rows_from_c(FrontEnd(spec, scale, zero_point, "fixed"), [gated], "zig")
        expected = quantise_features(extract(gated, spec), scale, zero_point)
        identical, steps = compare_features(expected, rows)
        print(f"{name}, floor {floor:.2g}: identical {identical:.4f}, {steps} steps")
        return identical >= 0.98 and steps <= 2

    least = least_floor(LEAST_FLOORS[name])
    assert within_bounds(least)
    assert not within_bounds(least / 1000)
    assert not arithmetic_notes(replace(LEAST_FLOORS[name], floor=least), "fixed")
    (note,) = arithmetic_notes(replace(LEAST_FLOORS[name], floor=least / 2), "fixed")
    assert f"no floor below {least:.2g}" in note


def test_clip_shorter_than_a_frame_gives_no_row(build: Callable[..., Run]) -> None:
    for spec in (WAV2SMALL, WAV2SMALL_RUNNING):
        assert build(spec)(np.ones(63, np.int16)).shape == (0, 26)
        assert build(spec)(np.zeros(0, np.int16)).shape == (0, 26)


def test_planned_state_size_is_enforced_by_the_compiler(tmp_path: Path) -> None:
    files = render_features(WAV2SMALL, 0.5, 0)
    planned = f"FEATURES_STATE_BYTES {state_bytes(WAV2SMALL)}u"
    assert planned in files["features.h"]
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace(planned, "FEATURES_STATE_BYTES 1u"))
    command = [
        *ZIG,
        *STRICT,
        f"-I{tmp_path}",
        f"-I{KERNELS}",
        f"-I{kernel_folders()[0]}",
        "-c",
        str(tmp_path / "features.c"),
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode != 0
    assert "features_state_bytes_check" in result.stderr


@pytest.mark.parametrize("compiler", [GCC, ZIG], ids=["gcc", "zig"])
def test_logarithm_holds_its_stated_bound(compiler: tuple[str, ...], tmp_path: Path) -> None:
    if compiler == GCC and not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    command = [*compiler, *STRICT, "-O2", f"-I{KERNELS}", str(HERE / "log_driver.c"), "-lm"]
    compile_c([*command, "-o", "driver"], tmp_path)
    driver = [tmp_path / "driver"]
    output = subprocess.run(driver, capture_output=True, text=True, check=True).stdout
    beyond_bound, worst_audio, log_of_one = map(float, output.split())
    assert beyond_bound <= 0.0
    assert worst_audio * 10.0 / np.log(10.0) < 0.001 * quantisation(WAV2SMALL)[0]
    assert log_of_one == 0.0
