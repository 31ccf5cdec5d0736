"""Runs the C kernels on this workstation, one operator at a time, without generated code.

All kernels are compiled into one shared library; parameter structs are laid out by ctypes from the
declarations in the kernels' headers, filled from a `KernelCall`.
"""

from __future__ import annotations

import ctypes
import functools
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.compilers import compile_c, host_compiler
from toolkit.ir import Graph, Node
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import kernel_call
from toolkit.ops.parts.base import KernelCall, view
from toolkit.resources import kernel_folders, kernel_path
from toolkit.toolchain.base import LANGUAGE_FLAGS

FLAGS = tuple(flag for flag in LANGUAGE_FLAGS if flag.startswith(("-std=", "-W")))
SANITIZE = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

_C_TYPES = {
    "int8_t": (ctypes.c_int8, np.int8),
    "int16_t": (ctypes.c_int16, np.int16),
    "int32_t": (ctypes.c_int32, np.int32),
    "int64_t": (ctypes.c_int64, np.int64),
    "uint32_t": (ctypes.c_uint32, np.uint32),
}
_STRUCT = re.compile(r"typedef struct \{(.*?)\} (\w+);", re.DOTALL)
_ALIAS = re.compile(r"typedef (\w+)_params (\w+)_params;")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def kernel_sources() -> list[str]:
    """Paths of all C kernels, sorted by name."""
    found = (path for folder in kernel_folders() for path in folder.glob("*.c"))
    return [str(path) for path in sorted(found, key=lambda path: path.name)]


def include_kernels(flag: str = "-I") -> list[str]:
    """Compiler options that make the kernels' headers found."""
    return [f"{flag}{folder}" for folder in kernel_folders()]


@functools.cache
def kernel_library(*flags: str) -> ctypes.CDLL:
    """Every kernel, compiled strictly with ``flags``."""
    command = [*host_compiler(), *FLAGS, "-O2", "-fPIC", "-shared", *flags, *include_kernels()]
    with tempfile.TemporaryDirectory(prefix="kernels") as folder:
        compile_c([*command, *kernel_sources(), "-o", "kernels.so"], Path(folder))
        return ctypes.CDLL(f"{folder}/kernels.so")


@functools.cache
def parameter_struct(kernel: str) -> tuple[type[ctypes.Structure], dict[str, Any]]:
    """The ``<kernel>_params`` struct of a kernel's header, and each field's numpy element type."""
    header = _COMMENT.sub("", kernel_path(f"{kernel}.h").read_text())
    aliases = {alias: name for name, alias in _ALIAS.findall(header)}
    if kernel in aliases:
        return parameter_struct(aliases[kernel])
    (body,) = [text for text, name in _STRUCT.findall(header) if name == f"{kernel}_params"]
    fields: list[tuple[str, Any]] = []
    elements: dict[str, Any] = {}
    for declaration in filter(None, (line.strip() for line in body.split(";"))):
        kind, names = declaration.removeprefix("const ").split(maxsplit=1)
        for name in names.split(","):
            c_type, dtype = _C_TYPES[kind]
            is_pointer = name.strip().startswith("*")
            field = name.strip().lstrip("*").strip()
            fields.append((field, ctypes.c_void_p if is_pointer else c_type))
            elements[field] = (dtype, is_pointer)
    struct = type(f"{kernel}_params", (ctypes.Structure,), {"_fields_": fields})
    return struct, elements


def parameters(call: KernelCall) -> tuple[ctypes.Structure, list[Array]]:
    """The parameters of a call, and the arrays that they point to."""
    struct, elements = parameter_struct(call.kernel)
    assert list(call.params) == list(elements), f"{call.kernel}: fields differ from the header's"
    alive = []
    params = struct()
    for name, value in call.params.items():
        dtype, is_pointer = elements[name]
        assert is_pointer == isinstance(value, np.ndarray), f"{call.kernel}: {name}"
        if is_pointer:
            array = np.ascontiguousarray(value)
            assert array.dtype == dtype, f"{call.kernel}: {name} is {array.dtype}"
            alive.append(array)
            setattr(params, name, array.ctypes.data)
        else:
            setattr(params, name, value)
            assert getattr(params, name) == value, f"{call.kernel}: {name} does not fit"
    return params, alive


def run_kernel(
    call: KernelCall, tensors: dict[str, Array], outputs: list[Array], *flags: str
) -> None:
    """Call the kernel on ``tensors`` (inputs by name) and write into ``outputs``."""
    params, _alive = parameters(call)
    arrays = [np.ascontiguousarray(tensors[name]) for name in call.inputs] + outputs
    scratch = np.full(call.scratch_bytes // 8 + 1, -1, np.int64)
    arguments = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
    if call.scratch_bytes:
        arguments.append(ctypes.c_void_p(scratch.ctypes.data))
    function = getattr(kernel_library(*flags), call.kernel)
    function.restype = None
    function(ctypes.byref(params), *arguments)


def reduce_rows(call: KernelCall, rows: Array, out: Array, *flags: str) -> None:
    """The kernel of a REDUCING node, as a stream runs it, on one row after the other."""
    params, _alive = parameters(call)
    state = np.full(call.scratch_bytes // 8 + 1, -1, np.int64)
    library, pointer = kernel_library(*flags), ctypes.c_void_p
    kept, by = pointer(state.ctypes.data), ctypes.byref(params)
    getattr(library, f"{call.kernel}_init")(by, kept)
    for row in np.ascontiguousarray(rows):
        accumulate = getattr(library, f"{call.kernel}_accumulate_row")
        accumulate(by, pointer(row.ctypes.data), kept)
    getattr(library, f"{call.kernel}_finish")(by, kept, pointer(out.ctypes.data))


def window_row(call: KernelCall, rows: Sequence[Array | None], out: Array, *flags: str) -> None:
    """The kernel of a WINDOWED node, as a stream runs it, on the rows of one window."""
    params, _alive = parameters(call)
    places = [None if row is None else row.ctypes.data for row in rows]
    taps = (ctypes.c_void_p * len(rows))(*places)
    function = getattr(kernel_library(*flags), f"{call.kernel}_row")
    function(ctypes.byref(params), taps, ctypes.c_void_p(out.ctypes.data))


def run_node_in_c(graph: Graph, node: Node, values: dict[str, Array], *flags: str) -> Array:
    """The output of ``node`` by its C kernel, from the ``values`` of its inputs."""
    operator, node_view = OPERATORS[node.op], view(graph, node)
    if operator.is_alias:
        return values[node_view.input(0).name].reshape(node_view.output.shape)
    call = kernel_call(node_view)
    tensors = {
        name: graph.tensors[name].values if graph.tensors[name].is_constant else values[name]
        for name in call.inputs
    }
    out = np.full(node_view.output.shape, 85, node_view.output.dtype.numpy)
    run_kernel(call, tensors, [out], *flags)
    return out


def run_graph_in_c(graph: Graph, inputs: dict[str, Array], *flags: str) -> dict[str, Array]:
    """As `run_graph`, every node by its C kernel."""
    values = dict(inputs)
    for node in graph.nodes:
        values[node.outputs[0]] = run_node_in_c(graph, node, values, *flags)
    return values
