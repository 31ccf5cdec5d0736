"""The report every figure-producing verb returns."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.ir import Shape
from toolkit.measurement import Check, Issue, Measurement, Provenance

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class LayerRow:
    """One node of the int8 graph: what it costs, analytically and (when run) in the simulator."""

    name: str
    op: str
    kernel: str
    variant: str
    output_shape: Shape
    macs: int
    weights_bytes: int
    activation_bytes: int
    live_bytes: int
    measurements: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class FunctionRow:
    """What one function of the firmware cost in a phase, without the functions it calls."""

    name: str
    phase: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Prediction:
    """One model output for the clip: in float and as the device gave it (dequantised)."""

    label: str
    float_value: float | None
    device_value: float


@dataclass(frozen=True)
class Report:
    """Everything a build or profile found.  Rows with two provenances share their name."""

    model_name: str
    model_sha256: str
    target: str
    toolchain: str
    simulator: str
    schedule: str
    measurements: tuple[Measurement, ...] = ()
    checks: tuple[Check, ...] = ()
    issues: tuple[Issue, ...] = ()
    layers: tuple[LayerRow, ...] = ()
    functions: tuple[FunctionRow, ...] = ()
    predictions: tuple[Prediction, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every required check holds."""
        return all(check.passed for check in self.checks if check.required)

    def find(self, name: str, provenance: Provenance | None = None) -> Measurement | None:
        """The measurement of that name (and provenance, when given)."""
        return next(
            (m for m in self.measurements if m.name == name and provenance in (None, m.provenance)),
            None,
        )
