"""Networks on parts, their memory included, beside what was published of the same chips.

``python -m benchmarks.silicon [--dry-run] [--part NAME...]`` builds and simulates every network for
every part and writes the tables of README.md and docs/RESULTS.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from benchmarks.documents import README, RESULTS, write_generated
from benchmarks.models import DS_CNN, RESNET, WAV2SMALL, WAV2SMALL_HA, Benchmark, Result, run_all
from benchmarks.published import TOOLS, Time, best, read_times
from benchmarks.tables import markdown
from toolkit.measurement import Provenance
from toolkit.targets import load_target
from toolkit.toolchain import DEFAULT_TOOLCHAIN

MODULE = "benchmarks.silicon"
PARTS = ("stm32l4r5", "stm32u575", "nrf5340", "nrf52840", "apollo3", "apollo4", "rsl10")
NETWORKS = (
    Benchmark(DS_CNN, "batch", "speed"),
    Benchmark(RESNET, "batch", "speed"),
    Benchmark(WAV2SMALL, "stream", "speed"),
    Benchmark(WAV2SMALL_HA, "stream", "speed"),
)
#: MLPerf Tiny's task of a network, and the systems that have a part on them.
TASKS = {DS_CNN: "kws", RESNET: "ic"}
SYSTEMS = {"stm32l4r5": ("L4R5",), "stm32u575": ("U575", "U585"), "nrf5340": ("NRF5340",)}
TEXT = """\
Ours: *simulated*, counted instructions × the core's timing table, and what the part's memory adds
by its model (flash width, wait states, caches, prefetch: `target.toml`). Where a setting of the
part is open, the slowest is the headline and the fastest stands behind it. Everything lies in
flash, but for the columns "in RAM": `--hot-code ram --weights ram` (`--weights ram` alone where no
memory is known that code runs from at once), with the KB that start-up code copies.
{estimate}Published: *measured* by the submitters, the best of each in MLPerf Tiny v1.0 to v1.3. How
far the model is from silicon, on code that is not ours:
[RESULTS.md]({results}#the-time-model-and-silicon).
"""
ESTIMATE = """\
"Estimate" is how far `toolkit profile` is off, *estimated* from rates, nothing simulated; none of
these networks was calibrated with. A rate is one figure for a kernel: whether a loop and its
weights fit a cache depends on the layer too.
"""


def run(parts: Sequence[str]) -> dict[str, list[Result]]:
    """Every network on every part; SystemExit where a model is not there."""
    found = {}
    for part in parts:
        placed = [replace(b, in_ram=True) for b in NETWORKS] if load_target(part).placements else []
        found[part], skipped = run_all([*NETWORKS, *placed], part, [DEFAULT_TOOLCHAIN])
        if skipped:
            raise SystemExit(skipped[0])
    return found


def silicon_text(results: Mapping[str, Sequence[Result]], times: Sequence[Time]) -> str:
    """The table, a row for each part and network."""
    head = ["part", "network", "core, M cycles", "waiting: instructions", "data"]
    head += ["**ours, ms**", "estimate", "fastest setting", "real time", "in RAM, ms", "real time"]

    def others(part: str, network: str) -> Mapping[str, float]:
        return best(times, SYSTEMS.get(part, ()), TASKS.get(network))

    rows = [
        _row(part, result, _in_ram(result, some), others(part, result.benchmark.model))
        for part, some in results.items()
        for result in some
        if not result.benchmark.in_ram
    ]
    return markdown([*head, *TOOLS.values()], rows)


def brief(table: str) -> str:
    """Of the table what the README has: parts with published times, and the network for hearing
    aids on the others; milliseconds and whether they are real time."""
    head, _, *rows = [line[2:-2].split(" | ") for line in table.splitlines()]
    left = {"core, M cycles", "waiting: instructions", "data", "estimate", "fastest setting"}
    kept = [index for index, name in enumerate(head) if name not in left]
    wanted = [
        row
        for row in rows
        if not row[1].startswith(WAV2SMALL) and (row[0] in SYSTEMS or "ha 1 s" in row[1])
    ]
    return markdown([head[i] for i in kept], [[row[i] for i in kept] for row in wanted])


def _in_ram(result: Result, among: Iterable[Result]) -> Result | None:
    """The same network with code and weights in RAM."""
    wanted = replace(result.benchmark, in_ram=True)
    return next((other for other in among if other.benchmark == wanted), None)


def _copied(result: Result, placed: Result | None, clock_hz: int) -> tuple[str, str]:
    """Milliseconds with what is copied to RAM and how much that is; real time."""
    if placed is None:
        return "", ""
    ram = [r.report.find("ram_static_bytes", Provenance.MEASURED) for r in (result, placed)]
    cycles = placed.report.find("cycles_per_inference", Provenance.SIMULATED)
    assert ram[0] is not None and ram[1] is not None and cycles is not None
    factor = placed.report.find("realtime_factor", Provenance.SIMULATED)
    fits = next(check.passed for check in placed.report.checks if check.name == "fits_ram")
    grown = f"+{(ram[1].value - ram[0].value) / 1024:.0f} KB{'' if fits else ', does not fit'}"
    text = f"{1e3 * cycles.value / clock_hz:.1f} ({grown})"
    return text, "" if factor is None else _keeps_up(factor.value)


def _keeps_up(factor: float) -> str:
    return f"{'yes' if factor <= 1 else '**no**'}, {factor:.2f}"


def _row(
    part: str, result: Result, placed: Result | None, others: Mapping[str, float]
) -> list[str]:
    clock_hz = load_target(part).clock_hz

    def figure(name: str, provenance: Provenance = Provenance.SIMULATED) -> float | None:
        found = result.report.find(name, provenance)
        return None if found is None else found.value

    total = figure("cycles_per_inference") or 0.0
    estimate = figure("cycles_per_inference", Provenance.ESTIMATED)
    core = figure("core_cycles_per_inference") or total
    fastest = figure("cycles_fastest_memory") or total
    waits = [figure(f"stall_cycles_{kind}") or 0.0 for kind in ("instruction", "data")]
    factor = figure("realtime_factor")
    return [
        *(part, f"{result.benchmark.model}, {result.benchmark.schedule}", f"{core / 1e6:.2f}"),
        *(f"{100 * waited / core:+.0f} %" for waited in waits),
        f"**{1e3 * total / clock_hz:.1f}**",
        "" if estimate is None else f"{100 * (estimate / total - 1):+.0f} %",
        f"{1e3 * fastest / clock_hz:.1f}",
        "" if factor is None else _keeps_up(factor),
        *_copied(result, placed, clock_hz),
        *(f"{others[tool]:.1f}" if tool in others else "" for tool in TOOLS.values()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", nargs="+", default=list(PARTS))
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    table = silicon_text(run(arguments.part), read_times())
    print(table)
    if not arguments.dry_run:
        for path, results in ((README, "docs/RESULTS.md"), (RESULTS, "")):
            estimate = "" if path == README else ESTIMATE
            text = TEXT.format(results=results, estimate=estimate)
            text = text.replace("[RESULTS.md](#", "[below](#")
            shown = brief(table) if path == README else table
            write_generated(path, MODULE, f"{text}\n{shown}")


if __name__ == "__main__":
    main()
