"""Plants a bug or a waste into every firmware project that is built."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.harness import Harness
from toolkit.emit import FirmwareProject


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


def wrong_features(files: dict[str, bytes]) -> None:
    """The first mel weight that begins with 0.0 is a tenth higher."""
    weights = rb"(mel_weights\[\w+\] = \{\s*0\.)0"
    if "features.c" in files:
        files["features.c"] = re.sub(weights, rb"\g<1>1", files["features.c"])


def wrong_weights(files: dict[str, bytes]) -> None:
    """Every weight of the last layer is off."""
    before, array, rest = files["model_weights.c"].rpartition(b"_weights[")
    values, end, after = rest.partition(b"}")
    values = re.sub(rb"(?<=\s)-?\d+u?(?=,)", b"1", values)
    files["model_weights.c"] = before + array + values + end + after


def damaged_dense(files: dict[str, bytes]) -> None:
    """The dense kernel adds one to every output."""
    name = "kernels/tk_fully_connected_s8_dsp.c"
    files[name] = files[name].replace(b"tk_clamp(v,", b"tk_clamp(v + 1,")


def damaged_mean(files: dict[str, bytes]) -> None:
    """The mean subtracts one from every output."""
    name = "kernels/tk_mean_s8.c"
    files[name] = files[name].replace(b"tk_clamp(v +", b"tk_clamp(v - 1 +")


def lost_row(files: dict[str, bytes]) -> None:
    """A streamed model forgets the last row of its first layer."""
    files["model.c"] = files["model.c"].replace(b"(frames + 0u)", b"(frames - 1u)", 1)
