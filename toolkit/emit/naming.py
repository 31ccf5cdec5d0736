"""Names of a library: what carries the model's name, and shared kernels that carry a tag.

The templates speak of ``model_*``, ``features_*`` and ``tk_*``.  In a library every such name
begins with the model's, so that several models are linked into one firmware.  Kernels, which are
the same text for every model, carry eight hex digits of that text instead
(``tk_<tag>_conv_2d_s8``, in ``tk_conv_2d_s8_<tag>.c``): equal names are equal code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from toolkit.emit.c_words import TAKEN
from toolkit.resources import data_dir, kernel_folders, kernel_path, read_text

#: Longest name of a library.
_CHARACTERS = 32
#: Macros by which a user configures kernels: they have one name everywhere.
_SETTINGS = frozenset({"TK_ASSERT", "TK_ASSERT_HEADER", "TK_MAY_USE_R9"})

#: What the names of a library add to its own, so that a library called ``x_audio`` meets the files
#: and functions of ``x``; and the end of the types of C.
_ENDINGS = frozenset(
    {"audio", "cost", "dequantize", "features", "finish", "init", "input", "invoke", "output"}
    | {"push", "put", "resampled", "reset", "rows", "status", "step", "t", "take", "tk"}
    | {"unread", "weights"}
)

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_TK = re.compile(r"\b(?:tk|TK)_\w+")
_WORD = re.compile(r"[a-z]\w*")
_KERNEL_NAME = re.compile(r"\btk_\w+")
#: What every part of a file is searched for.
_ANYWHERE = (
    r"\bMODEL_(?=\w)|\b(?:features|FEATURES)_(?=\w)"
    r"|\b(?:model|features)\.(?=[hc]\b)"
)
#: The type too; not a member of that name.
_IN_CODE = re.compile(rf"{_ANYWHERE}|\bmodel_(?=\w)|(?<![\w.>])(?<!model )model\b(?!_|\.)")
#: A declaration in an example too; not a layer called ``model_1/conv``.
_IN_COMMENTS = re.compile(rf"{_ANYWHERE}|\bmodel_(?=[A-Za-z])(?!\w*/)|\bmodel(?= \*?\w+;)")
_TAGGED = re.compile(r"^tk_[0-9a-f]{8}_")
_INCLUDE = re.compile(r'^#include "(\w+)\.h"', re.MULTILINE)


def library_name(text: str) -> str:
    """A C identifier for a model called ``text``: lower case, at most 36 characters, no name that
    C, C++, their libraries and the templates have."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_CHARACTERS].strip("_")
    if not name or name[0].isdigit() or name == "tk" or name.startswith("tk_"):
        name = f"net_{name}"[:_CHARACTERS].strip("_")
    taken = name in TAKEN or name in _spoken() or name.rpartition("_")[2] in _ENDINGS
    return f"{name}_net" if taken else name


@cache
def _spoken() -> frozenset[str]:
    """Every word of the templates: a type of that name would be hidden by parameters and locals."""
    folder = data_dir("firmware_templates")
    paths = (
        path
        for room in ("features", "harness", "library", "boards/shared", "tflm", "packages")
        for path in folder.glob(f"{room}/*")
    )
    texts = (read_text(path) for path in paths if path.suffix in (".c", ".h", ".jinja"))
    return frozenset(word for text in texts for word in _WORD.findall(_COMMENT.sub("", text)))


def named(text: str, name: str, features: bool = False) -> str:
    """A generated or hand-written file with the model's ``name`` in all its names.

    ``features``: a file of the front-end, whose kernels belong to the model too.
    """
    code_end = 0
    parts = []
    for comment in _COMMENT.finditer(text):
        parts += [_prefixed(text[code_end : comment.start()], name, _IN_CODE)]
        parts += [_prefixed(comment[0], name, _IN_COMMENTS)]
        code_end = comment.end()
    parts.append(_prefixed(text[code_end:], name, _IN_CODE))
    joined = "".join(parts)
    return _TK.sub(lambda found: _owned(found[0], name), joined) if features else joined


def named_page(text: str, name: str) -> str:
    """A page for people with the model's ``name`` in all code that it shows."""
    return _prefixed(text, name, _IN_COMMENTS)


def named_symbol(symbol: str, name: str) -> str:
    """A symbol of the generated C with the model's name in it."""
    return _prefixed(symbol, name, _IN_CODE)


def _owned(token: str, name: str) -> str:
    if token in _SETTINGS:
        return token
    return f"{name}_{token}" if token.startswith("tk") else f"{name.upper()}_{token}"


def _prefixed(text: str, name: str, where: re.Pattern[str]) -> str:
    """In one pass, so that a name like ``model_features_2`` is not looked at again."""

    def new(found: re.Match[str]) -> str:
        old = found[0]
        if old.startswith("MODEL"):
            return f"{name.upper()}{old[5:]}"
        if old.startswith("FEATURES"):
            return f"{name.upper()}_{old}"
        return f"{name}{old[5:]}" if old.startswith("model") else f"{name}_{old}"

    return where.sub(new, text)


# --- kernels -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Tags:
    """The tag of every name that a kernel file defines, and of every file by its stem."""

    names: Mapping[str, str]
    files: Mapping[str, str]

    def file(self, stem: str) -> str:
        """The stem of a kernel's files in a library."""
        return f"{stem}_{self.files[stem]}"

    def apply(self, text: str) -> str:
        """A text that includes the tagged files and calls everything in them by its tagged name."""
        text = _INCLUDE.sub(self._include, text)
        return _KERNEL_NAME.sub(lambda found: self._name(found[0]), text)

    def _include(self, found: re.Match[str]) -> str:
        # Written so that no name in it is tagged once more.
        return f'#include "{self.file(found[1])}.h"' if found[1] in self.files else found[0]

    def _name(self, name: str) -> str:
        return f"tk_{self.names[name]}_{name[3:]}" if name in self.names else name


def untagged(symbol: str) -> str:
    """The name that a linked kernel symbol has in the kernel files; another one as it is."""
    return _TAGGED.sub("tk_", symbol)


@cache
def kernel_tags() -> Tags:
    """Tags of all kernels."""
    return tags_of({stem: _family(stem) for stem in _stems()})


def tags_of(texts: Mapping[str, str]) -> Tags:
    """Tags of files by stem: digits of a file's text, of what it includes, and of where each name
    in it comes from."""
    needs = {stem: [n for n in _INCLUDE.findall(t) if n != stem] for stem, t in texts.items()}
    owners: dict[str, str] = {stem: stem for stem in texts}
    for stem in _ordered(needs):
        for token in _KERNEL_NAME.findall(_COMMENT.sub("", texts[stem])):
            owners.setdefault(token, stem)
    tags = {}
    for stem in texts:
        digest = hashlib.sha256()
        for part in sorted(_closure(stem, needs)):
            shown = _KERNEL_NAME.sub(lambda t: f"{t[0]}@{owners.get(t[0], '')}", texts[part])
            digest.update(f"{part}\0{shown}\0".encode())
        tags[stem] = digest.hexdigest()[:8]
    return Tags({token: tags[stem] for token, stem in sorted(owners.items())}, tags)


def _stems() -> list[str]:
    found = {path.stem for folder in kernel_folders() for path in folder.glob("tk_*.[ch]")}
    return sorted(found)


def _family(stem: str) -> str:
    """Header and source of a kernel."""
    paths = (kernel_path(f"{stem}.h"), kernel_path(f"{stem}.c"))
    return "".join(read_text(path) for path in paths if path.is_file())


def _ordered(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Every file behind what it includes, by name where it does not matter."""
    done: dict[str, None] = {}

    def visit(stem: str) -> None:
        if stem not in done:
            for needed in sorted(needs.get(stem, ())):
                visit(needed)
            done[stem] = None

    for stem in sorted(needs):
        visit(stem)
    return list(done)


def _closure(stem: str, needs: Mapping[str, Iterable[str]]) -> set[str]:
    found, waiting = {stem}, [stem]
    while waiting:
        new = set(needs.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found
