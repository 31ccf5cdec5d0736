"""What a frame of features costs, from its specification and a core's ``features.toml``."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.features.spec import FeatureSpec
from toolkit.targets import FeatureRates, Target


@dataclass(frozen=True)
class FeatureWork:
    """Work of one frame: samples that arrive, points of the FFT times its passes, mel weights,
    values of the row; ``frame_samples`` long."""

    frame_samples: int
    hop_samples: int
    fft_points: float
    mel_weights: int
    values: int

    @property
    def cycle_terms(self) -> tuple[float, ...]:
        """What the rates of cycles multiply."""
        return (1.0, self.hop_samples, self.fft_points, self.mel_weights, self.values)

    @property
    def flash_terms(self) -> tuple[float, ...]:
        """What the rates of flash multiply."""
        return (1.0, self.frame_samples, self.mel_weights)


@dataclass(frozen=True)
class FeatureEstimate:
    """Cycles of a frame, bytes of flash and of stack; ``divides`` where it links the compiler's
    division of 64 bits, which ``flash_bytes`` leaves out."""

    cycles_per_frame: float
    flash_bytes: float
    stack_bytes: int
    divides: bool


def feature_work(spec: FeatureSpec) -> FeatureWork:
    """Work of a frame of a specification."""
    work = spec.work
    return FeatureWork(
        frame_samples=spec.frame_samples,
        hop_samples=spec.hop_samples,
        fft_points=work.fft_points,
        mel_weights=work.weights,
        values=spec.row_values,
    )


def estimate_features(spec: FeatureSpec, arithmetic: str, target: Target) -> FeatureEstimate | None:
    """Cost of a specification on a target; None where its table lacks its kind."""
    rates = target.feature_rates.get(spec.rates(arithmetic))
    if rates is None:
        return None
    work = feature_work(spec)
    return FeatureEstimate(
        cycles_per_frame=_dot(work.cycle_terms, _cycle_rates(rates)),
        flash_bytes=_dot(
            work.flash_terms, (rates.flash_bytes, rates.flash_sample, rates.flash_weight)
        ),
        stack_bytes=rates.stack + rates.stack_band * spec.work.stack_bands,
        divides=rates.divides,
    )


def _cycle_rates(rates: FeatureRates) -> tuple[float, ...]:
    return (rates.frame, rates.hop_sample, rates.fft_point, rates.mel_weight, rates.value)


def _dot(terms: tuple[float, ...], rates: tuple[float, ...]) -> float:
    return sum(term * rate for term, rate in zip(terms, rates, strict=True))
