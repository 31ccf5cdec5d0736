"""Compiles streamed models for this workstation as shared libraries and runs them from Python."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from tests.support.compilers import compile_c, host_compiler
from tests.support.kernel import FLAGS, include_kernels, kernel_sources
from toolkit.emit import emit_model
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.plan import StreamPlan
from toolkit.plan.time_axis import retime

OK, TOO_FEW_FRAMES, TOO_MANY_FRAMES, ENDED = 0, 1, 2, 3

COMPILE = [*host_compiler(), "-fPIC", *include_kernels("-iquote"), *FLAGS]

#: Runs a whole clip without a call from Python for every frame: of three frames one is pushed, one
#: is put and computed in steps, and one is put and left to the next call after a step.
_DRIVER = """
#include "model.h"
unsigned driver_bytes(void);
unsigned driver_bytes(void) { return (unsigned)sizeof(model); }
int driver_run(model *m, const int8_t *frames, uint32_t count);
int driver_run(model *m, const int8_t *frames, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        const int8_t *frame = frames + i * MODEL_FRAME_BYTES;
        const int status = i % 3 == 0 ? model_push_frame(m, frame) : model_put_frame(m, frame);
        if (status != MODEL_OK) {
            return status;
        }
        while (i % 3 == 1 && model_step(m) != 0) {
        }
        if (i % 3 == 2 && model_step(m) != 0 && model_put_frame(m, frame) != MODEL_BUSY) {
            return -1;
        }
    }
    return model_finish(m);
}
"""


@functools.cache
def kernel_archive() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """All kernels in one archive, which lasts as long as the test session."""
    folder = tempfile.TemporaryDirectory(prefix="toolkit-kernels-")
    objects = {f"{Path(source).stem}.o": source for source in kernel_sources()}
    for name, source in objects.items():
        compile_c([*COMPILE, "-O2", "-c", source, "-o", name], Path(folder.name))
    subprocess.run(["ar", "rc", "kernels.a", *objects], cwd=folder.name, check=True)
    return folder, Path(folder.name) / "kernels.a"


class Streamed:
    """A compiled streamed model; `instance` makes independent ones."""

    def __init__(self, graph: Graph, plan: StreamPlan, folder: Path) -> None:
        self.graph, self.plan = graph, plan
        folder.mkdir(parents=True, exist_ok=True)
        files = {**emit_model(plan, "0" * 64, "cortex-m4").files, "driver.c": _DRIVER}
        for name, text in files.items():
            (folder / name).write_text(text)
        sources = [name for name in files if name.endswith(".c")]
        command = [*COMPILE, "-O1", "-shared", "-iquote.", *sources, str(kernel_archive()[1])]
        compile_c([*command, "-o", "model.so"], folder)
        self.library = ctypes.CDLL(str(folder / "model.so"))
        self.library.model_output.restype = ctypes.c_void_p

    def instance(self) -> Instance:
        return Instance(self)


class Instance:
    """One model struct, surrounded by bytes that must stay as they are."""

    _GUARD = 64

    def __init__(self, streamed: Streamed) -> None:
        self._streamed, self._library = streamed, streamed.library
        size = self._library.driver_bytes()
        assert size == streamed.plan.state_bytes
        self._memory = np.full(size + 3 * self._GUARD, 0xA5, np.uint8)
        start = -self._memory.ctypes.data % self._GUARD + self._GUARD
        self._inside = slice(start, start + size)
        self._pointer = ctypes.c_void_p(self._memory.ctypes.data + start)
        self._library.model_init(self._pointer)

    def reset(self) -> None:
        self._library.model_reset(self._pointer)

    def push(self, rows: Array) -> set[int]:
        """What pushing one row after the other returned."""
        frames = [np.ascontiguousarray(row) for row in rows]
        push, pointer = self._library.model_push_frame, self._pointer
        return {int(push(pointer, ctypes.c_void_p(data.ctypes.data))) for data in frames}

    def finish(self) -> int:
        return int(self._library.model_finish(self._pointer))

    def status(self, more: int) -> int:
        return int(self._library.model_status(self._pointer, ctypes.c_uint32(more)))

    def memory(self) -> bytes:
        """All of the struct, to see whether a call changed any of it."""
        return self._memory[self._inside].tobytes()

    def run(self, rows: Array) -> list[Array]:
        """The outputs of a whole clip; the instance is reset for the next."""
        data = np.ascontiguousarray(rows)
        pointer = ctypes.c_void_p(data.ctypes.data)
        assert self._library.driver_run(self._pointer, pointer, len(rows)) == OK
        outputs = self.outputs()
        self.reset()
        outside = np.delete(self._memory, self._inside)
        assert (outside == 0xA5).all(), "the model wrote outside its struct"
        return outputs

    def outputs(self) -> list[Array]:
        graph = self._streamed.graph
        arrays = []
        for index, name in enumerate(graph.outputs):
            tensor = graph.tensors[name]
            address = self._library.model_output(self._pointer, index)
            data = ctypes.string_at(address, tensor.size_bytes)
            arrays.append(np.frombuffer(data, tensor.dtype.numpy).reshape(tensor.shape))
        return arrays


def random_frames(graph: Graph, frames: int, seed: int) -> Array:
    """Frames of the graph's input, first axis time, over the whole range of the type."""
    entry = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng([seed, frames])
    shape = (frames, *entry.shape[2:])
    low, high = entry.dtype.limits
    if frames % 2:  # values as networks see them, where activations are not all saturated
        low, high = max(low, entry.zero_point - 20), min(high, entry.zero_point + 20)
    return rng.integers(low, high, shape, entry.dtype.numpy, endpoint=True)


def batch_outputs(plan: StreamPlan, rows: Array) -> list[Array]:
    """The batch model at that many frames, by the numpy integer reference."""
    graph = retime(plan.time, len(rows))
    values = run_graph(graph, {graph.inputs[0]: rows[None]})
    return [values[name] for name in graph.outputs]


def assert_streams_like_batch(streamed: Streamed, lengths: list[int], seed: int = 0) -> None:
    """Streamed C gives the batch reference's bytes at every one of ``lengths`` frames."""
    instance = streamed.instance()
    for frames in lengths:
        rows = random_frames(streamed.graph, frames, seed)
        expected = batch_outputs(streamed.plan, rows)
        for name, want, have in zip(
            streamed.graph.outputs, expected, instance.run(rows), strict=True
        ):
            differing = int(np.count_nonzero(want != have))
            assert differing == 0, f"{frames} frames: {name}: {differing} of {want.size} differ"
