"""The models whose figures are published and kept from rising, and how each is built."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ToolMissingError
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.targets import IN_FLASH, load_target
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import silent

ROOT = Path(__file__).resolve().parent.parent
#: Models that are not in the repository; unset, the name stands in the paths that are absent.
MODELS = Path(os.environ.get("TOOLKIT_MODELS", "$TOOLKIT_MODELS"))

WAV2SMALL, WAV2SMALL_HA = "Wav2Small 1 s", "wav2small-ha 1 s"
DS_CNN, RESNET = "MLPerf Tiny DS-CNN", "MLPerf Tiny ResNet-8"
#: Models of the zoo, and files of others.
ZOO = {WAV2SMALL: "wav2small", WAV2SMALL_HA: "wav2small-ha"}
FILES = {DS_CNN: "mlperf_tiny_kws_int8.tflite", RESNET: "mlperf_tiny_resnet8_int8.tflite"}


@dataclass(frozen=True)
class Benchmark:
    """A model and how it is to run; ``in_ram``: with all that the target can have copied there."""

    model: str
    schedule: str
    optimize: str
    in_ram: bool = False

    @property
    def title(self) -> str:
        return f"{self.model}, {self.schedule}, {self.optimize}"

    @property
    def source(self) -> str:
        """What ``toolkit build`` takes as MODEL."""
        return str(MODELS / FILES[self.model]) if self.model in FILES else ZOO[self.model]

    @property
    def is_present(self) -> bool:
        return self.model not in FILES or Path(self.source).is_file()


#: The first of each model is the one whose layers are listed.
BENCHMARKS = (
    Benchmark(WAV2SMALL, "stream", "speed"),
    Benchmark(WAV2SMALL, "stream", "balanced"),
    Benchmark(WAV2SMALL, "stream", "size"),
    Benchmark(WAV2SMALL, "batch", "speed"),
    Benchmark(DS_CNN, "batch", "speed"),
    Benchmark(DS_CNN, "stream", "speed"),
    Benchmark(RESNET, "batch", "speed"),
)


@dataclass(frozen=True)
class Result:
    """A benchmark that was built for a target and run."""

    benchmark: Benchmark
    report: Report


def run_all(
    benchmarks: Iterable[Benchmark], target: str, toolchains: Sequence[str]
) -> tuple[list[Result], list[str]]:
    """Build and simulate every benchmark with every toolchain; the results, and what was left out
    and why."""
    present = [b for b in benchmarks if b.is_present]
    skipped = [
        f"{title}: left out, {path} is absent (TOOLKIT_MODELS names its folder)"
        for title, path in sorted({(b.model, b.source) for b in benchmarks if not b.is_present})
    ]
    jobs = [(b, target, toolchain) for b in present for toolchain in toolchains]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(_run, jobs))
    results = [o for o in outcomes if isinstance(o, Result)]
    skipped += sorted({o for o in outcomes if isinstance(o, str)})
    return results, skipped


def build_benchmark(
    benchmark: Benchmark, target: str, toolchain: str, audio: Path | None = None
) -> Result:
    """Build and simulate, on the shipped clip or ``audio``; SystemExit where a check fails.

    Raises ToolMissingError without the toolchain.
    """
    with tempfile.TemporaryDirectory() as folder:
        request = BuildRequest(
            model=benchmark.source,
            target=target,
            out=Path(folder) / "out",
            audio=audio,
            toolchain=toolchain,
            allow_misfit=True,  # what is measured need not fit
            placement=load_target(target).placements[-1] if benchmark.in_ram else IN_FLASH,
            schedule=ScheduleRequest(
                schedule=benchmark.schedule,
                time_axis=1 if benchmark.schedule == "stream" else None,
                optimize=benchmark.optimize,
            ),
        )
        report = build(request, silent)
    if not report.passed:
        raise SystemExit(f"{benchmark.title}: a check of the build failed")
    return Result(benchmark, report)


def _run(job: tuple[Benchmark, str, str]) -> Result | str:
    try:
        return build_benchmark(*job)
    except ToolMissingError as error:
        return f"{job[2]}: left out, {error}"
