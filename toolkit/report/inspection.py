"""What `toolkit inspect` found in a model, and its renderings: terminal and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from toolkit.ir import QuantParams, Shape, Tensor
from toolkit.report.layer_names import short_names
from toolkit.report.model import SCHEMA_VERSION
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
    """Everything a model file says; the mappings are as its metadata has them, None for absent."""

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


def inspection_json(found: Inspection) -> str:
    """Indented JSON text, ending in a newline; same model, same bytes."""
    document = asdict(found)
    name, sha256 = document.pop("model_name"), document.pop("sha256")
    head = {
        "schema_version": SCHEMA_VERSION,
        "toolkit_version": __version__,
        "model": {"name": name, "sha256": sha256},
    }
    return json.dumps(head | document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def print_inspection(found: Inspection, console: Console) -> None:
    """Print what the file says of itself, then the graph as a table."""
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
    for title, entries in (("features", found.feature_spec), ("origin", found.origin)):
        stated = [(key, value) for key, value in (entries or {}).items() if value != ""]
        for row, (key, value) in enumerate(stated):
            about.add_row("" if row else title, f"{_text(key)} = {_text(_plain(value))}")
    for key in found.metadata:
        about.add_row("metadata", f"{_text(key)}, {len(found.metadata[key])} characters")
    wide = sum(node.output.dtype == "int16" for node in found.nodes)
    if wide:
        about.add_row("int16", f"{wide} of {len(found.nodes)} activations")
    for note in found.notes:
        about.add_row("note", _text(note))
    console.print(about, highlight=False)
    console.print(_graph(found.nodes), highlight=False)


def _graph(nodes: tuple[NodeRow, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("operator", "output"):
        table.add_column(title, no_wrap=True)
    for title in ("shape", "type", "MACs"):
        table.add_column(title, justify="right", no_wrap=True)
    names = short_names([node.output.name for node in nodes])
    for node in nodes:
        table.add_row(
            escape(node.op),
            escape(names.of(node.output.name)),
            _shape(node.output.shape[1:]),
            _type(node.output),
            compact(node.macs),
        )
    return table


def _shape(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "scalar"


def _type(row: TensorRow) -> str:
    if len(row.scale) != 1:
        return row.dtype
    return f"{row.dtype} ({row.scale[0]:.4g}, {row.zero_point[0]})"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return escape(printable(text))
