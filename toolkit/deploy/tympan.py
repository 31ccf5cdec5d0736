"""The sketch that lets a Tympan, the open hearing aid, listen with a model."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from toolkit.boards import Board, board_folder
from toolkit.deploy.run import Run
from toolkit.emit.naming import named
from toolkit.errors import InputError, ToolMissingError
from toolkit.ir import DType
from toolkit.measurement import Check
from toolkit.resources import read_text

NAME = "tympan_sketch"
_COMPILER = "arm-none-eabi-g++"
#: What Teensyduino defines for a Teensy 4.1, with its flags (cores, teensy4/Makefile).
_FLAGS = (
    *("-mthumb", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
    *("-std=gnu++17", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror"),
    *("-D__IMXRT1062__", "-DARDUINO_TEENSY41", "-DARDUINO=10819", "-DTEENSYDUINO=159"),
    *("-DF_CPU=600000000", "-DUSB_SERIAL", "-DLAYOUT_US_ENGLISH"),
)
#: Folders of the user's that the sketch includes from: the first two must be there.
_FOLDERS = ("cores/teensy4", "Tympan_Library/src", "Wire", "SPI", "SD/src", "SdFat/src")


def sketch(run: Run, board: Board, name: str) -> Mapping[str, bytes]:
    """The sketch for a library called ``name``, by path in the project; nothing where the board is
    no Tympan's, or the model does not take audio of the Tympan's rates and give int8 scores."""
    folder = board_folder(board.name) / "tympan"
    outputs = [run.graph.tensors[output] for output in run.graph.outputs]
    scores = len(outputs) == 1 and outputs[0].dtype is DType.INT8
    front_end = run.front_end
    streams = run.plan.any_length and not run.plan.outputs_in_rows
    if not folder.is_dir() or not scores or not streams or front_end is None:
        return {}
    if front_end.spec.sample_rate_hz != 16_000 or front_end.spec.needs_clip:
        return {}
    place = f"tympan/{name}_tympan"
    return {
        f"{place}/{path.name.replace('model', name, 1)}": named(read_text(path), name).encode()
        for path in sorted(folder.iterdir())
    }


def sketch_check(folder: Path, name: str, tympan_dir: Path | None) -> Check:
    """Whether the sketch in a build's ``folder`` compiles against the Tympan Library and Teensy's
    core in ``tympan_dir`` (None: not checked; a stub would say nothing).

    Raises InputError for a folder without them, ToolMissingError without the C++ compiler.
    """
    if tympan_dir is None:
        return Check.not_checked(NAME, "no --tympan-dir", required=False)
    for needed in _FOLDERS[:2]:
        if not (tympan_dir / needed).is_dir():
            raise InputError(
                f"--tympan-dir: '{tympan_dir / needed}' is not there.",
                hint="Put Tympan/Tympan_Library, PaulStoffregen/cores, Wire, SPI, SD and SdFat "
                "side by side.",
            )
    if shutil.which(_COMPILER) is None:
        raise ToolMissingError(
            f"the compiler '{_COMPILER}' is not installed.",
            hint="Install gcc-arm-none-eabi and libstdc++-arm-none-eabi-newlib.",
        )
    include = [("-isystem", str((tympan_dir / part).resolve())) for part in _FOLDERS]
    sketch_folder = (folder / "tympan" / f"{name}_tympan").resolve()
    with tempfile.TemporaryDirectory(prefix="toolkit-tympan-") as scratch:
        command = [_COMPILER, *_FLAGS, *(part for pair in include for part in pair)]
        command += [f"-I{(folder / name / 'include').resolve()}", "-include", "Arduino.h"]
        command += ["-x", "c++", "-c", f"{name}_tympan.ino", "-o", f"{scratch}/sketch.o"]
        done = subprocess.run(
            command, cwd=sketch_folder, capture_output=True, text=True, check=False
        )
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    what = f"the Tympan Library and Teensy's core in {tympan_dir.name}"
    if done.returncode:
        return Check(NAME, False, f"does not compile against {what}: {(errors or ['?'])[0]}")
    return Check(NAME, True, f"compiles against {what}")
