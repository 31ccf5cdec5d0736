"""Plants faults, one at a time, in a copy of the tree, to see whether tests of ``make check`` find
each: ``python -m tools.planted_faults [NAME...]``.

A fault is a text that takes another's place.  Where the tests named pass, it was not found, and the
exit code is 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Fault:
    """``old`` of a file becomes ``new``; ``tests`` are to notice."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "kernel edge",
        "firmware_templates/kernels/tk_conv_2d_s8.c",
        "y * p->stride_h - p->pad_top + ky * p->dilation_h",
        "y * p->stride_h - p->pad_top + ky * p->dilation_h + (p->pad_top > 1)",
        ("tests/ops/test_conv_2d.py",),
    ),
    Fault(
        "rounding",
        "firmware_templates/kernels/tk_common.h",
        "(mask >> 1) + (x < 0 ? 1 : 0)",
        "(mask >> 1) + 0 * (x < 0 ? 1 : 0)",
        ("tests/ops/test_conv_2d.py",),
    ),
    Fault(
        "ring index",
        "firmware_templates/library/model_stream.c.jinja",
        "&model_rings[{{ a.ring }}], done + {{ a.ahead }})",
        "&model_rings[{{ a.ring }}], done + {{ a.ahead }} + (done > 40))",
        ("tests/properties/test_stream_properties.py", "tests/properties/test_exported_twice.py"),
    ),
    Fault(
        "guards of finish",
        "firmware_templates/library/model_stream.c.jinja",
        "frames + more < MODEL_MIN_FRAMES ? MODEL_TOO_FEW_FRAMES",
        "frames + more + 1 < MODEL_MIN_FRAMES ? MODEL_TOO_FEW_FRAMES",
        ("tests/properties/test_stream_properties.py",),
    ),
    Fault(
        "audio rounding",
        "firmware_templates/kernels/tk_samples.c",
        "(value + 32767) >> 16",
        "(value + 32768) >> 16",
        ("tests/host_c/test_decimate_c.py",),
    ),
    Fault(
        "int16 limit",
        "firmware_templates/kernels/tk_batch_matmul_s16.c",
        "tk_clamp(v, INT16_MIN, INT16_MAX)",
        "tk_clamp(v, INT16_MIN + 1, INT16_MAX)",
        ("tests/ops/test_batch_matmul.py", "tests/ops/test_int16.py"),
    ),
    Fault(
        "planner overlap",
        "toolkit/plan/arena.py",
        "buffers[j].last_step >= buffers[i].first_step",
        "buffers[j].last_step > buffers[i].first_step",
        ("tests/unit/test_plan_arena.py", "tests/properties/test_plan_properties.py"),
    ),
    Fault(
        "schema",
        "toolkit/report/schema.json",
        '"schema_version"',
        '"schema_versions"',
        ("tests/sim/test_states_sim.py",),
    ),
    Fault(
        "cycle table",
        "firmware_templates/targets/cortex-m4/cycles.toml",
        "taken_branch = 2",
        "taken_branch = 1",
        ("tests/unit/test_cycles.py",),
    ),
    Fault(
        "stale figure in the README",
        "README.md",
        "| **ours**, stream, `--optimize speed` | 1",
        "| **ours**, stream, `--optimize speed` | 2",
        ("tests/unit/test_documents.py",),
    ),
    Fault(
        "wrong provenance",
        "toolkit/profiling/energy.py",
        "if documented else Provenance.ESTIMATED",
        "if documented else Provenance.SIMULATED",
        ("tests/unit/test_figures.py",),
    ),
    Fault(
        "broken recipe",
        "docs/CI.md",
        "toolkit check ${BASE:+--against",
        "toolkit chekc ${BASE:+--against",
        ("tests/unit/test_ci_recipes.py",),
    ),
    Fault(
        "wrong figure of a peer",
        "benchmarks/peers/mlperf_tiny.csv",
        "1.2,STMicroelectronics,NUCLEO_L4R5ZI,kws,23.155,43.187",
        "1.2,STMicroelectronics,NUCLEO_L4R5ZI,kws,23.155,34.187",
        ("tests/unit/test_documents.py",),
    ),
    Fault(
        "off by one in the checker",
        "toolkit/plan/check_rows.py",
        "first = row * window.stride_h - window.padding.top",
        "first = row * window.stride_h - window.padding.top + 1",
        ("tests/properties/test_stream_properties.py",),
    ),
    Fault(
        "the network of another length",
        "toolkit/plan/time_axis.py",
        "return max(0, (frames + self.offset) // self.step)",
        "return max(0, (frames + self.offset + (frames > 60)) // self.step)",
        ("tests/properties/test_exported_twice.py", "tests/unit/test_time_axis.py"),
    ),
)


def copy_of_the_tree(folder: Path) -> None:
    """Every file that git knows, at its place."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for name in filter(None, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    if (ROOT / "build" / "tests").is_dir():  # what was compiled before
        shutil.copytree(ROOT / "build" / "tests", folder / "build" / "tests")


def is_found(fault: Fault, folder: Path) -> bool:
    """Whether a test fails with the fault in the copy; the copy is as before in the end."""
    path = folder / fault.path
    right = path.read_text(encoding="utf-8")
    if fault.old not in right:
        raise SystemExit(f"{fault.name}: {fault.path} has no {fault.old!r} any more.")
    path.write_text(right.replace(fault.old, fault.new), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-n", "2", *fault.tests]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    path.write_text(right, encoding="utf-8")
    found = b" failed" in done.stdout
    if done.returncode != 0 and not found:  # an error of another kind
        raise SystemExit(f"{fault.name}: pytest ended with {done.returncode}: {done.stdout!r}")
    return found


def main() -> None:
    wanted = set(sys.argv[1:]) or {fault.name for fault in FAULTS}
    missed = 0
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        copy_of_the_tree(Path(name))
        for fault in FAULTS:
            if fault.name in wanted:
                found = is_found(fault, Path(name))
                missed += not found
                print(f"{'found ' if found else 'MISSED'} {fault.name} ({fault.path})", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
