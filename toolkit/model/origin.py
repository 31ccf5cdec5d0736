"""Where an int8 model comes from: what `toolkit convert` writes into a ``.tflite``'s metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

ORIGIN_KEY = "toolkit.origin"


@dataclass(frozen=True)
class Origin:
    """The sha256 of the source model's file, the toolkit that converted it, how its scales were
    found (``calibration`` and the ``cases`` it saw, with the sha256 of their float32 values, "" for
    none) and what else was done to it (``recipe``).  No file names: the same inputs give the same
    bytes wherever they lie."""

    toolkit_version: str
    source_sha256: str
    calibration: str
    cases: int
    cases_sha256: str
    recipe: Mapping[str, object]

    def to_json(self) -> str:
        """One line, the same for the same origin."""
        return json.dumps(asdict(self), sort_keys=True)


def read_origin(metadata: Mapping[str, str]) -> Mapping[str, object] | None:
    """What the metadata of a model, which anyone may have written, says of its origin; None where
    it says nothing that can be read."""
    try:
        document = json.loads(metadata.get(ORIGIN_KEY, "null"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
