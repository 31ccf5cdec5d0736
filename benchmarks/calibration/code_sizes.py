"""Code by kernel of linked firmwares: what ``code.toml`` of a core is fitted to.

A firmware's code is its harness, the model's driver, the kernels' files, and a function a layer;
layers of one shape share the body of a kernel that is specialised on it.  Its stack is the
harness', then the driver's, then a layer's with all that this calls.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from toolkit.emit.model import emitted
from toolkit.plan import Plan
from toolkit.profiling.code_table import (
    BLOCK,
    DIVISION,
    FIRMWARE,
    MAIN,
    MATMUL,
    driver_key,
    function_key,
    main_key,
)
from toolkit.profiling.flash import FirmwareCode, firmware_code
from toolkit.profiling.linked import Linked
from toolkit.profiling.size import SizeReport
from toolkit.profiling.stack import bound_stack
from toolkit.targets import CodeSize

HEADER = """\
# Code and stack by kernel in bytes, next to what the model's constants take: `once` in a firmware,
# `body` for every shape that a kernel is specialised on, `layer` for every layer, `stack` at most,
# `shared` that of a layer which shares its body.  A number behind a kernel is what its code depends
# on: input channels of winograd2, pixels at once of a depthwise kernel, kernel rows, pairs; behind
# the driver its stages, behind main the model's inputs and outputs.
# Written by `python -m benchmarks.calibration.rates --target {target}`: means, of
# stacks the most, over {samples} firmwares compiled with {toolchain}.
"""
_INPUT = re.compile(
    r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ +(?:.*[/\\])?([\w.]+\.o):\(\.(text|rodata)", re.M
)


@dataclass(frozen=True)
class Sample:
    """Bytes of one part of a firmware's code; ``field`` of `CodeSize`."""

    key: str
    field: str
    size_bytes: int


def code_samples(
    linked: Linked, map_text: str, plan: Plan, has_features: bool = False
) -> list[Sample]:
    """What a firmware says of its kernels, compiled with zig (whose map names the files)."""
    context = emitted(plan)
    files = _by_file(map_text)
    symbols = {s.name: s.size_bytes for s in linked.size.symbols}
    kernels = {
        name.removesuffix(".o"): size
        for name, size in files.items()
        if name.startswith("tk_") and name not in _HARNESS
    }
    samples = [Sample(stem, "once", size) for stem, size in kernels.items()]
    samples = [s for s in samples if s.key not in (BLOCK, MATMUL)]
    for name in symbols:
        if found := _FUNCTION.fullmatch(name):
            key = function_key(found[1], int(found[2]))
            samples.append(Sample(key, "once", symbols[name]))
            samples.append(Sample(key, "stack", bound_stack(linked.elf, name).bound_bytes))
    shared = {str(function.name): symbols[function.name] for function in context.shared}
    measured: set[str] = set()
    attributed = context.weights_bytes + sum(shared.values())
    code = firmware_code(plan)
    for number, layer in enumerate(code.layers, 1):
        own, stack = _layer(linked, number, symbols)
        own += symbols.get(layer.text.params, 0)
        own += symbols.get(getattr(layer.text, "window_name", ""), 0)
        attributed += own
        call = layer.text.call
        samples.append(Sample(layer.key, "shared" if layer.shared else "stack", stack))
        alone = layer.text.specialised and not layer.shared
        samples.append(Sample(layer.key, "body" if alone else "layer", own))
        if layer.shared and call not in measured:
            samples.append(Sample(layer.key, "body", shared[call]))
            measured.add(call)
    if has_features:  # its flash holds the features too
        return [s for s in samples if s.field in ("stack", "shared")] + _outside(
            linked, code, has_features
        )
    model = files.get("model.o", 0) + files.get("model_weights.o", 0)
    division = division_bytes(linked.size)
    if division:
        samples.append(Sample(DIVISION, "once", division))
    around = linked.size.flash_bytes - model - sum(kernels.values()) - division
    return [
        *samples,
        Sample(driver_key(code.schedule, code.stages), "once", model - attributed),
        Sample(FIRMWARE, "once", around),
        *_outside(linked, code, has_features),
    ]


def division_bytes(size: SizeReport) -> int:
    """Of the compiler's division of 64 bits in a firmware."""
    return sum(s.size_bytes for s in size.symbols if _DIVISION.fullmatch(s.name))


def _outside(linked: Linked, code: FirmwareCode, has_features: bool) -> list[Sample]:
    """Stack above the layers: of the harness, of the model's functions, and without either."""
    elf = linked.elf
    main = bound_stack(elf, MAIN, ("model_", "features_", "tk_", "__")).bound_bytes
    roots = [f for f in _DRIVERS if elf.function(f) is not None]
    driver = max(bound_stack(elf, root, ("layer_", "tk_")).bound_bytes for root in roots)
    samples = [
        Sample(main_key(code.schedule, has_features, code.tensors), "stack", main),
        Sample(driver_key(code.schedule, code.stages), "stack", driver),
    ]
    if code.tensors == _FEWEST_TENSORS:  # what the harness holds grows with them
        alone = bound_stack(elf, without=("model_", "features_")).bound_bytes
        samples.append(Sample(FIRMWARE, "stack", alone))
    return samples


def code_toml(samples: Iterable[Sample], header: str) -> str:
    """Text of ``code.toml``: means, of stacks the largest; what is 0 is left out."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        found[sample.key][sample.field].append(sample.size_bytes)
    text = header
    for key in sorted(found, key=_by_size):
        values = {field.name: found[key].get(field.name, []) for field in fields(CodeSize)}
        if values["body"] and not values["layer"]:  # no two layers shared a body: as others do
            values["layer"] = _glue(found, key.split()[0])
        text += f'\n["{key}"]\n'
        for field, sizes in values.items():
            most = field in ("stack", "shared")
            size = max(sizes, default=0) if most else sum(sizes) / max(len(sizes), 1)
            text += f"{field} = {round(size)}\n" if round(size) else ""
    return text


def _by_size(key: str) -> tuple[str, int]:
    base, _, last = key.rpartition(" ")
    return (base, int(last)) if last.isdigit() else (key, 0)


def _glue(found: Mapping[str, Mapping[str, list[int]]], schedule: str) -> list[int]:
    """What a layer takes that calls a kernel elsewhere."""
    rows = [sizes for key, sizes in found.items() if key.split()[0] == schedule]
    return [size for sizes in rows for size in sizes.get("layer", [])]


_FUNCTION = re.compile(rf"({BLOCK}|{MATMUL})(?:_add)?_(\d+)(?:x\d_\d|_negative)?")
_DIVISION = re.compile(r"__aeabi_u?ldivmod|__u?divmoddi4|__u?(div|mod)di3")
_DRIVERS = ("model_invoke", "model_reset", "model_push_frame", "model_finish")
_FEWEST_TENSORS = 2
_HARNESS = ("tk_io_semihosting.o", "tk_memory.o")


def _by_file(map_text: str) -> Mapping[str, int]:
    """Code and constants by object file."""
    sizes: dict[str, int] = defaultdict(int)
    for size, name, _ in _INPUT.findall(map_text):
        sizes[name] += int(size, 16)
    return sizes


def _layer(linked: Linked, number: int, symbols: Mapping[str, int]) -> tuple[int, int]:
    """Bytes of a layer's functions, and the deepest stack of them, without `BLOCK`."""
    names = [name for name in symbols if name.startswith(f"layer_{number}_")]
    size = sum(symbols[name] for name in names)
    bounds = (bound_stack(linked.elf, name, (f"{BLOCK}_",)).bound_bytes for name in names)
    return size, max(bounds, default=0)
