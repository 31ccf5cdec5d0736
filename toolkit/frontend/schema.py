"""Nodes held against ONNX's own definition of their operator, before and after they are lowered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from toolkit.errors import ModelError, UnsupportedError
from toolkit.frontend.node import OnnxNode

_DAMAGED = "Export the model again."


@dataclass(frozen=True)
class Schema:
    """What an operator is defined with in one operator set.  ``attributes`` maps names to default
    values, None where there is none; ``needed`` are those that must be there; ``inputs`` are names
    and whether an input may be absent; ``most_outputs`` counts."""

    attributes: Mapping[str, Any]
    needed: frozenset[str]
    inputs: tuple[tuple[str, bool], ...]
    most_inputs: int
    most_outputs: int


@cache
def schema_of(op: str, opset: int) -> Schema | None:
    """ONNX's definition of ``op`` in operator set ``opset``, None where it has none."""
    from onnx import defs, helper

    if not defs.has(op) or "." in op:
        return None
    try:
        found = defs.get_schema(op, opset)
    except defs.SchemaError:
        return None
    defaults: dict[str, Any] = {}
    for name, attribute in found.attributes.items():
        stated = attribute.default_value.type != 0
        value = helper.get_attribute_value(attribute.default_value) if stated else None
        defaults[name] = value.decode() if isinstance(value, bytes) else value
    options = type(found.inputs[0].option) if found.inputs else None
    return Schema(
        attributes=defaults,
        needed=frozenset(name for name, a in found.attributes.items() if a.required),
        inputs=tuple(
            (i.name, options is not None and i.option == options.Optional) for i in found.inputs
        ),
        most_inputs=found.max_input,
        most_outputs=found.max_output,
    )


def check_schema(node: OnnxNode, opset: int) -> None:
    """Raise ModelError for a node that operator set ``opset`` does not know, and for attributes,
    inputs and outputs that it does not have or that are missing."""
    where, schema = f"node {node.name!r} ({node.op})", schema_of(node.op, opset)
    if schema is None:
        raise ModelError(f"{where}: operator set {opset} has no such operator.", hint=_DAMAGED)
    if strange := [name for name in node.attrs if name not in schema.attributes]:
        raise ModelError(
            f"{where}: operator set {opset} has no attribute {strange[0]!r} here.", hint=_DAMAGED
        )
    if missing := sorted(name for name in schema.needed if name not in node.attrs):
        raise ModelError(f"{where}: attribute {missing[0]!r} is missing.", hint=_DAMAGED)
    for index, (name, optional) in enumerate(schema.inputs):
        if not optional and not node.inputs.has(index):
            raise ModelError(f"{where}: input {index} ({name}) is missing.", hint=_DAMAGED)
    for kind, count, most in (
        ("inputs", len(node.inputs), schema.most_inputs),
        ("outputs", len(node.outputs), schema.most_outputs),
    ):
        if count > most:
            raise ModelError(f"{where}: at most {most} {kind}; got {count}.", hint=_DAMAGED)


def check_accounted(node: OnnxNode, opset: int, lost: Collection[str]) -> None:
    """Raise UnsupportedError for what the lowering of ``node`` did not look at: an attribute that
    is not ONNX's default, an input, or an output that it did not make though it is used
    (``lost``)."""
    where, schema = f"node {node.name!r} ({node.op})", schema_of(node.op, opset)
    defaults: Mapping[str, Any] = {} if schema is None else schema.attributes
    for name in sorted(node.attrs.unread):
        value = node.attrs.peek(name)
        if not _same(value, defaults.get(name)):
            raise UnsupportedError(
                f"{where}: attribute {name!r} = {_shown(value)} is not taken account of.",
                hint=f"Export without {name!r}, or replace the operator.",
            )
    for index in sorted(node.inputs.unread):
        name = "" if schema is None or index >= len(schema.inputs) else schema.inputs[index][0]
        raise UnsupportedError(
            f"{where}: input {index} ({name}) = {node.inputs.peek(index)!r} is not taken account "
            "of.",
            hint="Export without it, or replace the operator.",
        )
    for name in sorted(lost):
        index = node.outputs.index(name)
        raise UnsupportedError(
            f"{where}: output {index} ({name!r}) is used; the toolkit makes the first only.",
            hint="Replace the operator, or do without that output.",
        )


def _same(value: Any, default: Any) -> bool:
    if default is None or isinstance(value, np.ndarray):
        return False
    return bool(np.all(np.asarray(value) == np.asarray(default)))


def _shown(value: Any) -> str:
    return f"an array {list(value.shape)}" if isinstance(value, np.ndarray) else repr(value)[:80]
