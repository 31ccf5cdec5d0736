"""Rewrites the generated parts of docs/RESULTS.md and README.md: ``python -m benchmarks.results``.

Needs both compilers and the models of TOOLKIT_MODELS; the same code gives the same text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.documents import README, RESULTS, write_generated
from benchmarks.models import BENCHMARKS, Result, run_all
from benchmarks.published import read_peers
from benchmarks.run import firmware_text, layers_text, peers_text, predictions_text
from benchmarks.streaming import streaming_text
from benchmarks.tables import markdown, value, wrong_bytes
from toolkit.toolchain import DEFAULT_TOOLCHAIN, TOOLCHAINS

MODULE = "benchmarks.results"

_FIRMWARE = """\
Target {target}. RAM, flash and stack: *measured* (linker map; static bound of the ELF, start-up and
test harness included). Instructions: *simulated*, exact. Cycles: *simulated*, those counts ×
the core's timing table, zero-wait memory; whole inference, features included. Wrong bytes: outputs
of the simulated core against the integer reference, of the bytes of one run."""
_PEERS = """\
TFLM with CMSIS-NN, 2026 sources, gcc 12 -O3, Cortex-M4F, whole invoke: instructions *simulated*
(QEMU), cycles *simulated* with the same table, zero-wait memory, sizes *measured*. Wav2Small is its
builtin form (int16 softmax)."""
_LAYERS = """\
Predicted: *estimated* from the graph, executed work × the target's rates. Simulated: counts ×
the core's timing table, zero-wait memory, what a layer calls included. Ideal: 0.5 cycle for every
multiplication that the kernel executes."""
_PREDICTION = """\
Predicted against simulated cycles of the layers, features excluded. The rates are fitted to other
layers (`python -m benchmarks.calibration.rates`), none of which is from these models."""


def generated(results: Sequence[Result], target: str) -> str:
    """The generated part, markers excluded."""
    sections = (
        ("## Firmware figures", _FIRMWARE.format(target=target), firmware_text(results)),
        ("## Peers on the same cycle model", _PEERS, peers_text()),
        ("## Layer by layer", _LAYERS, layers_text(results, "###")),
        ("## Prediction without simulation", _PREDICTION, predictions_text(results)),
    )
    tables = [f"{heading}\n\n{text}\n\n{table}" for heading, text, table in sections]
    return "\n".join([*tables, f"## Streaming\n\n{streaming_text(target)}"])


def shop_window(results: Sequence[Result]) -> str:
    """The README's table: ours with the default compiler, each model's peers behind."""
    head = ["model", "", "RAM B, measured", "flash B (code + model), measured"]
    head += [
        "cycles, simulated counts × timing, zero-wait memory",
        "wrong bytes / compared, simulated",
    ]
    rows = []
    for peer in read_peers():
        for result in results:
            benchmark = result.benchmark
            default = result.report.toolchain.startswith(DEFAULT_TOOLCHAIN)
            if benchmark.model != peer.model or not default:
                continue
            rows.append(
                [
                    peer.model,
                    f"**ours**, {benchmark.schedule}, `--optimize {benchmark.optimize}`",
                    f"{value(result, 'ram_static_bytes'):,}",
                    f"{value(result, 'flash_bytes'):,}",
                    f"**{value(result, 'cycles_per_inference') / 1e6:.2f} M**",
                    wrong_bytes(result),
                ]
            )
        flash = f"{peer.code_bytes + peer.model_bytes:,}"
        ram = f"{peer.arena_bytes:,} (arena)"
        rows.append(
            [peer.model, "TFLM + CMSIS-NN", ram, flash, f"{peer.cycles / 1e6:.4g} M", ""],
        )
        reference = f"{peer.reference_kernels_cycles / 1e6:,.4g} M"
        rows.append([peer.model, "TFLM reference kernels", ram, "", reference, ""])
    return markdown(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="cortex-m4")
    arguments = parser.parse_args()
    results, skipped = run_all(BENCHMARKS, arguments.target, TOOLCHAINS)
    if skipped:
        print(*skipped, sep="\n", file=sys.stderr)
        sys.exit("the results would not be whole")
    for path, text in (
        (RESULTS, generated(results, arguments.target)),
        (README, shop_window(results)),
    ):
        write_generated(path, MODULE, text)


if __name__ == "__main__":
    main()
