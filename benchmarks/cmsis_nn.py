"""Our layers beside CMSIS-NN's: ``python -m benchmarks.cmsis_nn --cmsis-nn DIR``.

The same layers, weights, inputs, harness, counter and timing tables; both compiled by
arm-none-eabi-gcc -O3; every byte of both held against the reference.  ``--cmsis-nn`` is a checkout
of ARM-software/CMSIS-NN; none of its code is part of this project.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calibration.layers import Layers
from benchmarks.cmsis_nn_firmware import compile_library, firmware_text, layer_symbol, link
from benchmarks.cmsis_nn_layers import LAYERS, Layer
from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown
from toolkit.deploy.harness import Harness
from toolkit.deploy.stimulus import Stimulus
from toolkit.emit import write_files
from toolkit.ir import Graph
from toolkit.model.inputs import random_inputs
from toolkit.model.reference import output_bytes
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, Variants
from toolkit.ops.parts.base import view
from toolkit.plan import plan_arena
from toolkit.plan.choose import choose_variants
from toolkit.profiling.memory import memory_watch
from toolkit.profiling.timing import Timing
from toolkit.simulate import EVERYTHING, Watch, simulate
from toolkit.targets import Target, load_target
from toolkit.toolchain.elf import read_elf

MODULE = "benchmarks.cmsis_nn"
#: Cores, and a part with its flash.
SHORT = {
    "cortex-m0plus": "M0+",
    "cortex-m3": "M3",
    "cortex-m4": "M4",
    "cortex-m33": "M33",
    "stm32l4r5": "L4R5",
}
TEXT = """\
Cycles per MAC (pools, sums and products: per output) of one layer, ours / CMSIS-NN's at commit
`{commit}`, *simulated*: on cores with zero-wait memory and each core's timing table, on the
STM32L4R5 (an M4) with code and weights in its flash, by the model of that part under its slowest
setting. Both compiled by arm-none-eabi-gcc -O3, ours with the kernels that `--optimize speed`
chooses, and every output of both equal to the reference. **Bold**: ours is slower."""


@dataclass(frozen=True)
class Cost:
    """Cycles of a layer, ours and theirs, and the kernel that ours ran on."""

    ours: int
    theirs: int
    kernel: str


def our_layers(layers: Sequence[Layer], target: Target, folder: Path) -> list[tuple[int, str]]:
    """Cycles and kernel of each layer, as ``speed`` chooses for it alone; wrong bytes end the
    program."""
    net = Layers("layers")
    for layer in layers:
        layer.add(net)
    graph = net.builder.build()
    nodes = [node.name for node in graph.nodes]
    alone = [choose_variants(layer.graph(), target, "speed") for layer in layers]
    variants = {
        name: variant
        for name, choice in zip(nodes, alone, strict=True)
        for variant in choice.values()
    }
    cycles = ours_on(graph, graph, variants, target, folder)
    return [(cycles[name], variants.get(name, PORTABLE)) for name in nodes]


def ours_on(
    graph: Graph, runs: Graph, variants: Variants, target: Target, folder: Path
) -> dict[str, int]:
    """Cycles of each layer of ``runs``, which has to give the bytes of ``graph``."""
    plan, cases = plan_arena(runs, variants), random_inputs(graph, 1)
    harness = Harness(plan, target, b"")
    project = harness.project()
    write_files(project, folder)
    linked = harness.compile(folder, "gcc")
    stimulus = Stimulus(cases=cases).encode(plan)
    done = harness.run(linked.binaries.elf, stimulus, target.default_simulator, project.symbols)
    found, expected = done.output.cases[0].outputs, output_bytes(graph, cases[0])
    for name, have, want in zip(graph.outputs, found, expected, strict=True):
        if have != want:
            raise SystemExit(f"{target.name}, {graph.name}: our bytes of {name} are others")
    timing = Timing(linked.elf, done.result, target)
    return {name: row.cycles for name, row in timing.layers.items()}


def theirs_on(graphs: Sequence[Graph], target: Target, cmsis_nn: Path, folder: Path) -> list[int]:
    """Cycles of the only layer of each graph by CMSIS-NN; wrong bytes end the program."""
    cases = [random_inputs(graph, 1)[0] for graph in graphs]
    library = folder / "library"
    library.mkdir()
    compile_library(cmsis_nn, target, library)
    text = firmware_text(graphs, cases)
    program = link(text, cmsis_nn, target, library, folder)
    elf = read_elf(program)
    named = {layer_symbol(number): str(number) for number in range(len(graphs))}
    watch = Watch(100 * EVERYTHING.limit_instructions, named, memory_watch(elf, target))
    result = simulate(program, b"", target.default_simulator, target, watch)
    at = 0
    for graph, case in zip(graphs, cases, strict=True):
        (expected,) = output_bytes(graph, case)
        if result.output[at : at + len(expected)] != expected:
            raise SystemExit(f"{target.name}, {graph.name}: CMSIS-NN's bytes are others")
        at += len(expected)
    timing = Timing(elf, result, target)
    return [timing.layers[str(number)].cycles for number in range(len(graphs))]


def measure(target: Target, cmsis_nn: Path, layers: Sequence[Layer] = LAYERS) -> list[Cost]:
    """What each layer costs on a core."""
    with tempfile.TemporaryDirectory(prefix="cmsis-nn-") as name:
        folder = Path(name)
        (folder / "ours").mkdir()
        ours = our_layers(layers, target, folder / "ours")
        theirs = theirs_on([layer.graph() for layer in layers], target, cmsis_nn, folder)
    return [Cost(*mine[:1], other, mine[1]) for mine, other in zip(ours, theirs, strict=True)]


def unit(layer: Layer) -> int:
    """What a layer's cycles are divided by: its MACs, its outputs where it has none."""
    graph = layer.graph()
    node = view(graph, graph.nodes[0])
    return OPERATORS[node.node.op].work(node).macs or node.output.elements


def table(costs: Mapping[str, Sequence[Cost]]) -> str:
    """A row a layer and a column a core, geometric means and the worst below."""
    head = ["layer", "type", *(f"{SHORT[core]}, ours / CMSIS-NN" for core in costs), "our kernels"]
    rows: list[Sequence[str]] = []
    for number, layer in enumerate(LAYERS):
        own = [column[number] for column in costs.values()]
        kernels = ", ".join(dict.fromkeys(cost.kernel for cost in own))
        cells = [_cell(cost, unit(layer)) for cost in own]
        rows.append([layer.title, layer.dtype.value, *cells, kernels])
    for title, of in (("geometric mean", _mean), ("worst", min)):
        cells = [f"{of([c.theirs / c.ours for c in column]):.2f}×" for column in costs.values()]
        rows.append([f"{title} of CMSIS-NN over ours", "", *cells, ""])
    return markdown(head, rows)


def _mean(ratios: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def _cell(cost: Cost, count: int) -> str:
    ours, theirs = (f"{cycles / count:.2f}" for cycles in (cost.ours, cost.theirs))
    return f"{ours} / {theirs}" if cost.ours <= cost.theirs else f"**{ours} / {theirs}**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cmsis-nn", type=Path, help="a checkout of ARM-software/CMSIS-NN")
    parser.add_argument("--commit", default="HEAD", help="what is checked out there, for the text")
    parser.add_argument("--core", nargs="+", choices=SHORT, default=list(SHORT))
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    if arguments.cmsis_nn is None:
        sys.exit("skipped: --cmsis-nn names the peer's code, which is not shipped here")
    costs = {core: measure(load_target(core), arguments.cmsis_nn) for core in arguments.core}
    text = table(costs)
    print(text)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, f"{TEXT.format(commit=arguments.commit)}\n\n{text}")


if __name__ == "__main__":
    main()
