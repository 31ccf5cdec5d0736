"""Draws what verbs print as SVG, at three widths, into docs/screens: ``python -m tools.screens``.

The real commands run, in a folder that has nothing but what they make; the same code gives the same
bytes.  Fonts are those of whoever looks: nothing is fetched.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from toolkit.cli import cli

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screens"
WIDTHS = (80, 100, 140)
#: Each verb's command line; those that follow may use what those before have left.
SCREENS: Mapping[str, str] = {
    "targets": "targets",
    "boards": "boards",
    "inspect": "inspect wav2small-ha",
    "profile": "profile wav2small --target cortex-m4",
    "build": "build wav2small-ha --target cortex-m4 --report report.json",
    "check": "check --report report.json",
}
#: Those that take less than a few seconds.
CHEAP = ("targets", "boards", "inspect", "profile")
#: What `check` holds the build against: a limit that is met, one that is not, and a check.
_BUDGETS = """version = 1
[[budget]]
model = "wav2small-ha"
target = "cortex-m4"
[budget.limits]
flash_bytes = 180_000
ram_static_bytes = 16_000
realtime_factor = 1
output_mismatches = 0
"""
#: pyOCD of a machine without probes.
_NO_PROBES = "#!/bin/sh\necho '{\"boards\": []}'\n"
_FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_THEME = TerminalTheme(
    (27, 31, 38),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (201, 209, 217),
    ],
)
#: rich's picture of a terminal, without its web font.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix, .{unique_id}-title {{
        font-family: FONTS;
    }}
    .{unique_id}-matrix {{
        font-size: {char_height}px;
        line-height: {line_height}px;
    }}
    .{unique_id}-title {{
        font-size: 18px;
        font-weight: bold;
    }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
""".replace("FONTS", _FONTS)  # noqa: E501


def screen(verb: str, width: int) -> str:
    """What a verb prints on a terminal of that width, with its colours as escape sequences."""
    out = io.StringIO()
    terminal = {
        "COLUMNS": str(width),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PATH": f"{Path.cwd() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    with (
        mock.patch.dict(os.environ, terminal),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        os.environ.pop("NO_COLOR", None)
        code = cli.main(SCREENS[verb].split(), prog_name="toolkit", standalone_mode=False)
    if code not in (None, 0, 1):  # 1: what `check` finds exceeded
        raise RuntimeError(f"toolkit {SCREENS[verb]} ended with {code}: {out.getvalue()}")
    return out.getvalue()


def picture(verb: str, width: int, text: str) -> str:
    """The text of a screen as an SVG."""
    console = Console(
        record=True,
        width=width,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
        _environ={},
    )
    console.print(Text.from_ansi(text), soft_wrap=True)
    drawn = console.export_svg(
        title=f"toolkit {SCREENS[verb]}",
        theme=_THEME,
        code_format=_FORMAT,
        unique_id=f"{verb}-{width}",
        font_aspect_ratio=0.6,
    )
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


@contextlib.contextmanager
def workshop() -> Iterator[None]:
    """Work in an empty folder, on a machine without probes."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        Path("toolkit.toml").write_text(_BUDGETS, encoding="utf-8")
        program = Path("bin/pyocd")
        program.parent.mkdir()
        program.write_text(_NO_PROBES, encoding="utf-8")
        program.chmod(0o755)
        yield


def path_of(verb: str, width: int) -> Path:
    """Where a picture lies."""
    return FOLDER / f"{verb}-{width}.svg"


def main() -> None:
    """Draw all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with workshop():
        for verb in SCREENS:
            for width in WIDTHS:
                text = picture(verb, width, screen(verb, width))
                path_of(verb, width).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
