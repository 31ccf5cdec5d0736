"""What no tracked text may hold: addresses of registries, paths outside the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FORBIDDEN = {
    "a registry": re.compile(
        r"pypi\.org|pythonhosted\.org|npmjs\.(?:com|org)|crates\.io|anaconda\.(?:org|com)"
        r"|index-url|proxy\.golang\.org|rubygems\.org",
        re.IGNORECASE,
    ),
    "a folder beside the checkout": re.compile(
        r"""\.\./shared|\bshared/(?:data|models|cases)\b|parents?\b\S*\s*/\s*["']shared\b"""
    ),
    "a machine's path": re.compile(r"(?<![\w.}])/(?:home|root|work|tmp|Users|mnt|media)/\w"),
}
#: It alone may look beside the checkout.
CONFTEST = "tests/conftest.py"


def offences(text: str) -> list[str]:
    return [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]


def test_no_text_leads_outside() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout")
    names = [name for name in done.stdout.decode().split("\0") if (ROOT / name).is_file()]
    assert CONFTEST in names
    found = {name: _offences_of(ROOT / name) for name in names}
    assert found.pop(CONFTEST) == ["a folder beside the checkout"]
    own = str(Path(__file__).relative_to(ROOT))
    assert {name: what for name, what in found.items() if what and name != own} == {}


def _offences_of(path: Path) -> list[str]:
    data = path.read_bytes()
    return [] if b"\0" in data else offences(data.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[zig](https://pypi" + ".org/project/ziglang/)", ["a registry"]),
        ("pip install --index-url x", ["a registry"]),
        ("--data ../shared/data/emodb", ["a folder beside the checkout"]),
        ('Path(__file__).parents[3] / "shared" / "data"', ["a folder beside the checkout"]),
        ("ROOT.parent / 'shared'", ["a folder beside the checkout"]),
        ("written by /home/me/x.py", ["a machine's path"]),
        ("see https://example.org/home/page and $HOME/work/x, model_shared_1", []),
    ],
)
def test_what_is_an_offence(text: str, what: list[str]) -> None:
    assert offences(text) == what
