"""MLPerf Tiny on the parts it was timed on: ``python -m benchmarks.mlperf --tiny DIR``.

DIR is a checkout of mlcommons/tiny.  Each network is built for the part and simulated, memory
included; beside it stands the best published time of that part, whoever submitted it.  Rewrites its
part of docs/RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.documents import RESULTS, write_generated
from benchmarks.published import Time, best, read_times
from benchmarks.silicon import SYSTEMS
from benchmarks.tables import markdown
from toolkit.measurement import Provenance
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.targets import load_target
from toolkit.verbs.build import BuildRequest, build
from toolkit.verbs.stages import silent

MODULE = "benchmarks.mlperf"
PARTS = ("stm32l4r5", "stm32u575")
#: MLPerf Tiny's name of each network, ours, and its file in benchmark/training/.
TASKS: Mapping[str, tuple[str, str]] = {
    "kws": ("DS-CNN", "keyword_spotting/trained_models/kws_ref_model.tflite"),
    "ic": ("ResNet-8", "image_classification/trained_models/pretrainedResnet_quant.tflite"),
    "vww": ("MobileNetV1 0.25", "visual_wake_words/trained_models/vww_96_int8.tflite"),
    "ad": ("autoencoder", "anomaly_detection/trained_models/ad01_int8.tflite"),
    "sww": ("streaming wake word", "streaming_wakeword/trained_models/str_ww_ref_model.tflite"),
}
TEXT = """\
Ours: batch, `--optimize speed`, milliseconds *simulated* with the part's memory, the slowest of the
settings that are open; flash and static RAM *measured* (linker map, start-up and harness
included); every output equal to the integer reference. Published: *measured* by the submitters, the
best of each part in MLPerf Tiny v1.0 to v1.3 and who had it. **Bold**: theirs is faster.
"""


def built(job: tuple[Path, str]) -> Report:
    """The report of a network on a part; SystemExit where a check fails."""
    model, part = job
    with tempfile.TemporaryDirectory() as folder:
        request = BuildRequest(
            model=str(model),
            target=part,
            out=Path(folder) / "out",
            allow_misfit=True,  # what is measured need not fit
            schedule=ScheduleRequest(schedule="batch", optimize="speed"),
        )
        report = build(request, silent)
    if not report.passed:
        raise SystemExit(f"{model.name} on {part}: a check of the build failed")
    return report


def row(task: str, part: str, report: Report, times: Sequence[Time]) -> list[str]:
    def figure(name: str, provenance: Provenance) -> float:
        found = report.find(name, provenance)
        assert found is not None, name
        return found.value

    cycles = figure("cycles_per_inference", Provenance.SIMULATED)
    ours_ms = 1e3 * cycles / load_target(part).clock_hz
    published = best(times, SYSTEMS[part], task)
    tool = min(published, key=lambda name: published[name], default="")
    theirs = f"{published[tool]:.1f} ({tool})" if tool else ""
    return [
        part,
        f"{TASKS[task][0]} ({task})",
        f"{cycles / 1e6:.2f}",
        f"{ours_ms:.1f}",
        f"**{theirs}**" if tool and published[tool] < ours_ms else theirs,
        *(
            f"{figure(name, Provenance.MEASURED):,.0f}"
            for name in ("flash_bytes", "ram_static_bytes")
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", type=Path, required=True, help="a checkout of mlcommons/tiny")
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    jobs = [(task, part) for part in PARTS for task in TASKS]
    files = {
        task: arguments.tiny / "benchmark" / "training" / path for task, (_, path) in TASKS.items()
    }
    if absent := [str(path) for path in files.values() if not path.is_file()]:
        raise SystemExit(f"{absent[0]}: no such file; --tiny is a checkout of mlcommons/tiny")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        reports = list(pool.map(built, [(files[task], part) for task, part in jobs]))
    times = read_times()
    rows = [row(*job, report, times) for job, report in zip(jobs, reports, strict=True)]
    head = ["part", "network", "M cycles", "ours, ms", "best published, ms", "flash B", "RAM B"]
    text = f"{TEXT}\n{markdown(head, rows)}"
    print(text)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, text)


if __name__ == "__main__":
    main()
