"""A finished run: what the device gave, how it compares with the references, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from toolkit.compare.continuous import agreement, window_groups
from toolkit.compare.front_end import feature_findings, feature_issues
from toolkit.compare.import_match import import_cases, import_checks
from toolkit.compare.near_float import NAME as NEAR_FLOAT
from toolkit.compare.near_float import near_float_of_clip, near_float_on, output_pairs
from toolkit.compare.outputs import (
    Mismatch,
    dead_channels_check,
    find_mismatches,
    output_figures,
    tflm_match,
)
from toolkit.deploy.first_wrong_layer import first_wrong_layer
from toolkit.deploy.harness import Execution, Harness
from toolkit.deploy.stimulus import Stimulus
from toolkit.features.front_end import FrontEnd
from toolkit.ir import Graph
from toolkit.ir.tensor import Array
from toolkit.measurement import Check, Issue, Measurement, Symbols
from toolkit.model.answer import answer_of
from toolkit.model.audio import Audio
from toolkit.model.int8 import Int8Model
from toolkit.model.reference import Case, output_bytes, run_case, steps_of
from toolkit.plan import Plan
from toolkit.plan.continuous_reference import continuous_outputs
from toolkit.profiling.alternatives import time_checks
from toolkit.profiling.estimate import estimate, estimate_measurements
from toolkit.profiling.linked import Linked
from toolkit.profiling.linked_fit import firmware_fits, stack_frames
from toolkit.profiling.planned import (
    core_roofline,
    layer_rows,
    plan_measurements,
    saved_measurements,
)
from toolkit.profiling.planned_fit import fit_checks
from toolkit.profiling.simulated import (
    function_rows,
    inferences,
    layer_measurements,
    plan_check,
    run_measurements,
    size_measurements,
    stack_check,
    tflm_arena,
)
from toolkit.profiling.timing import Timing
from toolkit.quantize.outputs import decoded
from toolkit.report import Report
from toolkit.report.model import Group, Prediction, RunClip
from toolkit.targets import Target


@dataclass(frozen=True, eq=False)
class Run:
    """A ``linked`` firmware of ``model`` that ran on ``stimulus``.

    ``harness`` has its plan at the clip's length, whose batch network ``graph`` the outputs must
    equal; ``symbols`` are what the C symbols of the model belong to, ``notes`` what led to the
    firmware.
    """

    model: Int8Model
    harness: Harness
    linked: Linked
    symbols: Symbols
    stimulus: Stimulus
    execution: Execution
    notes: tuple[Issue, ...] = ()

    def __repr__(self) -> str:
        cases = len(self.execution.output.cases)
        return f"Run({self.model.name!r} on {self.simulator}, {cases} cases)"

    @property
    def plan(self) -> Plan:
        return self.harness.plan

    @property
    def graph(self) -> Graph:
        return self.harness.plan.graph

    @property
    def target(self) -> Target:
        return self.harness.target

    @property
    def front_end(self) -> FrontEnd | None:
        return self.harness.front_end

    @property
    def clip(self) -> Audio | None:
        """The audio that it ran on; None where it took arrays."""
        return self.stimulus.clip

    @property
    def simulator(self) -> str:
        return self.execution.result.simulator

    @cached_property
    def cases(self) -> Sequence[Case]:
        """What the model was given: arrays, or the feature rows that the device computed."""
        if self.clip is None:
            return self.stimulus.cases
        entry = self.graph.tensors[self.graph.inputs[0]]
        rows = (case.rows for case in self.execution.output.cases)
        if self.graph.states:
            return [[steps_of(part, entry)] for part in rows if part is not None]
        return [[part.reshape(entry.shape)] for part in rows if part is not None]

    @property
    def outputs(self) -> Sequence[tuple[bytes, ...]]:
        """Bytes of every output, case by case, of a model with states those of all its steps; of a
        continuous model hop by hop."""
        cases = self.execution.output.cases
        return [c.outputs for c in cases] if self.plan.continuous is None else cases[0].hops

    @cached_property
    def expected(self) -> Sequence[tuple[bytes, ...]]:
        """The same by the numpy integer reference, on the cases as the device had them."""
        if self.plan.continuous is None:
            return [output_bytes(self.graph, case) for case in self.cases]
        hops = continuous_outputs(self.plan.continuous, self.cases[0][0][0])
        return [tuple(values.tobytes() for values in hop) for hop in hops]

    @property
    def values(self) -> Array:
        """Real values of the answer to the first case (its last step), flat; ``labels`` of the
        model name them: of an output with time the means of its rows."""
        outputs = self.execution.output.cases[0].last
        return self.model.answer.values(decoded(self.graph, outputs))

    @cached_property
    def predictions(self) -> tuple[Prediction, ...]:
        """The clip's output values on the device, and by the float network where there is one of
        that length; nothing for arrays."""
        if self.clip is None:
            return ()
        found = self.values.tolist()
        floats: Sequence[float | None] = [None] * len(found)
        if self._float_outputs is not None:
            assert self.model.float_graph is not None
            last = [v[-1] if self.graph.states else v for v in self._float_outputs]
            floats = answer_of(self.model.float_graph).values(last).tolist()
        return tuple(map(Prediction, self.model.labels, floats, found))

    @property
    def _windows(self) -> tuple[Group, ...]:
        continuous = self.plan.continuous
        if continuous is None or self.clip is None:
            return ()
        values = [self.model.answer.values(decoded(self.graph, hop)) for hop in self.outputs]
        return window_groups(continuous, values, f"{self.simulator}, {self.clip.path.name}")

    @cached_property
    def _float_outputs(self) -> Sequence[Array] | None:
        """The outputs for the clip by the float network, where there is one of that length."""
        if self.clip is None or self.plan.continuous is not None:
            return None
        graph = self.model.float_at(self.clip.rows)
        if graph is None:
            return None
        features, entry = self.clip.features, graph.tensors[graph.inputs[0]]
        return run_case(graph, [steps_of(features, entry) if graph.states else features])

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """What the outside must confirm: bits, features, TFLM where it can run the model."""
        exact = self.plan.continuous is None
        checks = [self._bit_match]
        if self._features is not None:
            checks.append(self._features[1])
        whole = self.model.whole_at(self.graph) if exact else None
        if whole is not None:
            checks.append(dead_channels_check(whole, self.cases, self.outputs))
        if exact:
            checks.append(tflm_match(self.model.source, self.graph, self.cases, self.outputs))
        features = None if self.clip is None else self.clip.features
        has_time = not self.graph.states and (
            self.model.spec is not None or self.plan.stream is not None
        )
        cases = import_cases(self.model, features)
        return (*checks, self._near_float, *import_checks(self.model, cases, has_time))

    @cached_property
    def report(self) -> Report:
        """Everything that is known of the firmware: measured, simulated and estimated."""
        linked, plan, target, front_end = self.linked, self.plan, self.target, self.front_end
        output, cases = self.execution.output, inferences(self.execution.output, plan)
        timing = Timing(linked.elf, self.execution.result, target)
        fits = firmware_fits(linked, target, self.symbols)
        counted = run_measurements(timing, output, plan, self.clip)
        known = {(m.name, m.provenance) for m in counted}  # of estimated currents, too
        estimated = estimate_measurements(estimate(plan, target, front_end), target, front_end)
        costs = (*counted, *(m for m in estimated if (m.name, m.provenance) not in known))
        return Report(
            model_name=self.model.name,
            model_sha256=self.model.sha256,
            target=target.name,
            toolchain=linked.toolchain,
            simulator=self.simulator,
            schedule=plan.schedule,
            measurements=(
                *size_measurements(linked),
                *plan_measurements(plan, front_end),
                *saved_measurements(self.model.saved),
                *costs,
                *self._comparison,
                *tflm_arena(self.model.builtin),
            ),
            checks=(
                *self.checks,
                *stack_check(linked, output, timing.is_counted),
                plan_check(linked, self.symbols, plan, front_end),
                *fit_checks(fits, target, required=True),
                *time_checks(costs, target, required=target.real_time),
            ),
            issues=(*self.notes, *self._audio_issues, *timing.issues),
            layers=layer_rows(plan, target, layer_measurements(timing, cases)),
            functions=function_rows(timing, cases),
            predictions=self.predictions,
            groups=self._windows,
            memory=plan.memory_map(),
            fits=fits,
            stack=stack_frames(linked),
            roof=core_roofline(target.core),
            symbols=self.symbols,
            library=self.harness.name,
            clip=None if self.clip is None else RunClip(self.clip.path.name, self.clip.sha256),
        )

    @cached_property
    def _mismatches(self) -> tuple[Mismatch, ...]:
        return find_mismatches(self.graph.free_outputs, self.expected, self.outputs)

    @cached_property
    def _bit_match(self) -> Check:
        """Whether every output byte is the integer reference's; where not, which layer is wrong."""
        mismatches = self._mismatches
        total = sum(len(data) for case in self.outputs for data in case)
        differing = sum(m.differing_bytes for m in mismatches)
        detail = f"{differing} of {total} output bytes differ from the integer reference"
        where = ""
        if mismatches:
            case = self.cases[mismatches[0].case if self.plan.continuous is None else 0]
            where = first_wrong_layer(self.harness, self.linked.compiler, case)
            detail = "; ".join([detail, where, *map(str, mismatches[:3])])
        return Check("bit_match", not differing, detail, where=where)

    @property
    def _near_float(self) -> Check:
        """Whether the outputs are as near to the float network's as the model lets expect.

        For a model of arrays, whose stimulus is random, those are the integer reference's on the
        data that it was calibrated on: the device has its bits.
        """
        expected, graph = self.model.expected_error, self.graph
        if self.plan.continuous is not None:
            return Check.not_checked(NEAR_FLOAT, "continuous mode is not exact")
        if self.model.float_graph is None or expected is None:
            return Check.not_checked(NEAR_FLOAT, "a .tflite brings no float network")
        if self.clip is None:
            return near_float_on(self.model, expected)
        if self._float_outputs is None:
            why = f"the float network has no form for {self.clip.rows} rows"
            return Check.not_checked(NEAR_FLOAT, why)
        found = decoded(graph, self.execution.output.cases[0].outputs)
        pairs = output_pairs(graph, [self._float_outputs], [found])
        what = f"{self.clip.path.name}, {self.clip.rows} rows"
        return near_float_of_clip(self.model, self.clip.features, pairs, what)

    @property
    def _comparison(self) -> tuple[Measurement, ...]:
        """How far device outputs and features are from the references."""
        found = output_figures(self._mismatches, self.expected, self.execution.result.provenance)
        features = () if self._features is None else self._features[0]
        continuous = self.plan.continuous
        if continuous is None or self.clip is None:
            return (*features, *found)
        return (*features, *found, *agreement(continuous, [self.clip.samples]))

    @cached_property
    def _features(self) -> tuple[tuple[Measurement, ...], Check] | None:
        """Features of the clip against the reference; None where it took arrays."""
        rows = self.execution.output.cases[0].rows
        if self.clip is None or self.front_end is None or rows is None:
            return None
        provenance = self.execution.result.provenance
        return feature_findings(self.front_end, self.clip.features, rows, provenance)

    @property
    def _audio_issues(self) -> tuple[Issue, ...]:
        if self.clip is None or self.front_end is None:
            return ()
        issues = (*self.clip.issues, *feature_issues(self.front_end))
        return (*issues, *self.model.answer.issues)
