"""A feature specification in words."""

from __future__ import annotations

from toolkit.features.spec import FeatureSpec


def describe(spec: FeatureSpec) -> tuple[str, ...]:
    """One line a stage, each headed by its name."""
    return (
        f"audio   {spec.sample_rate_hz} Hz, int16, full scale 32768",
        f"level   {_level(spec)}",
        *spec.description(),
    )


def _level(spec: FeatureSpec) -> str:
    level = spec.level
    if level.mode == "fixed":
        return f"fixed gain {level.gain:g}"
    if level.mode == "clip":
        return f"whole clip, zero mean and unit mean square (epsilon {level.epsilon:g})"
    return (
        f"running mean and mean square, time constant {level.time_constant_s:g} s "
        f"(epsilon {level.epsilon:g})"
    )
