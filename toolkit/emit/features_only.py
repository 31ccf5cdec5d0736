"""A firmware of the features alone, with the test harness: what compares and measures them."""

from __future__ import annotations

from toolkit.emit.project import HARNESS_FILES, FirmwareProject
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import kernel_files, render_features
from toolkit.resources import data_dir

#: The stand-in for a model counts frames: four bytes of output.
OUTPUT_BYTES = 4


def emit_features_only(
    spec: FeatureSpec, scale: float, zero_point: int, arithmetic: str = "float32"
) -> FirmwareProject:
    """The features of ``spec`` for a model input of that quantisation, and a model that does
    nothing.  There is no linker script in it.

    InputError as ``render_features``.
    """
    templates = data_dir("firmware_templates")
    sources = {name: templates / "harness" / name for name in HARNESS_FILES}
    sources["model.h"] = templates / "harness" / "model_none.h"
    kernels = kernel_files(spec, arithmetic)
    sources |= {f"kernels/{name}": templates / "features" / name for name in kernels}
    generated = render_features(spec, scale, zero_point, arithmetic)
    files = {name: path.read_bytes() for name, path in sources.items()}
    files |= {k: v.encode() for k, v in generated.items()}
    return FirmwareProject(dict(sorted(files.items())))
