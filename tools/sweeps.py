"""The sweeps that the documents quote, and when they last ran: ``python -m tools.sweeps``.

They take too long for ``make check``.  Each is a few of the tests marked ``exhaustive``; the table
in docs/RESULTS.md says when, on which commit and with what result it ran.  A sweep that was not
asked for keeps its row.  The exit code is 1 where a test failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.documents import END, RESULTS, begin, write_generated
from benchmarks.tables import markdown

MODULE = "tools.sweeps"
ROOT = Path(__file__).resolve().parent.parent
HEAD = ("sweep", "tests", "run on", "commit", "passed", "failed", "skipped", "minutes")
TEXT = """\
Tests marked `exhaustive`, too long for `make check`. `.github/workflows/sweeps.yml` runs them every
week, `python -m tools.sweeps [NAME...]` at any time, which writes this table. A commit with a + had
changes beside it; the minutes are those of a machine that did other things too.
"""
SECTION = f"\n## The sweeps\n\n{begin(MODULE)}\n\n{END}\n"


@dataclass(frozen=True)
class Sweep:
    """Tests that are run together, by files or by one test of a file."""

    title: str
    tests: tuple[str, ...]


SWEEPS: Mapping[str, Sweep] = {
    "streams": Sweep(
        "random networks, streamed = batch", ("tests/properties/test_stream_properties.py",)
    ),
    "continuous": Sweep(
        "random networks, continuous = its numpy reference",
        ("tests/properties/test_continuous_properties.py",),
    ),
    "rows": Sweep("networks with an output a row", ("tests/properties/test_row_outputs.py",)),
    "recurrent": Sweep(
        "recurrent networks and layers",
        (
            "tests/properties/test_recurrent_networks.py",
            "tests/unit/test_recurrent_drift.py",
            "tests/ops/test_recurrent.py",
        ),
    ),
    "import": Sweep(
        "ONNX backend tests, random ONNX graphs, broken files",
        (
            "tests/properties/test_onnx_backend.py",
            "tests/properties/test_onnx_properties.py",
            "tests/properties/test_mutated_files.py",
        ),
    ),
    "kernels": Sweep(
        "kernels of every shape class",
        ("tests/ops/test_dsp.py", "tests/ops/test_dsp_int16.py", "tests/ops/test_blocked.py"),
    ),
    "features": Sweep(
        "features of all recordings, host and device",
        (
            "tests/host_c/test_features_c.py",
            "tests/sim/test_features_sim.py",
            "tests/regression/test_features_end_to_end.py",
        ),
    ),
    "compilers": Sweep(
        "compilers × flags × optimize",
        ("tests/sim/test_compilers.py", "tests/sim/test_toolchain_matrix.py"),
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What pytest counted."""

    passed: int
    failed: int
    skipped: int
    seconds: float


def run(sweep: Sweep, jobs: int) -> Outcome:
    """Run a sweep's tests; SystemExit where pytest itself could not run."""
    with tempfile.TemporaryDirectory() as name:
        record = Path(name) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "exhaustive", "-n", str(jobs)]
        command += ["--dist", "worksteal", f"--junitxml={record}", *sweep.tests]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status not in (0, 1) or not record.is_file():
            raise SystemExit(f"{sweep.title}: pytest ended with {status}")
        return outcome(ElementTree.parse(record).getroot())


def outcome(root: ElementTree.Element) -> Outcome:
    """The counts of a JUnit record."""
    suites = list(root.iter("testsuite"))
    tests, failures, errors, skipped = (
        sum(int(suite.get(key, "0")) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    )
    seconds = sum(float(suite.get("time", "0")) for suite in suites)
    failed = failures + errors
    return Outcome(tests - failed - skipped, failed, skipped, seconds)


def commit() -> str:
    """The commit of the tree, with a + where files differ from it."""

    def git(*words: str) -> str:
        found = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return found.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short=9", "HEAD") + ("+" if changed else "")


def row(sweep: Sweep, found: Outcome, date: str, at: str) -> list[str]:
    tests = ", ".join(f"`{test}`" for test in sweep.tests)
    counts = (found.passed, found.failed, found.skipped)
    return [sweep.title, tests, date, at, *(f"{n:,}" for n in counts), f"{found.seconds / 60:.1f}"]


def kept_rows(document: str) -> dict[str, list[str]]:
    """The rows that the document has, by title."""
    part = document.partition(begin(MODULE))[2].partition(END)[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][2:]
    rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]
    return {cells[0]: cells for cells in rows if len(cells) == len(HEAD)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*SWEEPS, []], help="all, when none is named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    failed = 0
    for name in options.name or SWEEPS:
        at, date = commit(), datetime.now(UTC).date().isoformat()
        found = run(SWEEPS[name], options.jobs)
        failed += found.failed
        document = RESULTS.read_text(encoding="utf-8")
        if begin(MODULE) not in document:  # the first run of any
            RESULTS.write_text(document + SECTION, encoding="utf-8")
        rows = kept_rows(document)
        rows[SWEEPS[name].title] = row(SWEEPS[name], found, date, at)
        ordered = [rows[sweep.title] for sweep in SWEEPS.values() if sweep.title in rows]
        write_generated(RESULTS, MODULE, f"{TEXT}\n{markdown(HEAD, ordered)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
