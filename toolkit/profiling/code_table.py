"""A core's ``code.toml``: code and stack by kernel, and by what the code of a kernel depends on.

A row's key is the part's name, for layers behind ``whole`` or ``row`` (streamed).  Where code
depends on a size the key ends in it; between measured sizes code is interpolated, and the stack is
the larger one's.
"""

from __future__ import annotations

from toolkit.ops.parts.base import KernelCall
from toolkit.targets import CodeSize, Core

FIRMWARE = "firmware"
MAIN = "main"
DRIVER = "driver"
#: The compiler's division of 64 bits, and the kernels that link it.
DIVISION = "64-bit division"
DIVIDING = ("tk_attention_pool_", "tk_mean_")
#: Files of kernels that are linked function by function, one for each number of pairs.
BLOCK, MATMUL = "tk_short_block", "tk_matmul_s16"
_MATMUL_PAIRS = 8
#: Parameters whose value decides which loops a specialised kernel unrolls; the first one present.
_UNROLLED = ("tiles.in_c", "together", "kernel_h")


def layer_key(call: KernelCall, by_rows: bool) -> str:
    """Key of a layer's function."""
    base = f"{'row' if by_rows else 'whole'} {call.kernel}/{call.variant}"
    if not call.inlined:
        return base
    if "weight_bits" in call.params and int(call.params["out_c"]) % 2:
        base += " odd"  # loops for the channel that is left over from pairs
    size = next((call.params[name] for name in _UNROLLED if name in call.params), None)
    return base if size is None else f"{base} {size}"


def function_key(stem: str, pairs: int) -> str:
    """Key of the functions of `BLOCK` or `MATMUL` for that many pairs."""
    return f"function {stem} {pairs}"


def block_key(call: KernelCall) -> str:
    """Key of the function of `BLOCK` that a layer calls; empty where it calls none."""
    pairs = call.params.get("pairs")
    return function_key(BLOCK, pairs) if isinstance(pairs, int) else ""


def functions(call: KernelCall) -> dict[str, str]:
    """Functions of `BLOCK` and `MATMUL` that a layer links, by what tells them apart; their keys.

    Those of ``tk_winograd_multiply``: chunks of at most eight pairs, the first stored and others
    added, for three and for four tiles, by the output channels left over.
    """
    if block := block_key(call):
        return {f"{block} {int(call.params['out_zero_point'] > -128)}": block}
    if "tiles.in_c" not in call.params:
        return {}
    pairs, out_c = (int(call.params["tiles.in_c"]) + 1) // 2, int(call.params["tiles.out_c"])
    chunk = -(-pairs // -(-pairs // _MATMUL_PAIRS))
    products = {(chunk, "first")} | {(chunk, "add") for _ in range(pairs // chunk - 1)}
    products |= {(pairs % chunk, "add")} if pairs % chunk else set()
    return {
        f"{MATMUL} {size} {kind} {tiles} {rest}": function_key(MATMUL, size)
        for size, kind in products
        for tiles, rest in ((3, out_c % 3), (4, out_c % 2))
    }


def main_key(schedule: str, has_features: bool, tensors: int) -> str:
    """Key of the test harness: ``tensors`` are the model's inputs and outputs."""
    return f"{MAIN} {schedule}{' features' if has_features else ''} {tensors}"


def driver_key(schedule: str, stages: int) -> str:
    """Key of the model's own functions around its layers; ``stages`` of a streamed one."""
    return f"{DRIVER} {schedule} {stages}" if stages else f"{DRIVER} {schedule}"


def code_of(core: Core, key: str) -> CodeSize:
    """What the table says of a part, see `find_code`; nothing where it has no row for it."""
    return find_code(core, key) or CodeSize()


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
