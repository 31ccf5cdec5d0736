"""``toolkit features``: show, check and plot the audio front-end of a model or specification."""

from __future__ import annotations

import json
from pathlib import Path

import click

_arithmetic = click.option(
    "--arithmetic",
    type=click.Choice(["float32", "fixed"]),
    default="float32",
    show_default=True,
    help="What the C computes in; fixed is for cores without floating point.",
)


@click.group("features")
def command() -> None:
    """The audio front-end of a model, or of a .toml or .json specification."""


@command.command("show")
@click.argument("model", default="wav2small")
@_arithmetic
@click.option("--json", "as_json", is_flag=True, help="Print JSON, the specification in it.")
@click.option("--toml", "as_toml", is_flag=True, help="Print the specification as TOML.")
def show_command(model: str, arithmetic: str, as_json: bool, as_toml: bool) -> None:
    """Say what MODEL's features are and cost.

    MODEL may be a SPEC.toml; it is wav2small where it is left out.
    """
    from toolkit.features.spec import to_data
    from toolkit.features.text import to_toml
    from toolkit.verbs.features import load_front_end, show

    front_end = load_front_end(model)
    if as_toml:
        click.echo(to_toml(front_end.spec), nl=False)
        return
    words, report = show(front_end, arithmetic)
    if as_json:
        from toolkit.report.json_format import report_dict

        data = report_dict(report) | {"feature_spec": to_data(front_end.spec)}
        click.echo(json.dumps(data, indent=2, allow_nan=False))
        return
    from rich.console import Console

    from toolkit.report.terminal import print_report

    click.echo("\n".join((front_end.name, *words)))
    print_report(report, Console())


@command.command("presets")
def presets_command() -> None:
    """List the front-ends that have a name."""
    from toolkit.features.presets import PRESETS

    for name, found in PRESETS.items():
        click.echo(f"{name:<22}{found.about}{'' if found.spec.streams else ' (needs the clip)'}")


@command.command("init")
@click.argument("model")
@click.option("--preset", required=True, help="See `toolkit features presets`.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="File to write (default: print it)."
)
def init_command(model: str, preset: str, out: Path | None) -> None:
    """Write a commented specification for MODEL (.onnx or .tflite), to edit and attach.

    Attach it with --features on convert, build, profile and eval.
    """
    from toolkit.verbs.features_init import init

    text, notes = init(model, preset)
    if out is None:
        click.echo(text, nl=False)
    else:
        from toolkit.verbs.convert import write_atomically

        write_atomically(out, text.encode())
        click.echo(f"wrote {out}")
        for note in notes:
            click.echo(f"note {note}", err=True)


@command.command("check")
@click.argument("model", default="wav2small")
@click.option("--audio", type=click.Path(path_type=Path), help="File or folder; default: a clip.")
@click.option("--toolchain", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@_arithmetic
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check_command(
    model: str, audio: Path | None, toolchain: str, arithmetic: str, as_json: bool
) -> int:
    """Compile the C of MODEL's features here, compare it with numpy.

    MODEL is wav2small where it is left out; the comparison is in int8 steps.

    Exit code 1 when fewer than 99.9 % of the values are identical or one is two steps off; in
    fixed point, fewer than 98 % or three steps.
    """
    from toolkit.verbs.features import check, load_front_end

    report = check(load_front_end(model), audio, toolchain, arithmetic)
    if as_json:
        from toolkit.report.json_format import report_json

        click.echo(report_json(report), nl=False)
    else:
        from rich.console import Console

        from toolkit.report.terminal import print_report

        print_report(report, Console())
    return 0 if report.passed else 1


@command.command("plot")
@click.argument("model", default="wav2small")
@click.option("--audio", type=click.Path(path_type=Path), required=True, help="The clip.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True,
              help=".png, .svg or .pdf.")  # fmt: skip
def plot_command(model: str, audio: Path, out: Path) -> None:
    """Draw a clip and its features as the numpy reference has them; needs matplotlib."""
    from toolkit.verbs.features import load_front_end
    from toolkit.verbs.features_plot import plot

    plot(load_front_end(model), audio, out)
    click.echo(f"wrote {out}")
