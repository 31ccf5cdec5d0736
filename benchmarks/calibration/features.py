"""Fits what a feature frame costs: ``python -m benchmarks.calibration.features --target T``.

Firmwares of features alone run half a second of speech; their cycles, flash and stack against
the work of the specification become the core's ``features.toml``.  Wav2Small's own specification is
not among them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.code_sizes import division_bytes
from benchmarks.features import DEMO_CLIP, HARNESS, RAW, write_project
from toolkit.emit.features_only import NAME
from toolkit.features.audio import load_clip
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
    Spectrogram,
)
from toolkit.profiling.code_table import FIRMWARE
from toolkit.profiling.features import feature_work
from toolkit.profiling.memory import memory_watch
from toolkit.profiling.size import measure_size
from toolkit.profiling.stack import bound_stack
from toolkit.profiling.timing import Timing
from toolkit.simulate import TRACING, Watch, simulate
from toolkit.simulate.protocol import encode_audio
from toolkit.targets import Target, load_target, targets_dir
from toolkit.toolchain import device_sources, find_toolchain
from toolkit.toolchain.elf import read_elf

SECONDS = 0.5
TOOLCHAIN = "zig"
HEADER = """\
# What features cost, by kind and arithmetic: cycles of a frame, of a sample that arrives, of a
# point of the FFT times its passes, of a mel weight, of a value of the row; bytes of flash in all,
# for a sample of the frame, for a mel weight; bytes of stack of `features_push`, for a mel band;
# whether they link the compiler's division of 64 bits, which the bytes leave out.
# Written by `python -m benchmarks.calibration.features --target {target}`: least squares of the
# relative error, no rate negative, compiled with {toolchain}.
"""


def _log_mel(frame: int, hop: int, bands: int) -> FeatureSpec:
    return replace(WAV2SMALL_RUNNING, frame_samples=frame, hop_samples=hop, n_mels=bands)


def _spectrogram(frame: int, hop: int, n_fft: int) -> Spectrogram:
    level = LevelSpec("running")
    return Spectrogram(16_000, frame, hop, level, n_fft=n_fft, floor=1e-6)


SPECS: tuple[FeatureSpec, ...] = (
    *(_log_mel(64, 32, 20), _log_mel(64, 16, 16), _log_mel(128, 64, 26), _log_mel(256, 128, 32)),
    *(_log_mel(512, 160, 40), _log_mel(512, 256, 64)),
    *(KEYWORD_MFCC, MICRO_SPEECH, RAW),
    replace(KEYWORD_MFCC, frame_samples=512, hop_samples=256, n_mels=26, n_mfcc=12),
    replace(KEYWORD_MFCC, frame_samples=400, hop_samples=160, n_mels=32, n_mfcc=13),
    *(_spectrogram(64, 32, 64), _spectrogram(128, 128, 128), _spectrogram(256, 80, 256)),
    *(_spectrogram(512, 160, 512), _spectrogram(512, 256, 512)),
)


@dataclass(frozen=True)
class Sample:
    """What the features of a specification took on a core."""

    key: str
    work: tuple[float, ...]
    sizes: tuple[float, ...]
    cycles: float
    flash_bytes: int
    divides: bool
    stack: int
    bands: int


def jobs(target: Target) -> list[tuple[FeatureSpec, str, str]]:
    """Every specification in every arithmetic that the core computes it in."""
    native = target.arithmetic()
    return [
        (spec, arithmetic, target.name)
        for spec in SPECS
        for arithmetic in dict.fromkeys(("fixed", native))
        if arithmetic == "fixed" or spec.kind != "micro_frontend"
    ]


def measure(job: tuple[FeatureSpec, str, str]) -> tuple[Sample, str]:
    """Compile and simulate one specification."""
    spec, arithmetic, target_name = job
    target = load_target(target_name)
    compiler = find_toolchain(TOOLCHAIN)
    rate = spec.sample_rate_hz
    samples = load_clip(DEMO_CLIP, rate).samples[: round(SECONDS * rate)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(spec, arithmetic, folder, target)
        firmware = compiler.compile(folder, device_sources(folder), target, folder, HARNESS)
        elf = read_elf(firmware.elf)
        size = measure_size(elf, firmware.map.read_text(encoding="utf-8"))
        simulator = target.default_simulator
        watch = Watch(memory=memory_watch(elf, target) if simulator in TRACING else None)
        result = simulate(firmware.elf, encode_audio([samples]), simulator, target, watch)
    cycles = Timing(elf, result, target).phases["features"].cycles
    work, division = feature_work(spec), division_bytes(size)
    return Sample(
        key=spec.rates(arithmetic),
        work=work.cycle_terms,
        sizes=work.flash_terms,
        cycles=cycles / spec.rows_for_samples(len(samples)),
        flash_bytes=size.flash_bytes - target.core.code[str(FIRMWARE)].once - division,
        divides=division > 0,
        stack=bound_stack(elf, f"{NAME}_features_push").bound_bytes,
        bands=spec.work.stack_bands,
    ), f"{compiler.name} {compiler.version}"


def fit(rows: Sequence[Sequence[float]], values: Sequence[float]) -> NDArray[np.float64]:
    """Coefficients of least relative error, none negative (projected coordinate descent)."""
    table = np.array(rows, float) / np.array(values, float)[:, None]
    scale = np.where(table.any(axis=0), np.abs(table).max(axis=0), 1.0)
    table /= scale
    found = np.zeros(table.shape[1])
    for _ in range(20_000):
        for column in range(table.shape[1]):
            norm = float(table[:, column] @ table[:, column])
            if norm > 0:
                error = 1.0 - table @ found
                found[column] = max(0.0, found[column] + float(table[:, column] @ error) / norm)
    return found / scale


def envelope(sizes: Sequence[int], stacks: Sequence[int]) -> tuple[int, int]:
    """The lowest line in whole bytes, not falling, that no stack lies above: that of the least
    sum of what it is too much; constant and slope."""
    pairs = list(zip(sizes, stacks, strict=True))
    lines = []
    for slope in range(max(stacks) + 1):
        constant = max(stack - slope * size for size, stack in pairs)
        excess = sum(constant + slope * size - stack for size, stack in pairs)
        lines.append((excess, slope, max(constant, 0)))
    _, slope, constant = min(lines)
    return constant, slope


def features_toml(samples: Sequence[Sample], target: Target, toolchain: str) -> str:
    """Text of ``features.toml``."""
    groups: Mapping[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.key].append(sample)
    text = HEADER.format(target=target.name, toolchain=toolchain)
    for key, some in sorted(groups.items()):
        cycles = fit([s.work for s in some], [s.cycles for s in some])
        flash = fit([s.sizes for s in some], [s.flash_bytes for s in some])
        names = ("frame", "hop_sample", "fft_point", "mel_weight", "value")
        sizes = ("flash_bytes", "flash_sample", "flash_weight")
        text += f'\n["{key}"]\n'
        text += "".join(
            f"{name} = {float(f'{value:.4g}')!r}\n"
            for name, value in zip((*names, *sizes), (*cycles, *flash), strict=True)
        )
        stack, band = envelope([s.bands for s in some], [s.stack for s in some])
        text += f"stack = {stack}\nstack_band = {band}\n"
        text += "divides = true\n" if any(s.divides for s in some) else ""
        for s in some:
            print(
                f"{key:20} cycles {s.cycles:10,.0f} {np.dot(s.work, cycles) / s.cycles - 1:+6.1%}"
                f"  flash {s.flash_bytes:7,} {np.dot(s.sizes, flash) / s.flash_bytes - 1:+6.1%}"
            )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="cortex-m4")
    target = load_target(parser.parse_args().target)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        measured = list(pool.map(measure, jobs(target)))
    text = features_toml([sample for sample, _ in measured], target, measured[0][1])
    path = targets_dir() / target.name / "features.toml"
    path.write_text(text, "utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
