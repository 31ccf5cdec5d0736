"""Compiles models in continuous mode for this workstation and runs them from Python."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from tests.support.compilers import compile_c
from tests.support.stream_host import COMPILE, kernel_archive
from toolkit.emit import emit_model
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.plan import ContinuousPlan

#: Records the outputs of every hop, and the largest row counter ever seen.
_DRIVER = """
#include "model.h"
unsigned driver_bytes(void);
unsigned driver_bytes(void) { return (unsigned)sizeof(model); }
uint32_t driver_run(model *m, const int8_t *frames, uint32_t count, uint8_t *record,
                    uint32_t *largest);
uint32_t driver_run(model *m, const int8_t *frames, uint32_t count, uint8_t *record,
                    uint32_t *largest) {
    uint32_t hops = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const int8_t *frame = frames + i * MODEL_FRAME_BYTES;
        int ready = 0;
        if (i % 2 == 0) {
            ready = model_push_frame(m, frame);
        } else if (model_put_frame(m, frame) == MODEL_OK) {
            int result = 1;
            while (result == 1) {
                result = model_step(m);
            }
            ready = result == MODEL_NEW_OUTPUT;
        }
        for (uint32_t k = 0; k < sizeof m->rows / sizeof m->rows[0]; ++k) {
            *largest = m->rows[k] > *largest ? m->rows[k] : *largest;
        }
        hops += (uint32_t)ready;
        for (uint32_t k = 0; ready && k < MODEL_OUTPUTS; ++k) {
            __builtin_memcpy(record, model_output(m, k), model_output_bytes[k]);
            record += model_output_bytes[k];
        }
    }
    return hops;
}
"""


class Continuous:
    """A compiled continuous model."""

    def __init__(self, graph: Graph, plan: ContinuousPlan, folder: Path) -> None:
        self.graph, self.plan = graph, plan
        folder.mkdir(parents=True, exist_ok=True)
        files = {**emit_model(plan, "0" * 64, "cortex-m4").files, "driver.c": _DRIVER}
        for name, text in files.items():
            (folder / name).write_text(text)
        sources = [name for name in files if name.endswith(".c")]
        command = [*COMPILE, "-O1", "-shared", "-iquote.", *sources, str(kernel_archive()[1])]
        compile_c([*command, "-o", "model.so"], folder)
        self._library = ctypes.CDLL(str(folder / "model.so"))

    def instance(self) -> ContinuousInstance:
        return ContinuousInstance(self, self._library)


class ContinuousInstance:
    """One model struct, surrounded by bytes that must stay as they are."""

    _GUARD = 64

    def __init__(self, model: Continuous, library: ctypes.CDLL) -> None:
        self._model, self._library = model, library
        size = library.driver_bytes()
        assert size == model.plan.state_bytes
        self._memory = np.full(size + 3 * self._GUARD, 0xA5, np.uint8)
        start = -self._memory.ctypes.data % self._GUARD + self._GUARD
        self._inside = slice(start, start + size)
        self._pointer = ctypes.c_void_p(self._memory.ctypes.data + start)
        self.largest_counter = 0
        library.model_init(self._pointer)

    def reset(self) -> None:
        self._library.model_reset(self._pointer)

    def push(self, frames: Array) -> list[list[Array]]:
        """Outputs ``[hop][output]`` that these frames complete."""
        graph, data = self._model.graph, np.ascontiguousarray(frames)
        tensors = [graph.tensors[name] for name in graph.outputs]
        hops = len(frames) // self._model.plan.hop_frames + 1
        record = np.zeros(hops * sum(t.size_bytes for t in tensors), np.uint8)
        largest = ctypes.c_uint32(self.largest_counter)
        done = self._library.driver_run(
            self._pointer,
            ctypes.c_void_p(data.ctypes.data),
            ctypes.c_uint32(len(frames)),
            ctypes.c_void_p(record.ctypes.data),
            ctypes.byref(largest),
        )
        self.largest_counter = largest.value
        outside = np.delete(self._memory, self._inside)
        assert (outside == 0xA5).all(), "the model wrote outside its struct"
        outputs, at = [], 0
        for _ in range(done):
            hop = []
            for tensor in tensors:
                part = record[at : at + tensor.size_bytes].view(tensor.dtype.numpy)
                hop.append(part.reshape(tensor.shape))
                at += tensor.size_bytes
            outputs.append(hop)
        return outputs


def assert_same_hops(have: list[list[Array]], want: list[list[Array]]) -> None:
    """Every byte of every output of every hop is the reference's."""
    assert len(have) == len(want)
    for hop, (ours, theirs) in enumerate(zip(have, want, strict=True)):
        for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            differing = int(np.count_nonzero(a != b))
            assert differing == 0, f"hop {hop}, output {index}: {differing} of {b.size} differ"
