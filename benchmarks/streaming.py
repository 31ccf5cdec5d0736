"""What models need frame by frame: ``python -m benchmarks.results`` writes it.

Wav2Small runs on speech of several lengths, every output compared; the other models' plans are
read from a build.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.models import DS_CNN, RESNET, WAV2SMALL, Benchmark, Result, build_benchmark
from benchmarks.tables import markdown, value
from toolkit.deploy.model import load
from toolkit.features.audio import load_clip
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.model.source import demo_clip
from toolkit.plan.schedule import ScheduleRequest
from toolkit.toolchain import DEFAULT_TOOLCHAIN

SECONDS = (1, 3, 60)
OPTIMIZE = ("size", "speed")
#: How far kernels go for speed, seconds of audio, the target.
Job = tuple[str, int, str]

_CLIPS = """\
`toolkit build --target {target} --optimize OPTIMIZE --audio CLIP`, the shipped clip repeated.
Static RAM and stack bound: *measured* (linker map, ELF). Stack painted, and instructions behind the
cycles (× the core's timing table, features included): *simulated*. A frame is {frame_ms:g} ms; mean
and worst are over the first frames, up to 511. Wrong bytes: against the batch model, *measured*."""
_PLANS = """\
`toolkit profile MODEL --schedule stream --time-axis 1 --json`: *estimated*, and what the linker
gives in every build. The lower bound is what must outlive a frame, in any order of computation."""
_CLIP_HEAD = (
    *("optimize", "clip", "static RAM B", "stack bound / painted B", "wrong bytes"),
    "cycles per frame, mean / worst",
)
_PLAN_HEAD = (
    *("model", "optimize", "state B", "lower bound B", "batch arena B", "delay"),
    "MACs a frame, mean / worst",
)


def streaming_text(target: str) -> str:
    """Both tables and what they show."""
    jobs = [(optimize, seconds, target) for seconds in reversed(SECONDS) for optimize in OPTIMIZE]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(jobs, pool.map(_clip, jobs), strict=True))
    benchmarks = [Benchmark(m, "stream", o) for m in (WAV2SMALL, DS_CNN, RESNET) for o in OPTIMIZE]
    frame_ms = 1e3 * WAV2SMALL_RUNNING.hop_samples / WAV2SMALL_RUNNING.sample_rate_hz
    return "\n".join(
        (
            f"{_CLIPS.format(target=target, frame_ms=frame_ms)}\n",
            markdown(_CLIP_HEAD, [_clip_row(job, results[job]) for job in sorted(jobs)]),
            f"{_PLANS}\n",
            markdown(_PLAN_HEAD, [_plan_row(_plan(b, target)) for b in benchmarks]),
        )
    )


def _clip(job: Job) -> Result:
    optimize, seconds, target = job
    rate = WAV2SMALL_RUNNING.sample_rate_hz
    samples = np.resize(load_clip(demo_clip(), rate).samples, seconds * rate)
    with tempfile.TemporaryDirectory() as name:
        audio = Path(name) / "clip.wav"
        soundfile.write(audio, samples, rate, "PCM_16")
        benchmark = Benchmark(WAV2SMALL, "stream", optimize)
        return build_benchmark(benchmark, target, DEFAULT_TOOLCHAIN, audio)


def _plan(benchmark: Benchmark, target: str) -> Result:
    schedule = ScheduleRequest("stream", 1, benchmark.optimize)
    return Result(benchmark, load(benchmark.source).deploy(target, schedule).estimate())


def _clip_row(job: Job, result: Result) -> list[str]:
    optimize, seconds, _ = job
    return [
        optimize,
        f"{seconds} s",
        _figures(result, "ram_static_bytes"),
        _figures(result, "stack_bound_bytes", "stack_painted_bytes"),
        _figures(result, "output_mismatches"),
        _figures(result, "cycles_per_frame_mean", "cycles_per_frame_worst"),
    ]


def _plan_row(result: Result) -> list[str]:
    return [
        result.benchmark.model,
        result.benchmark.optimize,
        _figures(result, "state_bytes"),
        _figures(result, "state_lower_bound_bytes"),
        _figures(result, "batch_arena_bytes"),
        f"{_figures(result, 'delay_frames')} frames",
        _figures(result, "macs_per_frame_mean", "macs_per_frame_worst"),
    ]


def _figures(result: Result, *names: str) -> str:
    return " / ".join(f"{value(result, name):,}" for name in names)
