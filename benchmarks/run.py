"""``python -m benchmarks.run``: the figures of docs/RESULTS.md, from real builds on this machine.

Times are wall-clock (measured, best of three, of this machine); instructions are simulated and
exact; cycles are estimated from them.  Models that are not in the zoo are looked up in the folder
named by TOOLKIT_MODELS (default: shared/models beside the checkout) and left out when absent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODELS = Path(os.environ.get("TOOLKIT_MODELS", ROOT.parent / "shared" / "models"))
TARGET = "cortex-m4"
REPEATS = 3
TOOLCHAINS = ("zig", "gcc")
FIGURES = (
    "flash_bytes",
    "weights_bytes",
    "ram_static_bytes",
    "arena_bytes",
    "arena_lower_bound_bytes",
    "stack_bound_bytes",
    "stack_painted_bytes",
    "macs_per_inference",
    "instructions_per_inference",
    "cycles_per_inference",
    "cycles_features",
    "cycles_model",
    "tflm_arena_bytes",
    "output_mismatches",
)


def models() -> Iterator[tuple[str, list[str]]]:
    """Name and command-line arguments of each model to build."""
    yield "Wav2Small 1 s, batch", ["wav2small", "--schedule", "batch"]
    yield "Wav2Small 1 s, streamed, int8 rows", ["wav2small", "--optimize", "size"]
    yield "Wav2Small 1 s, streamed, int16 rows", ["wav2small", "--optimize", "speed"]
    stream = ["--time-axis", "1", "--optimize", "size"]
    for title, file, options in (
        ("MLPerf Tiny DS-CNN, batch", "mlperf_tiny_kws_int8.tflite", []),
        ("MLPerf Tiny DS-CNN, streamed", "mlperf_tiny_kws_int8.tflite", stream),
        ("MLPerf Tiny ResNet-8, batch", "mlperf_tiny_resnet8_int8.tflite", []),
    ):
        if (MODELS / file).is_file():
            yield title, [str(MODELS / file), *options]


def toolkit(arguments: Sequence[str]) -> tuple[str, float]:
    """Standard output and wall-clock seconds of a command that must succeed."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", *arguments], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit(f"toolkit {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout, seconds


def built(arguments: list[str], toolchain: str) -> dict[str, Any]:
    """Figures of one build by name, with its wall-clock seconds."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--target", TARGET, "--toolchain", toolchain, "--out", f"{folder}/out", "--json"]
        text, seconds = toolkit(["build", *arguments, *options])
    report = json.loads(text)
    rows = {row["name"]: row["value"] for row in report["measurements"]}
    return {
        "toolchain": report["toolchain"],
        "build_seconds": round(seconds, 2),
        **{name: rows[name] for name in FIGURES if name in rows},
    }


def main() -> None:
    help_seconds = min(toolkit(["--help"])[1] for _ in range(REPEATS))
    build_seconds = min(built(["wav2small"], "zig")["build_seconds"] for _ in range(REPEATS))
    print(f"toolkit --help         {help_seconds:.2f} s (measured, best of {REPEATS})")
    print(f"toolkit build          {build_seconds:.2f} s (measured, best of {REPEATS})\n")
    print(
        "| model | compiler | flash B | RAM B | stack B | MACs | instructions | cycles "
        "| cycles/MAC | wrong bytes |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for title, arguments in models():
        for toolchain in TOOLCHAINS:
            row = built(arguments, toolchain)
            macs, cycles = row["macs_per_inference"], row["cycles_per_inference"]
            print(
                f"| {title} | {row['toolchain']} | {row['flash_bytes']:,} "
                f"| {row['ram_static_bytes']:,} | {row['stack_bound_bytes']:,} | {macs:,} "
                f"| {row['instructions_per_inference']:,} | {cycles:,} | {cycles / macs:.2f} "
                f"| {row['output_mismatches']} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
