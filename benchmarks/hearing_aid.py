"""What `wav2small-ha` takes on two targets: ``python -m benchmarks.hearing_aid`` rewrites its part
of README.md."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.documents import README, write_generated
from benchmarks.models import WAV2SMALL_HA, Benchmark, Result, run_all
from benchmarks.tables import markdown, value
from toolkit.targets import load_target
from toolkit.toolchain import DEFAULT_TOOLCHAIN

MODULE = "benchmarks.hearing_aid"
TARGETS = ("hearing-aid", "cortex-m4")
FORMS = ("balanced", "size")
TEXT = """\
Sizes *measured* (linker map), cycles *simulated* counts × the core's timing table, zero-wait
memory; one second of audio, features included, streamed.
"""


def rows(target: str, results: Sequence[Result]) -> list[list[str]]:
    """A row for each form."""
    clock_hz = load_target(target).clock_hz
    return [
        [
            f"{target}, {result.benchmark.optimize}",
            f"{value(result, 'flash_bytes') / 1000:.1f} KB",
            f"{value(result, 'ram_static_bytes') / 1000:.1f} KB",
            f"{cycles / 1e6:.1f} M",
            f"{100 * cycles / clock_hz:.0f} % of {clock_hz / 1e6:g} MHz",
        ]
        for result in results
        for cycles in [value(result, "cycles_per_audio_second")]
    ]


def main() -> None:
    table = []
    for target in TARGETS:
        forms = [Benchmark(WAV2SMALL_HA, "stream", form) for form in FORMS]
        results, skipped = run_all(forms, target, [DEFAULT_TOOLCHAIN])
        if skipped:
            raise SystemExit(skipped[0])
        table += rows(target, results)
    head = ["target, `--optimize`", "flash", "RAM", "cycles a second", "of the core"]
    write_generated(README, MODULE, f"{TEXT}\n{markdown(head, table)}")


if __name__ == "__main__":
    main()
