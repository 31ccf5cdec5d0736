"""A skip that is not on the list fails a run that asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.skips import OPTION, allowed

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]
CONFTEST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.support import skips

def pytest_addoption(parser):
    skips.add_option(parser)

def pytest_configure(config):
    patterns = skips.allowed(config.getoption(skips.OPTION))
    config.pluginmanager.register(skips.SkipWatch(patterns))
"""


def test_every_pattern_of_ci_is_a_regular_expression() -> None:
    patterns = allowed(ROOT / "ci" / "allowed_skips.txt")
    assert any(pattern.fullmatch("there is no folder $TOOLKIT_DATA") for pattern in patterns)
    assert not any(pattern.fullmatch("gcc is not installed") for pattern in patterns)


@pytest.mark.parametrize(("listed", "code"), [("no tool", 0), ("no other", 1)])
def test_a_run_fails_on_what_is_not_listed(
    pytester: pytest.Pytester, listed: str, code: int
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("import pytest\ndef test_it():\n    pytest.skip('no tool')\n")
    (pytester.path / "list.txt").write_text(f"{listed}  # a comment\n")
    result = pytester.runpytest_subprocess("-p", "no:xdist", OPTION, "list.txt")
    assert result.ret == code
    assert ("not allowed to skip, 1×: no tool" in result.stdout.str()) == bool(code)
