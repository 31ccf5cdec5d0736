"""``python -m benchmarks.features``: what a feature frame costs on the device, stage by stage.

A firmware of the features alone runs a speech clip hop by hop.  Instructions are simulated and
exact; cycles are estimated from them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.emit import feature_arithmetic
from toolkit.emit.environment import render
from toolkit.emit.features_only import OUTPUT_BYTES, emit_features_only
from toolkit.emit.write import write_files
from toolkit.features.audio import load_clip
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
)
from toolkit.profiling.cycles import CycleEstimate, CycleModel, load_cycle_table
from toolkit.resources import data_dir
from toolkit.simulate import simulate
from toolkit.simulate.protocol import decode_output, encode_audio
from toolkit.targets import Target, load_target
from toolkit.toolchain import device_sources, find_toolchain, host_sources
from toolkit.toolchain.elf import read_elf

DEMO_CLIP = data_dir("models") / "wav2small" / "demo_clip.wav"
TARGETS = ("cortex-m4", "cortex-m0plus")
TOOLCHAINS = ("zig", "gcc")
HARNESS = {"HARNESS_FEATURES": 1}
SECONDS = 1
RAW = FeatureSpec(16_000, 320, 320, kind="raw", level=LevelSpec("running"))
_COARSE = replace(WAV2SMALL_RUNNING, frame_samples=512, hop_samples=160, n_mels=40)
# Specification and arithmetic; micro_frontend is integer by definition.
CASES: Mapping[str, tuple[FeatureSpec, str]] = {
    "Wav2Small, running level": (WAV2SMALL_RUNNING, "float32"),
    "Wav2Small, level of the clip": (WAV2SMALL, "float32"),
    "Wav2Small, running level, fixed point": (WAV2SMALL_RUNNING, "fixed"),
    "log-mel 512/160, 40 bands": (_COARSE, "float32"),
    "log-mel 512/160, 40 bands, fixed point": (_COARSE, "fixed"),
    "MFCC 480/320, 10 of 40 (keyword spotting)": (KEYWORD_MFCC, "float32"),
    "MFCC 480/320, 10 of 40, fixed point": (KEYWORD_MFCC, "fixed"),
    "micro_frontend 480/320, 40 channels": (MICRO_SPEECH, "fixed"),
    "raw, 320 samples a row": (RAW, "float32"),
    "raw, 320 samples a row, fixed point": (RAW, "fixed"),
}


@dataclass(frozen=True)
class FeatureCost:
    """``rows`` [rows, values] int8 of one clip, and what computing them cost in all."""

    rows: NDArray[np.int8]
    estimate: CycleEstimate


def quantisation(spec: FeatureSpec) -> tuple[float, int]:
    """Scale and zero point of a typical model input of a kind."""
    typical = {
        "log_mel": (0.4741, 40) if spec.log == "db" else (0.10917, 40),
        "mfcc": (0.5, 80),
        "micro_frontend": (0.1019, -128),
        "raw": (1.0 / 32.0, 0),
    }
    return typical[spec.kind]


def write_project(spec: FeatureSpec, arithmetic: str, folder: Path, target: Target) -> None:
    """A firmware of the features alone, with its harness."""
    write_files(emit_features_only(spec, *quantisation(spec), arithmetic), folder)
    (folder / "linker.ld").write_text(render("linker.ld", target.linker_context()))


def simulated(
    spec: FeatureSpec,
    arithmetic: str,
    samples: NDArray[np.int16],
    target: Target,
    toolchain: str,
) -> FeatureCost:
    """The features of a clip [n], pushed hop by hop to the simulated firmware."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(spec, arithmetic, folder, target)
        firmware = find_toolchain(toolchain).compile(
            folder, device_sources(folder), target, folder, HARNESS
        )
        clip = encode_audio([samples])
        result = simulate(firmware.elf, clip, target.default_simulator, target)
        model = CycleModel(read_elf(firmware.elf), load_cycle_table(target))
    return FeatureCost(_rows(result.output, spec), model.estimate(result.phase("features")))


def on_host(
    spec: FeatureSpec, arithmetic: str, samples: NDArray[np.int16], toolchain: str
) -> NDArray[np.int8]:
    """Rows [rows, values] of the same firmware built for this workstation."""
    target = load_target(TARGETS[0])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(spec, arithmetic, folder, target)
        program = find_toolchain(toolchain).compile_host(
            folder, host_sources(folder), folder, HARNESS
        )
        output = simulate(program, encode_audio([samples]), "host", target).output
    return _rows(output, spec)


def _rows(output: bytes, spec: FeatureSpec) -> NDArray[np.int8]:
    rows = decode_output(output, [OUTPUT_BYTES], spec.row_values).cases[0].rows
    assert rows is not None  # audio mode always has them
    return rows


def main() -> None:
    for name, (spec, arithmetic) in CASES.items():
        rate = spec.sample_rate_hz
        samples = load_clip(DEMO_CLIP, rate).samples[: SECONDS * rate]
        for target_name in TARGETS:
            target = load_target(target_name)
            if arithmetic == "float32" and feature_arithmetic(target) == "fixed":
                continue  # features are not computed in emulated floating point
            for toolchain in TOOLCHAINS:
                cost = simulated(spec, arithmetic, samples, target, toolchain)
                _print(f"{name}; {target_name}, {toolchain}", cost, len(samples) / rate)


def _print(title: str, cost: FeatureCost, seconds: float) -> None:
    rows, total = len(cost.rows), cost.estimate
    print(
        f"{title}: {total.instructions / rows:,.0f} instructions and {total.cycles / rows:,.0f} "
        f"cycles a frame, {total.cycles / seconds / 1e6:.2f} M cycles a second of audio"
    )
    for part in total.functions:
        if part.cycles >= total.cycles / 200:
            print(
                f"  {part.function:28} {part.instructions / rows:8,.0f} {part.cycles / rows:8,.0f}"
            )


if __name__ == "__main__":
    main()
