"""How long the command line takes here: ``python -m benchmarks.command_line`` rewrites its part of
docs/RESULTS.md.  Run it on an idle machine; the load that it began under is stated."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown

MODULE = "benchmarks.command_line"
BUILD = ("build", "wav2small", "--target", "cortex-m4")
#: What is timed, and how often; the least counts.
COMMANDS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "`toolkit --help`": (("--help",), 5),
    "`toolkit profile wav2small --target cortex-m4`": (
        ("profile", "wav2small", "--target", "cortex-m4"),
        3,
    ),
    "`toolkit build wav2small --target cortex-m4`, empty cache": (BUILD, 1),
    "the same, warm cache": (BUILD, 3),
}


def seconds(arguments: tuple[str, ...], folder: Path) -> float:
    """Wall-clock time of a command; CalledProcessError where it fails."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    if arguments[0] == "build":
        arguments = (*arguments, "--out", str(folder / "out"))
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "toolkit", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


def processor() -> str:
    """What Linux calls it, and how many there are."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    name = re.search(r"model name\s*:\s*(.+)", text)
    return f"{os.cpu_count()} cores of {name[1] if name else platform.machine()}"


def main() -> None:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="command-line-") as name:
        rows = [
            [title, f"{min(seconds(arguments, Path(name)) for _ in range(times)):.2f} s"]
            for title, (arguments, times) in COMMANDS.items()
        ]
    about = (
        f"Wall clock, *measured*, the least of a few runs: {processor()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start.\n"
    )
    write_generated(RESULTS, MODULE, f"{about}\n{markdown(['command', 'time'], rows)}")


if __name__ == "__main__":
    main()
