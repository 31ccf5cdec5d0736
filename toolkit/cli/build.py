"""``toolkit build``: from a model to verified firmware."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import (
    arithmetic_option,
    continuous_options,
    details_option,
    features_option,
    given_shapes,
    max_seconds_option,
    placement_options,
    report_option,
    schedule_options,
    shape_option,
    state_option,
)


@click.command("build")
@click.argument("model", default="wav2small")
@click.option("--target", help="See `toolkit targets` (default: the board's part).")
@click.option("--board", help="Also an image for a board, see `toolkit boards`.")
@click.option(
    "--application",
    type=click.Choice(["clip", "realtime"]),
    default="clip",
    show_default=True,
    help="Of the board: runs a clip at once, or as its samples arrive.",
)
@click.option("--flash", "flash_it", is_flag=True, help="Program and run the board's image too.")
@click.option(
    "--tympan-dir",
    type=click.Path(path_type=Path),
    help="Of Tympan_Library, cores, Wire, SPI, SD, SdFat: compiles the sketch (teensy41).",
)
@click.option(
    "--engine",
    type=click.Choice(["c", "tflm"]),
    default="c",
    show_default=True,
    help="tflm: also an application for TFLM's interpreter, in batch or step by step.",
)
@click.option(
    "--tflm-dir",
    type=click.Path(path_type=Path),
    help="A checkout of tflite-micro: compiles that and runs it in QEMU.",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    type=click.Choice(["zephyr", "arduino", "platformio", "esp-idf"]),
    help="Also the library as that build system takes it, with an example; repeatable.",
)
@click.option("--audio", type=click.Path(path_type=Path), help="Clip to run on (default: shipped).")
@click.option("--out", type=click.Path(path_type=Path), help="Default: out/<model>-<target>.")
@click.option("--name", help="Of the library and all its names (default: the model's).")
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz.")
@click.option(
    "--seconds", type=float, help="Clip length (default: 1 in batch, the whole clip streamed)."
)
@features_option
@max_seconds_option
@shape_option
@state_option
@click.option("--toolchain", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@click.option(
    "--simulator",
    type=click.Choice(["unicorn", "qemu", "host"]),
    help="Default: the target's first.",
)
@schedule_options
@placement_options
@continuous_options
@report_option
@arithmetic_option
@click.option(
    "--allow-misfit", is_flag=True, help="Exit 0 although it does not fit the part or keep up."
)
@details_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    model: str,
    target: str | None,
    board: str | None,
    application: str,
    flash_it: bool,
    tympan_dir: Path | None,
    engine: str,
    tflm_dir: Path | None,
    packages: tuple[str, ...],
    audio: Path | None,
    out: Path | None,
    name: str | None,
    calib: Path | None,
    seconds: float | None,
    features: str | None,
    max_seconds: float | None,
    shapes: tuple[str, ...],
    states: tuple[str, ...],
    toolchain: str,
    simulator: str | None,
    schedule: str,
    time_axis: int | None,
    optimize: str,
    hot_code: str,
    weights: str,
    hop_out: float | None,
    window: float | None,
    level: str,
    reports: tuple[Path, ...],
    against: Path | None,
    force: bool,
    arithmetic: str,
    allow_misfit: bool,
    details: bool,
    as_json: bool,
) -> int:
    """Build MODEL (zoo name, .onnx, .tflite, Wav2Small .safetensors; default: wav2small) for a
    target.

    The firmware runs in the target's simulator (`--simulator host`: on this workstation), on a
    speech clip or on arrays where the model takes them, and the output bytes of that run are
    compared with the integer reference. Exit code 1 when a byte differs, when the firmware does not
    fit the part, or when it does not keep up with its audio on a target that promises real time.
    """
    from rich.console import Console

    from toolkit.cli.progress import Stages
    from toolkit.plan.schedule import ScheduleRequest
    from toolkit.report.json_format import report_json
    from toolkit.report.render import require_formats, write_reports
    from toolkit.report.screen import print_build
    from toolkit.targets import Placement, load_target
    from toolkit.verbs.build import (
        BOARD_STAGES,
        PACKAGE_STAGES,
        STAGES,
        TFLM_STAGES,
        BuildRequest,
        build,
    )

    require_formats(reports, force, against)
    if board is not None:
        from toolkit.boards import load_board

        part = load_board(board).target
        if target not in (None, part):
            raise click.UsageError(f"--target {target}: board '{board}' has the part {part}.")
        target = part
    if target is None:
        raise click.UsageError("give --target or --board.")
    if flash_it and (board is None or as_json):
        raise click.UsageError("--flash goes with --board, and without --json.")
    if level == "restart" and hop_out is None:
        raise click.UsageError("--level restart goes with --hop-out.")
    out = out or Path("out") / f"{Path(model).stem}-{board or target}"
    request = BuildRequest(
        model=model,
        target=target,
        out=out,
        audio=audio,
        calib=calib,
        clip_seconds=seconds,
        features=features,
        max_seconds=max_seconds,
        shapes=given_shapes(shapes),
        states=states,
        toolchain=toolchain,
        simulator=simulator,
        schedule=ScheduleRequest(schedule, time_axis, optimize, hop_out, window),
        arithmetic=arithmetic,
        placement=Placement.of_words(hot_code, weights),
        restarts=level == "restart",
        allow_misfit=allow_misfit,
        name=name,
        board=board,
        application=application,
        tympan_dir=tympan_dir,
        engine=engine,
        tflm_dir=tflm_dir,
        packages=packages,
    )
    stages = STAGES + (0 if board is None else BOARD_STAGES)
    stages += TFLM_STAGES if engine == "tflm" else 0
    stages += PACKAGE_STAGES if packages else 0
    report = build(request, Stages(stages, quiet=as_json))
    write_reports(report, reports, against)
    if as_json:
        click.echo(report_json(report), nl=False)
    else:
        print_build(report, load_target(report.target), optimize, Console(), str(out), details)
    if flash_it and report.passed:
        from toolkit.cli.flash import print_flashed
        from toolkit.verbs.flash import FlashRequest, flash

        return print_flashed(flash(FlashRequest(out, run=True), Stages()))
    return 0 if report.passed else 1
