"""Layers of one shape share the code of a kernel that is specialised on it.

The kernels for particular cores are inlined with constant parameters.  Where several layers differ
in their arrays alone, one function takes those from the layer, and the rest is constant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from toolkit.emit.c_text import Identifier
from toolkit.emit.contexts import SharedKernel, StageText, Step

Caller = TypeVar("Caller", StageText, Step)


class SharedKernels:
    """The functions that two or more of the given layers share."""

    def __init__(self, callers: Sequence[StageText | Step]) -> None:
        keys = [_key(caller) for caller in callers if caller.specialised]
        users = Counter(keys)
        shared = [key for key in dict.fromkeys(keys) if users[key] > 1]
        self._functions = {
            key: SharedKernel(
                name=Identifier(f"model_shared_{number}"),
                kernel=key.kernel,
                call=key.call,
                argument_types=key.argument_types,
                fields=key.fields,
                users=users[key],
            )
            for number, key in enumerate(shared, 1)
        }

    @property
    def functions(self) -> tuple[SharedKernel, ...]:
        return tuple(self._functions.values())

    def applied(self, caller: Caller) -> Caller:
        """The layer, calling the shared function where it has one."""
        function = self._functions.get(_key(caller)) if caller.specialised else None
        return caller if function is None else replace(caller, call=function.name)


def _key(caller: StageText | Step) -> SharedKernel:
    """What layers must have in common, as the function they would share."""
    rows = ("const int8_t *const *",) if isinstance(caller, StageText) and caller.windowed else ()
    return SharedKernel(
        name=Identifier(""),
        kernel=caller.kernel,
        call=caller.call,
        argument_types=(*rows, *(argument.c_type for argument in caller.arguments)),
        fields=tuple(
            (field, None if field in caller.arrays else text) for field, text in caller.fields
        ),
        users=0,
    )
