"""The figures of our kernels: ``python -m benchmarks.run [--target NAME]... [--json FILE]``.

Builds the published models with both compilers and simulates them.  RAM, flash and stack are
measured (linker map, ELF), instructions simulated and exact, cycles estimated from them with the
core's timing table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.models import BENCHMARKS, Result, run_all
from benchmarks.published import read_peers
from benchmarks.tables import (
    FIRMWARE_HEAD,
    LAYER_HEAD,
    PREDICTION_HEAD,
    firmware_row,
    layer_rows,
    markdown,
    prediction_row,
)
from toolkit.report.json_format import report_json
from toolkit.toolchain import DEFAULT_TOOLCHAIN, TOOLCHAINS


def firmware_text(results: Sequence[Result]) -> str:
    """The table of our figures."""
    return markdown(FIRMWARE_HEAD, map(firmware_row, results))


def peers_text() -> str:
    """The table of TFLM's figures."""
    head = ["model", "MACs", "instructions", "cycles", "cycles/MAC", "arena B", "model B", "code B"]
    rows = [
        [
            peer.model,
            f"{peer.macs:,}",
            f"{peer.instructions / 1e6:.4g} M",
            f"{peer.cycles / 1e6:.4g} M",
            f"{peer.cycles / peer.macs:.2f}",
            f"{peer.arena_bytes:,}",
            f"{peer.model_bytes:,}",
            f"{peer.code_bytes:,}",
            f"{peer.reference_kernels_cycles / 1e6:.4g} M",
        ]
        for peer in read_peers()
    ]
    return markdown([*head, "reference kernels, cycles"], rows)


def default_results(results: Sequence[Result]) -> list[Result]:
    """Those of the default compiler."""
    return [r for r in results if r.report.toolchain.startswith(DEFAULT_TOOLCHAIN)]


def layers_text(results: Sequence[Result], heading: str) -> str:
    """A table of layers for the first benchmark of each model."""
    first = {r.benchmark.model: r for r in reversed(default_results(results))}
    parts = [
        f"{heading} {r.benchmark.title}, {r.report.toolchain}\n\n"
        f"{markdown(LAYER_HEAD, layer_rows(r))}"
        for r in default_results(results)
        if first[r.benchmark.model] is r
    ]
    return "\n".join(parts)


def predictions_text(results: Sequence[Result]) -> str:
    """The table of prediction errors."""
    return markdown(PREDICTION_HEAD, map(prediction_row, default_results(results)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", action="append", help="default: cortex-m4")
    parser.add_argument("--json", type=Path, help="write every report here")
    arguments = parser.parse_args()
    reports = []
    for target in arguments.target or ["cortex-m4"]:
        results, skipped = run_all(BENCHMARKS, target, TOOLCHAINS)
        print(f"# {target}\n")
        print(*(f"{line}\n" for line in skipped), sep="", end="\n" if skipped else "")
        print(firmware_text(results))
        print("TFLM + CMSIS-NN, gcc 12 -O3, the same cycle table, whole invoke:\n")
        print(peers_text())
        print(layers_text(results, "##"))
        print(f"## Prediction\n\n{predictions_text(results)}")
        reports += [
            {"benchmark": r.benchmark.title, "report": json.loads(report_json(r.report))}
            for r in results
        ]
    if arguments.json:
        text = json.dumps(reports, indent=1, sort_keys=True) + "\n"
        arguments.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
