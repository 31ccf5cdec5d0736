"""Fits the rates that predict a layer's cycles from its work, and tests them on published networks.

``python -m benchmarks.calibration.rates [--target NAME] [--dry-run]`` compiles the layers of
`layer_graphs` with every kernel that they are eligible for, simulates them one by one and writes
the target's ``rates.toml``; with the networks of `code_networks`, which are only compiled, its
``code.toml``.  Published networks are not among them.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.calibration import code_sizes
from benchmarks.calibration.code_networks import code_networks
from benchmarks.calibration.layer_graphs import batch_graphs, stream_graphs, twin_graphs
from toolkit.compare.outputs import find_mismatches
from toolkit.deploy.harness import Harness
from toolkit.deploy.stimulus import Stimulus
from toolkit.emit import write_files
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import feature_spec
from toolkit.ir import Graph
from toolkit.model.inputs import random_inputs
from toolkit.model.reference import output_bytes
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, PORTABLE_ONLY, Variants, kernel_call
from toolkit.ops.parts.base import KernelCall, Work, view
from toolkit.plan import plan_arena, plan_stream
from toolkit.plan.choose import executed_work
from toolkit.profiling.flash import firmware_code
from toolkit.profiling.timing import Timing
from toolkit.targets import Rates, Target, load_target, targets_dir

TOOLCHAIN = "zig"
SIGNIFICANT_DIGITS = 3
HEADER = """\
# Cycles per unit of executed work by kernel and variant; "portable" for those without a row.
# Written by `python -m benchmarks.calibration.rates --target {target}`: least squares of the
# relative error, no rate negative, over {samples} simulated layers compiled with {toolchain}.
"""


@dataclass(frozen=True)
class Sample:
    """A simulated layer: what ran it, what it executed, and the cycles that it took."""

    kernel: str
    schedule: str
    layer: str
    work: Work
    cycles: int


@dataclass(frozen=True, eq=False)
class _Job:
    graph: Graph
    variants: Variants
    schedule: str
    target: str
    simulated: bool


def jobs(target: Target) -> list[_Job]:
    """Every layer with every kernel, as few firmwares; then those that are only compiled."""
    twins = twin_graphs() if target.dsp else ((), ())
    return [
        _Job(part, variants, schedule, target.name, simulated)
        for schedule, graphs, simulated in (
            ("batch", batch_graphs(), True),
            ("stream", stream_graphs(), True),
            ("batch", twins[0], False),
            ("stream", twins[1], False),
        )
        for graph in graphs
        for part, variants in _rounds(graph, target.dsp)
    ] + [
        _Job(graph, PORTABLE_ONLY, schedule, target.name, False)
        for graph in code_networks()
        for schedule in ("batch", "stream")
    ]


def measure(job: _Job) -> tuple[list[Sample], list[code_sizes.Sample], str]:
    """Simulate a graph; its layers, their code, the toolchain.  Wrong outputs end the program."""
    target, graph = load_target(job.target), job.graph
    stream = job.schedule == "stream"
    plan = plan_stream(graph, variants=job.variants) if stream else plan_arena(graph, job.variants)
    harness = Harness(plan, target, b"", _front_end(graph, target), code_sizes.LIBRARY)
    cases = random_inputs(graph, 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project, has_features = harness.project(), harness.front_end is not None
        write_files(project, folder)
        linked = harness.compile(folder, TOOLCHAIN)
        map_text = linked.binaries.map.read_text(encoding="utf-8")
        code = code_sizes.code_samples(
            *(linked, map_text, project.symbols), firmware_code(plan), has_features
        )
        if not job.simulated:
            return [], code, linked.toolchain
        stimulus = Stimulus(cases=cases).encode(plan)
        done = harness.run(linked.binaries.elf, stimulus, target.default_simulator, project.symbols)
    found = [case.outputs for case in done.output.cases]
    expected = [output_bytes(graph, case) for case in cases]
    wrong = find_mismatches(graph.outputs, expected, found)
    if wrong:
        raise SystemExit(f"{graph.name}, {job.schedule}: {wrong[0]}")
    nodes = {node.name: node for node in graph.nodes}
    samples = []
    for name, row in Timing(linked.elf, done.result, target).layers.items():
        node = view(graph, nodes[name])
        call = kernel_call(node, job.variants.get(node.node.name, PORTABLE))
        if node.node.name in job.variants:  # the others only keep the graph whole
            samples.append(
                Sample(
                    kernel=f"{call.kernel}/{call.variant}",
                    schedule=job.schedule,
                    layer=f"{node.input(0).shape} to {node.output.shape}",
                    work=executed_work(node, call, plan.behaviours.get(node.node.name)),
                    cycles=row.cycles,
                )
            )
    return samples, code, linked.toolchain


def _front_end(graph: Graph, target: Target) -> FrontEnd | None:
    spec, entry = feature_spec(graph), graph.tensors[graph.inputs[0]]
    if spec is None:
        return None
    return FrontEnd.feeding(entry, spec, target.arithmetic())


def fit(samples: Sequence[Sample]) -> Rates:
    """Rates of least relative error, none negative: the best of all sets of regressors that give
    such rates, rounded."""
    rows = np.array([[s.work.macs, s.work.accumulators, s.work.elementwise] for s in samples])
    rows = rows / np.array([[s.cycles] for s in samples])
    best, least = np.zeros(3), np.inf
    for used in itertools.product((False, True), repeat=3):
        columns = [i for i in range(3) if used[i] and rows[:, i].any()]
        if not columns:
            continue
        solution = np.linalg.lstsq(rows[:, columns], np.ones(len(rows)))[0]
        error = float(((rows[:, columns] @ solution - 1) ** 2).sum())
        if solution.min() >= 0 and error < least - 1e-12:
            best, least = np.zeros(3), error
            best[columns] = solution
    return Rates(*(float(f"{rate:.{SIGNIFICANT_DIGITS}g}") for rate in best))


def fit_all(samples: Sequence[Sample]) -> dict[str, Rates]:
    """Rates of every kernel and variant, and ``portable``: those of the portable ones together."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.kernel].append(sample)
        if sample.kernel.endswith(f"/{PORTABLE}"):
            groups[PORTABLE].append(sample)
    return {kernel: fit(groups[kernel]) for kernel in sorted(groups)}


def predicted(work: Work, rates: Rates) -> float:
    """Cycles of some work."""
    return (
        work.macs * rates.multiply
        + work.accumulators * rates.accumulator
        + work.elementwise * rates.element
    )


def rates_toml(rates: Mapping[str, Rates], target: str, samples: int, toolchain: str) -> str:
    """Text of ``rates.toml``."""
    text = HEADER.format(target=target, samples=samples, toolchain=toolchain)
    for kernel, row in sorted(rates.items()):
        text += f'\n["{kernel}"]\nmultiply = {row.multiply!r}\n'
        text += f"accumulator = {row.accumulator!r}\nelement = {row.element!r}\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="cortex-m4")
    parser.add_argument("--dry-run", action="store_true", help="print the fit, write nothing")
    parser.add_argument("--verbose", action="store_true", help="print every layer")
    arguments = parser.parse_args()
    target = load_target(arguments.target)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        measured = list(pool.map(measure, jobs(target)))
    samples = [sample for some, _, _ in measured for sample in some]
    rates = fit_all(samples)
    _print_fit(samples, rates, arguments.verbose)
    if not arguments.dry_run:
        path = targets_dir() / target.core.name / "rates.toml"
        toolchain = measured[0][2]
        path.write_text(rates_toml(rates, target.name, len(samples), toolchain), "utf-8")
        print(f"wrote {path}")
        path = path.with_name("code.toml")
        header = code_sizes.HEADER.format(
            target=target.name, samples=len(measured), toolchain=toolchain
        )
        code = [sample for _, some, _ in measured for sample in some]
        path.write_text(code_sizes.code_toml(code, header), "utf-8")
        print(f"wrote {path}")


def _print_fit(samples: Sequence[Sample], rates: Mapping[str, Rates], verbose: bool) -> None:
    print(f"{'kernel':46} layers  mean |error|  worst   batch  stream (mean error)")
    for kernel in sorted({s.kernel for s in samples}):
        own = [s for s in samples if s.kernel == kernel]
        errors = {s: predicted(s.work, rates[kernel]) / s.cycles - 1 for s in own}
        worst = max(errors.values(), key=abs)
        print(
            f"{kernel:46} {len(own):6}  {_mean(map(abs, errors.values())):11.1%}  {worst:+6.1%}  "
            + "  ".join(
                f"{_mean(e for s, e in errors.items() if s.schedule == schedule):+6.1%}"
                for schedule in ("batch", "stream")
            )
        )
        for sample in own if verbose else ():
            work = sample.work
            print(
                f"    {errors[sample]:+7.1%} {sample.schedule:6} {sample.layer}: {sample.cycles:,} "
                f"cycles, {work.macs:,} / {work.accumulators:,} / {work.elementwise:,}"
            )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else float("nan")


def _rounds(graph: Graph, dsp: bool) -> list[tuple[Graph, Variants]]:
    """The graph once a rank of kernel, cut down to the layers that have one of that rank."""
    options = {
        node.name: _calls(graph, node.name, dsp)
        for node in graph.nodes
        if not (len(graph.inputs) == 1 and node.op == "mean")
    }
    rounds: list[tuple[Graph, Variants]] = []
    for rank in range(max(map(len, options.values()))):
        chosen = {name: calls[rank].variant for name, calls in options.items() if rank < len(calls)}
        rounds.append((_only(graph, chosen), chosen))
    return rounds


def _calls(graph: Graph, name: str, dsp: bool) -> tuple[KernelCall, ...]:
    node = next(node for node in graph.nodes if node.name == name)
    operator, node_view = OPERATORS[node.op], view(graph, node)
    return (operator.kernel_call(node_view), *(operator.dsp_calls(node_view) if dsp else ()))


def _only(graph: Graph, nodes: Mapping[str, str]) -> Graph:
    """The graph without the outputs that none of the nodes leads to."""
    outputs = []
    for name in graph.outputs:
        maker = graph.producer(name)
        assert maker is not None
        source = graph.producer(maker.inputs[0] or "")
        if maker.name in nodes or (source is not None and source.name in nodes):
            outputs.append(name)
    pruned = replace(graph, outputs=tuple(outputs)).pruned()
    read = {name for node in pruned.nodes for name in node.inputs}
    return replace(pruned, inputs=tuple(n for n in graph.inputs if n in read)).pruned()


if __name__ == "__main__":
    main()
