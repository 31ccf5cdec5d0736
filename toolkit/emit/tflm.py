"""A model for TFLM's interpreter: its ``.tflite`` as an array, a resolver with the operators in it,
and the interface of the library in batch, so that the same front-end and harness call it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from toolkit.emit.c_text import CommentText, word_lines, words
from toolkit.emit.contexts import Banner, TensorText
from toolkit.emit.kernel_files import kernel_files
from toolkit.emit.naming import kernel_tags, named
from toolkit.emit.parts import banner, label_macros, output_texts, tensor_text
from toolkit.emit.project import Library
from toolkit.errors import InputError, UnsupportedError
from toolkit.ops.parts.base import view
from toolkit.resources import data_dir, read_text, render
from toolkit.tflite.flatbuffer import parse
from toolkit.tflite.write import write_tflite

#: Where it lies in a project.
FOLDER = "tflm"
_SHARED, _RUNTIME = "tk_tflm.h", "tflm_runtime.c"


@dataclass(frozen=True)
class CustomKernel:
    """The kernel for TFLM of a custom operator: the stem of its files, what it is called in them,
    and the kernels behind it."""

    stem: str
    name: str
    kernels: tuple[str, ...]


#: By the names in the file.
CUSTOM: Mapping[str, CustomKernel] = {
    "tk.attention_pool": CustomKernel(
        "tk_attention_pool", "AttentionPool", ("tk_attention_pool_s8", "tk_attention_pool_s8_s16")
    ),
    "tk.gru": CustomKernel("tk_gru_op", "Gru", ("tk_gru", "tk_gru_begun")),
    "tk.normalization": CustomKernel("tk_normalization_op", "Normalization", ("tk_normalization",)),
    "tk.table": CustomKernel(
        "tk_table_op", "Table", ("tk_lookup_s8", "tk_table_s16_s16", "tk_table_s8_s16")
    ),
}
#: Words of operator names that are written otherwise in the resolver's methods.
_WORDS = {"2D": "2D", "MATMUL": "MatMul", "PADV2": "PadV2"}


@dataclass(frozen=True)
class Arena:
    """Room for the interpreter, in bytes, and how that was found."""

    size_bytes: int
    basis: CommentText


@dataclass(frozen=True)
class TflmContext:
    """Everything of the two files; ``methods`` of the resolver add operators, ``custom`` are those
    that TFLM does not bring, ``states`` is how many there are."""

    banner: Banner
    inputs: tuple[TensorText, ...]
    outputs: tuple[TensorText, ...]
    labels: tuple[str, ...]
    states: int
    methods: tuple[str, ...]
    custom: tuple[CustomKernel, ...]
    arena: Arena
    file_bytes: int
    lines: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TflmModel:
    """A library whose plan runs a clip, or a step, at once, as TFLM runs it: the bytes of its
    ``.tflite``, and the operators in that.

    Raises InputError for a plan that streams, UnsupportedError for a custom operator that has no
    kernel for TFLM.
    """

    library: Library
    target: str
    data: bytes
    builtins: tuple[str, ...]
    custom: tuple[str, ...]

    @classmethod
    def of(cls, library: Library, target: str) -> TflmModel:
        plan = library.plan
        if plan.schedule not in ("batch", "step"):
            raise InputError(
                f"--engine tflm: TFLM runs whole clips or steps; this plan is {plan.schedule}.",
                hint="Add --schedule batch.",
            )
        data = write_tflite(plan.graph)
        file = parse(data, library.name, frozenset())
        found = {op for graph in (file, *file.others) for op in graph.operators}
        custom = tuple(sorted({op.name for op in found if op.custom}))
        lacking = [name for name in custom if name not in CUSTOM]
        if lacking or not _weights_are_whole(library):
            what = ", ".join(lacking) or "tk.attention_pool of weights that repeat"
            builtin = "" if lacking else "Convert the model with --attention builtin. "
            raise UnsupportedError(
                f"--engine tflm: there is no kernel for {what}.",
                hint=f"{builtin}Leave --engine out: our own firmware runs it.",
            )
        builtins = tuple(sorted({op.name for op in found if not op.custom}))
        return cls(library, target, data, builtins, custom)

    def files(self, arena: Arena) -> Mapping[str, bytes]:
        """The application's own files, by path in the project."""
        plan, name = self.library.plan, self.library.name
        graph, kernels = plan.graph, tuple(CUSTOM[name] for name in self.custom)
        context = TflmContext(
            banner=banner(graph, hashlib.sha256(self.data).hexdigest(), self.target),
            inputs=tuple(tensor_text(graph.tensors[entry], 0) for entry in graph.free_inputs),
            outputs=output_texts(plan),
            labels=label_macros(graph, plan.output_tensors),
            states=len(graph.states),
            methods=tuple(map(resolver_method, self.builtins)),
            custom=kernels,
            arena=arena,
            file_bytes=len(self.data),
            lines=word_lines(words(np.frombuffer(self.data, np.uint8))),
        )
        text = {
            f"{name}{end}": named(render(f"tflm_model{end}", context), name)
            for end in (".h", ".cc")
        }
        folder = data_dir("firmware_templates") / FOLDER
        text[_RUNTIME] = read_text(folder / _RUNTIME)
        if kernels:
            own = [f"{kernel.stem}{end}" for kernel in kernels for end in (".cc", ".h")]
            for file in (_SHARED, *own):
                text[file] = kernel_tags().apply(read_text(folder / file))
            text |= kernel_files(stem for kernel in kernels for stem in kernel.kernels)
        return {f"{FOLDER}/{path}": content.encode() for path, content in sorted(text.items())}


def resolver_method(operator: str) -> str:
    """The method of TFLM's MicroMutableOpResolver that adds a builtin operator."""
    return "Add" + "".join(_WORDS.get(word, word.capitalize()) for word in operator.split("_"))


def _weights_are_whole(library: Library) -> bool:
    """Whether every attention pool weighs values one by one."""
    graph = library.plan.graph
    pools = (view(graph, node) for node in graph.nodes if node.op == "attention_pool")
    return all(pool.input(0).shape == pool.input(1).shape for pool in pools)
