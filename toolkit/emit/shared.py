"""The functions of kernels whose code several layers share, see `toolkit.plan.sharing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from toolkit.emit.c_text import Identifier
from toolkit.emit.contexts import SharedKernel, Step
from toolkit.emit.stream_contexts import StageText
from toolkit.measurement import Symbol, Symbols
from toolkit.plan.sharing import Groups

Caller = TypeVar("Caller", StageText, Step)


class SharedKernels:
    """What each of ``groups`` of the given layers calls, by their places among them."""

    def __init__(self, callers: Sequence[StageText | Step], groups: Groups) -> None:
        self._groups = groups
        self.functions = tuple(
            _function(callers[places[0]], number, len(places))
            for number, places in enumerate(groups, 1)
        )
        self._called = {
            callers[place].function: function.name
            for function, places in zip(self.functions, groups, strict=True)
            for place in places
        }

    def applied(self, caller: Caller) -> Caller:
        """The layer, calling the shared function where it has one."""
        return replace(caller, call=self._called.get(caller.function, caller.call))

    def symbols(self, layers: Sequence[str]) -> Symbols:
        """The layers that each function belongs to; ``layers`` are the callers' full names."""
        return {
            function.name: Symbol("shared", tuple(layers[place] for place in places))
            for function, places in zip(self.functions, self._groups, strict=True)
        }


def _function(caller: StageText | Step, number: int, users: int) -> SharedKernel:
    """The function of a group, from its first layer."""
    rows: tuple[str, ...] = ()
    if isinstance(caller, StageText) and caller.windowed:
        rows = (f"const {caller.row_type} *const *",)
    return SharedKernel(
        name=Identifier(f"model_shared_{number}"),
        kernel=caller.kernel,
        call=caller.call,
        argument_types=(*rows, *(argument.c_type for argument in caller.arguments)),
        fields=tuple(
            (field, None if field in caller.arrays else text) for field, text in caller.fields
        ),
        users=users,
    )
