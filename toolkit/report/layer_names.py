"""Layer names as people tell layers apart: without what an exporter adds to all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.measurement import Symbols, find_symbol
from toolkit.report.model import Report
from toolkit.report.text import printable, tail

#: Longest short name, in characters.
WIDTH = 28
NO_SYMBOLS: Symbols = {}
#: What exporters put around the names of all layers.
_ROOT = re.compile(r"(model|functional|sequential)(_\d+)?|StatefulPartitionedCall")
_OUTPUT = re.compile(r"(_output_\d+)+$")
#: The last part of a path when it only names an operator, as in ``block1/conv/Relu_22``.
_OPERATOR = re.compile(r"[A-Z][A-Za-z0-9]*(_\d+)?")

Path = tuple[str, ...]


@dataclass(frozen=True)
class LayerNames:
    """Short names by full name; they differ from each other as the full ones do.  ``symbols`` says
    which layers the symbols of the generated C belong to."""

    short: Mapping[str, str]
    symbols: Symbols

    def of(self, name: str) -> str:
        """The short name of a layer or tensor; of another one, its own name, cleaned and cut."""
        if name in self.short:
            return self.short[name]
        path, suffix = _split(name)
        return tail("/".join(path) + suffix, WIDTH)

    def of_symbol(self, symbol: str) -> str:
        """A part of flash or of the stack for people: the layers it belongs to, and what it is; of
        a kernel with its variant (``tk_conv_2d_s8_winograd2/winograd2``), the variant."""
        if symbol in self.short:
            return self.short[symbol]
        found = find_symbol(self.symbols, symbol)
        if found is not None and found.layers:
            first, *others = (self.of(name) for name in found.layers)
            more = f" +{len(others)}" if others else ""
            return f"{first}{more} {found.role}"
        return printable(symbol.removeprefix("tk_").rpartition("/")[2])


def short_names(
    names: Sequence[str],
    width: int = WIDTH,
    symbols: Symbols = NO_SYMBOLS,
    ops: Sequence[str] = (),
) -> LayerNames:
    """Shorten the names of a model's layers; a pure function of all of them, in order.

    The exporter's root (``model/``), leading parts that all names share, ``_output_0``, and an
    operator that is alone in its module (``/vgg7/l2/Relu_output_0`` is ``vgg7/l2``) are left out.
    A name that is only a number (``28``) has the operator of ``ops``, those of the layers, before
    it.  A result has ``width`` characters at most; two that would be the same get their layer's
    number.
    """
    split = [_split(name) for name in names]
    shared = _shared([path for path, _ in split])
    paths = [path[shared:] for path, _ in split]
    parents = Counter(
        path[:depth] for path in dict.fromkeys(paths) for depth in range(1, len(path) + 1)
    )
    texts = []
    kinds = ops or [""] * len(names)
    for path, (_, suffix), op in zip(paths, split, kinds, strict=True):
        alone = len(path) > 1 and parents[path[:-1]] == 1
        kept = path[:-1] if alone and _OPERATOR.fullmatch(path[-1]) else path
        text = "/".join(kept) + suffix
        texts.append(tail(f"{op} {text}" if op and text.isdecimal() else text, width))
    return LayerNames(dict(zip(names, _distinct(texts, width), strict=True)), symbols)


def layer_names(report: Report) -> LayerNames:
    """The short names of a report's layers."""
    rows = report.layers
    return short_names(
        [row.name for row in rows], symbols=report.symbols, ops=[row.op for row in rows]
    )


def _split(name: str) -> tuple[Path, str]:
    """The parts of a name, and what the toolkit added behind ``@``; TensorFlow joins the names of
    fused layers by ``;``: the first counts."""
    base, at, suffix = printable(name).split(";")[0].partition("@")
    parts = tuple(part for part in _OUTPUT.sub("", base).split("/") if part)
    while len(parts) > 1 and _ROOT.fullmatch(parts[0]):
        parts = parts[1:]
    return parts or (base or "?",), at + suffix


def _shared(paths: Sequence[Path]) -> int:
    """How many leading parts all paths have in common; each keeps one part at least."""
    if len(paths) < 2:
        return 0
    depth = 0
    while all(len(path) > depth + 1 and path[depth] == paths[0][depth] for path in paths):
        depth += 1
    return depth


def _distinct(texts: Sequence[str], width: int) -> list[str]:
    """The same texts; those that occur twice end with the number of their place, from 1."""
    often = Counter(texts)
    taken = {text for text, count in often.items() if count == 1}
    found = []
    for number, text in enumerate(texts, 1):
        if often[text] > 1:
            mark = f"#{number}"
            while (text := tail(text, width - len(mark)) + mark) in taken:
                mark += "'"
            taken.add(text)
        found.append(text)
    return found
