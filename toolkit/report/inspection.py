"""What `toolkit inspect` found in a model, and its renderings: terminal and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from toolkit.ir import QuantParams, Shape, Tensor
from toolkit.report.layer_names import short_names
from toolkit.report.model import SCHEMA_VERSION
from toolkit.report.screen.grid import Column, fitting, table
from toolkit.report.text import compact, printable
from toolkit.resources import __version__


@dataclass(frozen=True)
class TensorRow:
    """A tensor: its element type, and its quantisation (``axis`` None: one scale for all)."""

    name: str
    shape: Shape
    dtype: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int | None = None

    @staticmethod
    def of(tensor: Tensor) -> TensorRow:
        quant = tensor.quant or QuantParams((), ())
        return TensorRow(
            tensor.name, tensor.shape, tensor.dtype.value, quant.scale, quant.zero_point, quant.axis
        )


@dataclass(frozen=True)
class StateRow:
    """What a network that runs step by step keeps: a step reads ``tensor`` and leaves ``becomes``;
    the first one finds ``initial``, "zeros" or "constants"."""

    tensor: TensorRow
    becomes: str
    initial: str


@dataclass(frozen=True)
class NodeRow:
    """An operator application in execution order; ``weights`` are its constant inputs."""

    name: str
    op: str
    inputs: tuple[str, ...]
    output: TensorRow
    weights: tuple[TensorRow, ...]
    macs: int


@dataclass(frozen=True)
class Inspection:
    """Everything a model file says; the mappings are as its metadata has them, None for absent.

    ``features`` is the specification in words, a line each."""

    model_name: str
    sha256: str
    format: str
    inputs: tuple[TensorRow, ...]
    outputs: tuple[TensorRow, ...]
    states: tuple[StateRow, ...]
    labels: tuple[str, ...]
    feature_spec: Mapping[str, object] | None
    origin: Mapping[str, object] | None
    metadata: Mapping[str, str]
    nodes: tuple[NodeRow, ...]
    notes: tuple[str, ...]
    features: tuple[str, ...] = ()


def inspection_json(found: Inspection) -> str:
    """Indented JSON text, ending in a newline; same model, same bytes."""
    document = asdict(found)
    name, sha256 = document.pop("model_name"), document.pop("sha256")
    del document["features"]  # the specification says the same
    head = {
        "schema_version": SCHEMA_VERSION,
        "toolkit_version": __version__,
        "model": {"name": name, "sha256": sha256},
    }
    return json.dumps(head | document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def print_inspection(found: Inspection, model: str, console: Console) -> None:
    """Print what the file, given as ``model``, says of itself, then the graph as a table."""
    about = Table(box=None, show_header=False, pad_edge=False)
    about.add_row("model", f"{_text(found.model_name)} ({found.format})")
    about.add_row("sha256", found.sha256)
    for title, rows in (("input", found.inputs), ("output", found.outputs)):
        for row in rows:
            about.add_row(title, f"{_text(row.name)}  {_shape(row.shape)} {_type(row)}")
    for state in found.states:
        kept = f"{_text(state.tensor.name)}  {_shape(state.tensor.shape)} {_type(state.tensor)}"
        about.add_row("state", f"{kept}, then {_text(state.becomes)}; {state.initial} at first")
    if found.labels:
        about.add_row("labels", _text(", ".join(found.labels)))
    stated = [(key, value) for key, value in (found.origin or {}).items() if value != ""]
    origin = [f"{_words(key)}: {_plain(value)}" for key, value in stated]
    for title, lines in (("features", found.features), ("origin", origin)):
        for at, line in enumerate(lines):
            about.add_row("" if at else title, _text(line))
    for key in found.metadata:
        about.add_row("metadata", f"{_text(key)}, {len(found.metadata[key])} characters")
    wide = sum(node.output.dtype == "int16" for node in found.nodes)
    if wide:
        about.add_row("int16", f"{wide} of {len(found.nodes)} activations")
    for note in found.notes:
        about.add_row("note", _text(note))
    console.print(about, highlight=False)
    console.print()
    console.print(table(fitting(_graph(found.nodes), console.width)), highlight=False)
    console.print()
    console.print(
        f"next   toolkit profile {_text(model)} --target cortex-m4",
        highlight=False,
        soft_wrap=True,
    )


def _graph(nodes: tuple[NodeRow, ...]) -> list[Column]:
    """The operators in their order; scales are left out first where space is short."""
    names = short_names([node.output.name for node in nodes], ops=[node.op for node in nodes])
    outputs = [node.output for node in nodes]
    one_scale = [row if len(row.scale) == 1 else None for row in outputs]

    def column(title: str, cells: Iterable[str], worth: int | None = None) -> Column:
        return Column(title, [Text(cell) for cell in cells], right=True, worth=worth)

    return [
        Column("operator", [Text(node.op) for node in nodes]),
        Column("output", [Text(names.of(row.name)) for row in outputs], fold=True),
        column("shape", (_shape(row.shape[1:]) for row in outputs)),
        column("type", (row.dtype for row in outputs)),
        column("scale", (f"{row.scale[0]:.4g}" if row else "" for row in one_scale), worth=1),
        column("zero", (str(row.zero_point[0]) if row else "" for row in one_scale), worth=1),
        column("MACs", (compact(node.macs) for node in nodes)),
    ]


def _words(key: str) -> str:
    return key.replace("_", " ")


def _shape(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "scalar"


def _type(row: TensorRow) -> str:
    if len(row.scale) != 1:
        return row.dtype
    return f"{row.dtype} ({row.scale[0]:.4g}, {row.zero_point[0]})"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_words(key)} {_plain(item)}" for key, item in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return escape(printable(text))
