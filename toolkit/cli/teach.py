"""``toolkit teach``: recordings to a teacher's labels."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


def _shard(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """``i/n``: part i of n, from 0."""
    if value is None:
        return None
    try:
        number, of = (int(part) for part in value.split("/"))
    except ValueError:
        raise click.BadParameter(f"{value!r} must be like 0/4.") from None
    if not 0 <= number < of:
        raise click.BadParameter(f"{value!r}: the first of 4 parts is 0/4, the last 3/4.")
    return number, of


@click.command("teach")
@click.argument("audio", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The .parquet."
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    required=True,
    help="A .safetensors or folder of `toolkit train`, a folder of a checkpoint, or its name on "
    "the Hugging Face hub; several are averaged.",
)
@click.option(
    "--shard",
    callback=_shard,
    metavar="I/N",
    help="Only this part of the files (default: torchrun's rank).",
)
@click.option(
    "--batch", type=click.IntRange(1), default=8, show_default=True, help="Clips at once."
)
@click.option("--embeddings", is_flag=True, help="Also keep what the teacher's last layer saw.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    audio: tuple[Path, ...],
    output: Path,
    teachers: tuple[str, ...],
    shard: tuple[int, int] | None,
    batch: int,
    embeddings: bool,
    as_json: bool,
) -> int:
    """Rate the recordings of AUDIO, folders or files, for arousal, dominance and valence.

    A run that was killed goes on where it was: what is done lies in parts beside the output.
    Shards share those parts; whichever finds that nothing is left writes the labels.  Files that
    cannot be read are listed and skipped.  Only a teacher named on the hub is looked up online.
    """
    from rich.console import Console

    from toolkit.cli.progress import Stages
    from toolkit.report.json_format import report_json
    from toolkit.report.terminal import print_findings
    from toolkit.verbs.teach import STAGES, TeachRequest, teach

    share = shard or (int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
    request = TeachRequest(audio, teachers, output, share, batch, embeddings)
    report = teach(request, Stages(STAGES, quiet=as_json), _tell)
    if as_json:
        click.echo(report_json(report), nl=False)
        return 0
    console = Console()
    print_findings(report, console)
    if not any(issue.code == "teach.left" for issue in report.issues):
        console.print(f"wrote {output}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr)  # not by click, which would write over the stage's line
