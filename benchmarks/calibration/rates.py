"""Fits the rates that predict a layer's cycles from its work, and tests them on published networks.

``python -m benchmarks.calibration.rates [--target NAME...] [--only KERNEL...] [--dry-run]``
compiles the layers of `layer_graphs` with every kernel that they are eligible for, simulates them
one by one and writes the target's ``rates.toml``: those of a core, or of parts that share one, with
their memory.  For a core also its ``code.toml``, with the networks of `code_networks`, which are
only compiled.  With ``--only`` the rows of those kernels alone are written anew.  Published
networks are not among them.
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
from benchmarks.calibration.rows import write_table
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
from toolkit.ops.kernels import PORTABLE, PORTABLE_ONLY, Variants, fast_calls, kernel_call
from toolkit.ops.parts.base import KernelCall, Work, view
from toolkit.plan import Plan, plan_arena, plan_stream
from toolkit.plan.choose import executed_work
from toolkit.profiling.flash import firmware_code
from toolkit.profiling.timing import Timing
from toolkit.targets import Rates, Target, load_target, targets_dir

TOOLCHAIN = "zig"
SIGNIFICANT_DIGITS = 3
HEADER = """\
# Cycles per unit of executed work by kernel and variant; "portable" for those without a row.
# code_wait and data_wait: the parts of them spent waiting for flash.
# Written by `python -m benchmarks.calibration.rates --target {target}`: least squares of the
# relative error, no rate negative, over {samples} simulated layers compiled with {toolchain}.
"""


@dataclass(frozen=True)
class Sample:
    """A simulated layer: what ran it, what it executed, the cycles that it took, and those of them
    that it waited for instructions and for data."""

    kernel: str
    schedule: str
    layer: str
    work: Work
    cycles: int
    code_stalls: int
    data_stalls: int


@dataclass(frozen=True, eq=False)
class _Job:
    graph: Graph
    variants: Variants
    schedule: str
    targets: tuple[str, ...]
    simulated: bool


def jobs(targets: Sequence[Target], only: Sequence[str] = ()) -> list[_Job]:
    """Every layer with every kernel (of ``only``, if any), as few firmwares; then, for a core,
    those that are only compiled."""
    target, names = targets[0], tuple(target.name for target in targets)
    is_core = target.name == target.core.name
    twins = twin_graphs() if target.dsp and is_core else ((), ())
    return [
        _Job(part, variants, schedule, names, simulated)
        for schedule, graphs, simulated in (
            ("batch", batch_graphs(), True),
            ("stream", stream_graphs(), True),
            ("batch", twins[0], False),
            ("stream", twins[1], False),
        )
        for graph in graphs
        for part, variants in _rounds(graph, target.dsp, only)
    ] + [
        _Job(graph, PORTABLE_ONLY, schedule, names, False)
        for graph in (code_networks() if is_core and not only else ())
        for schedule in ("batch", "stream")
    ]


def measure(job: _Job) -> tuple[list[list[Sample]], list[code_sizes.Sample], str]:
    """Simulate a graph; its layers on each target, their code, the toolchain.  Wrong outputs end
    the program."""
    targets, graph = [load_target(name) for name in job.targets], job.graph
    target = targets[0]
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
            return [[] for _ in targets], code, linked.toolchain
        stimulus = Stimulus(cases=cases).encode(plan)
        done = [
            replace(harness, target=each).run(
                linked.binaries.elf, stimulus, each.default_simulator, project.symbols
            )
            for each in targets
        ]
    found = [case.outputs for case in done[0].output.cases]
    expected = [output_bytes(graph, case) for case in cases]
    wrong = find_mismatches(graph.outputs, expected, found)
    if wrong:
        raise SystemExit(f"{graph.name}, {job.schedule}: {wrong[0]}")
    timings = [
        Timing(linked.elf, run.result, each) for run, each in zip(done, targets, strict=True)
    ]
    return [_samples(job, plan, timing) for timing in timings], code, linked.toolchain


def _samples(job: _Job, plan: Plan, timing: Timing) -> list[Sample]:
    """The layers of a run, those that only keep the graph whole left out."""
    graph = job.graph
    nodes = {node.name: node for node in graph.nodes}
    samples = []
    for name, row in timing.layers.items():
        node = view(graph, nodes[name])
        call = kernel_call(node, job.variants.get(node.node.name, PORTABLE))
        if node.node.name in job.variants:
            samples.append(
                Sample(
                    kernel=_kernel(call),
                    schedule=job.schedule,
                    layer=f"{node.input(0).shape} to {node.output.shape}",
                    work=executed_work(node, call, plan.behaviours.get(node.node.name)),
                    cycles=row.cycles,
                    code_stalls=row.stalls.instruction,
                    data_stalls=row.stalls.data,
                )
            )
    return samples


def _front_end(graph: Graph, target: Target) -> FrontEnd | None:
    spec, entry = feature_spec(graph), graph.tensors[graph.inputs[0]]
    if spec is None:
        return None
    return FrontEnd.feeding(entry, spec, target.arithmetic())


def fit(samples: Sequence[Sample]) -> Rates:
    """Rates of least relative error, none negative: the best of all sets of regressors that give
    such rates, rounded; and the parts of all cycles that were waited."""
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
    waits = (
        sum(stalls) / sum(s.cycles for s in samples)
        for stalls in ([s.code_stalls for s in samples], [s.data_stalls for s in samples])
    )
    return Rates(*(float(f"{rate:.{SIGNIFICANT_DIGITS}g}") for rate in (*best, *waits)))


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
        if row.code_wait or row.data_wait:
            text += f"code_wait = {row.code_wait!r}\ndata_wait = {row.data_wait!r}\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", nargs="+", default=["cortex-m4"])
    parser.add_argument("--only", nargs="+", default=[], help="kernels, as rows are named")
    parser.add_argument("--dry-run", action="store_true", help="print the fit, write nothing")
    parser.add_argument("--verbose", action="store_true", help="print every layer")
    arguments = parser.parse_args()
    targets = [load_target(name) for name in arguments.target]
    if len({target.core.name for target in targets}) > 1:
        raise SystemExit("targets that are calibrated together must share a core")
    work = jobs(targets, arguments.only)
    if not work:
        raise SystemExit(
            f"no layer of layer_graphs.py has a kernel of {arguments.only}; "
            "rows are named as in rates.toml: tk_add_s8/portable"
        )
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        measured = list(pool.map(measure, work))
    toolchain = measured[0][2]
    for number, target in enumerate(targets):
        samples = [sample for some, _, _ in measured for sample in some[number]]
        rates = fit_all(samples)
        print(target.name)
        _print_fit(samples, rates, arguments.verbose)
        if not arguments.dry_run:
            path = targets_dir() / target.name / "rates.toml"
            text = rates_toml(rates, target.name, len(samples), toolchain)
            write_table(path, text, arguments.only)
    core = targets[0].core.name
    if not arguments.dry_run and targets[0].name == core:
        path = targets_dir() / core / "code.toml"
        header = code_sizes.HEADER.format(target=core, samples=len(measured), toolchain=toolchain)
        code = [sample for _, some, _ in measured for sample in some]
        write_table(path, code_sizes.code_toml(code, header), arguments.only)


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


def _rounds(graph: Graph, dsp: bool, only: Sequence[str]) -> list[tuple[Graph, Variants]]:
    """The graph once a rank of kernel, cut down to the layers that have one of that rank."""
    options = {
        node.name: [
            call for call in _calls(graph, node.name, dsp) if not only or _kernel(call) in only
        ]
        for node in graph.nodes
        if not (len(graph.inputs) == 1 and node.op == "mean")
    }
    rounds: list[tuple[Graph, Variants]] = []
    for rank in range(max(map(len, options.values()), default=0)):
        chosen = {name: calls[rank].variant for name, calls in options.items() if rank < len(calls)}
        rounds.append((_only(graph, chosen), chosen))
    return rounds


def _kernel(call: KernelCall) -> str:
    return f"{call.kernel}/{call.variant}"


def _calls(graph: Graph, name: str, dsp: bool) -> tuple[KernelCall, ...]:
    node = next(node for node in graph.nodes if node.name == name)
    operator, node_view = OPERATORS[node.op], view(graph, node)
    return (operator.kernel_call(node_view), *fast_calls(node_view, dsp))


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
