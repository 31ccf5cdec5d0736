"""A small speech model on boards: one simulated run, and applications made of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import onnx

from tests.support.cli import speech_model, write_noise
from toolkit.boards import Board, load_board
from toolkit.deploy.application import Application, add_application
from toolkit.deploy.model import load
from toolkit.deploy.run import Run
from toolkit.emit import FirmwareProject
from toolkit.targets import load_target

LABELS = '["arousal", "dominance", "valence"]'


@cache
def finished_run(folder: Path) -> tuple[Run, FirmwareProject]:
    """The model, built for a Cortex-M4 and run on a quarter of a second of noise; its files go to
    ``folder``."""
    model = folder / "speech.onnx"
    onnx.save(speech_model(labels=LABELS), model)
    clip = write_noise(folder / "clip.wav", 16_000, 1, "PCM_16", seconds=0.25)
    deployment = load(model).deploy("cortex-m4")
    return deployment.compile("gcc").run(clip), deployment.project()


@cache
def _run_on(folder: Path, target: str) -> Run:
    """The same run as if of another target, whose core its code is compiled for."""
    run, _ = finished_run(folder)
    return replace(run, harness=replace(run.harness, target=load_target(target)))


def application(folder: Path, board: str | Board, **fields: object) -> Application:
    """An application of that run for a board."""
    chosen = load_board(board) if isinstance(board, str) else board
    run, (_, project) = _run_on(folder, chosen.target), finished_run(folder)
    return Application(run, project, chosen, **fields)  # type: ignore[arg-type]


def image_folder(folder: Path, home: Path, board: str | Board, **fields: object) -> Path:
    """A folder that holds the image of such an application."""
    home.mkdir(parents=True, exist_ok=True)
    add_application(application(folder, board, **fields), "gcc", home)
    return home
