"""States as a user or a model file states them, and pairs that look like some."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.model.inputs import load_array
from toolkit.passes.states import StatePair

#: Metadata of an ONNX file: an object, input name to output name.
STATES_KEY = "toolkit.states"

#: Words and letters by which exporters tell a state's input from its output.
_ENDS = frozenset(
    {"in", "out", "input", "output", "new", "old", "next", "prev", "previous", "last", "init"}
    | {"initial", "current", "updated", "n", "t", "i", "o", "0"}
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")


def parse_states(texts: Sequence[str]) -> tuple[StatePair, ...]:
    """What ``--state`` says: INPUT=OUTPUT, or INPUT=OUTPUT=FILE with an array to begin as.

    Raises InputError for another form, or a file that cannot be read.
    """
    pairs = []
    for text in texts:
        read, *rest = (part.strip() for part in text.split("=", 2))
        if not read or not rest or not all(rest):
            raise InputError(
                f"--state {text}: must be INPUT=OUTPUT, or INPUT=OUTPUT=FILE with an array that it "
                "begins as."
            )
        pairs.append(StatePair(read, rest[0], load_array(Path(rest[1])) if rest[1:] else None))
    return tuple(pairs)


def stated_states(metadata: Mapping[str, str]) -> tuple[StatePair, ...]:
    """What the metadata of an ONNX file states; InputError where it is damaged."""
    text = metadata.get(STATES_KEY, "{}")
    try:
        stated = json.loads(text)
        pairs = tuple(StatePair(str(read), str(write)) for read, write in stated.items())
    except (ValueError, AttributeError, RecursionError):
        raise InputError(
            f"the metadata {STATES_KEY!r} must be an object, input name to output name; got "
            f"{text[:80]!r}."
        ) from None
    return pairs


def likely_states(graph: Graph) -> tuple[StatePair, ...]:
    """Inputs and outputs of one shape whose names differ by what exporters add: nobody said that
    they are states, and nothing is done about it."""
    if len(graph.free_inputs) < 2:
        return ()
    found = []
    for read in graph.free_inputs:
        fitting = [
            write
            for write in graph.free_outputs
            if sorted(graph.tensors[write].shape) == sorted(graph.tensors[read].shape)
            and _stem(write) == _stem(read)
        ]
        if len(fitting) == 1:
            found.append(StatePair(read, fitting[0]))
    return tuple(found)


def _stem(name: str) -> tuple[str, ...]:
    """The words of a name without those that tell input from output: ``h0`` and ``hn`` are one."""
    words = tuple(word.lower() for word in _PARTS.findall(name))
    kept = tuple(word for word in words if word not in _ENDS)
    told = any(word.isalpha() for word in kept)
    return tuple(re.sub(r"(?<=^[a-z])n$", "", word) for word in kept) if told else words
