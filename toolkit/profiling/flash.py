"""Flash of a firmware that is not compiled: constants exactly, code by kernel (`code_table`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.emit.contexts import LayerText
from toolkit.emit.model import emitted
from toolkit.plan import Plan
from toolkit.profiling.code_table import (
    BLOCK,
    DIVIDING,
    DIVISION,
    FIRMWARE,
    MATMUL,
    block_key,
    code_of,
    driver_key,
    find_code,
    functions,
    layer_key,
)
from toolkit.targets import Core


@dataclass(frozen=True)
class FlashPart:
    """Bytes of flash; ``kind`` is weights, code of kernels, code of layers or code around them."""

    name: str
    kind: str
    size_bytes: int


@dataclass(frozen=True)
class FlashEstimate:
    """What a firmware's flash holds, features left aside.

    ``unknown`` names kernels that the core's table lacks: their code is left out.
    """

    parts: tuple[FlashPart, ...]
    unknown: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    def of(self, kind: str) -> int:
        """Bytes of one kind."""
        return sum(part.size_bytes for part in self.parts if part.kind == kind)


@dataclass(frozen=True)
class LayerCode:
    """A layer function of the generated C: what it calls, its key in ``code.toml``, that of the
    function of `BLOCK` that it calls, and all functions that it links, see `functions`."""

    node: str
    text: LayerText
    key: str
    block: str
    functions: Mapping[str, str]

    @property
    def shared(self) -> bool:
        """Whether its kernel's body is a function that other layers call too."""
        return self.text.call.startswith("model_shared_")


@dataclass(frozen=True)
class FirmwareCode:
    """The generated C of a plan: what tells its driver and the harness apart, the files of its
    kernels, bytes of its constants, its layer functions by number.

    ``stages`` are those of a streamed model, ``tensors`` its inputs and outputs.
    """

    schedule: str
    stages: int
    tensors: int
    stems: frozenset[str]
    weights_bytes: int
    layers: tuple[LayerCode, ...]


def firmware_code(plan: Plan) -> FirmwareCode:
    """What would be generated for a plan."""
    written, graph, stream = emitted(plan), plan.graph, plan.stream
    rows = 0 if stream is None else len(stream.stages)
    layers = (
        LayerCode(node, text, layer_key(call, number < rows), block_key(call), functions(call))
        for number, ((node, call), text) in enumerate(
            zip(plan.calls.items(), written.layers, strict=True)
        )
    )
    return FirmwareCode(
        schedule="batch" if stream is None else stream.schedule,
        stages=rows,
        tensors=len(graph.inputs) + len(graph.outputs),
        stems=plan.kernel_files,
        weights_bytes=written.weights_bytes,
        layers=tuple(layers),
    )


def estimate_flash(code: FirmwareCode, core: Core, divides: bool) -> FlashEstimate:
    """Flash of a firmware on a core, see `FlashEstimate`; ``divides`` where its features link the
    compiler's division of 64 bits."""
    parts = [
        FlashPart("weights and tables", "weights", code.weights_bytes),
        FlashPart("start-up, harness, run-time library", "around", code_of(core, FIRMWARE).once),
        FlashPart("driver", "around", code_of(core, driver_key(code.schedule, code.stages)).once),
    ]
    stems = code.stems - {BLOCK, MATMUL}
    parts += [FlashPart(stem, "kernels", code_of(core, stem).once) for stem in sorted(stems)]
    if divides or any(stem.startswith(DIVIDING) for stem in stems):
        parts.append(FlashPart(DIVISION, "around", code_of(core, DIVISION).once))
    linked = {name: key for layer in code.layers for name, key in layer.functions.items()}
    parts += [
        FlashPart(key.split()[1], "kernels", code_of(core, key).once)
        for _, key in sorted(linked.items())
    ]
    bodies: set[str] = set()
    for layer in code.layers:
        size, call = code_of(core, layer.key), layer.text.call
        if layer.text.specialised and call not in bodies:
            parts.append(FlashPart(layer.key.split()[1], "kernels", size.body))
            bodies |= {call} if layer.shared else set()
        if layer.shared or not layer.text.specialised:
            parts.append(FlashPart(layer.node, "layers", size.layer))
    return FlashEstimate(
        parts=tuple(part for part in parts if part.size_bytes),
        unknown=tuple(
            sorted({layer.key for layer in code.layers if find_code(core, layer.key) is None})
        ),
    )
