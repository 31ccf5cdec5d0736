"""A network and how it becomes int8: where every verb begins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from toolkit.deploy.deployment import Deployment
from toolkit.emit.naming import library_name
from toolkit.errors import InputError
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS, frames_of
from toolkit.features.presets import chosen_features
from toolkit.model.hearing import hearing, source_spec
from toolkit.model.int8 import Int8Model, to_int8
from toolkit.model.source import Source, load_source
from toolkit.plan import check
from toolkit.plan.schedule import ScheduleRequest, choose_plan
from toolkit.quantize.recipe import Recipe
from toolkit.targets import Target, load_target


@dataclass(frozen=True, eq=False)
class Model:
    """A zoo model or a file, with the recipe and the calibration data that make it int8.

    It is quantised when `int8` is first asked for.  ``calib`` is a folder of audio, a ``.npy`` or a
    ``.npz`` (None: the ranges stored with the model, else made-up input, and a note says so).
    """

    source: Source
    recipe: Recipe = field(default_factory=Recipe)
    calib: Path | None = None

    def __repr__(self) -> str:
        return f"Model({self.name!r}, {self.source.sha256[:12]})"

    @property
    def name(self) -> str:
        return self.source.name

    @cached_property
    def int8(self) -> Int8Model:
        """The model as it will run.  Raises InputError for data or a recipe that cannot be used,
        UnsupportedError for an operator without an integer form."""
        return to_int8(self.source, self.recipe, self.calib)

    def quantize(
        self,
        calib: str | Path | None = None,
        recipe: Recipe | None = None,
        max_seconds: float | None = None,
    ) -> Model:
        """The same network, made int8 with other data or another recipe; raises as `int8`.

        ``max_seconds`` is as in `load`.  A model that came as int8 stays as it is.
        """
        path = None if calib is None else Path(calib)
        source = self.source.up_to(max_seconds)
        recipe = self.recipe if recipe is None else recipe
        chosen = replace(self, source=source, calib=path, recipe=recipe)
        _ = chosen.int8
        return chosen

    def restarting(self, seconds: float) -> Model:
        """The same network on features whose running level begins afresh every ``seconds``.

        Raises InputError for a model without features, or of another level.
        """
        spec = source_spec(self.source)
        if spec is None or spec.level.mode != "running":
            raise InputError(
                f"{self.name}: its features have no running level to begin afresh.",
                hint="Leave --level away.",
            )
        frames = frames_of(seconds, spec)
        level = replace(spec.level, restart_frames=frames)
        return replace(self, source=hearing(self.source, replace(spec, level=level)))

    def deploy(
        self,
        target: str | Target,
        schedule: ScheduleRequest | None = None,
        arithmetic: str = "auto",
        audio: bool = True,
        name: str | None = None,
    ) -> Deployment:
        """Lay it out for a target (a name as in `toolkit targets`).

        ``arithmetic`` of the features is auto, float32 or fixed; without ``audio`` the firmware
        takes the model's input as arrays, whatever features it has.  The generated library is
        called ``name`` (the model's, when None), made a C identifier.  Raises NotStreamableError
        for a schedule that the model cannot have, InputError for unusable options.
        """
        int8, request = self.int8, schedule or ScheduleRequest()
        part = load_target(target) if isinstance(target, str) else target
        plan, notes = choose_plan(int8.graph, request, part)
        check(plan)
        front_end = None
        if audio and int8.spec is not None:
            entry = int8.graph.tensors[int8.graph.inputs[0]]
            front_end = FrontEnd.feeding(entry, int8.spec, part.arithmetic(arithmetic))
        library = library_name(self.name if name is None else name)
        return Deployment(int8, part, plan, front_end, request, library, notes)


def load(
    model: str | Path,
    clip_seconds: float = DEFAULT_CLIP_SECONDS,
    max_seconds: float | None = None,
    features: str | None = None,
) -> Model:
    """Read a zoo name, an ``.onnx``, an int8 ``.tflite`` or a Wav2Small ``.safetensors``.

    ``clip_seconds`` fixes the clip length where the file leaves it open.  ``max_seconds`` is the
    longest clip that a model which sums over time will be streamed: its ranges, which grow with the
    clip, are calibrated for that.  ``features`` is a preset of `toolkit features presets` or a file
    with a specification: how audio becomes the input, in place of what the model says.  Raises
    InputError (or a subclass) for what cannot be used, ToolMissingError for a checkpoint without
    the training extra.
    """
    source = load_source(str(model), clip_seconds, chosen_features(features))
    return Model(source.up_to(max_seconds))
