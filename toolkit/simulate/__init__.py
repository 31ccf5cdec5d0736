"""Simulators: run a firmware on the target core (Unicorn, QEMU), or its C natively (host)."""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import InputError, ToolFailedError
from toolkit.simulate.counts import MemoryWatch, Watch
from toolkit.simulate.result import SimulationResult
from toolkit.targets import Target

#: No layer is told apart.
EVERYTHING = Watch()
#: Simulators that tell what is fetched and read, so that a memory can be watched.
TRACING = ("unicorn",)

__all__ = ["EVERYTHING", "TRACING", "MemoryWatch", "SimulationResult", "Watch", "simulate"]


def simulate(
    program: Path,
    input_bytes: bytes,
    simulator: str,
    target: Target,
    watch: Watch = EVERYTHING,
) -> SimulationResult:
    """Run ``program`` on an input.bin and return what it did; only those in `TRACING` watch memory.

    ``program`` is the firmware's ELF, or for ``host`` the workstation program. Raises InputError
    for a simulator that the target does not have, ToolMissingError for one that is not installed,
    ToolFailedError (one line, with address and function) where the program faults, hangs, or ends
    with an error.
    """
    if simulator == "host":
        from toolkit.simulate.host import run_host

        result = run_host(program, input_bytes)
    elif simulator not in target.simulation.simulators:
        known = ", ".join((*target.simulation.simulators, "host"))
        raise InputError(
            f"target '{target.name}' has no simulator '{simulator}'.", hint=f"It has {known}."
        )
    elif simulator == "unicorn":
        from toolkit.simulate.unicorn_core import run_unicorn

        result = run_unicorn(program, input_bytes, target, watch)
    else:
        from toolkit.simulate.qemu import run_qemu

        result = run_qemu(program, input_bytes, target, watch)
    if result.exit_code != 0:
        said = result.console.strip().splitlines()
        reason = said[-1] if said else "no message"
        raise ToolFailedError(f"simulation: exit code {result.exit_code} ({reason}).")
    return result
