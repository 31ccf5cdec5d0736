"""Keeps instruction counts from rising: ``python -m benchmarks.baseline [--update] [--quick]``.

Builds the benchmarks with the default compiler, simulates them and compares with
``benchmarks/baselines/<target>.json``.  Exit code 1 when an instruction count, of a model or of one
of its layers, rose by more than one percent (one line each), 2 when the comparison would mean
nothing: another model file, another compiler, no baseline.  ``--update`` writes the baseline
instead.  ``--quick`` takes the models of the repository's zoo alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.models import BENCHMARKS, ROOT, WAV2SMALL, Benchmark, Result, run_all
from benchmarks.tables import layer_instructions, value
from toolkit.toolchain import DEFAULT_TOOLCHAIN

BASELINES = ROOT / "benchmarks" / "baselines"
ALLOWED_RISE = 0.01
HOLDS, ROSE, REFUSED = range(3)
TOTAL = "total"

#: What is known of a benchmark, as in the file.
Entry = Mapping[str, Any]
#: The one benchmark of the quick mode.
QUICK = tuple(b for b in BENCHMARKS if (b.model, b.optimize) == (WAV2SMALL, "speed"))[:1]


@dataclass(frozen=True)
class Finding:
    """A line to print, and the exit code that it asks for."""

    text: str
    exit_code: int


def entry(result: Result) -> Entry:
    """What the baseline keeps of a result; instructions by layer, numbered in order."""
    report = result.report
    return {
        "model_sha256": report.model_sha256,
        "toolchain": report.toolchain,
        "flash_bytes": value(result, "flash_bytes"),
        "ram_static_bytes": value(result, "ram_static_bytes"),
        "stack_bound_bytes": value(result, "stack_bound_bytes"),
        "instructions": {
            TOTAL: value(result, "instructions_per_inference"),
            **{
                f"{number:02} {layer.name}": layer_instructions(layer)
                for number, layer in enumerate(report.layers)
                if layer.kernel
            },
        },
    }


def compare(title: str, old: Entry | None, new: Entry) -> Iterator[Finding]:
    """What is wrong with a benchmark against its baseline; nothing when it holds."""
    if old is None:
        yield Finding(f"{title}: no baseline; write one with --update", REFUSED)
        return
    for key in ("model_sha256", "toolchain"):
        if old[key] != new[key]:
            yield Finding(
                f"{title}: cannot be compared, {key} was {old[key]}, is {new[key]}", REFUSED
            )
            return
    before, after = old["instructions"], new["instructions"]
    if before.keys() != after.keys():
        changed = ", ".join(sorted(before.keys() ^ after.keys()))
        yield Finding(
            f"{title}: cannot be compared layer by layer, they differ: {changed}", REFUSED
        )
    for layer in [layer for layer in after if layer in before]:
        was, now = before[layer], after[layer]
        if now > was * (1 + ALLOWED_RISE):
            rise = f"{now / was - 1:+.1%}" if was else "new"
            yield Finding(f"{title}: {layer}: {was:,} -> {now:,} instructions, {rise}", ROSE)


def verdict(findings: list[Finding]) -> int:
    """The exit code: a refusal counts for more than a rise."""
    return max((finding.exit_code for finding in findings), default=HOLDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="cortex-m4")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("--quick", action="store_true", help="only the zoo's model")
    parser.add_argument("--baseline", type=Path, help="another file than the target's")
    arguments = parser.parse_args()
    path = arguments.baseline or BASELINES / f"{arguments.target}.json"
    benchmarks = QUICK if arguments.quick else BENCHMARKS
    sys.exit(run(benchmarks, arguments.target, path, arguments.update))


def run(benchmarks: tuple[Benchmark, ...], target: str, path: Path, update: bool) -> int:
    """Measure, then compare or write; the exit code."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    results, skipped = run_all(benchmarks, target, [DEFAULT_TOOLCHAIN])
    print(*skipped, sep="\n", end="\n" if skipped else "")
    found = {result.benchmark.title: entry(result) for result in results}
    if update:
        text = json.dumps(known | found, indent=1, sort_keys=True) + "\n"
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
        return HOLDS
    findings = [f for title, new in found.items() for f in compare(title, known.get(title), new)]
    print(*(finding.text for finding in findings), sep="\n", end="\n" if findings else "")
    if not findings:
        print(f"{len(found)} benchmarks: no instruction count rose by more than {ALLOWED_RISE:.0%}")
    return verdict(findings)


if __name__ == "__main__":
    main()
