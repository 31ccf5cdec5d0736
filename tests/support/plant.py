"""Plants a bug or a waste into every firmware project that is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.harness import Harness
from toolkit.emit import FirmwareProject
from toolkit.emit.parts import weights_hash


def plant(monkeypatch: pytest.MonkeyPatch, edit: Callable[[dict[str, bytes]], None]) -> None:
    """Let ``edit`` change the files of every project that is built; it must change all but those
    that look for a wrong layer, which may lack what it edits."""
    project = Harness.project

    def edited(harness: Harness) -> FirmwareProject:
        made = project(harness)
        files = dict(made.files)
        edit(files)
        return made.with_files(files)

    def certainly(deployment: Deployment) -> FirmwareProject:
        made = whole(deployment)
        plain = project(deployment.harness).files
        assert any(made.files[name] != text for name, text in plain.items()), "nothing was planted"
        return made

    whole = Deployment.project
    monkeypatch.setattr(Harness, "project", edited)
    monkeypatch.setattr(Deployment, "project", certainly)


def paths(files: Mapping[str, bytes], pattern: str) -> list[str]:
    """The files of a project whose name, without the folders, ``pattern`` describes whole."""
    return [path for path in files if re.fullmatch(pattern, path.rpartition("/")[2])]


def kernel(files: Mapping[str, bytes], stem: str) -> list[str]:
    """The C file of a kernel, whatever its tag; empty where the project has no such kernel."""
    return paths(files, rf"{stem}_[0-9a-f]{{8}}\.c")


def wrong_features(files: dict[str, bytes]) -> None:
    """The first mel weight that begins with 0.0 is a tenth higher."""
    weights = rb"(mel_weights\[\w+\] = \{\s*0\.)0"
    for path in paths(files, r"\w+_features\.c"):
        files[path] = re.sub(weights, rb"\g<1>1", files[path])


def wrong_weights(files: dict[str, bytes]) -> None:
    """Every weight of the last layer is off; the image's hash is that of its words."""
    (path,) = paths(files, r"\w+_weights\.c")
    before, array, rest = files[path].rpartition(b"_weights.words = {")
    values, end, after = rest.partition(b"}")
    changed = before + array + re.sub(rb"0x[0-9A-F]{8}", b"0x01010101", values) + end + after
    head = rb"(\.head = \{\w+, )0x[0-9A-F]{8}"
    image = [int(word, 16) for word in re.findall(rb"0x[0-9A-F]{8}(?=u,)", changed)]
    files[path] = re.sub(head, rb"\g<1>0x%08X" % weights_hash(image), changed)


def damaged_dense(files: dict[str, bytes]) -> None:
    """The dense kernel adds one to every output."""
    for path in kernel(files, "tk_fully_connected_s8_dsp"):
        files[path] = re.sub(
            rb"(tk_\w+_ssat8\()(tk_\w+_dsp_requantize)", rb"\g<1>1 + \2", files[path]
        )


def damaged_mean(files: dict[str, bytes]) -> None:
    """The mean subtracts one from every output."""
    for path in kernel(files, "tk_mean_s8"):
        files[path] = re.sub(rb"(tk_\w+_clamp\(v) \+", rb"\1 - 1 +", files[path])


def lost_row(files: dict[str, bytes]) -> None:
    """A streamed model forgets the last row of its first layer."""
    (path,) = (path for path in files if path.endswith("/src/m_net.c"))
    files[path] = files[path].replace(b"(frames + 0u)", b"(frames - 1u)", 1)
