"""Flash of a firmware that is not compiled: constants exactly, code by kernel (`code_table`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from toolkit.ops.parts.base import KernelCall
from toolkit.plan import Plan
from toolkit.plan.sharing import constants_bytes, shared_code
from toolkit.profiling.code_table import (
    DIVISION,
    FIRMWARE,
    CodeKey,
    code_of,
    driver_key,
    find_code,
    function_key,
    kernel_key,
    layer_key,
)
from toolkit.targets import Core


@dataclass(frozen=True)
class FlashPart:
    """Bytes of flash; ``kind`` is weights, code of kernels, code of layers or code around them;
    ``copied`` to RAM at start-up it is hot."""

    name: str
    kind: str
    size_bytes: int
    copied: bool = False


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

    @property
    def copied_bytes(self) -> int:
        """Code that start-up copies to RAM."""
        return sum(part.size_bytes for part in self.parts if part.copied)

    def of(self, kind: str) -> int:
        """Bytes of one kind."""
        return sum(part.size_bytes for part in self.parts if part.kind == kind)


@dataclass(frozen=True)
class LayerCode:
    """A layer function of the generated C: its node, what it calls and its key in ``code.toml``.

    ``group`` tells apart the functions that several layers share, None where its code is its own.
    """

    node: str
    call: KernelCall
    key: CodeKey
    group: int | None

    @property
    def shared(self) -> bool:
        """Whether its kernel's body is a function that other layers call too."""
        return self.group is not None


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
    stream, graph, calls = plan.stream, plan.graph, plan.calls
    stages = 0 if stream is None else len(stream.stages)
    groups = shared_code([*calls.values()], stages)
    group_of = {place: number for number, places in enumerate(groups) for place in places}
    return FirmwareCode(
        schedule="batch" if stream is None else stream.schedule,
        stages=stages,
        tensors=len(graph.inputs) + len(graph.outputs),
        stems=plan.kernel_files,
        weights_bytes=constants_bytes(graph, calls.values()),
        layers=tuple(
            LayerCode(name, call, layer_key(call, place < stages), group_of.get(place))
            for place, (name, call) in enumerate(calls.items())
        ),
    )


def estimate_flash(
    code: FirmwareCode, core: Core, divides: bool, hot: Collection[str] = ()
) -> FlashEstimate:
    """Flash of a firmware on a core, see `FlashEstimate`; ``divides`` where its features link the
    compiler's division of 64 bits; the code of the nodes in ``hot`` is copied to RAM."""
    parts = [
        FlashPart("weights and tables", "weights", code.weights_bytes),
        FlashPart("start-up, harness, run-time library", "around", code_of(core, FIRMWARE).once),
        FlashPart("driver", "around", code_of(core, driver_key(code.schedule, code.stages)).once),
    ]
    linked = dict.fromkeys(f for layer in code.layers for f in layer.call.code.functions)
    stems = code.stems - {function.stem for function in linked}
    parts += [
        FlashPart(stem, "kernels", code_of(core, kernel_key(stem)).once) for stem in sorted(stems)
    ]
    if divides or any(layer.call.code.divides for layer in code.layers):
        parts.append(FlashPart(DIVISION.part, "around", code_of(core, DIVISION).once))
    parts += [
        FlashPart(function.stem, "kernels", code_of(core, function_key(function)).once, bool(hot))
        for function in linked
    ]
    bodies: set[int] = set()
    for layer in code.layers:
        size = code_of(core, layer.key)
        if layer.call.inlined and layer.group not in bodies:
            parts.append(FlashPart(layer.key.part, "kernels", size.body, layer.node in hot))
        if layer.group is not None:
            bodies.add(layer.group)
        if layer.shared or not layer.call.inlined:
            parts.append(FlashPart(layer.node, "layers", size.layer, layer.node in hot))
    unknown = {str(layer.key) for layer in code.layers if find_code(core, layer.key) is None}
    return FlashEstimate(
        parts=tuple(part for part in parts if part.size_bytes), unknown=tuple(sorted(unknown))
    )
