"""``toolkit export``: trained weights to ONNX."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import cache_option


@click.command("export")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, help="The .onnx.")
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder for the ranges.")
@cache_option
def command(source: Path, output: Path, calib: Path | None, cache: Path | None) -> int:
    """Write SOURCE, a folder of `toolkit train` (finished or not) or a .safetensors, as ONNX.

    The file carries the feature specification, the labels and calibration ranges: of the run's
    training recordings, or of --calib; weights alone without --calib get no ranges.
    """
    from rich.console import Console

    from toolkit.cli.options import feature_cache
    from toolkit.cli.progress import Stages
    from toolkit.verbs.export import ExportRequest, export, require_training

    require_training()
    calibrated = export(ExportRequest(source, output, feature_cache(cache), calib), Stages(2))
    note = "" if calibrated else " (no ranges: give --calib here or to `toolkit build`)"
    Console().print(f"wrote {output}{note}", markup=False, highlight=False)
    return 0
