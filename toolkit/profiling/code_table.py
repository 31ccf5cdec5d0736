"""A core's ``code.toml``: code and stack by kernel, and by what the code of a kernel depends on.

A row's key is the part's name, for layers behind ``whole`` or ``row`` (streamed).  Where code
depends on a size the key ends in it; between measured sizes code is interpolated, and the stack is
the larger one's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from toolkit.ops.parts.base import KernelCall, LinkedFunction
from toolkit.targets import CodeSize, Core

WHOLE, ROW = "whole", "row"


@dataclass(frozen=True)
class CodeKey:
    """What a row is about; the words of its key in the file, in this order."""

    kind: str = ""
    part: str = ""
    form: str = ""
    size: int | None = None

    def __str__(self) -> str:
        size = "" if self.size is None else str(self.size)
        return " ".join(filter(None, (self.kind, self.part, self.form, size)))


FIRMWARE = CodeKey(part="firmware")
#: The compiler's division of 64 bits.
DIVISION = CodeKey(part="64-bit division")
MAIN = "main"
DRIVER = "driver"


def kernel_key(stem: str) -> CodeKey:
    """Key of a kernel's own file."""
    return CodeKey(part=stem)


def layer_key(call: KernelCall, by_rows: bool) -> CodeKey:
    """Key of a layer's function."""
    part = f"{call.kernel}/{call.variant}"
    return CodeKey(ROW if by_rows else WHOLE, part, call.code.form, call.code.size)


def function_key(function: LinkedFunction) -> CodeKey:
    """Key of a function that is linked for itself."""
    return CodeKey("function", function.stem, size=function.pairs)


def main_key(schedule: str, has_features: bool, tensors: int) -> CodeKey:
    """Key of the test harness: ``tensors`` are the model's inputs and outputs."""
    return CodeKey(MAIN, schedule, "features" if has_features else "", tensors)


def driver_key(schedule: str, stages: int) -> CodeKey:
    """Key of the model's own functions around its layers; ``stages`` of a streamed one."""
    return CodeKey(DRIVER, schedule, size=stages or None)


def code_of(core: Core, key: CodeKey) -> CodeSize:
    """What the table says of a part, see `find_code`; nothing where it has no row for it."""
    return find_code(core, key) or CodeSize()


def find_code(core: Core, key: CodeKey) -> CodeSize | None:
    """What the table says of a part; None where it has no row for it at any size.

    A kernel that was not measured by rows is taken as on whole tensors.
    """
    found = core.code.get(str(key))
    if found is None and key.size is not None:
        base = replace(key, size=None)
        found = _between(core, str(base), key.size) or core.code.get(str(base))
    if found is None and key.kind == ROW:
        return find_code(core, replace(key, kind=WHOLE))
    return found


def _between(core: Core, base: str, size: int) -> CodeSize | None:
    rows = {
        int(last): row
        for key, row in core.code.items()
        for first, _, last in (key.rpartition(" "),)
        if first == base and last.isdigit()
    }
    if not rows:
        return None
    low = max((n for n in rows if n <= size), default=min(rows))
    high = min((n for n in rows if n >= size), default=max(rows))
    a, b = rows[low], rows[high]
    part = (size - low) / (high - low) if high > low else 0.0

    def mean(first: int, second: int) -> int:
        return round(first + part * (second - first))

    return CodeSize(
        once=mean(a.once, b.once),
        body=mean(a.body, b.body),
        layer=mean(a.layer, b.layer),
        stack=max(a.stack, b.stack),
        shared=max(a.shared, b.shared),
    )
