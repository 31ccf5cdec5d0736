"""A feature specification in words."""

from __future__ import annotations

from toolkit.features.spec import FeatureSpec


def describe(spec: FeatureSpec) -> tuple[str, ...]:
    """One line a stage, each headed by its name."""
    lines = [
        f"audio   {spec.sample_rate_hz} Hz, int16, full scale 32768",
        f"level   {_level(spec)}",
    ]
    if spec.kind == "raw":
        return (*lines, f"output  {spec.frame_samples} samples a row, quantised to int8")
    padding = ", centred: half a frame of zeros at both ends" if spec.center else ""
    lines.append(
        f"frames  {spec.frame_samples} samples every {spec.hop_samples}, periodic Hann window"
        f"{padding}"
    )
    if spec.kind == "micro_frontend":
        lines.append(f"bands   {spec.n_mels} channels, {spec.f_min_hz:g} to {spec.f_max_hz:g} Hz")
        return (*lines, "output  noise reduction, automatic gain, logarithm: TFLM's micro_frontend")
    strength = "power" if spec.power == 2.0 else "magnitude"
    lines.append(
        f"bands   {spec.n_mels} mel bands ({spec.mel_scale} scale, {spec.mel_norm} norm, straight "
        f"in {spec.mel_slopes}),"
    )
    lines.append(
        f"        {spec.f_min_hz:g} to {spec.f_max_hz:g} Hz, of the {strength} of a "
        f"{spec.fft_samples}-point FFT"
    )
    decibels = "10 log10" if spec.power == 2.0 else "20 log10"
    logarithm = decibels if spec.log == "db" else "ln"
    floored = (
        f"max(energy, {spec.floor:g})" if spec.flooring == "max" else f"energy + {spec.floor:g}"
    )
    cosines = f", {spec.n_mfcc} cepstral coefficients" if spec.kind == "mfcc" else ""
    return (*lines, f"output  {logarithm}({floored}){cosines}, quantised to int8")


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
