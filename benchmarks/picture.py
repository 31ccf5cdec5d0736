"""Draws docs/images/profile.svg, what ``toolkit profile`` shows: ``python -m benchmarks.picture``.

The same code gives the same bytes.  Fonts are those of whoever looks: nothing is fetched.
"""

from __future__ import annotations

import io

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from benchmarks.models import ROOT
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report.screen import print_profile
from toolkit.targets import load_target
from toolkit.verbs.profile import ProfileRequest, profile

PICTURE = ROOT / "docs" / "images" / "profile.svg"
MODEL, TARGET, OPTIMIZE = "wav2small", "cortex-m4", "balanced"
WIDTH = 100
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


def picture() -> str:
    """The screen of the shipped model on the default target as an SVG."""
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
        _environ={},
    )
    request = ProfileRequest(MODEL, (TARGET,), schedule=ScheduleRequest(optimize=OPTIMIZE))
    (report,) = profile(request)
    print_profile(report, load_target(TARGET), OPTIMIZE, console)
    title = f"toolkit profile {MODEL} --target {TARGET}"
    text = console.export_svg(
        title=title, theme=_THEME, code_format=_FORMAT, unique_id="profile", font_aspect_ratio=0.6
    )
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def main() -> None:
    """Write the picture."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
