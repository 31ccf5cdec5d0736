"""Time and energy at a part's clock: from cycles to latency, duty cycle and power."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.measurement import Measurement, Provenance, weakest
from toolkit.targets import Power, Target


@dataclass(frozen=True)
class Energy:
    """Energy of something repeated: microjoules each time, and average power in microwatts."""

    energy_uj: float
    average_power_uw: float


def active_power_uw(power: Power, clock_hz: int) -> float:
    """Supply power while the core runs."""
    return power.voltage_v * power.active_ua_per_mhz * clock_hz / 1e6


def current_provenance(power: Power, sleeps: bool) -> Provenance:
    """That of the current of a part that runs, and sleeps in between or does not: estimated where
    no document gives it."""
    documented = power.active_documented and (power.sleep_documented or not sleeps)
    return Provenance.MEASURED if documented else Provenance.ESTIMATED


def energy_of(target: Target, busy_s: float, period_s: float) -> Energy | None:
    """Energy of ``busy_s`` of work each ``period_s``, asleep in between; None without a current.

    Work that takes longer than its period never sleeps: the power is that of the running core.
    """
    if target.power is None:
        return None
    active = active_power_uw(target.power, target.clock_hz)
    asleep = target.power.voltage_v * target.power.sleep_ua
    energy = active * busy_s + asleep * max(0.0, period_s - busy_s)
    lasts_s = max(period_s, busy_s)
    return Energy(energy, energy / lasts_s if lasts_s else 0.0)


def audio_measurements(
    target: Target, cycles: float, audio_s: float, provenance: Provenance, basis: str
) -> list[Measurement]:
    """What ``audio_s`` seconds of audio cost by the second, from the cycles that they take."""
    busy = cycles / target.clock_hz / audio_s
    clock = f"cycles at {target.clock_hz / 1e6:g} MHz"
    rows = [
        Measurement(
            "cycles_per_audio_second", round(cycles / audio_s), "cycles", provenance, basis
        ),
        Measurement("latency_ms_per_audio_second", 1e3 * busy, "ms", provenance, clock),
        Measurement("realtime_factor", busy, "", provenance, "latency over clip length"),
        Measurement("duty_cycle", min(1.0, busy), "fraction", provenance, clock),
    ]
    energy = energy_of(target, busy, 1.0)
    if energy is not None and target.power is not None:
        source = f"{provenance.value} {clock}; {target.power.source}"
        found = weakest(provenance, current_provenance(target.power, sleeps=busy < 1))
        rows += [
            Measurement("energy_uj_per_audio_second", energy.energy_uj, "uJ", found, source),
            Measurement("average_power_uw", energy.average_power_uw, "uW", found, source),
        ]
    return rows


def inference_measurements(
    target: Target, cycles: float, provenance: Provenance
) -> list[Measurement]:
    """Latency and energy of one inference."""
    seconds = cycles / target.clock_hz
    clock = f"cycles at {target.clock_hz / 1e6:g} MHz"
    rows = [Measurement("latency_ms", 1e3 * seconds, "ms", provenance, clock)]
    energy = energy_of(target, seconds, seconds)
    if energy is not None and target.power is not None:
        source = f"{provenance.value} {clock}; {target.power.source}"
        found = weakest(provenance, current_provenance(target.power, sleeps=False))
        rows.append(Measurement("energy_uj_per_inference", energy.energy_uj, "uJ", found, source))
    return rows
