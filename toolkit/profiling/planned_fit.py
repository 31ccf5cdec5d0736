"""How full a firmware makes the part: flash, RAM and stack, planned, and the verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.measurement import Check, MemoryMap, Provenance
from toolkit.plan import Plan
from toolkit.profiling.estimate import Estimate
from toolkit.report.model import Fit, Part
from toolkit.targets import Target

#: Contributors that a verdict names.
LISTED = 3


def planned_fits(plan: Plan, found: Estimate, target: Target) -> tuple[Fit, ...]:
    """How full a firmware that is not compiled makes the part's flash, RAM and stack."""
    parts = _planned_parts(plan.memory_map())
    features = found.ram_static_bytes - plan.ram_bytes
    on_stack = [
        Part("stack", "bound", found.stack_bytes),
        Part("interrupts", "bound", target.policy.interrupt_bytes),
    ]
    flash = [Part(p.name, _KINDS[p.kind], p.size_bytes) for p in found.flash.parts]
    if found.features is not None:
        flash.append(Part("features", "code", round(found.features.flash_bytes)))
    return (
        _fit("flash", target.flash_bytes, "constants, and code by kernel", flash),
        _fit(
            "ram",
            target.ram_bytes,
            "memory plan; stack of the deepest calls; allowance for interrupts",
            [
                *parts,
                Part("features", "plan", features),
                Part("hot code", "code", found.copied.code_bytes),
                Part("weights", "model constants", found.copied.weights_bytes),
                *on_stack,
            ],
        ),
        _fit("stack", target.stack_bytes, "deepest calls; allowance for interrupts", on_stack),
    )


_KINDS = {"weights": "model constants", "kernels": "code", "layers": "code", "around": "code"}


def _planned_parts(memory: MemoryMap) -> list[Part]:
    """Blocks of the planned memory at the step that needs most of them, and the rest."""
    step = memory.peak_step
    peak = [row for row in memory.rows if row.alive(step)]
    parts = [Part(row.name, row.kind, row.size_bytes) for row in peak]
    rest = memory.size_bytes - sum(part.size_bytes for part in parts)
    return [*parts, Part("not at the same time", "plan", rest)] if rest > 0 else parts


def _fit(region: str, available: int, basis: str, parts: list[Part]) -> Fit:
    present = sorted((p for p in parts if p.size_bytes), key=lambda p: (-p.size_bytes, p.name))
    used = sum(part.size_bytes for part in present)
    return Fit(region, used, available, Provenance.ESTIMATED, basis, tuple(present))


def fit_checks(fits: Iterable[Fit], target: Target, required: bool = False) -> list[Check]:
    """Whether the firmware fits the part, and its largest contributors; the simulated board, which
    is roomier, runs it all the same."""
    return [
        Check(
            f"fits_{fit.region}",
            fit.holds,
            f"{_WORDS[fit.region]} {fit.used_bytes:,} B of {fit.available_bytes:,} B on "
            f"{target.name}: {'fits' if fit.holds else 'does not fit'}{_largest(fit)}",
            required=required,
        )
        for fit in fits
    ]


def _largest(fit: Fit) -> str:
    parts = [f"{_titled(part)} {part.size_bytes:,} B" for part in fit.parts[:LISTED]]
    return f"; most: {', '.join(parts)}" if parts else ""


def _titled(part: Part) -> str:
    """A layer may own several blocks of a kind each."""
    return f"{part.kind} of {part.name}" if part.kind in _OWNED else part.name


_OWNED = frozenset({"scratch", "state", "ring", "clip", "sums", "blocks"})

_WORDS = {
    "flash": "flash",
    "ram": "static RAM, stack and interrupts",
    "stack": "stack and interrupts",
}
