"""Targets: what a microcontroller offers, read from ``firmware_templates/targets/<name>/``.

A leaf module: one folder with a ``target.toml`` adds a target, nothing else has to know it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.resources import data_dir


@dataclass(frozen=True)
class Region:
    """A contiguous piece of the address space."""

    origin: int
    size_bytes: int

    @property
    def end(self) -> int:
        """First address behind the region."""
        return self.origin + self.size_bytes


@dataclass(frozen=True)
class Simulation:
    """The simulated board: its memory map and what runs it; the first simulator is the default."""

    simulators: tuple[str, ...]
    qemu_machine: str
    unicorn_cpu: str
    flash: Region
    ram: Region
    harness: Region


@dataclass(frozen=True)
class Rates:
    """Cycles per executed multiplication, per sum finished and stored, per value handled."""

    multiply: float
    accumulator: float
    element: float


@dataclass(frozen=True)
class LinkerContext:
    """Everything ``linker.ld.jinja`` may use; addresses and sizes are bytes."""

    target: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    harness_origin: int
    harness_bytes: int
    stack_bytes: int


@dataclass(frozen=True)
class Target:
    """One microcontroller: core, clock in Hz, memories in bytes, compiler flags, simulation.

    ``dsp``: whether the core has the DSP extension.  ``rates`` by kernel turn executed work into
    predicted cycles where nothing is simulated.
    """

    name: str
    description: str
    core: str
    cycle_table: str
    clock_hz: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    dsp: bool
    rates: Mapping[str, Rates]
    flags: Mapping[str, tuple[str, ...]]
    simulation: Simulation

    @property
    def default_simulator(self) -> str:
        """The simulator used when none is asked for."""
        return self.simulation.simulators[0]

    def rates_of(self, kernel: str, variant: str) -> Rates:
        """Rates of a kernel; those of the portable kernels in general where it has none."""
        return self.rates.get(f"{kernel}/{variant}", self.rates["portable"])

    def compiler_flags(self, toolchain: str) -> tuple[str, ...]:
        """Return the flags that name this core to ``zig`` or ``gcc``."""
        if toolchain not in self.flags:
            raise InputError(
                f"target '{self.name}': no compiler flags for toolchain '{toolchain}'.",
                hint=f"It has flags for {', '.join(sorted(self.flags))}.",
            )
        return self.flags[toolchain]

    def linker_context(self) -> LinkerContext:
        """Return the linker script's context for the simulated board's memory map."""
        simulation = self.simulation
        return LinkerContext(
            target=self.name,
            flash_origin=simulation.flash.origin,
            flash_bytes=simulation.flash.size_bytes,
            ram_origin=simulation.ram.origin,
            ram_bytes=simulation.ram.size_bytes,
            harness_origin=simulation.harness.origin,
            harness_bytes=simulation.harness.size_bytes,
            stack_bytes=self.stack_bytes,
        )


def targets_dir() -> Path:
    """Return the folder that holds one folder a target."""
    return data_dir("firmware_templates") / "targets"


def list_targets() -> tuple[str, ...]:
    """Return the names of all targets, sorted."""
    return tuple(sorted(path.parent.name for path in targets_dir().glob("*/target.toml")))


@cache
def load_target(name: str) -> Target:
    """Return the target called ``name``.

    Raises InputError, with the nearest names, when there is none or its file is wrong.
    """
    names = list_targets()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise InputError(
            f"unknown target '{name}'.", hint=f"{meant}Known targets: {', '.join(names)}."
        )
    path = targets_dir() / name / "target.toml"
    try:
        return _parse(tomllib.loads(path.read_text(encoding="utf-8")), name)
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"target '{name}': target.toml or rates.toml cannot be used: {error}."
        ) from error


def _parse(table: dict[str, Any], folder: str) -> Target:
    """Build a Target from a parsed ``target.toml``; unknown and missing keys are errors."""
    if table["name"] != folder:
        raise ValueError(f"name must equal the folder '{folder}', found '{table['name']}'")
    simulation: dict[str, Any] = dict(table["simulation"])
    simulation |= {key: Region(**simulation[key]) for key in ("flash", "ram", "harness")}
    simulation["simulators"] = tuple(simulation["simulators"])
    if not simulation["simulators"]:
        raise ValueError("simulation.simulators must name at least one simulator")
    plain = {key: value for key, value in table.items() if key not in ("flags", "simulation")}
    rates = tomllib.loads((targets_dir() / table["cycle_table"] / "rates.toml").read_text("utf-8"))
    return Target(
        rates={kernel: Rates(**row) for kernel, row in rates.items()},
        flags={toolchain: tuple(flags) for toolchain, flags in table["flags"].items()},
        simulation=Simulation(**simulation),
        **plain,
    )
