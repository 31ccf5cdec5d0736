"""MLPerf Tiny's published times of the keyword spotter, beside ours modelled for the same chips.

Source of the times: the MLPerf Tiny inference results v1.0 to v1.3 (mlcommons.org), the latest of
each submitter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.models import DS_CNN, Benchmark, Result, run_all
from benchmarks.tables import markdown, value
from toolkit.targets import load_target
from toolkit.toolchain import DEFAULT_TOOLCHAIN

KEYWORD_SPOTTER = Benchmark(DS_CNN, "batch", "speed")
SUBMITTERS = ("microTVM + CMSIS-NN", "ST Edge AI", "Bosch HALE", "Plumerai")


@dataclass(frozen=True)
class Chip:
    """A chip, our target for it, and what was published: milliseconds by submitter."""

    name: str
    target: str
    published_ms: Mapping[str, float]


CHIPS = (
    Chip(
        "STM32L4R5, Cortex-M4, 120 MHz",
        "stm32l4r5",
        {"microTVM + CMSIS-NN": 99.8, "ST Edge AI": 43.4, "Bosch HALE": 62.7, "Plumerai": 47.8},
    ),
    Chip(
        "STM32U575, Cortex-M33, 160 MHz",
        "stm32u575",
        {"ST Edge AI": 29.0, "Bosch HALE": 39.7, "Plumerai": 30.0},
    ),
    Chip("nRF5340, Cortex-M33, 128 MHz", "nrf5340", {"microTVM + CMSIS-NN": 76.1}),
)


def run_chips() -> dict[str, Result]:
    """The keyword spotter built and simulated for every chip's target; SystemExit without the
    model."""
    found = {}
    for chip in CHIPS:
        results, skipped = run_all([KEYWORD_SPOTTER], chip.target, [DEFAULT_TOOLCHAIN])
        if skipped:
            raise SystemExit(skipped[0])
        found[chip.target] = results[0]
    return found


def published_text(results: Mapping[str, Result]) -> str:
    """The table: ours as the core's table has it, then the published ones."""
    head = ["chip", "ours, core alone, zero-wait memory", *SUBMITTERS]
    return markdown(head, (_row(chip, results[chip.target]) for chip in CHIPS))


def _row(chip: Chip, result: Result) -> Sequence[str]:
    clock_hz = load_target(chip.target).clock_hz
    modelled_ms = 1e3 * value(result, "cycles_per_inference") / clock_hz
    return [
        chip.name,
        f"{modelled_ms:.1f} ms",
        *(f"{chip.published_ms[s]:.1f} ms" if s in chip.published_ms else "" for s in SUBMITTERS),
    ]
