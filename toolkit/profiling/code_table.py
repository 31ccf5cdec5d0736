"""A core's ``code.toml``: code and stack by kernel, and by what the code of a kernel depends on.

A row's key is the part's name, for layers behind ``whole`` or ``row`` (streamed).  Where code
depends on a size the key ends in it; between measured sizes code is interpolated, and the stack is
the larger one's.
"""

from __future__ import annotations

from toolkit.ops.base import KernelCall
from toolkit.ops.kernels import PORTABLE
from toolkit.targets import CodeSize, Core

FIRMWARE = "firmware"
MAIN = "main"
DRIVER = "driver"
#: The one file of kernels that is linked by function: one for each number of pairs.
BLOCK = "tk_short_block"
#: Parameters whose value decides which loops a specialised kernel unrolls; the first one present.
_UNROLLED = ("tiles.in_c", "together", "kernel_h")


def layer_key(call: KernelCall, by_rows: bool) -> str:
    """Key of a layer's function."""
    base = f"{'row' if by_rows else 'whole'} {call.kernel}/{call.variant}"
    if call.variant == PORTABLE:
        return base
    size = next((call.params[name] for name in _UNROLLED if name in call.params), None)
    return base if size is None else f"{base} {size}"


def block_key(call: KernelCall) -> str:
    """Key of the function of `BLOCK` that a layer calls; empty where it calls none."""
    return f"{BLOCK} {call.params['pairs']}" if BLOCK in call.extra_kernels else ""


def main_key(schedule: str, has_features: bool, tensors: int) -> str:
    """Key of the test harness: ``tensors`` are the model's inputs and outputs."""
    return f"{MAIN} {schedule}{' features' if has_features else ''} {tensors}"


def driver_key(schedule: str, stages: int) -> str:
    """Key of the model's own functions around its layers; ``stages`` of a streamed one."""
    return f"{DRIVER} {schedule} {stages}" if stages else f"{DRIVER} {schedule}"


def find_code(core: Core, key: str) -> CodeSize | None:
    """What the table says of a part; None where it has no row for it at any size.

    A kernel that was not measured by rows is taken as on whole tensors.
    """
    if key in core.code:
        return core.code[key]
    base, _, size = key.rpartition(" ")
    if not size.isdigit():
        base, size = key, ""
    found = _between(core, base, int(size)) if size else None
    found = found or core.code.get(base)
    if found is None and key.startswith("row "):
        return find_code(core, f"whole {key.removeprefix('row ')}")
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
