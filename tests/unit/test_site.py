"""The documentation site: generated pages are whole; it builds without a warning or a dead link."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from toolkit import errors
from tools.site import DOCS, ROOT, assemble, build, error_page, linked, section

needs_sphinx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sphinx", "myst_parser", "furo")),
    reason="sphinx is not installed: the site was not built",
)


def test_every_error_is_listed() -> None:
    page = error_page()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, errors.ToolkitError):
            assert f"| `{kind.__name__}` | {kind.exit_code} | " in page
    for code in (0, 1, 2, 3, 4, 130):
        assert f"| {code} | " in page.partition("## Kinds")[0]


def test_links_lead_to_pages_or_are_none() -> None:
    assert linked("[a](docs/CI.md#gate) [b](examples/x/)", ROOT) == "[a](CI.md#gate) b"
    assert linked("[a](CI.md) [b](../action.yml) [c](https://x.y)", DOCS) == (
        "[a](CI.md) b [c](https://x.y)"
    )
    assert section(ROOT / "STYLE.md", "Words").startswith("## Words\n")


def test_every_document_is_a_page_that_the_index_names(tmp_path: Path) -> None:
    assemble(tmp_path / "source")
    pages = {path.stem for path in (tmp_path / "source").glob("*.md")}
    index = (tmp_path / "source" / "index.md").read_text(encoding="utf-8")
    assert pages - {"index"} == set(re.findall(r"^([\w-]+)$", index, re.M))
    assert {path.stem for path in DOCS.glob("*.md")} <= pages


@needs_sphinx
@pytest.mark.exhaustive
def test_the_site_builds_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    assert build(tmp_path / "site") == 0
    pages = {
        path: path.read_text(encoding="utf-8")
        for path in (tmp_path / "site" / "html").glob("*.html")
    }
    assert len(pages) > 25
    ids = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    followed = 0
    for path, text in pages.items():
        for link in re.findall(r'<a [^>]*href="([^"]+)"', text):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.is_file(), (path.name, link)
            if anchor and target in ids:
                assert anchor in ids[target], (path.name, link)
            followed += 1
    assert followed > 1_000


@needs_sphinx
@pytest.mark.exhaustive
def test_a_broken_link_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> None:
        assemble(folder)
        with (folder / "glossary.md").open("a", encoding="utf-8") as file:
            file.write("\n[nowhere](CI.md#no-such-heading)\n")

    monkeypatch.setattr("tools.site.assemble", broken)
    assert build(tmp_path / "site") != 0
