"""Every C file that ships into a user's product states its licence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.graphs import conv_graph
from tests.support.host_run import NAME, project_of_plan
from toolkit.features.front_end import FrontEnd
from toolkit.features.spec import Raw
from toolkit.plan import plan_arena
from toolkit.resources import data_dir

OURS = "SPDX-License-Identifier: Apache-2.0"
MODELS = "SPDX-License-Identifier: LicenseRef-Model"
TEMPLATES = data_dir("firmware_templates")
SOURCES = sorted(
    path
    for path in TEMPLATES.rglob("*")
    if path.suffix in (".c", ".h", ".cc") or (path.suffix == ".jinja" and "README" not in path.name)
)


def stated(text: str) -> str:
    """The licence that a text states, once."""
    (line,) = [line for line in text.splitlines() if "SPDX" in line]
    return line.strip("/*#{} ")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sources_state_their_licence(path: Path) -> None:
    weights = path.name.startswith("model_weights")
    assert stated(path.read_text(encoding="utf-8")) == (MODELS if weights else OURS)


def test_a_project_states_its_licences() -> None:
    """The first line of every C file; the weights are the owner's of the model."""
    front_end = FrontEnd(Raw(16_000, 3, 3), 0.05, -3)
    project = project_of_plan(plan_arena(conv_graph()), front_end)
    texts = {n: c.decode() for n, c in project.files.items() if n.endswith((".c", ".h"))}
    assert len(texts) > 10
    found = {name: stated(text.splitlines()[0]) for name, text in texts.items()}
    weights = {name for name, licence in found.items() if licence == MODELS}
    assert weights == {f"{NAME}/src/{NAME}_weights.{kind}" for kind in "ch"}
    assert all(licence == OURS for name, licence in found.items() if name not in weights)
    assert "belong to the owner of the model" in texts[f"{NAME}/src/{NAME}_weights.c"]
