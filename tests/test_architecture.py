"""The dependency rule of docs/ARCHITECTURE.md, and the size of modules, enforced."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "toolkit"

#: The rooms of the package, floor by floor from the ground; each may import from itself and from
#: every lower floor, but for `APART`.
FLOORS: tuple[frozenset[str], ...] = tuple(
    frozenset(floor.split())
    for floor in (
        "errors metrics measurement resources",
        "targets ir",
        "features boards",
        "ops",
        "frontend passes",
        "tflite plan",
        "quantize",
        "emit report",
        "budget toolchain",
        "simulate model flash",
        "profiling",
        "compare",
        "deploy",
        "search",
        "__init__",  # hands the objects on, as the Python API
        "verbs",
        "cli",
        "__main__",
    )
)
#: Rooms that stand apart: what they may import.  Training meets the rest at an ONNX file and a
#: feature specification.
APART = {
    "budget": {"errors", "measurement", "report"},
    "cli": {"verbs", "report", "budget", "targets", "errors", "resources", "measurement"}
    | {"quantize", "plan", "features", "boards", "flash"},
    "report": {"errors", "measurement", "resources", "ir", "targets"},
    "training": {"errors", "metrics", "features"},
}

#: What hands a checkpoint, a config or a genome to the training extra, at run time; a genome's
#: layers are training's own, plain data.
EXCEPTIONS = {
    ("model", "training"),
    ("verbs", "training"),
    ("search", "training"),
    ("__init__", "training"),
}

HEAVY = {"torch", "tensorflow", "librosa", "transformers"}
#: A script that another interpreter runs, and what it alone may load.
TENSORFLOW_WORKER, ITS_OWN = "compare/via_tensorflow_worker.py", {"onnx2tf", "tensorflow"}
#: What no verb may load before it needs it: `toolkit --help` stays instant.
LAZY = {
    "ai_edge_litert",
    "capstone",
    "elftools",
    "flatbuffers",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "rich",
    "unicorn",
}


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


def _allowed(room: str) -> set[str]:
    """The rooms that ``room`` may import from."""
    below: set[str] = set()
    for floor in FLOORS:
        if room in floor:
            break
        below |= floor
    return below & APART[room] if room in APART and room != "training" else below


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_dependencies_point_one_way(path: Path) -> None:
    room = _part(path)
    allowed = APART["training"] if room == "training" else _allowed(room)
    for module in _imports(path):
        head, _, rest = module.partition(".")
        if head == "toolkit":
            target = rest.split(".")[0]
            if (room, target) in EXCEPTIONS:
                continue
            assert target == room or target in allowed, f"{path}: may not import {module}"
        worker = path == PACKAGE / TENSORFLOW_WORKER
        if room != "training" and not (worker and head in ITS_OWN):
            assert head not in HEAVY | ITS_OWN, f"{path}: {head} belongs to toolkit/training"


def test_the_floors_have_every_room_and_no_ghost() -> None:
    assert {room for floor in FLOORS for room in floor} | {"training"} == set(
        map(_part, _modules())
    )


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports within functions count; a package's face only hands names on."""
    names = {path: _name(path) for path in _modules()}
    known = set(names.values())
    graph = {
        name: {m for m in map(partial(_module, known), _imports(path)) if m and m != name}
        for path, name in names.items()
        if path.name != "__init__.py"
    }
    TopologicalSorter(graph).prepare()


def _name(path: Path) -> str:
    return ".".join(("toolkit", *path.relative_to(PACKAGE).with_suffix("").parts))


def _module(known: set[str], imported: str) -> str | None:
    """The module of the package that an import names, or None."""
    return next((name for name in (imported, imported.rpartition(".")[0]) if name in known), None)


def test_the_root_of_the_package_is_small() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 6


def test_only_plan_asks_which_plan_it_is() -> None:
    asking = re.compile(r"isinstance\([^)]*\b(Arena|Stream|Continuous)Plan\b")
    outside = [path for path in _modules() if _part(path) != "plan"]
    assert not [p for p in outside if asking.search(p.read_text(encoding="utf-8"))]


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, toolkit.cli; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY | LAZY) & set(done.stdout.split())


def test_one_file_an_operator() -> None:
    from toolkit.ops import OPERATORS

    for name, operator in OPERATORS.items():
        assert type(operator).__module__ == f"toolkit.ops.{name}", name


def test_no_list_of_operators_outside_their_files() -> None:
    """What other layers must know of an operator is an attribute of it."""
    from toolkit.ops import OPERATORS

    found = []
    for path in _modules():
        if _part(path) in ("ops", "frontend"):  # the table; ONNX's names
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            items: list[ast.expr | None] = []
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                items = [*node.elts]
            elif isinstance(node, ast.Dict):
                items = [*node.keys]
            names = {i.value for i in items if isinstance(i, ast.Constant)}
            if len(names & OPERATORS.keys()) > 2:
                found.append(f"{path}:{node.lineno}")
    assert not found


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
