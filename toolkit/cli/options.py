"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])


def arithmetic_option(function: F) -> F:
    """``--arithmetic``."""
    option = click.option(
        "--arithmetic",
        type=click.Choice(["auto", "float32", "fixed"]),
        default="auto",
        show_default=True,
        help="Of the features; auto: fixed point on cores without floating point.",
    )
    return option(function)


def cache_option(function: F) -> F:
    """``--cache``, of features."""
    option = click.option(
        "--cache",
        type=click.Path(path_type=Path),
        help="Folder of computed features (default: the user's cache).",
    )
    return option(function)


def feature_cache(given: Path | None) -> Path:
    """The folder of ``--cache``."""
    from toolkit.verbs.export import default_cache

    return default_cache() if given is None else given


def continuous_options(function: F) -> F:
    """``--hop-out``, ``--window`` and ``--level``."""
    hop_out = click.option(
        "--hop-out",
        type=float,
        help="Continuous mode, not exact: endless audio, an output every so many seconds.",
    )
    window = click.option(
        "--window",
        type=float,
        help="Seconds of audio behind each output of continuous mode (default: the hops in a "
        "clip of a second).",
    )
    level = click.option(
        "--level",
        type=click.Choice(["running", "restart"]),
        default="running",
        show_default=True,
        help="Of continuous mode: the level goes on, or begins afresh with every hop, so that a "
        "window has the features that it has by itself.",
    )
    return hop_out(window(level(function)))


def details_option(function: F) -> F:
    """``--all``."""
    option = click.option(
        "--all",
        "--details",
        "details",
        is_flag=True,
        help="Also every figure, with its provenance.",
    )
    return option(function)


def features_option(function: F) -> F:
    """``--features``."""
    option = click.option(
        "--features",
        metavar="SPEC.toml|PRESET",
        help="How audio becomes the input, see `toolkit features presets` (default: what the "
        "model says).",
    )
    return option(function)


def max_seconds_option(function: F) -> F:
    """``--max-seconds``."""
    option = click.option(
        "--max-seconds",
        type=float,
        help="Longest clip that a model which sums over time will be given when streamed; what "
        "grows with the clip is calibrated for it.",
    )
    return option(function)


def placement_options(function: F) -> F:
    """``--hot-code`` and ``--weights``."""
    place = click.Choice(["flash", "ram"])
    hot_code = click.option(
        "--hot-code",
        type=place,
        default="flash",
        show_default=True,
        help="Where the layers' code runs; ram: copied there at start-up.",
    )
    weights = click.option(
        "--weights",
        type=place,
        default="flash",
        show_default=True,
        help="Where the weights are read; ram: copied there at start-up.",
    )
    return hot_code(weights(function))


def shape_option(function: F) -> F:
    """``--shape``, repeatable."""
    option = click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="[NAME=]1,40,8",
        help="Shape of an input whose dimensions the model leaves open; repeatable.",
    )
    return option(function)


def state_option(function: F) -> F:
    """``--state``, repeatable."""
    option = click.option(
        "--state",
        "states",
        multiple=True,
        metavar="INPUT=OUTPUT[=FILE]",
        help="An input and an output that are one state, which the device keeps from step to step; "
        "FILE holds what it begins as (default: zeros). Repeatable.",
    )
    return option(function)


def given_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The shapes of ``--shape`` by input, "" where no name is given."""
    shapes = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = sizes.split(",")
        if not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
            raise click.UsageError(f"--shape must be like 1,40,8 or x=1,40,8; got {text!r}.")
        shapes[name] = tuple(map(int, parts))
    return shapes


def report_option(function: F) -> F:
    """``--report``, repeatable, ``--against`` and ``--force``."""
    option = click.option(
        "--report",
        "reports",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Write the report to a file: .json, .csv, .md, .xml (JUnit) or .html; repeatable.",
    )
    force = click.option(
        "--force", is_flag=True, help="Let --report replace a file that is no report."
    )
    against = click.option(
        "--against",
        type=click.Path(path_type=Path),
        metavar="OLD.json",
        help="A report to show beside this one, in the .html.",
    )
    return option(against(force(function)))


def schedule_options(function: F) -> F:
    """``--schedule``, ``--time-axis`` and ``--optimize``."""
    schedule = click.option(
        "--schedule",
        type=click.Choice(["auto", "batch", "stream"]),
        default="auto",
        show_default=True,
        help="Whole clip at once, or frame by frame (auto: where the time axis is known).",
    )
    optimize = click.option(
        "--optimize",
        type=click.Choice(["size", "balanced", "speed"]),
        default="balanced",
        show_default=True,
        help="How far kernels may take flash and RAM for speed.",
    )
    return schedule(time_axis_option(optimize(function)))


def time_axis_option(function: F) -> F:
    """``--time-axis``."""
    option = click.option(
        "--time-axis",
        type=int,
        help="The input's time axis, as the model file counts them, for models without features.",
    )
    return option(function)
