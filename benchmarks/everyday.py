"""Everyday networks through both of torch's exporters to the simulated core.

``python -m benchmarks.everyday [--dry-run] [NAME...]`` exports each network of `everyday_nets`,
holds the import to onnxruntime and the firmware to the integer reference, and writes the table of
docs/RESULTS.md.  The newer exporter needs the package onnxscript; without it its column says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.documents import RESULTS, write_generated
from benchmarks.everyday_nets import NETS, Net, settled
from benchmarks.tables import markdown
from toolkit.deploy.model import load
from toolkit.deploy.run import Run
from toolkit.errors import NotStreamableError, ToolkitError
from toolkit.measurement import Check, Provenance
from toolkit.ops.check import custom_operators
from toolkit.ops.execute import run_graph
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.plan.schedule import ScheduleRequest
from toolkit.quantize.outputs import fed, real
from toolkit.quantize.snr import int8_snr_db

MODULE = "benchmarks.everyday"
TARGET = "cortex-m4"
#: Inputs for calibration, and others that the ratio of int8 is measured on.
_CALIBRATING, _CASES = 32, 16
EXPORTERS = ("tracing", "dynamo")
HEAD = (
    *("network", "exporter", "import, off by", "wrong bytes", "int8 SNR", "streams", "cycles"),
    *("static RAM", "flash", "custom operators"),
)
TEXT = """\
Small networks of each kind with random weights, exported by torch {torch} with its tracing and its
newer exporter, converted on {calibrating} made-up inputs, built for {target} with zig, streamed
where they can be. "Import" is the largest difference from onnxruntime, relative to the largest
value (measured); "wrong bytes" are those of the simulated firmware against the integer reference
(measured); the SNR of int8 against float is on {cases} inputs that calibration has not had
(measured); cycles of an inference are simulated, RAM and flash are the linked program's (measured).
"""


@dataclass(frozen=True)
class Outcome:
    """One network by one exporter: a run of its firmware, or why there is none."""

    net: Net
    exporter: str
    run: Run | None
    why: str = ""


def exported(net: Net, model: nn.Module, exporter: str, path: Path) -> None:
    """Write the network as ONNX."""
    buffer = io.BytesIO()
    arguments = (torch.zeros(net.shape),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "tracing":
            torch.onnx.export(model, arguments, buffer, opset_version=17, dynamo=False)
            path.write_bytes(buffer.getvalue())
        else:
            program = torch.onnx.export(model, arguments, dynamo=True, verbose=False)
            assert program is not None
            program.save(str(path))


def outcome(net: Net, exporter: str, folder: Path) -> Outcome:
    """The network's way to the simulated core."""
    if exporter == "dynamo" and importlib.util.find_spec("onnxscript") is None:
        return Outcome(net, exporter, None, "not run: onnxscript is not installed")
    path, calib = folder / "net.onnx", folder / "inputs.npy"
    exported(net, settled(net), exporter, path)
    np.save(calib, inputs(net, _CALIBRATING, seed=1))
    try:
        model = load(path, time_axis=net.time_axis).quantize(calib)
        try:
            deployment = model.deploy(TARGET, ScheduleRequest("stream"))
        except NotStreamableError:
            deployment = model.deploy(TARGET)
        return Outcome(net, exporter, deployment.compile().run())
    except ToolkitError as error:
        return Outcome(net, exporter, None, str(error).splitlines()[0])


def inputs(net: Net, count: int, seed: int) -> NDArray[np.float32]:
    """Noise that is smooth in time and differs in level and colour from case to case, as sounds do:
    ``[count, *shape]``."""
    rng = np.random.default_rng(seed)
    made = rng.standard_normal((count, *net.shape)).astype(np.float32)
    for _ in range(2):
        made = made + np.roll(made, 1, net.time_axis + 1)
    others = tuple(1 if axis == net.time_axis else size for axis, size in enumerate(net.shape))
    colour = rng.standard_normal((count, *others)).astype(np.float32)
    level = rng.uniform(0.2, 1.0, (count, *(1,) * len(net.shape))).astype(np.float32)
    return np.asarray(level * (0.4 * made + colour), np.float32)


def row(found: Outcome) -> tuple[str, ...]:
    """Its line of the table."""
    name, run = found.net.name, found.run
    if run is None:
        return (name, found.exporter, found.why, *[""] * (len(HEAD) - 3))
    report = run.report

    def figure(key: str, provenance: Provenance) -> str:
        row = report.find(key, provenance)
        return "–" if row is None else f"{row.value:,.0f}"

    return (
        name,
        found.exporter,
        _off(report.checks),
        figure("output_mismatches", Provenance.MEASURED),
        f"{snr_db(found.net, run):.1f} dB",
        "yes" if run.plan.stream is not None else "batch",
        figure("cycles_per_inference", Provenance.SIMULATED),
        figure("ram_static_bytes", Provenance.MEASURED),
        figure("flash_bytes", Provenance.MEASURED),
        ", ".join(custom_operators(run.graph)) or "none",
    )


def _off(checks: tuple[Check, ...]) -> str:
    """What the check of the import found."""
    (found,) = (check for check in checks if check.name == "import_match")
    words = found.detail.split("at most ")[-1].split(" of")[0]
    return words if found.passed else f"**{found.detail}**"


def snr_db(net: Net, run: Run) -> float:
    """Float signal to int8 error, on inputs that calibration has not had."""
    float_graph = run.model.float_graph
    assert float_graph is not None
    (entry,) = float_graph.inputs
    cases = [to_graph_layout(float_graph, {entry: x}) for x in inputs(net, _CASES, seed=2)]
    (name,), (own,) = float_graph.outputs, run.graph.outputs
    exact = [run_graph(float_graph, case)[name].reshape(-1) for case in cases]
    found = [real(run.graph, own, run_graph(run.graph, fed(run.graph, c))[own]) for c in cases]
    return int8_snr_db(np.stack(exact), np.stack([values.reshape(-1) for values in found]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    rows = []
    for net in NETS:
        if options.names and net.name not in options.names:
            continue
        for exporter in EXPORTERS:
            with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
                rows.append(row(outcome(net, exporter, Path(folder))))
                print(*rows[-1], sep=" | ", flush=True)
    text = TEXT.format(
        torch=torch.__version__, target=TARGET, cases=_CASES, calibrating=_CALIBRATING
    )
    if not options.dry_run:
        write_generated(RESULTS, MODULE, f"{text}\n{markdown(HEAD, rows)}")


if __name__ == "__main__":
    main()
