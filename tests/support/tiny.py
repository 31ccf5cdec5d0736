"""Compiles the hand-written project of tests/data/tiny_project, whole or with files replaced."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

import jinja2
import numpy as np
import numpy.typing as npt
import pytest

from toolkit.errors import ToolMissingError
from toolkit.resources import data_dir
from toolkit.simulate.protocol import encode_audio, encode_tensors
from toolkit.simulate.qemu import qemu_version
from toolkit.targets import load_target
from toolkit.toolchain import Binaries, Toolchain, device_sources, find_toolchain

TARGET = load_target("cortex-m4")
FEATURES = {"HARNESS_FEATURES": 1}
ROW_VALUES = 4
OUTPUT_BYTES = (8, 4)
_TINY = Path(__file__).resolve().parent.parent / "data" / "tiny_project"


def toolchain_or_skip(name: str) -> Toolchain:
    """The toolchain ``name``; skips the test where it is not installed."""
    try:
        return find_toolchain(name)
    except ToolMissingError as error:
        pytest.skip(str(error))


def simulator_or_skip(name: str) -> str:
    """``name``; skips the test where that simulator is not installed."""
    if name == "qemu":
        try:
            qemu_version()
        except ToolMissingError as error:
            pytest.skip(str(error))
    return name


def write_tiny(folder: Path, replaced: Mapping[str, str] | None = None) -> Path:
    """Write the tiny project, with the harness and a linker script, into ``folder``."""
    shutil.copytree(_TINY, folder, dirs_exist_ok=True)
    templates = data_dir("firmware_templates") / "harness"
    for path in (*templates.glob("*.c"), *templates.glob("*.h")):
        text = path.read_text(encoding="utf-8").replace('"features.h"', '"tiny_features.h"')
        (folder / path.name).write_text(text, encoding="utf-8")
    loader = jinja2.FileSystemLoader(templates)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined)
    context = dataclasses.asdict(TARGET.linker_context())
    script = environment.get_template("linker.ld.jinja").render(context)
    (folder / "linker.ld").write_text(script, encoding="utf-8")
    for name, text in (replaced or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def build_tiny(
    folder: Path, toolchain: str = "zig", replaced: Mapping[str, str] | None = None
) -> Binaries:
    """Write the project into ``folder`` and compile it for the target."""
    compiler = toolchain_or_skip(toolchain)
    write_tiny(folder, replaced)
    out = folder / "out"
    out.mkdir()
    return compiler.compile(folder, device_sources(folder), TARGET, out, FEATURES)


def build_body(folder: Path, body: str, toolchain: str = "zig", before: str = "") -> Binaries:
    """Compile the project with ``body`` as what model_invoke does; ``before`` stands above it."""
    text = (_TINY / "model.c").read_text(encoding="utf-8")
    text = text[: text.index("void model_invoke")]
    text += f"{before}\nvoid model_invoke(model *m) {{\n{body}\n}}\n"
    return build_tiny(folder, toolchain, {"model.c": text})


def tensor_input(cases: int) -> bytes:
    """An input.bin of random tensors."""
    random = np.random.default_rng(cases)
    return encode_tensors([[random.bytes(32)] for _ in range(cases)])


def clips(count: int) -> list[npt.NDArray[np.int16]]:
    """Random clips of eight feature rows each."""
    random = np.random.default_rng(7)
    return [(8000 * random.normal(size=128 + n)).astype(np.int16) for n in range(count)]


def audio_input(count: int) -> bytes:
    """An input.bin of ``clips``."""
    return encode_audio(clips(count))
