"""What models need frame by frame: ``python -m benchmarks.results`` writes it.

Wav2Small runs on speech of several lengths, every output compared; the other models' plans are
read from a build.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.models import DS_CNN, RESNET, WAV2SMALL, Benchmark
from benchmarks.tables import markdown
from toolkit.analysis import load_int8, profile_int8
from toolkit.features.audio import load_clip
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.loading import demo_clip
from toolkit.pipeline import BuildRequest, build
from toolkit.report import Report
from toolkit.scheduling import ScheduleRequest
from toolkit.targets import load_target

SECONDS = (1, 3, 60)
OPTIMIZE = ("size", "speed")

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
        reports = dict(zip(jobs, pool.map(_clip, jobs), strict=True))
    benchmarks = [Benchmark(m, "stream", o) for m in (WAV2SMALL, DS_CNN, RESNET) for o in OPTIMIZE]
    frame_ms = 1e3 * WAV2SMALL_RUNNING.hop_samples / WAV2SMALL_RUNNING.sample_rate_hz
    return "\n".join(
        (
            f"{_CLIPS.format(target=target, frame_ms=frame_ms)}\n",
            markdown(_CLIP_HEAD, [_clip_row(job, reports[job]) for job in sorted(jobs)]),
            f"{_PLANS}\n",
            markdown(_PLAN_HEAD, [_plan_row(b, _plan(b, target)) for b in benchmarks]),
        )
    )


def _clip(job: tuple[str, int, str]) -> Report:
    optimize, seconds, target = job
    rate = WAV2SMALL_RUNNING.sample_rate_hz
    samples = np.resize(load_clip(demo_clip(), rate).samples, seconds * rate)
    with tempfile.TemporaryDirectory() as name:
        audio = Path(name) / "clip.wav"
        soundfile.write(audio, samples, rate, "PCM_16")
        request = BuildRequest(
            model="wav2small",
            target=target,
            out=Path(name) / "out",
            audio=audio,
            schedule=ScheduleRequest("stream", optimize=optimize),
        )
        report = build(request, lambda _: nullcontext())
    if not report.passed:
        raise SystemExit(f"Wav2Small, {seconds} s, {optimize}: a check of the build failed")
    return report


def _plan(benchmark: Benchmark, target: str) -> Report:
    schedule = ScheduleRequest("stream", 1, benchmark.optimize)
    return profile_int8(load_int8(benchmark.source, 1.0), load_target(target), schedule, False)


def _clip_row(job: tuple[str, int, str], report: Report) -> list[str]:
    optimize, seconds, _ = job
    return [
        optimize,
        f"{seconds} s",
        _figure(report, "ram_static_bytes"),
        f"{_figure(report, 'stack_bound_bytes')} / {_figure(report, 'stack_painted_bytes')}",
        _figure(report, "output_mismatches"),
        f"{_figure(report, 'cycles_per_frame_mean')} / {_figure(report, 'cycles_per_frame_worst')}",
    ]


def _plan_row(benchmark: Benchmark, report: Report) -> list[str]:
    return [
        benchmark.model,
        benchmark.optimize,
        _figure(report, "state_bytes"),
        _figure(report, "state_lower_bound_bytes"),
        _figure(report, "batch_arena_bytes"),
        f"{_figure(report, 'delay_frames')} frames",
        f"{_figure(report, 'macs_per_frame_mean')} / {_figure(report, 'macs_per_frame_worst')}",
    ]


def _figure(report: Report, name: str) -> str:
    found = report.find(name)
    assert found is not None, name
    return f"{round(found.value):,}"
