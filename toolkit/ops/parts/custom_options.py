"""Options of custom operators: bytes of a fixed layout in the ``.tflite``."""

from __future__ import annotations

import struct
from typing import Any


def unpacked(options: Any, layout: struct.Struct) -> tuple[Any, ...]:
    """The fields of ``options``, None being no bytes; ValueError where they have another size."""
    data = b"" if options is None else bytes(options)
    if len(data) != layout.size:
        raise ValueError(f"{len(data)} bytes of options; {layout.size} expected")
    return layout.unpack(data)
