"""The lock, and the lists made of it, are of today; it installs on every supported Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.dependencies import NOTES, PYTHONS, READ, ROOT, direct, documents, locked, required

LOCK = ROOT / "requirements.lock"


def test_the_lists_are_those_of_the_lock() -> None:
    """Where another version is installed, this says so: `make lock` writes all of them."""
    for path, text in documents().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, path
    assert READ.keys() | NOTES.keys() <= locked().keys()


def test_the_lock_has_what_is_asked_for_and_nothing_else() -> None:
    pins, reached, asked = locked(), set[str](), direct()
    while asked:
        requirement = asked.pop()
        name = canonicalize_name(requirement.name)
        assert pins[name] in requirement.specifier, f"{requirement} asked for, {pins[name]} locked"
        if name not in reached:
            reached.add(name)
            asked += required(name)
    assert reached == pins.keys()


def test_versions_tested_with_are_those_of_the_lock() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    texts = (line.partition("#")[0] for line in lines)
    tested = {canonicalize_name(r.name): r.specifier for r in map(Requirement, filter(None, texts))}
    pins = locked()
    assert {n: pins[n] for n in tested.keys() & pins.keys() if pins[n] not in tested[n]} == {}


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    """pip, of the environment that the tests run in."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_installs(python: str, tmp_path: Path) -> None:
    """From wheels alone, each with a hash that the lock has."""
    empty = ("--target", str(tmp_path))
    if pip("install", "--dry-run", *empty, "--no-deps", "--retries=0", "mdurl").returncode:
        pytest.skip("no package index answers: the lock was not resolved")
    which = ("--only-binary", ":all:", "--python-version", python)
    done = pip("install", "--dry-run", *empty, *which, "--require-hashes", "-r", str(LOCK))
    assert done.returncode == 0, done.stderr
