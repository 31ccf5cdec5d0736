"""What others published, read from ``benchmarks/peers/``; what they say of cores.

``python -m benchmarks.published`` rewrites the comparison of cores in docs/RESULTS.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.documents import RESULTS, write_generated
from benchmarks.models import ROOT
from benchmarks.tables import markdown

MODULE = "benchmarks.published"
FOLDER = ROOT / "benchmarks" / "peers"
#: Submitters as people know them.
TOOLS = {
    "OctoML": "microTVM + CMSIS-NN",
    "STMicroelectronics": "ST Edge AI",
    "bosch": "Bosch HALE",
    "plumerai": "Plumerai",
}
#: Chips of both cores that one submitter timed in one round, and their clocks.
M4, M7 = ("L4R5", 120e6), ("H7A3", 280e6)


@dataclass(frozen=True)
class Peer:
    """TFLM with CMSIS-NN on a model, and with its reference kernels: whole invoke."""

    model: str
    macs: int
    instructions: int
    cycles: int
    arena_bytes: int
    model_bytes: int
    code_bytes: int
    reference_kernels_cycles: int


@dataclass(frozen=True)
class Time:
    """A published time of a task (MLPerf Tiny's name) on a system, in a round."""

    round: str
    tool: str
    system: str
    task: str
    latency_ms: float


def read_peers() -> tuple[Peer, ...]:
    """TFLM with CMSIS-NN, a row a model."""
    return tuple(
        Peer(row.pop("model"), **{name: int(value) for name, value in row.items()})
        for row in _rows("tflm_cmsis_nn.csv")
    )


def read_times() -> tuple[Time, ...]:
    """The published times of those tools that the tables have."""
    return tuple(
        Time(row["round"], TOOLS[row["submitter"]], row["system"], row["task"], latency_ms)
        for row in _rows("mlperf_tiny.csv")
        if row["submitter"] in TOOLS and not re.search("native|float", row["system"])
        for latency_ms in [float(row["latency_ms"])]
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def best(times: Iterable[Time], systems: Iterable[str], task: str | None) -> Mapping[str, float]:
    """The least milliseconds of a task on systems whose name has one of ``systems``, by tool."""
    found: dict[str, float] = {}
    for time in times:
        on_part = any(name in time.system.upper() for name in systems)
        if on_part and time.task == task:
            found[time.tool] = min(found.get(time.tool, time.latency_ms), time.latency_ms)
    return found


def cores_text(times: Iterable[Time], task: str = "kws") -> str:
    """Cycles of a task on the Cortex-M7 and on the Cortex-M4, same tool and round."""
    cycles: dict[tuple[str, str], dict[str, float]] = {}
    for time in times:
        for core, (chip, clock_hz) in (("M4", M4), ("M7", M7)):
            if time.task == task and chip in time.system.upper():
                row = cycles.setdefault((time.round, time.tool), {})
                found = time.latency_ms * 1e-3 * clock_hz
                row[core] = min(row.get(core, found), found)
    rows = [
        [
            f"v{number}",
            tool,
            f"{row['M4'] / 1e6:.2f}",
            f"{row['M7'] / 1e6:.2f}",
            f"{100 * (row['M7'] / row['M4'] - 1):+.0f} %",
        ]
        for (number, tool), row in sorted(cycles.items())
        if len(row) == 2
    ]
    head = ["round", "tool", "STM32L4R5, M4, M cycles", "STM32H7A3, M7, M cycles", "M7 against M4"]
    return markdown(head, rows)


def main() -> None:
    text = (
        "DS-CNN, published milliseconds (*measured* by the submitters, `benchmarks/peers/`) × the "
        "part's\nhighest clock, 120 and 280 MHz: *estimated*.\n"
    )
    write_generated(RESULTS, MODULE, f"{text}\n{cores_text(read_times())}")


if __name__ == "__main__":
    main()
