"""``toolkit doctor``: which tools are present and which verbs they enable."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass

import click

from toolkit.resources import find_program


@dataclass(frozen=True)
class Tool:
    """A tool, how its version is found (None: absent) and what to do when it is absent."""

    name: str
    find: Callable[[], str | None]
    remedy: str


def _package(name: str) -> Callable[[], str | None]:
    def find() -> str | None:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    return find


def _program(name: str) -> Callable[[], str | None]:
    return lambda: find_program(name)


_TEACH = "pip install 'hearing-aid-toolkit[teach]' -c constraints.txt"
TOOLS = (
    Tool("ziglang", _package("ziglang"), "pip install ziglang"),
    Tool("unicorn", _package("unicorn"), "pip install unicorn"),
    Tool("onnx", _package("onnx"), "pip install onnx"),
    Tool("ai-edge-litert", _package("ai-edge-litert"), "pip install ai-edge-litert"),
    Tool("capstone", _package("capstone"), "pip install capstone"),
    Tool("matplotlib", _package("matplotlib"), "pip install 'hearing-aid-toolkit[plot]'"),
    Tool("torch", _package("torch"), "pip install 'hearing-aid-toolkit[train]' -c constraints.txt"),
    Tool("transformers", _package("transformers"), _TEACH),
    Tool("pyarrow", _package("pyarrow"), _TEACH),
    Tool("tflite-micro", _package("tflite-micro"), "pip install 'hearing-aid-toolkit[dev]'"),
    Tool(
        "arm-none-eabi-gcc",
        _program("arm-none-eabi-gcc"),
        "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
    Tool("qemu-system-arm", _program("qemu-system-arm"), "apt install qemu-system-arm"),
    Tool("pyocd", _program("pyocd"), "pip install 'hearing-aid-toolkit[flash]'"),
    Tool("openocd", _program("openocd"), "apt install openocd"),
    Tool("teensy_loader_cli", _program("teensy_loader_cli"), "apt install teensy-loader-cli"),
    Tool("cmake", _program("cmake"), "apt install cmake"),
)

_CONVERT = ("onnx", "ai-edge-litert")
_SIMULATE = ("ziglang", "unicorn", "capstone", "ai-edge-litert")
#: Verb (with the option that changes its needs) → tools it needs.
NEEDS = {
    "build": ("onnx", *_SIMULATE),
    "build --toolchain gcc": ("onnx", *_SIMULATE, "arm-none-eabi-gcc"),
    "build --simulator qemu": ("onnx", *_SIMULATE, "qemu-system-arm"),
    "build model.safetensors": ("onnx", *_SIMULATE, "torch"),
    "teach": ("torch", "pyarrow"),
    "teach --teacher owner/name": ("torch", "pyarrow", "transformers"),
    "train": ("torch",),
    "convert": _CONVERT,
    "profile": _CONVERT,
    "eval": ("onnx", *_SIMULATE),
    "eval --plot": ("onnx", *_SIMULATE, "matplotlib"),
    "inspect": _CONVERT,
    "verify": _SIMULATE,
    "features check": ("ziglang", *_CONVERT),
    "features plot": ("matplotlib", *_CONVERT),
    "flash --probe pyocd": ("pyocd",),
    "flash --probe openocd": ("openocd",),
    "flash --probe teensy": ("teensy_loader_cli",),
    "flash --probe qemu": ("qemu-system-arm",),
    "run": _SIMULATE,
    "targets": (),
    "boards": (),
}


@click.command("doctor")
@click.argument("verb", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(verb: str | None, as_json: bool) -> int:
    """Show the tools found, and whether VERB (default: each verb) can run.

    Exit code 3 when VERB, or without one any verb in its default form, cannot run.
    """
    from toolkit.errors import InputError

    if verb is not None and verb not in NEEDS:
        raise InputError(f"doctor: unknown verb '{verb}'.", hint=f"Known: {', '.join(NEEDS)}.")
    found = {tool.name: tool.find() for tool in TOOLS}
    missing = {
        name: [tool for tool in needs if found[tool] is None] for name, needs in NEEDS.items()
    }
    if as_json:
        verbs = {name: {"ready": not gaps, "missing": gaps} for name, gaps in missing.items()}
        click.echo(json.dumps({"tools": found, "verbs": verbs}, indent=2))
    else:
        _print(found, missing if verb is None else {verb: missing[verb]})
    asked = [verb] if verb is not None else [name for name in NEEDS if " " not in name]
    return 3 if any(missing[name] for name in asked) else 0


def _print(found: dict[str, str | None], missing: dict[str, list[str]]) -> None:
    """Say how many verbs can run, what the others lack, and what there is."""
    from rich.console import Console
    from rich.text import Text

    from toolkit.report.screen.grid import Column, fitting, labelled, table

    console = Console()
    gaps = {name: tools for name, tools in missing.items() if tools}
    ready = f"{len(missing) - len(gaps)} of {len(missing)} verbs and options have their tools"
    console.print(Text(ready, "bold red" if gaps else "bold green"))
    for name, tools in gaps.items():
        console.print(labelled("lacks", Text(f"{name}: {', '.join(tools)}")))
    console.print()
    columns = [
        Column("tool", [Text(tool.name) for tool in TOOLS]),
        Column(
            "found",
            [Text(v) if (v := found[t.name]) else Text("no", "bold red") for t in TOOLS],
            fold=True,
        ),
        Column("if missing", [Text("" if found[t.name] else t.remedy) for t in TOOLS], fold=True),
    ]
    console.print(table(fitting(columns, console.width)))
    console.print()
    console.print(labelled("ready", Text(", ".join(n for n in missing if n not in gaps), "green")))
