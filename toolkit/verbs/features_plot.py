"""``toolkit features plot``: a clip and its features as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from toolkit.errors import InputError, ToolMissingError
from toolkit.model.audio import load_whole_audio
from toolkit.verbs.features import Subject

PLOT_SUFFIXES = (".png", ".svg", ".pdf")


def plot(subject: Subject, audio: Path, out: Path) -> None:
    """Draw the clip and its reference features to ``out`` (.png, .svg or .pdf).

    ToolMissingError without matplotlib; InputError for another suffix or a file that cannot be
    written.
    """
    if out.suffix.lower() not in PLOT_SUFFIXES:
        raise InputError(f"{out}: a plot's suffix must be one of {', '.join(PLOT_SUFFIXES)}.")
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ToolMissingError(
            "the Python package 'matplotlib' is not installed.",
            hint="Run: pip install 'hearing-aid-toolkit[plot]'",
        ) from None
    if audio.is_dir():
        raise InputError(f"--audio must be one file to plot; {audio} is a folder.")
    spec = subject.spec
    (clip,) = load_whole_audio(audio, spec)
    seconds = len(clip.samples) / spec.sample_rate_hz
    figure = Figure(figsize=(10.0, 6.0), layout="constrained")
    wave, image = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    times = np.arange(len(clip.samples)) / spec.sample_rate_hz
    wave.plot(times, clip.samples / 32768.0, linewidth=0.4)
    wave.set(ylabel="full scale", title=f"{subject.name}: {audio.name}")
    first = -spec.padding_samples / spec.sample_rate_hz
    end = first + len(clip.features) * spec.row_hop_samples / spec.sample_rate_hz
    drawn = image.imshow(
        clip.features.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(first, end, -0.5, spec.row_values - 0.5),
    )
    image.set(xlabel="s", ylabel="feature", xlim=(0.0, seconds))
    figure.colorbar(drawn, ax=image)
    try:
        figure.savefig(out)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written; {error.strerror or error}.", hint="Choose another file."
        ) from None
