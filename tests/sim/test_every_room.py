"""One real path through every room of the package, short enough for the quick tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.support.cli import built, toolkit
from tests.support.quick import LONG, QUICK, ROOT
from toolkit.resources import data_dir

PACKAGE = ROOT / "toolkit"
#: Searching comes before there is a checkpoint.
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"search"}

BUDGET = """version = 1
[[budget]]
target = "cortex-m4"
[budget.limits]
flash_bytes = 1_000_000
"""


@contextmanager
def rooms_entered() -> Iterator[set[str]]:
    """The rooms of which a function was called; importing them does not count."""
    entered: set[str] = set()
    home = f"{PACKAGE}/"

    def called(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(home) and code.co_name != "<module>":
            room, inside, _name = code.co_filename.removeprefix(home).partition("/")
            if inside:
                entered.add(room)

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        yield entered
    finally:
        sys.setprofile(before)


def test_every_quick_file_is_there() -> None:
    assert [name for name in (*QUICK, *LONG) if not (ROOT / name).exists()] == []


def test_a_checkpoint_becomes_firmware_that_holds_its_budget(tmp_path: Path) -> None:
    """torch, ONNX, int8, C, zig, Unicorn, the report and its judgement, a board's image, by the
    command line."""
    pytest.importorskip("torch", reason="a checkpoint needs the training extra")
    checkpoint = data_dir("models") / "wav2small" / "model.safetensors"
    (tmp_path / "toolkit.toml").write_text(BUDGET, encoding="utf-8")
    options = ("--board", "mps2-an386", "--seconds", "0.1", "--json")
    with rooms_entered() as entered:
        built(toolkit("build", checkpoint, *options, "--out", "out", cwd=tmp_path))
        judged = toolkit("check", "--report", "out/report/report.json", cwd=tmp_path)
        assert toolkit("flash", "out", "--dry-run", cwd=tmp_path).exit_code == 0
    assert judged.exit_code == 0, judged
    assert entered == ROOMS
