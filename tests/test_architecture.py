"""The dependency rule of docs/ARCHITECTURE.md, and the size of modules, enforced."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "toolkit"

#: Each part may import from itself and from the parts in its row.
LEAVES = {"errors", "measurement", "metrics", "origin", "resources", "targets", "zoo", "__init__"}
ALLOWED: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "measurement": set(),
    "metrics": set(),
    "origin": set(),
    "resources": set(),
    "targets": {"errors", "resources"},
    "zoo": {"resources"},
    "ir": LEAVES,
    "ops": LEAVES | {"ir"},
    "features": LEAVES | {"ir"},
}
ALLOWED["frontend"] = ALLOWED["passes"] = LEAVES | {"ir", "ops", "features"}
ALLOWED["quantize"] = ALLOWED["tflite"] = ALLOWED["plan"] = LEAVES | {
    "ir",
    "ops",
    "features",
    "passes",
}
_MIDDLE = LEAVES | {"ir", "ops", "features", "frontend", "passes", "quantize", "tflite", "plan"}
ALLOWED["emit"] = _MIDDLE
ALLOWED["toolchain"] = _MIDDLE | {"emit"}
ALLOWED["simulate"] = _MIDDLE | {"emit", "toolchain"}
ALLOWED["profiling"] = _MIDDLE | {"emit", "toolchain", "simulate"}
ALLOWED["report"] = LEAVES | {"ir"}
ALLOWED["inputs"] = LEAVES | {"ir", "features"}
ALLOWED["loading"] = _MIDDLE | {"inputs"}
ALLOWED["quantizing"] = _MIDDLE | {"inputs", "loading"}
ALLOWED["widening"] = _MIDDLE | {"loading"}
ALLOWED["continuous"] = _MIDDLE | {"loading"}
ALLOWED["scheduling"] = ALLOWED["continuous"] | {"continuous"}
_LOADED = _MIDDLE | {"inputs", "loading", "quantizing", "scheduling", "report"}
ALLOWED["execution"] = _MIDDLE | {"emit", "toolchain", "simulate", "profiling"}
ALLOWED["comparison"] = _LOADED | {"simulate", "execution"}
ALLOWED["figures"] = ALLOWED["comparison"] | {"comparison", "profiling"}
ALLOWED["occupancy"] = _MIDDLE | {"emit", "profiling", "report"}
ALLOWED["advice"] = _MIDDLE | {"emit", "loading", "profiling", "report", "scheduling"}
ALLOWED["fit"] = LEAVES | {"execution", "profiling", "report"}
# One module a verb; converting and profiling need neither compiler nor simulator.
ALLOWED["accuracy"] = _LOADED
ALLOWED["conversion"] = _LOADED | {"accuracy", "widening"}
ALLOWED["analysis"] = _LOADED | {"advice", "emit", "occupancy", "profiling"}
ALLOWED["locating"] = _LOADED | {"emit", "simulate", "execution", "comparison"}
ALLOWED["verification"] = ALLOWED["locating"] | {"locating"}
ALLOWED["feature_report"] = _LOADED | {"emit", "toolchain", "simulate", "execution"}
ALLOWED["feature_plot"] = LEAVES | {"feature_report"}
ALLOWED["pipeline"] = ALLOWED["verification"] | {
    "advice",
    "analysis",
    "continuous",
    "figures",
    "fit",
    "occupancy",
    "profiling",
}
ALLOWED["inspection"] = _LOADED
ALLOWED["labels"] = ALLOWED["plotting"] = LEAVES | {"ir"}
ALLOWED["evaluation"] = ALLOWED["verification"] | {"labels", "plotting"}
ALLOWED["cli"] = LEAVES | {
    "analysis",
    "budget",
    "conversion",
    "feature_plot",
    "feature_report",
    "features",
    "gate",
    "evaluation",
    "inspection",
    "pipeline",
    "report",
    "scheduling",
    "verification",
}
ALLOWED["budget"] = LEAVES | {"report"}
ALLOWED["gate"] = LEAVES | {
    "accuracy",
    "analysis",
    "budget",
    "evaluation",
    "loading",
    "pipeline",
    "quantizing",
    "report",
    "scheduling",
    "tflite",
}
ALLOWED["__main__"] = {"cli"}
# Training meets the rest at an ONNX file and a feature specification.
ALLOWED["training"] = LEAVES | {"features"}

#: The one place that hands a checkpoint to the training extra, at run time.
EXCEPTIONS = {("loading", "training")}

HEAVY = {"torch", "tensorflow", "librosa"}
#: What no verb may load before it needs it: `toolkit --help` stays instant.
LAZY = {
    "ai_edge_litert",
    "capstone",
    "elftools",
    "flatbuffers",
    "matplotlib",
    "numpy",
    "onnx",
    "rich",
    "unicorn",
}
SOFT_LIMIT_LINES = 300


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            yield from (
                [f"toolkit.{a.name}" for a in node.names] if module == "toolkit" else [module]
            )


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_dependencies_point_one_way(path: Path) -> None:
    part = _part(path)
    assert part in ALLOWED, f"{part}: add its row to this table and to docs/ARCHITECTURE.md"
    for module in _imports(path):
        head, _, rest = module.partition(".")
        if head == "toolkit":
            target = rest.split(".")[0]
            if target == "__version__" or (part, target) in EXCEPTIONS or not target:
                continue
            assert target == part or target in ALLOWED[part], f"{path}: may not import {module}"
        if part != "training":
            assert head not in HEAVY, f"{path}: {head} belongs to toolkit/training"


def test_the_table_has_no_cycle_and_no_ghost() -> None:
    assert ALLOWED.keys() == {_part(path) for path in _modules()}
    TopologicalSorter({part: parts - {part} for part, parts in ALLOWED.items()}).prepare()


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, toolkit.cli; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY | LAZY) & set(done.stdout.split())


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= SOFT_LIMIT_LINES, f"{path}: {lines} lines; split it"


def test_one_file_an_operator() -> None:
    from toolkit.ops import OPERATORS

    for name, operator in OPERATORS.items():
        assert type(operator).__module__ == f"toolkit.ops.{name}", name


def test_one_module_a_fast_kernel() -> None:
    from toolkit.resources import kernel_path

    made = {
        path.relative_to(PACKAGE / "ops"): kernel
        for path in (PACKAGE / "ops").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and {"kernel", "variant"} <= {k.arg for k in node.keywords}
        for kernel in (ast.literal_eval(k.value) for k in node.keywords if k.arg == "kernel")
    }
    assert len(made) >= 5
    for path, kernel in made.items():
        assert path == Path("variants", f"{kernel.removeprefix('tk_')}.py")
        assert any(kernel_path(f"{kernel}.{suffix}").is_file() for suffix in ("c", "h")), kernel
