"""A firmware of the features alone, with the test harness: what compares and measures them."""

from __future__ import annotations

from pathlib import Path

from toolkit.emit.naming import named
from toolkit.emit.project import HARNESS_FILES, FirmwareProject
from toolkit.features.front_end import FrontEnd
from toolkit.resources import data_dir, feature_path

#: What the stand-in for a model is called.
NAME = "front"
#: It counts frames: four bytes of output.
OUTPUT_BYTES = 4


def emit_features_only(front_end: FrontEnd) -> FirmwareProject:
    """A front-end, and a model that does nothing.  There is no linker script in it.

    InputError as `FrontEnd`.
    """
    templates = data_dir("firmware_templates")
    own = {"model.h": _read(templates / "harness" / "model_none.h"), **front_end.files()}
    own |= {name: _read(feature_path(name)) for name in front_end.kernel_files}
    text = {f"src/{named(f, NAME, True)}": named(t, NAME, True) for f, t in own.items()}
    text |= {f"harness/{name}": _read(templates / "harness" / name) for name in HARNESS_FILES}
    text["harness/main.c"] = named(text["harness/main.c"], NAME)
    files = {name: content.encode() for name, content in text.items()}
    return FirmwareProject(dict(sorted(files.items())), name=NAME)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
