"""What a profile concludes: whether it keeps up, what it leaves out, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import NotStreamableError
from toolkit.features.front_end import FrontEnd
from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.plan import Plan
from toolkit.plan.choose import ALLOWANCES
from toolkit.plan.schedule import ScheduleRequest, choose_plan
from toolkit.profiling.estimate import Estimate, estimate
from toolkit.profiling.memory import memory_issue
from toolkit.report.memory import memory_words
from toolkit.report.model import Alternative
from toolkit.report.savings import COSTS, savings
from toolkit.targets import Target


def alternatives(
    plan: Plan, front_end: FrontEnd | None, request: ScheduleRequest, target: Target
) -> tuple[Alternative, ...]:
    """The model batch and streamed (with states: step by step), for size, balanced and for speed;
    none in continuous mode."""
    if plan.continuous is not None:
        return ()
    found = []
    for schedule in ("step",) if plan.graph.states else ("stream", "batch"):
        for optimize in ALLOWANCES:
            chosen = (schedule, optimize) == (plan.schedule, request.optimize)
            asked = "auto" if schedule == "step" else schedule
            wanted = replace(request, schedule=asked, optimize=optimize)
            try:
                other = plan if chosen else choose_plan(plan.graph, wanted, target)[0]
            except NotStreamableError:
                break
            cost = estimate(other, target, front_end)
            found.append(
                Alternative(
                    schedule=schedule,
                    optimize=optimize,
                    chosen=chosen,
                    ram_bytes=cost.ram_bytes,
                    flash_bytes=cost.flash_bytes,
                    cycles=cost.cycles,
                    realtime_factor=_realtime_factor(cost, target, front_end),
                )
            )
    return tuple(found)


def placement_advice(
    plan: Plan, front_end: FrontEnd | None, request: ScheduleRequest, target: Target
) -> tuple[Issue, ...]:
    """What copies of code and weights in RAM would bring, where flash keeps the core waiting."""
    if target.policy.hot_code is not None or target.policy.ram_weights:
        return ()
    now = estimate(plan, target, front_end)
    found = []
    for placement in target.placements:
        placed = target.placing(placement)
        cost = estimate(choose_plan(plan.graph, request, placed)[0], placed, front_end)
        options = [
            *(["--hot-code ram"] if placement.hot_code else []),
            *(["--weights ram"] if placement.weights else []),
        ]
        factors = [_realtime_factor(c, target, front_end) or 0 for c in (now, cost)]
        real_time = ", then real time" if factors[1] <= 1 < factors[0] else ""
        found.append(
            f"{' '.join(options)} {100 * (cost.cycles / now.cycles - 1):+.0f} % cycles, "
            f"{cost.ram_bytes - now.ram_bytes:+,} B RAM{real_time}"
        )
    return (Issue("placement", f"out of flash, estimated: {'; '.join(found)}"),) if found else ()


def _realtime_factor(found: Estimate, target: Target, front_end: FrontEnd | None) -> float | None:
    """Seconds of work for a second of audio; None for a model that takes none."""
    if front_end is None:
        return None
    return found.cycles / target.clock_hz / found.audio_s


def time_checks(
    measurements: Sequence[Measurement], target: Target, required: bool = False
) -> tuple[Check, ...]:
    """Whether audio is processed as fast as it comes, and by how much.

    A simulated real-time factor decides before an estimated one; nothing without either.
    """
    factors = {m.provenance: m.value for m in measurements if m.name == "realtime_factor"}
    known = (p for p in (Provenance.SIMULATED, Provenance.ESTIMATED) if p in factors)
    provenance = next(known, None)
    if provenance is None:
        return ()
    factor = factors[provenance]
    memory = memory_words(measurements, target, provenance)
    at = f"at {target.clock_hz / 1e6:g} MHz on {target.name}, {provenance.value}, {memory}"
    if factor <= 1:
        verdict = f"keeps up: {100 * factor:.0f} % of the time {at}"
    else:
        needed = factor * target.clock_hz / 1e6
        verdict = (
            f"does not make real time: {factor:.2f} s of work for 1 s of audio {at}; "
            f"it would take {needed:.0f} MHz, or {100 * (1 - 1 / factor):.0f} % fewer cycles"
        )
    return (Check("real_time", factor <= 1, verdict, required),)


def omissions(found: Estimate, target: Target) -> tuple[Issue, ...]:
    """What the estimate leaves out."""
    issues = []
    if found.flash.unknown:
        kernels = ", ".join(found.flash.unknown)
        text = f"flash leaves out code that was never measured on {target.core.name}: {kernels}"
        issues.append(Issue("estimate.code", text))
    if found.unrated:
        kernels = ", ".join(found.unrated)
        text = f"cycles of kernels without rates on {target.name} are a guess: {kernels}"
        issues.append(Issue("estimate.rates", text))
    if found.frames and found.features is None:
        text = f"the features are left out: never measured in this arithmetic on {target.core.name}"
        issues.append(Issue("estimate.features", text))
    issues.append(memory_issue(target, target.rates_know_memory))
    if target.power is None:
        text = f"no energy: no document at hand gives the current of {target.name}"
        issues.append(Issue("estimate.energy", text))
    return tuple(issues)


def advice(found: Sequence[Alternative]) -> tuple[Issue, ...]:
    """What would help with RAM, flash and time, in figures."""
    issues = []
    for saving in savings(found):
        price = "; ".join(
            f"{saving.change(what):+,} {unit} {what}"
            for what, (_, unit) in COSTS.items()
            if what != saving.what
        )
        real_time = f", {saving.real_time}" if saving.real_time else ""
        other, (_, unit) = saving.other, COSTS[saving.what]
        text = (
            f"{saving.what}: --schedule {other.schedule} --optimize {other.optimize} takes "
            f"{-saving.saved:+,} {unit} ({price}){real_time}"
        )
        issues.append(Issue(f"advice.{saving.what.lower()}", text))
    return tuple(issues)
