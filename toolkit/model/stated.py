"""What the user says of a model's inputs that its file leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec
from toolkit.frontend.reader import OnnxInput
from toolkit.ir import Shape
from toolkit.passes.states import StatePair


@dataclass(frozen=True)
class Stated:
    """What the user says of a model's inputs.

    ``shapes`` are those of inputs whose dimensions the file leaves open, by name, "" for the only
    one; ``time_axis`` is the axis of time in the file's own layout, negative ones from the end;
    ``states`` are pairs of an input and an output that are one.  ``features`` say how audio becomes
    the input, in place of what the file says.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    time_axis: int | None = None
    states: tuple[StatePair, ...] = ()
    features: FeatureSpec | None = None


def named_shapes(
    shapes: Mapping[str, Shape], inputs: Sequence[OnnxInput], path: Path
) -> dict[str, Shape]:
    """Stated shapes by the names of the model's inputs."""
    names = [source.name for source in inputs]
    named = {name or names[0]: shape for name, shape in shapes.items()}
    unknown = [name for name in named if name not in names]
    if unknown or ("" in shapes and len(names) > 1):
        raise InputError(
            f"--shape: {path.name} has the inputs {', '.join(map(repr, names))}; "
            f"got {unknown[0] if unknown else 'a shape without a name'}.",
            hint="Write --shape NAME=1,40,8 once for each.",
        )
    return named


def longer_shape(source: OnnxInput, shape: Shape, more: int, time_axis: int | None) -> Shape:
    """A stated shape with ``more`` frames, where the file leaves open which axis that is, or only
    one besides the batch."""
    open_axes = [i for i, dim in enumerate(source.dims) if isinstance(dim, str)]
    if time_axis is not None:
        open_axes = [axis for axis in open_axes if axis == time_axis % len(shape)]
    elif len(open_axes) > 1 and open_axes[0] == 0:
        open_axes = open_axes[1:]
    if len(open_axes) != 1:
        return shape
    (axis,) = open_axes
    return (*shape[:axis], shape[axis] + more, *shape[axis + 1 :])
