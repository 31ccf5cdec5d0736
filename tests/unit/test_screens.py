"""The committed pictures of what verbs print: of today, with nothing cut, the same bytes twice."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from rich.text import Text

from toolkit.boards import list_boards
from toolkit.targets import list_targets
from tools.screens import CHEAP, SCREENS, WIDTHS, path_of, picture, screen, workshop

#: What a person copies from a screen.
COPIED = {
    "targets": tuple(list_targets()),
    "boards": tuple(list_boards()),
    "inspect": ("body/body.7", "f4ab07c4086ae00118ef78bc18b0ce63091660cf07f6cd09358a8b9c3bd3e1dc"),
    "profile": ("vgg7/ReduceSum", "--optimize size", "dsp_short"),
    "build": ("out/wav2small-ha-cortex-m4", "body/body.7", "--audio"),
    "check": ("ram_static_bytes", "--update"),
}


@pytest.fixture(scope="module", autouse=True)
def _workshop() -> Iterator[None]:
    with workshop():
        yield


def committed(verb: str, width: int) -> str:
    return path_of(verb, width).read_text(encoding="utf-8")


def words_in(svg: str) -> str:
    """The words of a picture, line after line."""
    texts = re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>([^<]*)</text>', svg)
    return " ".join(html.unescape(text).replace("\xa0", " ") for _, text in texts)


@pytest.mark.parametrize("verb", CHEAP)
def test_pictures_are_of_today(verb: str) -> None:
    """`python -m tools.screens` writes them."""
    for width in WIDTHS:
        text = screen(verb, width)
        lines = Text.from_ansi(text).plain.splitlines()
        assert max(map(cell_len, lines)) <= width
        assert "…" not in text, "a name is cut"
        assert [name for name in COPIED[verb] if name not in Text.from_ansi(text).plain] == []
        assert picture(verb, width, text) == committed(verb, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", SCREENS)
def test_nothing_is_cut_in_a_picture(verb: str, width: int) -> None:
    svg = committed(verb, width)
    words = words_in(svg)
    assert "…" not in words
    assert [name for name in COPIED[verb] if name not in words] == []
    assert "url(http" not in svg and "@font-face" not in svg and "/tmp" not in svg


@pytest.mark.exhaustive
def test_every_picture_is_of_today() -> None:
    for verb in SCREENS:
        for width in WIDTHS:
            assert picture(verb, width, screen(verb, width)) == committed(verb, width), verb
