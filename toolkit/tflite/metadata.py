"""Metadata of a ``.tflite`` that came from elsewhere; nothing else in it changes."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.tflite.flatbuffer import damaged_means_model_error
from toolkit.tflite.write import AlignedBufferT


def with_metadata(data: bytes, key: str, text: str) -> bytes:
    """The file with ``text`` under ``key`` in place of what was there; deterministic.

    ``data`` has been parsed before; raises ModelError where it cannot be written again.
    """
    with damaged_means_model_error(key):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        kept = [entry for entry in model.metadata or [] if entry.name != key.encode()]
        entry = schema.MetadataT(name=key, buffer=len(model.buffers))
        model.metadata = [*kept, entry]
        constants = [buffer.data for buffer in model.buffers]
        constants.append(np.frombuffer(text.encode(), np.uint8))
        model.buffers = [
            AlignedBufferT(data=None if held is None else np.asarray(held, np.uint8).tobytes())
            for held in constants
        ]
        builder = flatbuffers.Builder(len(data) + len(text) + 1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
