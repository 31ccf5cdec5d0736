"""Estimates against simulation: ``python -m benchmarks.estimates [--target T ...] [--dry-run]``.

Builds and runs models that calibration has not seen on a target of each core, compares what
``toolkit profile`` says with the linker's and the simulator's figures, and rewrites its part of
docs/RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.documents import RESULTS, write_generated
from benchmarks.models import DS_CNN, FILES, MODELS, RESNET
from benchmarks.small_models import MODELS as SMALL
from toolkit.measurement import Provenance
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.targets import list_cores, load_target
from toolkit.tflite.write import write_tflite
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import silent

MODULE = "benchmarks.estimates"
SECONDS = 0.5


@dataclass(frozen=True)
class Case:
    """A model and how it is to run."""

    model: str
    schedule: str
    optimize: str
    arithmetic: str = "auto"
    seconds: float = SECONDS

    @property
    def title(self) -> str:
        length = f", {self.seconds:g} s" if self.seconds != SECONDS else ""
        features = f", {self.arithmetic}-point features" if self.arithmetic != "auto" else ""
        return f"{self.model}, {self.schedule}, {self.optimize}{features}{length}"

    def differs_on(self, target: str) -> bool:
        """Whether the arithmetic asked for is another than the target's own."""
        return self.arithmetic != load_target(target).arithmetic()


CASES = (
    Case("Wav2Small", "stream", "speed"),
    Case("Wav2Small", "stream", "size"),
    Case("Wav2Small", "stream", "balanced", seconds=3.0),
    Case("Wav2Small", "stream", "balanced", "fixed"),
    Case("Wav2Small", "batch", "speed"),
    Case(DS_CNN, "batch", "speed"),
    Case(RESNET, "batch", "speed"),
    Case("1-D keyword CNN", "batch", "balanced"),
    Case("1-D keyword CNN", "stream", "balanced"),
    Case("autoencoder", "batch", "balanced"),
    Case("MobileNet-like", "batch", "balanced"),
    Case("mixed int8 and int16 CNN", "batch", "balanced"),
    Case("mixed int8 and int16 CNN", "stream", "balanced"),
)


@dataclass(frozen=True)
class Pair:
    """A figure as estimated and as it is."""

    estimate: float
    actual: float

    @property
    def error(self) -> float:
        return self.estimate / self.actual - 1 if self.actual else 0.0


@dataclass(frozen=True)
class Result:
    """One model on one target."""

    case: Case
    target: str
    ram: Pair
    flash: Pair
    stack: Pair
    cycles: Pair
    frame_mean: Pair | None
    frame_worst: Pair | None


def measure(job: tuple[Case, str]) -> Result:
    """Build and run; a failed check of the build ends the program."""
    case, target = job
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = BuildRequest(
            model=_source(case, folder),
            target=target,
            out=folder / "out",
            clip_seconds=case.seconds,
            schedule=ScheduleRequest(
                case.schedule, 1 if case.schedule == "stream" else None, case.optimize
            ),
            arithmetic=case.arithmetic,
            allow_misfit=True,  # what is measured need not fit
        )
        report = build(request, silent)
    if not report.passed:
        raise SystemExit(f"{case.title} on {target}: a check of the build failed")
    return Result(
        case=case,
        target=target,
        ram=_pair(report, "ram_static_bytes", Provenance.MEASURED),
        flash=_pair(report, "flash_bytes", Provenance.MEASURED),
        stack=_pair(report, "stack_bound_bytes", Provenance.MEASURED),
        cycles=_pair(report, "cycles_per_inference", Provenance.SIMULATED),
        frame_mean=_frame_pair(report, "mean"),
        frame_worst=_frame_pair(report, "worst"),
    )


def text(results: Sequence[Result]) -> str:
    """The generated part, markers excluded."""
    exact = sum(r.ram.estimate == r.ram.actual for r in results)
    within = [
        sum(abs(pair(r).error) <= limit for r in results)
        for pair, limit in ((_flash, 0.05), (_cycles, 0.10), (_stack, 0.15))
    ]
    below = sum(r.stack.estimate < r.stack.actual for r in results)
    n = len(results)
    return "\n\n".join(
        (
            "## Estimates against simulation",
            "`toolkit profile` (*estimated*, nothing compiled) against the linker's bytes "
            "(*measured*, zig) and the cycles of simulated counts, features included. No "
            "convolution, pool or dense layer of these models was calibrated with. M55 by QEMU, "
            "the others by Unicorn; outputs of the runs equal the integer reference.",
            f"- static RAM: exact in {exact} of {n}\n"
            f"- flash: within 5 % in {within[0]} of {n}, {_summary(results, _flash)}\n"
            f"- cycles: within 10 % in {within[1]} of {n}, {_summary(results, _cycles)}\n"
            f"- stack: within 15 % in {within[2]} of {n}, below the bound in {below}, "
            f"{_summary(results, _stack)}",
            "Error of the estimated cycles:",
            _table(results, _cycles),
            "Error of the estimated flash:",
            _table(results, _flash),
            "Error of the estimated stack (against the bound of the ELF, which a build states):",
            _table(results, _stack),
            "Streamed, error of the estimated cycles of a frame in the long run, mean / worst "
            "(against the first frames simulated, up to 511, the first of which do less):",
            _grid([r for r in results if r.frame_mean], _frames),
            "As they are, static RAM / flash in bytes / million cycles of an inference:",
            _values(results),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", action="append", help="default: one of each core")
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    arguments = parser.parse_args()
    present = [c for c in CASES if c.model not in FILES or (MODELS / FILES[c.model]).is_file()]
    targets = arguments.target or list_cores()
    jobs = [
        (case, target)
        for case in present
        for target in targets
        if case.arithmetic == "auto" or case.differs_on(target)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(measure, jobs))
    generated = text(results)
    print(generated)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, generated)


def _source(case: Case, folder: Path) -> str:
    if case.model in SMALL:
        path = folder / "model.tflite"
        path.write_bytes(write_tflite(SMALL[case.model]()))
        return str(path)
    return str(MODELS / FILES[case.model]) if case.model in FILES else "wav2small"


def _pair(report: Report, name: str, provenance: Provenance) -> Pair:
    estimate, actual = report.find(name, Provenance.ESTIMATED), report.find(name, provenance)
    assert estimate is not None and actual is not None
    return Pair(estimate.value, actual.value)


def _frame_pair(report: Report, which: str) -> Pair | None:
    name = f"cycles_per_frame_{which}"
    if report.find(name, Provenance.SIMULATED) is None:
        return None
    return _pair(report, name, Provenance.SIMULATED)


def _frames(result: Result) -> str:
    assert result.frame_mean is not None and result.frame_worst is not None
    return f"{result.frame_mean.error:+.1%} / {result.frame_worst.error:+.1%}"


def _stack(result: Result) -> Pair:
    return result.stack


def _flash(result: Result) -> Pair:
    return result.flash


def _cycles(result: Result) -> Pair:
    return result.cycles


def _summary(results: Sequence[Result], pair: Callable[[Result], Pair]) -> str:
    worst = max(results, key=lambda r: abs(pair(r).error))
    mean = sum(abs(pair(r).error) for r in results) / len(results)
    return (
        f"mean error {mean:.1%}, worst {pair(worst).error:+.1%} "
        f"({worst.case.title} on {worst.target})"
    )


def _table(results: Sequence[Result], pair: Callable[[Result], Pair]) -> str:
    return _grid(results, lambda r: f"{pair(r).error:+.1%}")


def _values(results: Sequence[Result]) -> str:
    return _grid(
        results,
        lambda r: f"{r.ram.actual:,.0f} / {r.flash.actual:,.0f} / {r.cycles.actual / 1e6:.2f}",
    )


def _grid(results: Sequence[Result], cell: Callable[[Result], str]) -> str:
    """A row a model, a column a target."""
    targets = list(dict.fromkeys(r.target for r in results))
    found = {(r.case, r.target): cell(r) for r in results}
    lines = [f"| model | {' | '.join(targets)} |", f"|---{'|---:' * len(targets)}|"]
    lines += [
        f"| {case.title} | {' | '.join(found.get((case, t), '') for t in targets)} |"
        for case in dict.fromkeys(r.case for r in results)
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
