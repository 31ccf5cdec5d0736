"""Resource variables of a ``.tflite``, the state of a model that runs step by step, as states.

Operators on variables go (CALL_ONCE, VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE).  What a step
reads of a variable before it assigns to it is what the step before left; what it reads after that
is the value that it assigned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from toolkit.errors import ModelError, UnsupportedError
from toolkit.tflite.flatbuffer import RawGraph, RawModel, RawOperator, RawState, RawTensor

_HANDLE, _READ, _ASSIGN, _ONCE = "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"
_OPTIONS_OF = {_ONCE: "CallOnceOptions", _HANDLE: "VarHandleOptions"}

#: Options tables of the operators on variables.
OPTIONS = frozenset(_OPTIONS_OF.values())


#: What a variable is known by: container and name.
_Key: TypeAlias = tuple[bytes, bytes]


def resolve_variables(model: RawModel, name: str) -> RawModel:
    """The model without operators on variables, and with the states that they make.

    Raises ModelError for a damaged model, UnsupportedError where variables do not begin as
    constants.
    """
    found = _Variables(name)
    operators = [
        operator for operator in model.operators if not found.takes(operator, model.others)
    ]
    if len(operators) == len(model.operators):
        return model
    return replace(
        model,
        operators=tuple(replace(op, inputs=found.seen(op.inputs)) for op in operators),
        outputs=found.seen(model.outputs),
        states=tuple(
            RawState(read, found.now[key], found.initial.get(key))
            for key, read in found.first.items()
        ),
    )


@dataclass
class _Variables:
    """Follows the variables through the operators of a model, in their order."""

    name: str
    handles: dict[int, _Key] = field(default_factory=dict)  # by the tensor that holds one
    initial: dict[_Key, RawTensor] = field(default_factory=dict)
    first: dict[_Key, int] = field(default_factory=dict)  # the tensor first read
    now: dict[_Key, int] = field(default_factory=dict)  # the tensor last read or assigned
    same: dict[int, int] = field(default_factory=dict)  # tensors read later, to what they hold

    def takes(self, op: RawOperator, others: Sequence[RawGraph]) -> bool:
        """Whether ``op`` is one on variables, which then is followed."""
        if op.custom or op.name not in (_HANDLE, _READ, _ASSIGN, _ONCE):
            return False
        if op.name == _ONCE:
            number = _options(op, self.name).initSubgraphIndex
            if not 1 <= number <= len(others):
                raise _damaged(self.name, f"CALL_ONCE of subgraph {number}")
            self.initial |= _constants(others[number - 1], self.name)
        elif op.name == _HANDLE:
            self.handles[_only(op.outputs, op, self.name)] = _key(op, self.name)
        elif op.name == _READ:
            key = self._variable(op)
            output = _only(op.outputs, op, self.name)
            if key in self.now:
                self.same[output] = self.now[key]
            else:
                self.first[key] = self.now[key] = output
        else:
            key = self._variable(op)
            (self.now[key],) = self.seen(op.inputs[1:])
        return True

    def seen(self, tensors: Sequence[int]) -> tuple[int, ...]:
        """The tensors in whose place these stand."""
        return tuple(self.same.get(index, index) for index in tensors)

    def _variable(self, op: RawOperator) -> _Key:
        wanted = 2 if op.name == _ASSIGN else 1
        if len(op.inputs) != wanted or op.inputs[0] not in self.handles:
            raise _damaged(self.name, f"{op.name} of no variable")
        return self.handles[op.inputs[0]]


def _constants(graph: RawGraph, name: str) -> dict[_Key, RawTensor]:
    """What the subgraph that runs once assigns."""
    handles: dict[int, _Key] = {}
    values: dict[_Key, RawTensor] = {}
    for op in graph.operators:
        if op.name == _HANDLE and not op.custom:
            handles[_only(op.outputs, op, name)] = _key(op, name)
            continue
        inputs = op.inputs
        whole = len(inputs) == 2 and inputs[0] in handles and 0 <= inputs[1] < len(graph.tensors)
        tensor = graph.tensors[inputs[1]] if whole else None
        if op.name != _ASSIGN or op.custom or tensor is None or tensor.data is None:
            raise UnsupportedError(
                f"{name}: what its variables begin as is computed ({op.name} in the subgraph of "
                "CALL_ONCE).",
                hint="Assign constants to them there.",
            )
        values[handles[inputs[0]]] = tensor
    return values


def _key(op: RawOperator, name: str) -> _Key:
    options = _options(op, name)
    return bytes(options.container or b""), bytes(options.sharedName or b"")


def _options(op: RawOperator, name: str) -> Any:
    if op.options is None or op.options_name != _OPTIONS_OF[op.name]:
        raise _damaged(name, f"{op.name} without options")
    return op.options


def _only(tensors: Sequence[int], op: RawOperator, name: str) -> int:
    if len(tensors) != 1:
        raise _damaged(name, f"{op.name} with {len(tensors)} outputs")
    return tensors[0]


def _damaged(name: str, problem: str) -> ModelError:
    return ModelError(f"{name}: {problem}", "The model is malformed; export it again.")
