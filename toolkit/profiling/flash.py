"""Flash and stack of a firmware that is not compiled: constants exactly, code by kernel.

Bytes of code are those that a core's ``code.toml`` has from compiled calibration layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.emit.contexts import StageText, Step
from toolkit.emit.model import kernel_calls, kernel_stems, model_context
from toolkit.emit.stream import stream_context
from toolkit.ir import Graph
from toolkit.ops.base import KernelCall
from toolkit.plan import ArenaPlan, ContinuousPlan, Plan, StreamPlan
from toolkit.targets import CodeSize, Core

FIRMWARE = "firmware"
DRIVER = "driver"
_NOTHING = CodeSize(0, 0, 0, 0)


@dataclass(frozen=True)
class FlashPart:
    """Bytes of flash; ``kind`` is weights, code of kernels, code of layers or code around them."""

    name: str
    kind: str
    size_bytes: int


@dataclass(frozen=True)
class FlashEstimate:
    """What a firmware's flash holds, features left aside, and its stack in bytes.

    ``unknown`` names kernels that the core's table lacks: their code is left out.
    """

    parts: tuple[FlashPart, ...]
    stack_bytes: int
    unknown: tuple[str, ...]

    @property
    def total_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    def of(self, kind: str) -> int:
        """Bytes of one kind."""
        return sum(part.size_bytes for part in self.parts if part.kind == kind)


@dataclass(frozen=True)
class LayerCode:
    """A layer function of the generated C: what it calls, and its key in ``code.toml``."""

    node: str
    text: StageText | Step
    key: str


@dataclass(frozen=True)
class FirmwareCode:
    """The generated C of a plan: bytes of its constants, its layer functions by number."""

    weights_bytes: int
    layers: tuple[LayerCode, ...]


def firmware_code(graph: Graph, plan: ArenaPlan | StreamPlan) -> FirmwareCode:
    """What would be generated for a plan."""
    if isinstance(plan, StreamPlan):
        streamed = stream_context(plan, "", "")
        finish = kernel_calls(plan.finish_graph, plan.variants)
        nodes = [*(stage.node.name for stage in plan.stages), *finish]
        calls = [*(stage.call for stage in plan.stages), *finish.values()]
        texts: Sequence[StageText | Step] = (*streamed.stages, *streamed.steps)
        rows, weights = len(plan.stages), streamed.weights_bytes
    else:
        whole = kernel_calls(graph, plan.variants)
        nodes, calls = [*whole], [*whole.values()]
        batch = model_context(graph, plan, "", "")
        texts, rows, weights = batch.steps, 0, batch.weights_bytes
    layers = (
        LayerCode(node, text, _key(call, number < rows))
        for number, (node, text, call) in enumerate(zip(nodes, texts, calls, strict=True))
    )
    return FirmwareCode(weights, tuple(layers))


def estimate_flash(graph: Graph, plan: Plan, core: Core) -> FlashEstimate:
    """Flash of a plan's firmware on a core; see `FlashEstimate`."""
    if isinstance(plan, ContinuousPlan):
        plan = plan.stream
    code = firmware_code(graph, plan)
    layers = code.layers
    parts = [
        FlashPart("weights and tables", "weights", code.weights_bytes),
        FlashPart("start-up, harness, run-time library", "around", _of(core, FIRMWARE).once),
        FlashPart("driver", "around", _of(core, f"{DRIVER} {plan.schedule}").once),
    ]
    stems = sorted(kernel_stems(graph, plan))
    parts += [FlashPart(stem, "kernels", _of(core, stem).once) for stem in stems]
    bodies: set[str] = set()
    for layer in layers:
        size, call = _of(core, layer.key), layer.text.call
        shared = call.startswith("model_shared_")
        if layer.text.specialised and call not in bodies:
            parts.append(FlashPart(layer.key.split()[1], "kernels", size.body))
            bodies |= {call} if shared else set()
        if shared or not layer.text.specialised:
            parts.append(FlashPart(layer.node, "layers", size.layer))
    deepest = max((_of(core, layer.key).stack for layer in layers), default=0)
    missing = {k.key for k in layers if not {k.key, _whole(k.key)} & core.code.keys()}
    return FlashEstimate(
        parts=tuple(part for part in parts if part.size_bytes),
        stack_bytes=max(
            _of(core, FIRMWARE).stack, _of(core, f"{DRIVER} {plan.schedule}").stack + deepest
        ),
        unknown=tuple(sorted(missing)),
    )


def _key(call: KernelCall, by_rows: bool) -> str:
    return f"{'row' if by_rows else 'whole'} {call.kernel}/{call.variant}"


def _of(core: Core, key: str) -> CodeSize:
    """Sizes of a key; those of the whole-tensor form where a kernel was not measured by rows."""
    return core.code.get(key) or core.code.get(_whole(key)) or _NOTHING


def _whole(key: str) -> str:
    return f"whole {key.removeprefix('row ')}"
