"""Builds the documentation site into build/site/html: ``python -m tools.site``.

It needs the extra ``docs``.  The pages are docs/*.md as they are, parts of the README and of
STYLE.md, and what is generated: errors from the exceptions, the Python API from docstrings.  A
warning, a broken link or a page that nothing leads to fails.
"""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from toolkit import errors
from toolkit.cli import cli

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
OUT = ROOT / "build" / "site"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
#: Exit codes with what they mean, as the command line's help says it.
_CODES = re.compile(r"(\d+) ([^;]+)(?:;|$)")


def section(path: Path, *titles: str) -> str:
    """The sections of a document with these titles, each with its heading."""
    text = path.read_text(encoding="utf-8")
    parts = {part.partition("\n")[0]: part for part in re.split(r"^## ", text, flags=re.M)[1:]}
    return "\n".join(f"## {parts[title]}" for title in titles)


def linked(text: str, folder: Path) -> str:
    """The text of a document of ``folder``, whose links to other documents lead to their pages; of
    a link to what is no page, such as a source file, its words stay."""

    def page(found: re.Match[str]) -> str:
        words, target = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found.group(0)
        path, hash_, anchor = target.partition("#")
        place = (folder / path).resolve()
        return f"[{words}]({place.name}{hash_}{anchor})" if place.parent == DOCS else words

    return _LINK.sub(page, text)


def error_page() -> str:
    """Every error that a user can meet, with its exit code, what it means and the remedy."""
    lines = [
        "# Errors",
        "",
        "Every message is one line: where, which rule, what was found, the remedy.",
    ]
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    words = " ".join((cli.help or "").partition("Exit codes:")[2].split()).rstrip(".")
    lines += [f"| {code} | {meaning} |" for code, meaning in _CODES.findall(words)]
    lines += [
        "",
        "## Kinds",
        "",
        "| error | code | meaning | remedy, where the message has no other |",
    ]
    lines.append("|---|---|---|---|")
    for kind in _kinds(errors.ToolkitError):
        about = (
            " ".join((inspect.getdoc(kind) or "").split()).replace("``", "`").replace("|", "\\|")
        )
        lines.append(f"| `{kind.__name__}` | {kind.exit_code} | {about} | {kind.remedy} |")
    return "\n".join(lines) + "\n"


def _kinds(base: type[errors.ToolkitError]) -> Iterator[type[errors.ToolkitError]]:
    """An error and those that are of its kind, a kind before its own."""
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def assemble(folder: Path) -> None:
    """Put every page of the site into an empty ``folder``."""
    shutil.copytree(DOCS / "site", folder)
    shutil.copytree(DOCS / "screens", folder / "screens")
    for path in DOCS.glob("*.md"):
        text = linked(path.read_text(encoding="utf-8"), DOCS)
        (folder / path.name).write_text(text, encoding="utf-8")
    readme = ROOT / "README.md"
    pages = {
        "start": ("# Start", section(readme, "Two commands", "What comes out", "All verbs")),
        "your-model": ("# Your model", section(readme, "Your own model in three", "Honest limits")),
        "glossary": ("# Glossary", section(ROOT / "STYLE.md", "Words")),
    }
    for name, (title, text) in pages.items():
        page = linked(f"{title}\n\n{text}", ROOT).replace("](docs/screens/", "](screens/")
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
    (folder / "errors.md").write_text(error_page(), encoding="utf-8")


def build(out: Path) -> int:
    """Assemble and build below ``out``; Sphinx's exit code, not 0 where it had to warn."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    assemble(out / "source")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    return subprocess.run(
        [*command, out / "source", out / "html"], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(build(OUT))
