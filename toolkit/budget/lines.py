"""Where the keys of a toolkit.toml stand: tomllib does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)"""
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")


@dataclass(frozen=True)
class Lines:
    """Line numbers, from 1: of the n-th ``[[budget]]``, and of keys by (n, "limits.flash_bytes");
    n is 0 for ``[defaults]``."""

    budgets: tuple[int, ...] = ()
    keys: Mapping[tuple[int, str], int] = field(default_factory=dict)

    def of(self, number: int, key: str) -> int:
        """The line of a key of a budget: its own, else that of the defaults, else the budget's."""
        own = self.keys.get((number, key)) or self.keys.get((0, key))
        return own or self.budget(number)

    def budget(self, number: int) -> int:
        return self.budgets[number - 1] if 0 < number <= len(self.budgets) else 1


def find_lines(text: str) -> Lines:
    """Scan the text of a file that is TOML; keys within inline tables have their table's line."""
    budgets: list[int] = []
    keys: dict[tuple[int, str], int] = {}
    number, prefix = -1, ""
    for line, content in enumerate(text.splitlines(), 1):
        header = _HEADER.match(content)
        if header is not None:
            first, _, rest = header[2].replace(" ", "").partition(".")
            if first == "budget":
                if header[1] == "[[" and not rest:
                    budgets.append(line)
                number, prefix = len(budgets), rest
            else:
                number, prefix = (0, rest) if first == "defaults" else (-1, "")
            continue
        key = _KEY.match(content)
        if key is not None and number >= 0:
            name = ".".join(part.strip("\"'") for part in re.findall(_PART, key[1]))
            keys.setdefault((number, f"{prefix}.{name}" if prefix else name), line)
    return Lines(tuple(budgets), keys)
