"""``python -m benchmarks.features``: what a feature frame costs on the device, stage by stage.

A firmware of the features alone runs a speech clip hop by hop.  Instructions are simulated and
exact; cycles are estimated from them.  Rewrites its part of docs/RESULTS.md.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown
from toolkit.emit.features_only import OUTPUT_BYTES, emit_features_only
from toolkit.emit.write import write_files
from toolkit.features.audio import load_clip
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LevelSpec,
    LogMel,
    Raw,
)
from toolkit.profiling.cycles import CycleEstimate, CycleModel, load_cycle_table
from toolkit.resources import data_dir, render
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
MODULE = "benchmarks.features"
#: A name of `CASES`, a target, a toolchain.
Job = tuple[str, str, str]
RAW = Raw(16_000, 320, 320, LevelSpec("running"))
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
    if isinstance(spec, LogMel) and spec.kind == "log_mel":
        return (0.4741 if spec.log == "db" else 0.10917), 40
    typical = {
        "mfcc": (0.5, 80),
        "micro_frontend": (0.1019, -128),
        "raw": (1.0 / 32.0, 0),
        "spectrogram": (0.4741, 40),
    }
    return typical[spec.kind]


def write_project(spec: FeatureSpec, arithmetic: str, folder: Path, target: Target) -> None:
    """A firmware of the features alone, with its harness."""
    front_end = FrontEnd(spec, *quantisation(spec), arithmetic)
    write_files(emit_features_only(front_end), folder)
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


def text(costs: Mapping[Job, FeatureCost]) -> str:
    """The generated part of docs/RESULTS.md, markers excluded."""
    head = ["features", "compiler"]
    for target in TARGETS:
        head += [f"{target}, instructions", "cycles", "M cycles/s"]
    rows = []
    for name in CASES:
        for toolchain in TOOLCHAINS:
            row = [name, toolchain]
            for target in TARGETS:
                cost = costs.get((name, target, toolchain))
                row += [""] * 3 if cost is None else _figures(cost)
            rows.append(row)
    return (
        "Cost of a frame, instructions *simulated* and cycles *estimated*, and cycles of a second "
        f"of audio\n(`python -m {MODULE}`, which prints every stage):\n\n{markdown(head, rows)}"
    )


def _figures(cost: FeatureCost) -> list[str]:
    rows, total = len(cost.rows), cost.estimate
    a_frame = (total.instructions / rows, total.cycles / rows)
    return [*(f"{value:,.0f}" for value in a_frame), f"{total.cycles / SECONDS / 1e6:.2f}"]


def _jobs() -> Iterator[Job]:
    for name, (_, arithmetic) in CASES.items():
        for target in TARGETS:
            # Features are not computed in emulated floating point.
            if arithmetic == "fixed" or load_target(target).arithmetic() != "fixed":
                yield from ((name, target, toolchain) for toolchain in TOOLCHAINS)


def _measure(job: Job) -> FeatureCost:
    name, target, toolchain = job
    spec, arithmetic = CASES[name]
    samples = load_clip(DEMO_CLIP, spec.sample_rate_hz).samples[: SECONDS * spec.sample_rate_hz]
    return simulated(spec, arithmetic, samples, load_target(target), toolchain)


def _print(job: Job, cost: FeatureCost) -> None:
    rows, total = len(cost.rows), cost.estimate
    print(f"{', '.join(job)}; a frame, instructions and cycles:")
    for part in total.functions:
        if part.cycles >= total.cycles / 200:
            print(
                f"  {part.function:28} {part.instructions / rows:8,.0f} {part.cycles / rows:8,.0f}"
            )


def main() -> None:
    jobs = list(_jobs())
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        costs = dict(zip(jobs, pool.map(_measure, jobs), strict=True))
    for job, cost in costs.items():
        _print(job, cost)
    write_generated(RESULTS, MODULE, text(costs))


if __name__ == "__main__":
    main()
