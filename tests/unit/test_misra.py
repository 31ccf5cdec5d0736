"""docs/MISRA.md: what cppcheck found in the example library, written by `python -m tools.misra`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from benchmarks.documents import END, begin
from tools.misra import EXAMPLE, MODULE, PAGE, REASONS, Finding, block, findings, page

_ROW = re.compile(r"^\| `(\S+)` \| (\d+) \| (.+) \|$", re.MULTILINE)
needs_cppcheck = pytest.mark.skipif(
    shutil.which("cppcheck") is None, reason="cppcheck is not installed"
)


def rows() -> dict[str, str]:
    """Findings of every file of the page."""
    text = PAGE.read_text(encoding="utf-8")
    inside = text[text.index(begin(MODULE)) : text.index(END)]
    return {name: shown for name, _, shown in _ROW.findall(inside)}


def test_the_page_has_the_files_of_the_example() -> None:
    """Kernels have their text's digits in their names: another text is another file."""
    files = {path.name for path in EXAMPLE.rglob("*.[ch]")}
    assert rows().keys() == files, "run `python -m tools.misra`"


def test_rules_and_files_count_the_same() -> None:
    text = PAGE.read_text(encoding="utf-8")
    by_rule = {
        a: int(b) for a, b in re.findall(r"^\| (\d+\.\d+) \| (\d+) \| \d+ \| \S", text, re.M)
    }
    counted: dict[str, int] = {}
    for shown in rows().values():
        for rule, count in re.findall(r"(\d+\.\d+): (\d+)", shown):
            counted[rule] = counted.get(rule, 0) + int(count)
    assert counted == by_rule
    assert by_rule.keys() <= REASONS.keys()


def test_only_the_block_is_rewritten() -> None:
    marked = f"a\n{begin(MODULE)}\n\nold\n\n{END}\nb\n"
    assert page(marked, "new") == marked.replace("old", "new")


_C = (
    "int first(int a);\nint first(int a)\n{\n    if (a != 0)\n        return 1;\n    return 0;\n}\n"
)


@needs_cppcheck
def test_a_fault_is_found_once_and_kept(tmp_path: Path) -> None:
    """A body without braces (rule 15.6), found again from the cache, gone when it is mended."""
    source, cache = tmp_path / "library" / "src" / "a.c", tmp_path / "cache"
    source.parent.mkdir(parents=True)
    source.write_text(_C, encoding="utf-8")
    found = findings(tmp_path / "library", cache)
    assert Finding("a.c", 4, 5, (15, 6)) in found
    (kept,) = cache.iterdir()
    kept.write_text("[]", encoding="utf-8")
    assert findings(tmp_path / "library", cache) == ()
    source.write_text(_C.replace("0)\n", "0) {\n").replace("1;", "1; }"), encoding="utf-8")
    assert {one.number for one in findings(tmp_path / "library", cache)} == {"15.5"}


@needs_cppcheck
@pytest.mark.exhaustive
def test_the_page_is_of_today() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, block(findings(EXAMPLE), EXAMPLE)) == text, "run `python -m tools.misra`"
