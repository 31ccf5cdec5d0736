"""Compiles streamed models for this workstation as shared libraries and runs them from Python."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.compilers import compile_c, host_compiler
from tests.support.kernel import FLAGS, include_kernels, kernel_sources
from toolkit.emit import emit_model
from toolkit.emit.naming import named
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.ops.execute import run_graph
from toolkit.plan import StreamPlan
from toolkit.plan.time_axis import retime
from toolkit.quantize.outputs import decoded

OK, TOO_FEW_FRAMES, TOO_MANY_FRAMES, ENDED, UNREAD = 0, 1, 2, 3, 6

COMPILE = [*host_compiler(), "-fPIC", *include_kernels("-iquote"), *FLAGS]

#: Runs a whole clip without a call from Python for every frame: of three frames one is pushed, one
#: is put and computed in steps, and one is put and left to the next call after a step.
_DRIVER = """
#include <string.h>
#include "model.h"
unsigned model_driver_bytes(void);
unsigned model_driver_bytes(void) { return (unsigned)sizeof(model); }
#undef DECLARE
#undef UNREAD
#ifdef MODEL_INPUTS
#define DECLARE(rows, frame) const void *rows[MODEL_INPUTS]; model_fill(rows, frame)
static void model_fill(const void *rows[], const int8_t *frame) {
    for (uint32_t i = 0; i < MODEL_INPUTS; frame += model_frame_bytes[i++]) {
        rows[i] = frame;
    }
}
#else
#define DECLARE(rows, frame) const void *const rows = frame
#endif
#ifdef MODEL_ROWS
#define UNREAD MODEL_UNREAD
/* Takes rows to where they go; -1 where their number is not as said. */
static int model_take_all(model *m, uint8_t *rows[]) {
    for (uint32_t i = 0; i < MODEL_OUTPUTS; ++i) {
        const void *row;
        uint32_t ready = model_rows_ready(m, i);
        while ((row = model_take_row(m, i)) != NULL) {
            memcpy(rows[i], row, model_output_bytes[i]);
            rows[i] += model_output_bytes[i];
            ready--;
        }
        if (ready != 0) {
            return -1;
        }
    }
    return 0;
}
#else
#define UNREAD -1
static int model_take_all(model *m, uint8_t *rows[]) {
    (void)m;
    (void)rows;
    return 0;
}
#endif
int model_driver_run(model *m, const int8_t *frames, uint32_t count, uint8_t *out[]);
int model_driver_run(model *m, const int8_t *frames, uint32_t count, uint8_t *out[]) {
    int status = model_take_all(m, out);
    for (uint32_t i = 0; i < count && status == 0; ++i) {
        DECLARE(frame, frames + i * MODEL_FRAME_BYTES);
        int pushed = i % 3 == 0 ? model_push_frame(m, frame) : model_put_frame(m, frame);
        if (pushed == UNREAD && model_take_all(m, out) == 0) {
            pushed = i % 3 == 0 ? model_push_frame(m, frame) : model_put_frame(m, frame);
        }
        if (pushed != MODEL_OK) {
            return pushed;
        }
        while (i % 3 == 1 && model_step(m) != 0) {
        }
        if (i % 3 == 2 && model_step(m) != 0 && model_put_frame(m, frame) != MODEL_BUSY) {
            return -1;
        }
        status = i % 5 == 0 ? 0 : model_take_all(m, out);
    }
    while (status == 0 && (status = model_finish(m)) == UNREAD) {
        status = model_take_all(m, out);
    }
    return status;
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


def compile_streams(plans: Sequence[StreamPlan], folder: Path) -> list[str]:
    """Compile models into ``model.so``; what the names of each begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["model"] if len(plans) == 1 else [f"net{number}" for number in range(len(plans))]
    sources = []
    for name, plan in zip(names, plans, strict=True):
        files = {**emit_model(plan, "0" * 64, "cortex-m4").files, "model_driver.c": _DRIVER}
        for file, text in files.items():
            path = file.replace("model", name, 1)
            own = named(text, name).replace("ROW_COUNTERS", f"ROW_COUNTERS_{name}")
            (folder / path).write_text(own)
            sources += [f'#include "{path}"\n'] if path.endswith(".c") else []
    (folder / "all.c").write_text("".join(sources))
    level = "-O1" if len(plans) == 1 else "-O0"  # many: compiling takes longer than running
    command = [*COMPILE, level, "-shared", "-iquote.", "all.c", str(kernel_archive()[1])]
    compile_c([*command, "-o", "model.so"], folder)
    return names


class Streamed:
    """A compiled streamed model; `instance` makes independent ones."""

    def __init__(self, graph: Graph, plan: StreamPlan, folder: Path, name: str = "model") -> None:
        self.graph, self.plan, self._name = graph, plan, name
        if name == "model":
            compile_streams([plan], folder)
        self._library = ctypes.CDLL(str(folder / "model.so"))
        self.function("output").restype = ctypes.c_void_p

    @staticmethod
    def several(plans: Sequence[StreamPlan], folder: Path) -> list[Streamed]:
        """Models that are compiled at once, which takes less time than one after the other."""
        names = compile_streams(plans, folder)
        return [Streamed(p.graph, p, folder, n) for p, n in zip(plans, names, strict=True)]

    def function(self, name: str) -> Any:
        return getattr(self._library, f"{self._name}_{name}")

    def instance(self) -> Instance:
        return Instance(self)


class Instance:
    """One model struct, surrounded by bytes that must stay as they are."""

    _GUARD = 64

    def __init__(self, streamed: Streamed) -> None:
        self._streamed, self._function = streamed, streamed.function
        size = self._function("driver_bytes")()
        assert size == streamed.plan.state_bytes
        self._memory = np.full(size + 3 * self._GUARD, 0xA5, np.uint8)
        start = -self._memory.ctypes.data % self._GUARD + self._GUARD
        self._inside = slice(start, start + size)
        self._pointer = ctypes.c_void_p(self._memory.ctypes.data + start)
        self._function("init")(self._pointer)

    def reset(self) -> None:
        self._function("reset")(self._pointer)

    def push(self, rows: Array) -> set[int]:
        """What pushing one row after the other returned."""
        frames = [np.ascontiguousarray(row) for row in rows]
        push, pointer = self._function("push_frame"), self._pointer
        return {int(push(pointer, ctypes.c_void_p(data.ctypes.data))) for data in frames}

    def finish(self) -> int:
        return int(self._function("finish")(self._pointer))

    def status(self, more: int) -> int:
        return int(self._function("status")(self._pointer, ctypes.c_uint32(more)))

    def ready(self, output: int) -> int:
        return int(self._function("rows_ready")(self._pointer, ctypes.c_uint32(output)))

    def take(self, output: int) -> bytes | None:
        """The next row of an output, None where there is none."""
        take = self._function("take_row")
        take.restype = ctypes.c_void_p
        address = take(self._pointer, ctypes.c_uint32(output))
        size = self._streamed.plan.output_tensors[output].size_bytes
        return None if address is None else ctypes.string_at(address, size)

    def memory(self) -> bytes:
        """All of the struct, to see whether a call changed any of it."""
        return self._memory[self._inside].tobytes()

    def run(self, clip: Array | Sequence[Array]) -> list[Array]:
        """The outputs of a whole clip; the instance is reset for the next."""
        rows = as_clip(clip)
        data = frame_bytes(rows)
        pointer = ctypes.c_void_p(data.ctypes.data)
        sinks = self._sinks(len(data))
        ends = (ctypes.c_void_p * len(sinks))(*(sink.ctypes.data for sink in sinks))
        assert self._function("driver_run")(self._pointer, pointer, len(data), ends) == OK
        taken = zip(ends, sinks, strict=True)
        assert all(end == sink.ctypes.data + len(sink) - self._GUARD for end, sink in taken)
        assert all((sink[-self._GUARD :] == 0xA5).all() for sink in sinks)
        outputs = self.outputs([sink[: -self._GUARD].tobytes() for sink in sinks])
        self.reset()
        outside = np.delete(self._memory, self._inside)
        assert (outside == 0xA5).all(), "the model wrote outside its struct"
        return outputs

    def _sinks(self, frames: int) -> list[Array]:
        """Room for the rows of every output, and for some more."""
        time = self._streamed.plan.time
        rows = {o.name: time.counts[o.rows].rows(frames) for o in time.row_outputs}
        sizes = (rows.get(t.name, 0) * t.size_bytes for t in self._streamed.plan.output_tensors)
        return [np.full(size + self._GUARD, 0xA5, np.uint8) for size in sizes]

    def outputs(self, rows: Sequence[bytes] = ()) -> list[Array]:
        """The outputs; those with time of the ``rows`` that were taken, flat."""
        plan = self._streamed.plan
        found = []
        for index, tensor in enumerate(plan.output_tensors):
            address = self._function("output")(self._pointer, index)
            assert (address is None) == (index in plan.outputs_in_rows)
            size = tensor.size_bytes
            found.append(rows[index] if address is None else ctypes.string_at(address, size))
        arrays = zip(decoded(plan.graph, plan.laid_out(found)), plan.output_tensors, strict=True)
        return [a.reshape(t.shape) if a.size == t.elements else a for a, t in arrays]


def as_clip(rows: Array | Sequence[Array]) -> Sequence[Array]:
    """Rows of every input, first axis time, of the rows of the only one."""
    return [rows] if isinstance(rows, np.ndarray) else rows


def frame_bytes(clip: Sequence[Array]) -> Array:
    """uint8 [frames, bytes]: the rows of every input side by side."""
    parts = [np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8) for rows in clip]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def random_clip(graph: Graph, frames: int, seed: int) -> list[Array]:
    """`random_frames` of every input."""
    single = (replace(graph, inputs=(name,)) for name in graph.inputs)
    return [random_frames(one, frames, seed + number) for number, one in enumerate(single)]


def random_frames(graph: Graph, frames: int, seed: int) -> Array:
    """Frames of the graph's input, first axis time, over the whole range of the type."""
    entry = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng([seed, frames])
    shape = (frames, *entry.shape[2:])
    low, high = entry.dtype.limits
    if frames % 2:  # values as networks see them, where activations are not all saturated
        low, high = max(low, entry.zero_point - 20), min(high, entry.zero_point + 20)
    return rng.integers(low, high, shape, entry.dtype.numpy, endpoint=True)


def batch_outputs(plan: StreamPlan, clip: Array | Sequence[Array]) -> list[Array]:
    """The batch model at that many frames, by the numpy integer reference."""
    rows = as_clip(clip)
    graph = retime(plan.time, len(rows[0]))
    values = run_graph(graph, {n: r[None] for n, r in zip(graph.inputs, rows, strict=True)})
    return [values[name] for name in graph.outputs]


def assert_streams_like_batch(streamed: Streamed, lengths: list[int], seed: int = 0) -> None:
    """Streamed C gives the batch reference's bytes at every one of ``lengths`` frames."""
    instance = streamed.instance()
    for frames in lengths:
        rows = random_clip(streamed.graph, frames, seed)
        expected = batch_outputs(streamed.plan, rows)
        for name, want, have in zip(
            streamed.graph.outputs, expected, instance.run(rows), strict=True
        ):
            differing = int(np.count_nonzero(want.reshape(-1) != have.reshape(-1)))
            assert differing == 0, f"{frames} frames: {name}: {differing} of {want.size} differ"
