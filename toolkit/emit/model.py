"""A planned graph becomes model.h, model.c and the weights: straight-line calls of kernels."""

from __future__ import annotations

import numpy as np

from toolkit import __version__
from toolkit.emit.c_text import (
    CommentText,
    Identifier,
    IdentifierPool,
    array_lines,
    c_type,
    comment_text,
    identifier_stem,
    integer,
)
from toolkit.emit.contexts import Argument, Banner, Constant, ModelContext, Step, TensorText
from toolkit.emit.environment import render
from toolkit.ir import DType, Graph, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.base import KernelCall, view
from toolkit.plan import Plan, check_plan

MODEL_FILES = ("model.h", "model.c", "model_weights.h", "model_weights.c")


def emit_model(graph: Graph, plan: Plan, model_sha256: str, target: str) -> dict[str, str]:
    """Text of the model's four C files by name; ``model_sha256`` identifies its source.

    The plan is checked first.  Raises UnsupportedError for tensors that are not integers.
    """
    context = model_context(graph, plan, model_sha256, target)
    return {name: render(name, context) for name in MODEL_FILES}


def kernel_calls(graph: Graph) -> dict[str, KernelCall]:
    """What each node calls, by node name in execution order; aliases call nothing."""
    return {
        node.name: OPERATORS[node.op].kernel_call(view(graph, node))
        for node in graph.nodes
        if not OPERATORS[node.op].is_alias
    }


def model_context(graph: Graph, plan: Plan, model_sha256: str, target: str) -> ModelContext:
    """Everything the model templates print."""
    return _Emitter(graph, check_plan(graph, plan)).context(model_sha256, target)


class _Emitter:
    """Collects constants (each content once) while it walks the graph."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self._graph, self._plan = graph, plan
        self._pool = IdentifierPool()
        self._constants: dict[tuple[str, bytes], Constant] = {}

    def context(self, model_sha256: str, target: str) -> ModelContext:
        graph, plan = self._graph, self._plan
        calls = kernel_calls(graph)
        steps = tuple(
            self._step(number, name, call) for number, (name, call) in enumerate(calls.items(), 1)
        )
        numbers = {name: number for number, name in enumerate(calls, 1)}
        peak = graph.nodes[plan.peak_step].name if graph.nodes else ""
        banner = Banner(
            version=__version__,
            model=comment_text(graph.name),
            model_sha256=model_sha256,
            target=target,
            arena_bytes=plan.arena_bytes,
            lower_bound_bytes=plan.lower_bound_bytes,
            peak_step=numbers.get(peak, 0),
        )
        return ModelContext(
            banner=banner,
            inputs=tuple(self._tensor(graph.tensors[name]) for name in graph.inputs),
            outputs=tuple(self._tensor(graph.tensors[name]) for name in graph.outputs),
            kernels=tuple(sorted({call.kernel for call in calls.values()})),
            constants=tuple(self._constants.values()),
            steps=steps,
            weights_bytes=sum(len(data) for _, data in self._constants),
            macs=sum(step.macs for step in steps),
        )

    def _step(self, number: int, node_name: str, call: KernelCall) -> Step:
        graph, plan = self._graph, self._plan
        node = next(n for n in graph.nodes if n.name == node_name)
        stem, owner = identifier_stem(node.name, node.op), comment_text(node.name)
        params = self._pool.take(stem, "params")
        fields = tuple(
            (
                field,
                self._constant(value, stem, field, owner)
                if isinstance(value, np.ndarray)
                else integer(int(value)),
            )
            for field, value in call.params.items()
        )
        reads = tuple(graph.tensors[name] for name in call.inputs)
        writes = tuple(graph.tensors[name] for name in call.outputs)
        arguments = [self._argument(t, stem, owner, const=True) for t in reads]
        arguments += [self._argument(t, stem, owner, const=False) for t in writes]
        if call.scratch_bytes:
            arguments.append(Argument("void *", plan.scratch_offsets[node.name]))
        return Step(
            number=number,
            name=owner,
            op=node.op,
            kernel=call.kernel,
            params=params,
            fields=fields,
            reads=tuple(self._tensor(t) for t in dict.fromkeys(reads) if not t.is_constant),
            writes=tuple(self._tensor(t) for t in writes),
            macs=OPERATORS[node.op].work(view(graph, node)).macs,
            scratch_bytes=call.scratch_bytes,
            arguments=tuple(arguments),
        )

    def _argument(self, tensor: Tensor, stem: str, owner: CommentText, *, const: bool) -> Argument:
        kind = c_type(tensor.dtype, f"tensor {tensor.name!r}")
        if tensor.is_constant:
            return Argument(kind, 0, self._constant(tensor.values, stem, "operand", owner))
        pointer = f"const {kind} *" if const else f"{kind} *"
        return Argument(pointer, self._plan.tensor_offsets[tensor.name])

    def _constant(self, values: Array, stem: str, field: str, owner: CommentText) -> Identifier:
        kind = c_type(DType(values.dtype.name), f"constant {field!r} of {owner!r}")
        key = (kind, np.ascontiguousarray(values).tobytes())
        if key not in self._constants:
            name = self._pool.take(stem, field)
            lines = array_lines(values)
            self._constants[key] = Constant(name, kind, values.size, owner, lines)
        return self._constants[key].name

    def _tensor(self, tensor: Tensor) -> TensorText:
        quant = tensor.quant
        text = ""
        if quant is not None and quant.axis is None:
            text = f"real = {np.float32(quant.tensor_scale)!s} * (q - ({quant.tensor_zero_point}))"
        return TensorText(
            name=comment_text(tensor.name),
            c_type=c_type(tensor.dtype, f"tensor {tensor.name!r}"),
            shape="x".join(str(d) for d in tensor.shape) or "scalar",
            offset_bytes=self._plan.tensor_offsets[tensor.name],
            size_bytes=tensor.size_bytes,
            quantisation=text,
        )
