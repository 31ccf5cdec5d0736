"""The verdict on a build or a profile in one line: does it fit, keep up, give the right bits."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.measurement import Check
from toolkit.report.model import Report
from toolkit.report.text import printable, strongest

_REGIONS = {"ram": "RAM", "flash": "flash", "stack": "the stack"}
#: Checks whose failure is told in words of its own.
_TOLD = frozenset({"bit_match", "fits_flash", "fits_ram", "fits_stack", "real_time"})


@dataclass(frozen=True)
class Verdict:
    """Whether all is well, and what a person wants to know first."""

    good: bool
    text: str


def verdict(report: Report) -> Verdict:
    """The verdict; being too slow is none of a target that promises no real time, and is told all
    the same."""
    wrong = [*_bits(report), *_misfits(report), *_slow(report)]
    failed = (check.name for check in report.checks if check.failed and check.required)
    wrong += [f"{name} failed" for name in failed if name not in _TOLD]
    if wrong:
        return Verdict(False, "; ".join(wrong))
    good = ["fits"] if report.fits else []
    factor, latency = strongest(report, "realtime_factor"), strongest(report, "latency_ms")
    if factor is not None:
        good.append(f"keeps up: {100 * factor.value:.0f} % of the time{_at_clock(report)}")
    elif latency is not None:
        good.append(f"takes {latency.value:,.3g} ms an inference{_at_clock(report)}")
    return Verdict(True, " and ".join(good) or "no check fails")


def _clock_mhz(report: Report) -> float | None:
    cycles, latency = strongest(report, "cycles_per_inference"), strongest(report, "latency_ms")
    if cycles is None or latency is None or not latency.value:
        return None
    return cycles.value / latency.value / 1e3


def _at_clock(report: Report) -> str:
    clock = _clock_mhz(report)
    return "" if clock is None else f" at {clock:.4g} MHz"


def _bits(report: Report) -> list[str]:
    found: list[Check] = [check for check in report.checks if check.name == "bit_match"]
    return [f"WRONG BITS: {printable(check.detail)}" for check in found if check.failed]


def _misfits(report: Report) -> list[str]:
    """Every memory that is too small, and by how much."""
    return [
        f"DOES NOT FIT: {fit.used_bytes - fit.available_bytes:,} B too much for "
        f"{_REGIONS.get(fit.region, fit.region)}"
        for fit in report.fits
        if not fit.holds
    ]


def _slow(report: Report) -> list[str]:
    factor, clock = strongest(report, "realtime_factor"), _clock_mhz(report)
    if factor is None or factor.value <= 1:
        return []
    needs = "" if clock is None else f", needs {factor.value * clock:,.0f} MHz"
    return [f"TOO SLOW on {printable(report.target)}: {factor.value:.3g}× the time{needs}"]
