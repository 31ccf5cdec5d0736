"""C text from untrusted names and from numbers: nothing from a model file reaches C unsanitised.

`CommentText` and `Identifier` are made here only, so that the type checker sees a name that has not
been through its filter.
"""

from __future__ import annotations

import re
from typing import NewType

import numpy as np
import numpy.typing as npt

from toolkit.emit.symbols import RESERVED
from toolkit.errors import UnsupportedError
from toolkit.ir import DType
from toolkit.ir.tensor import Array

#: Text that can stand inside a C comment, a C string literal, CMake or Markdown without effect.
CommentText = NewType("CommentText", str)
#: A C identifier, unique at file scope or in its struct.
Identifier = NewType("Identifier", str)

INDENT = "    "
WORD_BYTES = 4
_WORDS_A_LINE = 7
_COMMENT_CHARACTERS = 80
_IDENTIFIER_CHARACTERS = 40

_C_TYPES = {
    DType.INT8: "int8_t",
    DType.UINT8: "uint8_t",
    DType.INT16: "int16_t",
    DType.INT32: "int32_t",
    DType.UINT32: "uint32_t",
    DType.INT64: "int64_t",
}


def comment_text(name: str, characters: int = _COMMENT_CHARACTERS) -> CommentText:
    """``name`` with all but plain characters replaced by ``_``, at most so many characters.

    No ``*``, ``?``, quote, backslash, line break or non-ASCII character is left.
    """
    text = re.sub(r"[^A-Za-z0-9 _.,:;/()\[\]+=-]", "_", name)
    if len(text) > characters:
        text = text[: characters - 3] + "..."
    return CommentText(text)


def identifier_stem(name: str, fallback: str) -> str:
    """Up to 40 letters, digits and single ``_`` of ``name``, beginning with a letter.

    TensorFlow joins the names of fused layers by ``;``: the first one counts.  ``fallback`` serves
    where nothing readable is left.
    """
    stem = re.sub(r"[^A-Za-z0-9]+", "_", name.split(";")[0])[:_IDENTIFIER_CHARACTERS].strip("_")
    if not re.search(r"[A-Za-z]", stem):
        stem = f"{fallback}_{stem}".strip("_")
    return stem if stem[0].isalpha() else f"n_{stem}"


class IdentifierPool:
    """Hands out identifiers, each once.

    At file scope every one begins with ``model_``: it can neither be a keyword nor reserved, nor
    clash with the kernels' ``tk_`` names; the generated API's own names are taken from the start.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix, self._taken = prefix, set(RESERVED)

    def take(self, stem: str, suffix: str) -> Identifier:
        """``<prefix><stem>_<suffix>``, with a number after the stem where that is taken."""
        candidate, number = f"{self._prefix}{stem}_{suffix}", 1
        while candidate in self._taken:
            number += 1
            candidate = f"{self._prefix}{stem}_{number}_{suffix}"
        self._taken.add(candidate)
        return Identifier(candidate)


def float_literal(value: np.float32) -> str:
    """A C float32 literal that reads back to the same bits."""
    text = np.format_float_scientific(value, unique=True, trim="0")
    return f"{text}F"


def c_type(dtype: DType, where: str) -> str:
    """The C element type; raises UnsupportedError naming ``where`` for float and bool."""
    if dtype not in _C_TYPES:
        raise UnsupportedError(
            f"{where}: generated code must be of integers; got {dtype.value}.",
            hint="Quantise the model to int8 first.",
        )
    return _C_TYPES[dtype]


def integer(value: int) -> str:
    """A C99 literal of exactly ``value`` (-2**63 .. 2**63 - 1), of the smallest fitting type."""
    if value == -(1 << 31):
        return "INT32_MIN"
    if value == -(1 << 63):
        return "INT64_MIN"
    if -(1 << 31) < value < 1 << 31:
        return str(value)
    if 0 <= value < 1 << 32:
        return f"{value}u"
    return f"INT64_C({value})"


def words(values: Array) -> npt.NDArray[np.uint32]:
    """The bytes of an integer array in C order as little-endian words, zeros behind the last."""
    data = np.ascontiguousarray(values).tobytes()
    return np.frombuffer(data + bytes(-len(data) % WORD_BYTES), np.dtype("<u4"))


def word_lines(values: npt.NDArray[np.uint32]) -> tuple[str, ...]:
    """Words in hexadecimal, seven to an indented line: one that changes changes one line."""
    rows = (values[at : at + _WORDS_A_LINE].tolist() for at in range(0, values.size, _WORDS_A_LINE))
    return tuple(INDENT + " ".join(f"0x{word:08X}u," for word in row) for row in rows)
