"""A firmware of the features alone, with the test harness: what compares and measures them."""

from __future__ import annotations

from toolkit.emit.project import HARNESS_FILES, FirmwareProject
from toolkit.features.front_end import FrontEnd
from toolkit.resources import data_dir, feature_path

#: The stand-in for a model counts frames: four bytes of output.
OUTPUT_BYTES = 4


def emit_features_only(front_end: FrontEnd) -> FirmwareProject:
    """A front-end, and a model that does nothing.  There is no linker script in it.

    InputError as `FrontEnd`.
    """
    templates = data_dir("firmware_templates")
    sources = {name: templates / "harness" / name for name in HARNESS_FILES}
    sources["model.h"] = templates / "harness" / "model_none.h"
    sources |= {f"kernels/{name}": feature_path(name) for name in front_end.kernel_files}
    files = {name: path.read_bytes() for name, path in sources.items()}
    files |= {name: text.encode() for name, text in front_end.files().items()}
    return FirmwareProject(dict(sorted(files.items())))
