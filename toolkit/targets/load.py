"""Reads targets from their TOML files."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from toolkit.errors import InputError
from toolkit.resources import data_dir
from toolkit.targets.core import CodeSize, Core, FeatureRates, Peak, Rates, Region, Simulation
from toolkit.targets.memory import Access, Cache, Memory
from toolkit.targets.model import Policy, Power, Target


def targets_dir() -> Path:
    """Return the folder that holds one folder a target."""
    return data_dir("firmware_templates") / "targets"


def list_targets() -> tuple[str, ...]:
    """Return the names of all targets, sorted."""
    return tuple(sorted(path.parent.name for path in targets_dir().glob("*/target.toml")))


def list_cores() -> tuple[str, ...]:
    """Return the names of all cores, sorted."""
    return tuple(sorted(path.parent.name for path in targets_dir().glob("*/core.toml")))


def list_policies() -> tuple[str, ...]:
    """Return the names of all memory policies, sorted."""
    return tuple(sorted(path.stem for path in (targets_dir() / "policies").glob("*.toml")))


@cache
def load_target(name: str, policy: str | None = None) -> Target:
    """Return the target called ``name``, under the memory policy that it names or another one.

    Raises InputError, with the nearest names, when there is none or its files are wrong.
    """
    _require_known("target", name, list_targets())
    part = _read(name, f"{name}/target.toml")
    chosen = str(part.get("policy", "default")) if policy is None else policy
    _require_known("memory policy", chosen, list_policies())
    rules = _read(name, f"policies/{chosen}.toml")
    core_name = str(part.get("core", ""))
    _require_known("core", core_name, list_cores())
    core = _core(name, core_name)
    try:
        target = _parse(part, name, core, Policy(name=chosen, **rules), _own(name, core))
        _require_sound(target)
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"target '{name}': target.toml cannot be used: {error}.",
            hint="docs/TARGETS.md says what it holds.",
        ) from error
    return target


def _require_known(kind: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        known = "Known targets" if kind == "target" else "Known"
        raise InputError(f"unknown {kind} '{name}'.", hint=f"{meant}{known}: {', '.join(names)}.")


def _read(target: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads((targets_dir() / path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"target '{target}': {path} cannot be used: {error}.",
            hint="docs/TARGETS.md says what it holds.",
        ) from error


def _core(target: str, name: str) -> Core:
    """Read a core's files; unknown and missing keys are errors."""
    table = _read(target, f"{name}/core.toml")
    tables = {key: _read(target, f"{name}/{key}.toml") for key in ("rates", "code", "features")}
    try:
        simulation: dict[str, Any] = dict(table.pop("simulation"))
        simulation |= {key: Region(**simulation[key]) for key in ("flash", "ram", "harness")}
        simulation["simulators"] = tuple(simulation["simulators"])
        if not simulation["simulators"]:
            raise ValueError("simulation.simulators must name at least one simulator")
        return Core(
            name=name,
            extensions=frozenset(table.pop("extensions")),
            flags={toolchain: tuple(flags) for toolchain, flags in table.pop("flags").items()},
            peak=_peak(table.pop("peak")),
            simulation=Simulation(**simulation),
            rates=_rates(tables["rates"]),
            code={kernel: CodeSize(**row) for kernel, row in tables["code"].items()},
            features=_features(tables["features"]),
            **table,
        )
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"core '{name}': core.toml or its tables are wrong: {error}.",
            hint="docs/TARGETS.md says what they hold.",
        ) from error


def _rates(table: dict[str, Any]) -> Mapping[str, Rates]:
    return {kernel: Rates(**row) for kernel, row in table.items()}


def _features(table: dict[str, Any]) -> Mapping[str, FeatureRates]:
    return {kind: FeatureRates(**row) for kind, row in table.items()}


def _own(part: str, core: Core) -> dict[str, Any]:
    """The rates of a part with its memory, as far as it has files for them."""
    if part == core.name:
        return {}
    found: dict[str, Any] = {}
    for key, read in (("rates", _rates), ("features", _features)):
        if (targets_dir() / part / f"{key}.toml").exists():
            found[f"own_{key}"] = read(_read(part, f"{part}/{key}.toml"))
    return found


def _peak(row: dict[str, Any]) -> Peak:
    peak = Peak(**row)
    if min(peak.macs_per_cycle, peak.bytes_per_cycle) <= 0 or not peak.source:
        raise ValueError("peak must be above 0 and name its source")
    return peak


def _parse(
    table: dict[str, Any], folder: str, core: Core, policy: Policy, own: dict[str, Any]
) -> Target:
    """Build a Target from a parsed ``target.toml``; unknown and missing keys are errors."""
    if table["name"] != folder:
        raise ValueError(f"name must equal the folder '{folder}', found '{table['name']}'")
    if not isinstance(table["real_time"], bool):
        raise ValueError(f"real_time must be true or false, found {table['real_time']!r}")
    power = table.get("power")
    read = ("core", "policy", "power", "memory")
    return Target(
        core=core,
        policy=policy,
        power=None if power is None else Power(**power),
        memories=tuple(_memory(row) for row in table["memory"]),
        **own,
        **{key: value for key, value in table.items() if key not in read},
    )


def _memory(row: dict[str, Any]) -> Memory:
    """A memory; each of its settings is what all have in common, and what is its own."""
    place = {key: row[key] for key in ("name", "origin", "size_bytes", "also_at") if key in row}
    common = {key: value for key, value in row.items() if key not in (*place, "settings")}
    settings = [_access(common | own) for own in row.get("settings", [{}])]
    names = [setting.name for setting in settings]
    if len(set(names)) < len(names) or (len(names) > 1 and "" in names):
        raise ValueError(f"memory '{row['name']}': every one of several settings needs a name")
    return Memory(settings=tuple(settings), **place)


def _access(row: dict[str, Any]) -> Access:
    caches = tuple(Cache(**cache) for cache in row.get("caches", ()))
    return Access(**(row | {"caches": caches}))


def _require_sound(target: Target) -> None:
    if target.flash_bytes <= 0 or target.ram_bytes <= target.stack_bytes:
        raise ValueError(f"policy '{target.policy.name}' leaves no memory for a firmware")
    if target.hot_code is not None and target.memory(target.hot_code).wait_states:
        raise ValueError(f"hot_code: memory '{target.hot_code}' waits")
    if target.hot_code is not None and not target.dsp:
        raise ValueError("hot_code: the layers of a core without the DSP extension have no code")
