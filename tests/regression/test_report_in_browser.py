"""The HTML report in headless Chromium: its verdict is on the first screen, it fetches nothing."""

from __future__ import annotations

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import toolkit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: no page was opened"),
]
#: A screen of a phone and of a computer.
SCREENS = {390: 844, 1200: 800}
#: The page that shows the report in a frame of a screen's size and says what is seen there.
_FRAME = """<!doctype html><title>frame</title>
<iframe src="report.html" width="{width}" height="{height}" style="border:0"></iframe><pre></pre>
<script>
document.querySelector('iframe').onload = event => {{
  const view = event.target.contentWindow, page = view.document;
  const verdict = page.getElementById('verdict'), box = verdict.getBoundingClientRect();
  const middle = page.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  document.querySelector('pre').textContent = JSON.stringify({{
    words: verdict.textContent, color: view.getComputedStyle(verdict).color,
    top: box.top, bottom: box.bottom, right: box.right, seen: middle === verdict,
    wide: page.documentElement.scrollWidth, fetched: view.performance
      .getEntriesByType('resource').map(entry => entry.name),
    sections: [...page.querySelectorAll('h2')].map(title => title.textContent.trim()),
  }});
}};
</script>"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and keeps what was asked for."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        self.asked.append(self.path)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is too slow, beside itself for another way to optimise, and one that is well."""
    folder = tmp_path_factory.mktemp("reports")
    slow = ("profile", "wav2small", "--target", "hearing-aid")
    assert toolkit(*slow, "--report", "old.json", cwd=folder).exit_code == 0
    options = ("--optimize", "speed", "--report", "slow.html", "--against", "old.json")
    assert toolkit(*slow, *options, cwd=folder).exit_code == 0
    good = ("profile", "wav2small-ha", "--target", "hearing-aid", "--simulate")
    assert toolkit(*good, "--report", "good.html", cwd=folder).exit_code == 0
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of ``tmp_path``, and what is asked of it."""
    asked: list[str] = []
    kind = type("Handler", (_Handler,), {"asked": asked})
    handler = functools.partial(kind, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def seen(address: str, profile: Path) -> Any:
    """What the frame says of the report."""
    assert CHROMIUM is not None
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
    network = (
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--window-size=1400,1000",
    )
    command = [CHROMIUM, *options, *network, f"--user-data-dir={profile}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=5000", "--dump-dom", f"{address}/frame.html"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (text,) = re.findall(r"<pre>(\{.*\})</pre>", done.stdout, re.S)
    return json.loads(html.unescape(text))


@pytest.mark.parametrize("width", SCREENS)
@pytest.mark.parametrize(
    ("page", "words", "more"),
    [
        ("slow.html", "✗ TOO SLOW on hearing-aid: ", "red"),
        ("good.html", "✓ fits and keeps up: ", "green"),
    ],
)
def test_the_verdict_is_on_the_first_screen(
    reports: Path, tmp_path: Path, served: tuple[str, list[str]], page: str, words: str,
    more: str, width: int,
) -> None:  # fmt: skip
    address, asked = served
    shutil.copy(reports / page, tmp_path / "report.html")
    text = _FRAME.format(width=width, height=SCREENS[width])
    (tmp_path / "frame.html").write_text(text, encoding="utf-8")
    found = seen(address, tmp_path / "profile")
    assert found["words"].startswith(words) and found["seen"]
    assert 0 <= found["top"] < found["bottom"] <= SCREENS[width] / 3
    assert found["right"] <= width and found["wide"] <= width, "the page scrolls sideways"
    red, green, _ = map(int, re.findall(r"\d+", found["color"])[:3])
    assert (red > green) == (more == "red")
    assert found["fetched"] == []
    assert set(asked) <= {"/frame.html", "/report.html", "/favicon.ico"}
    assert "Cycles by layer" in found["sections"] and "Memory timeline" in found["sections"]
    if page == "slow.html":
        assert [t for t in found["sections"] if t.startswith("Against wav2small on hearing-aid")]
        assert [t for t in found["sections"] if t.startswith("What would help")]
