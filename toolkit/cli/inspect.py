"""``toolkit inspect``: what a model file says of itself, and its graph as a table."""

from __future__ import annotations

import click

from toolkit.cli.options import given_shapes, shape_option


@click.command("inspect")
@click.argument("model", default="wav2small")
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@shape_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: str, seconds: float, shapes: tuple[str, ...], as_json: bool) -> None:
    """Show MODEL (zoo name, .onnx, .tflite, .safetensors; default: wav2small).

    Inputs, outputs, features, labels, how and of what it was converted, and its graph.
    """
    from rich.console import Console

    from toolkit.report.inspection import inspection_json, print_inspection
    from toolkit.verbs.inspect import inspect

    found = inspect(model, seconds, given_shapes(shapes))
    if as_json:
        click.echo(inspection_json(found), nl=False)
    else:
        print_inspection(found, model, Console())
