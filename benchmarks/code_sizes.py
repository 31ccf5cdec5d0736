"""Code by kernel of linked firmwares: what ``code.toml`` of a core is fitted to.

A firmware's code is its harness, the model's driver, the kernels' files, and a function a layer;
layers of one shape share the body of a kernel that is specialised on it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from toolkit.emit.model import model_context
from toolkit.emit.stream import stream_context
from toolkit.execution import FirmwareFacts
from toolkit.ir import Graph
from toolkit.plan import ArenaPlan, StreamPlan
from toolkit.profiling.flash import DRIVER, FIRMWARE, firmware_code
from toolkit.profiling.stack import bound_stack

HEADER = """\
# Code and stack by kernel in bytes, next to what the model's constants take: `once` in a firmware,
# `body` for every shape that a kernel is specialised on, `layer` for every layer, `stack` at most.
# Written by `python -m benchmarks.calibrate_rates --target {target}`: means over {samples}
# firmwares compiled with {toolchain}.
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
    facts: FirmwareFacts, map_text: str, graph: Graph, plan: ArenaPlan | StreamPlan
) -> list[Sample]:
    """What a firmware says of its kernels, compiled with zig (whose map names the files)."""
    context = (
        stream_context(plan, "", "")
        if isinstance(plan, StreamPlan)
        else model_context(graph, plan, "", "")
    )
    files = _by_file(map_text)
    symbols = {s.name: s.size_bytes for s in facts.size.symbols}
    kernels = {
        name.removesuffix(".o"): size
        for name, size in files.items()
        if name.startswith("tk_") and name not in _HARNESS
    }
    samples = [Sample(stem, "once", size) for stem, size in kernels.items()]
    shared = {str(function.name): symbols[function.name] for function in context.shared}
    measured: set[str] = set()
    attributed = context.weights_bytes + sum(shared.values())
    for number, layer in enumerate(firmware_code(graph, plan).layers, 1):
        own, stack = _layer(facts, number, symbols)
        own += symbols.get(layer.text.params, 0)
        own += symbols.get(getattr(layer.text, "window_name", ""), 0)
        attributed += own
        samples.append(Sample(layer.key, "stack", stack))
        call = layer.text.call
        alone = layer.text.specialised and call not in shared
        samples.append(Sample(layer.key, "body" if alone else "layer", own))
        if call in shared and call not in measured:
            samples.append(Sample(layer.key, "body", shared[call]))
            measured.add(call)
    model = files.get("model.o", 0) + files.get("model_weights.o", 0)
    around = facts.size.flash_bytes - model - sum(kernels.values())
    driver = f"{DRIVER} {plan.schedule}"
    return [
        *samples,
        Sample(driver, "once", model - attributed),
        Sample(FIRMWARE, "once", around),
        _outside(facts, driver),
    ]


def _outside(facts: FirmwareFacts, driver: str) -> Sample:
    """Stack above the layers where the deepest chain leads to one, else that of the harness."""
    stack, depth = facts.stack, 0
    for name, size in zip(stack.chain, stack.chain_bytes, strict=True):
        if name.startswith("layer_"):
            return Sample(driver, "stack", depth)
        depth += size
    return Sample(FIRMWARE, "stack", stack.bound_bytes)


def code_toml(samples: Iterable[Sample], header: str) -> str:
    """Text of ``code.toml``: means, of stacks the largest."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        found[sample.key][sample.field].append(sample.size_bytes)
    text = header
    for key in sorted(found):
        values = {field: found[key].get(field, []) for field in ("once", "body", "layer", "stack")}
        if values["body"] and not values["layer"]:  # no two layers shared a body: as others do
            values["layer"] = _glue(found, key.split()[0])
        text += f'\n["{key}"]\n'
        for field, sizes in values.items():
            size = max(sizes, default=0) if field == "stack" else sum(sizes) / max(len(sizes), 1)
            text += f"{field} = {round(size)}\n"
    return text


def _glue(found: Mapping[str, Mapping[str, list[int]]], schedule: str) -> list[int]:
    """What a layer takes that calls a kernel elsewhere."""
    rows = [sizes for key, sizes in found.items() if key.split()[0] == schedule]
    return [size for sizes in rows for size in sizes.get("layer", [])]


_HARNESS = ("tk_io_semihosting.o", "tk_memory.o")


def _by_file(map_text: str) -> Mapping[str, int]:
    """Code and constants by object file."""
    sizes: dict[str, int] = defaultdict(int)
    for size, name, _ in _INPUT.findall(map_text):
        sizes[name] += int(size, 16)
    return sizes


def _layer(facts: FirmwareFacts, number: int, symbols: Mapping[str, int]) -> tuple[int, int]:
    """Bytes of a layer's functions, and the deepest stack of them."""
    names = [name for name in symbols if name.startswith(f"layer_{number}_")]
    size = sum(symbols[name] for name in names)
    return size, max((bound_stack(facts.elf, name).bound_bytes for name in names), default=0)
