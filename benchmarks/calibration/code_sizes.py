"""Code by kernel of linked firmwares: what ``code.toml`` of a core is fitted to.

A firmware's code is its harness, the model's driver, the kernels' files, and a function a layer;
layers of one shape share the body of a kernel that is specialised on it.  Its stack is the
harness', then the driver's, then a layer's with all that this calls.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from toolkit.measurement import Symbols
from toolkit.profiling.code_table import (
    DIVISION,
    FIRMWARE,
    MAIN,
    CodeKey,
    driver_key,
    function_key,
    kernel_key,
    main_key,
)
from toolkit.profiling.flash import FirmwareCode, LayerCode
from toolkit.profiling.linked import Linked
from toolkit.profiling.size import SizeReport
from toolkit.profiling.stack import bound_stack
from toolkit.targets import CodeSize

#: What the libraries of these firmwares are called.
LIBRARY = "network"

HEADER = """\
# Code and stack by kernel in bytes, next to what the model's constants take: `once` in a firmware,
# `body` for every shape that a kernel is specialised on, `layer` for every layer, `stack` at most,
# `shared` that of a layer which shares its body.  A number behind a kernel is what its code depends
# on: input channels of winograd2, pixels at once of a depthwise kernel, kernel rows, pairs; behind
# the driver its stages, behind main the model's inputs and outputs.
# Written by `python -m benchmarks.calibration.rates --target {target}`: means, of
# stacks the most, over {samples} firmwares compiled with {toolchain}.
"""
#: An object's name begins with where its source lies: ``network__kernels__tk_mul_s8_01234567.o``.
_INPUT = re.compile(
    r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ +(?:.*(?:[/\\]|__))?([\w.]+\.o)"
    r":\(\.(text|rodata)",
    re.M,
)


@dataclass(frozen=True)
class Sample:
    """Bytes of one part of a firmware's code; ``field`` of `CodeSize`."""

    key: CodeKey
    field: str
    size_bytes: int


def code_samples(
    firmware: Linked,
    map_text: str,
    symbols: Symbols,
    code: FirmwareCode,
    has_features: bool = False,
) -> list[Sample]:
    """What a firmware says of its kernels, compiled with zig (whose map names the files); ``code``
    is what its plan generates, ``symbols`` what its symbols belong to."""
    files = _by_file(map_text)
    sizes = {s.name: s.size_bytes for s in firmware.size.symbols}
    kernels = {
        kernel[1]: size
        for name, size in files.items()
        if (kernel := _KERNEL_OBJECT.fullmatch(name)) is not None
    }
    linked = dict.fromkeys(f for layer in code.layers for f in layer.call.code.functions)
    apart = {function.stem for function in linked}
    samples = [Sample(kernel_key(s), "once", size) for s, size in kernels.items() if s not in apart]
    for function in linked:
        key, bound = function_key(function), bound_stack(firmware.elf, function.symbol)
        samples.append(Sample(key, "once", sizes[function.symbol]))
        samples.append(Sample(key, "stack", bound.bound_bytes))
    bodies = {
        symbol.layers[0]: sizes[name] for name, symbol in symbols.items() if symbol.role == "shared"
    }
    attributed = code.weights_bytes + sum(bodies.values())
    for layer in code.layers:
        own = {
            name: size
            for name, size in sizes.items()
            if (symbol := symbols.get(name)) is not None
            and symbol.layers == (layer.node,)
            and symbol.role in _OF_A_LAYER
        }
        attributed += sum(own.values())
        stack = _stack(firmware, [n for n in own if symbols[n].role != "params"], layer)
        samples.append(Sample(layer.key, "shared" if layer.shared else "stack", stack))
        alone = layer.call.inlined and not layer.shared
        samples.append(Sample(layer.key, "body" if alone else "layer", sum(own.values())))
        if layer.node in bodies:
            samples.append(Sample(layer.key, "body", bodies[layer.node]))
    if has_features:  # its flash holds the features too
        return [s for s in samples if s.field in ("stack", "shared")] + _outside(
            firmware, code, has_features
        )
    model = files.get(f"{LIBRARY}.o", 0) + files.get(f"{LIBRARY}_weights.o", 0)
    division = division_bytes(firmware.size)
    if division:
        samples.append(Sample(DIVISION, "once", division))
    around = firmware.size.flash_bytes - model - sum(kernels.values()) - division
    return [
        *samples,
        Sample(driver_key(code.schedule, code.stages), "once", model - attributed),
        Sample(FIRMWARE, "once", around),
        *_outside(firmware, code, has_features),
    ]


def division_bytes(size: SizeReport) -> int:
    """Of the compiler's division of 64 bits in a firmware."""
    return sum(s.size_bytes for s in size.symbols if _DIVISION.fullmatch(s.name))


def _outside(linked: Linked, code: FirmwareCode, has_features: bool) -> list[Sample]:
    """Stack above the layers: of the harness, of the model's functions, and without either."""
    elf = linked.elf
    main = bound_stack(elf, MAIN, (f"{LIBRARY}_", "tk_", "__")).bound_bytes
    roots = [f for f in _DRIVERS if elf.function(f) is not None]
    driver = max(bound_stack(elf, root, (f"{LIBRARY}_layer_", "tk_")).bound_bytes for root in roots)
    samples = [
        Sample(main_key(code.schedule, has_features, code.tensors), "stack", main),
        Sample(driver_key(code.schedule, code.stages), "stack", driver),
    ]
    if code.tensors == _FEWEST_TENSORS:  # what the harness holds grows with them
        alone = bound_stack(elf, without=(f"{LIBRARY}_",)).bound_bytes
        samples.append(Sample(FIRMWARE, "stack", alone))
    return samples


def code_toml(samples: Iterable[Sample], header: str) -> str:
    """Text of ``code.toml``: means, of stacks the largest; what is 0 is left out."""
    found: dict[CodeKey, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        found[sample.key][sample.field].append(sample.size_bytes)
    text = header
    for key in sorted(found, key=_by_size):
        values = {field.name: found[key].get(field.name, []) for field in fields(CodeSize)}
        if values["body"] and not values["layer"]:  # no two layers shared a body: as others do
            values["layer"] = _glue(found, key.kind)
        text += f'\n["{key}"]\n'
        for field, sizes in values.items():
            most = field in ("stack", "shared")
            size = max(sizes, default=0) if most else sum(sizes) / max(len(sizes), 1)
            text += f"{field} = {round(size)}\n" if round(size) else ""
    return text


def _by_size(key: CodeKey) -> tuple[str, int]:
    return str(replace(key, size=None)), key.size or 0


def _glue(found: Mapping[CodeKey, Mapping[str, list[int]]], kind: str) -> list[int]:
    """What a layer takes that calls a kernel elsewhere."""
    rows = [sizes for key, sizes in found.items() if key.kind == kind]
    return [size for sizes in rows for size in sizes.get("layer", [])]


#: Roles of the symbols that each layer has of its own.
_OF_A_LAYER = ("stage", "step", "finish", "params")
_DIVISION = re.compile(r"__aeabi_u?ldivmod|__u?divmoddi4|__u?(div|mod)di3")
_DRIVERS = tuple(f"{LIBRARY}_{name}" for name in ("invoke", "reset", "push_frame", "finish"))
_FEWEST_TENSORS = 2
#: Files of the harness have no tag.
_KERNEL_OBJECT = re.compile(r"(tk_\w+)_[0-9a-f]{8}\.o")


def _by_file(map_text: str) -> Mapping[str, int]:
    """Code and constants by object file."""
    sizes: dict[str, int] = defaultdict(int)
    for size, name, _ in _INPUT.findall(map_text):
        sizes[name] += int(size, 16)
    return sizes


def _stack(firmware: Linked, functions: Iterable[str], layer: LayerCode) -> int:
    """The deepest stack of a layer's functions, without what it calls and is stated apart."""
    apart = tuple(f.symbol for f in layer.call.code.functions if f.stack_apart)
    return max(
        (bound_stack(firmware.elf, name, apart).bound_bytes for name in functions), default=0
    )
