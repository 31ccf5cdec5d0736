"""The recipes of docs/CI.md: YAML that parses, actions pinned, no more rights than needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCUMENT = Path(__file__).parents[2] / "docs" / "CI.md"


def recipes() -> dict[str, Any]:
    """Each YAML block by the file name in its first line."""
    if not DOCUMENT.is_file():
        pytest.skip("docs are not part of an installed package")
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    return {name: yaml.safe_load(text) for name, text in blocks}


def test_recipes_parse_and_run_the_check() -> None:
    found = recipes()
    assert set(found) == {
        ".github/workflows/budget.yml",
        ".github/workflows/budget-comment.yml",
        ".gitlab-ci.yml",
    }
    command = "toolkit check --markdown comment.md --junit junit.xml"
    steps = found[".github/workflows/budget.yml"]["jobs"]["check"]["steps"]
    assert {"run": command} in steps
    assert command in found[".gitlab-ci.yml"]["budget"]["script"]


def test_actions_are_pinned_and_write_only_comments() -> None:
    found = recipes()
    check = found[".github/workflows/budget.yml"]
    comment = found[".github/workflows/budget-comment.yml"]
    assert check["permissions"] == {"contents": "read"}
    assert comment["permissions"] == {}
    assert comment["jobs"]["comment"]["permissions"] == {
        "actions": "read",
        "pull-requests": "write",
    }
    for workflow in (check, comment):
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", "a@" + 40 * "0"))
                assert "${{" not in step.get("run", "")
    downloads = [s for s in comment["jobs"]["comment"]["steps"] if "run" in s]
    assert downloads == [], "what writes runs no command"
