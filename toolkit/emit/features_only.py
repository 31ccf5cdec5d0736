"""A firmware of the features alone, with the test harness: what compares and measures them."""

from __future__ import annotations

from toolkit.emit.naming import named
from toolkit.emit.project import FirmwareProject, harness_sources
from toolkit.features.front_end import FrontEnd
from toolkit.resources import data_dir, feature_path, read_text

#: What the stand-in for a model is called.
NAME = "front"
#: It counts frames: four bytes of output.
OUTPUT_BYTES = 4


def emit_features_only(front_end: FrontEnd) -> FirmwareProject:
    """A front-end, and a model that does nothing.  There is no linker script in it.

    InputError as `FrontEnd`.
    """
    stand_in = data_dir("firmware_templates") / "harness" / "model_none.h"
    own = {"model.h": read_text(stand_in), **front_end.files()}
    own |= {name: read_text(feature_path(name)) for name in front_end.kernel_files}
    text = {f"src/{named(f, NAME, True)}": named(t, NAME, True) for f, t in own.items()}
    text |= harness_sources(NAME)
    files = {name: content.encode() for name, content in text.items()}
    return FirmwareProject(dict(sorted(files.items())), name=NAME)
