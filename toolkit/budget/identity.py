"""What was judged: model, data, tools and options, each by its version or the hash of its content;
and what two of them have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.report import Report

#: Everything that tells two builds apart, in the order in which it is shown.
KEYS = (
    "model",
    "calibration",
    "test",
    "labels",
    "clip",
    "firmware",
    "toolkit",
    "toolchain",
    "simulator",
    "target",
    "schedule",
    "options",
    "schema",
)
#: What a change may change: it is said, and the figures are compared.
SAID = frozenset({"model", "calibration", "toolkit", "firmware"})
#: What makes figures another thing: those of accuracy where the data they are measured on differ,
#: every figure for the others.
DATA = frozenset({"test", "labels"})
GUARDS = tuple(key for key in KEYS if key not in SAID)
_HASHED = frozenset({"model", "calibration", "test", "labels", "clip", "firmware"})
_SHORT = 12
#: Digits of a hash that a baseline has.
DIGITS = 16


@dataclass(frozen=True)
class Difference:
    """One thing that is not the base's."""

    key: str
    now: str
    then: str

    @property
    def text(self) -> str:
        short = _SHORT if self.key in _HASHED else None
        return f"{self.key} changed: {self.now[:short]} ← {self.then[:short]}"


def differences(now: Mapping[str, str], then: Mapping[str, str]) -> tuple[Difference, ...]:
    """What differs, in the order of `KEYS`; what one of them does not know is left out."""
    return tuple(
        Difference(key, now[key], then[key])
        for key in KEYS
        if key in now and key in then and now[key] != then[key]
    )


def identity_of(report: Report, version: str, schema: int) -> dict[str, str]:
    """What a report says of itself; ``version`` is that of the toolkit that made it."""
    clip = {} if report.clip is None else {"clip": report.clip.sha256[:DIGITS]}
    return {
        "model": report.model_sha256[:DIGITS],
        **clip,
        "toolkit": version,
        "toolchain": report.toolchain or "none",
        "simulator": report.simulator or "none",
        "target": report.target,
        "schedule": report.schedule,
        "schema": str(schema),
    }


def content_hash(*paths: Path) -> str:
    """The hash of files, and of folders with the names in them; not of where they lie.

    Raises OSError where something cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else ""
            digest.update(f"{name}\0{file.stat().st_size}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:DIGITS]
