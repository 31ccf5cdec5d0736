"""A streamed model in C: one function a stage, one pass over all stages a frame."""

from __future__ import annotations

from toolkit.emit.c_text import Identifier, c_type, comment_text, integer
from toolkit.emit.parts import (
    Parts,
    StepPlace,
    array_fields,
    banner,
    label_macros,
    row_text,
    tensor_text,
)
from toolkit.emit.shared import SharedKernels
from toolkit.emit.stream_contexts import (
    KeptText,
    ReductionText,
    RingText,
    RowArgument,
    RowOutputText,
    StageText,
    StreamContext,
    TotalText,
)
from toolkit.emit.symbols import NOT_HOT
from toolkit.ops.parts.base import TimeBehaviour
from toolkit.ops.parts.rows import with_rows
from toolkit.plan.sharing import shared_code
from toolkit.plan.stream import Purpose, StreamPlan
from toolkit.plan.stream_schedule import Stage, find_stages

#: Counters of no stage: rows of the first input, and the block that an endless plan fills.
INPUT_ROWS, BLOCKS = Identifier("model_input_rows"), Identifier("model_block")


def stream_context(plan: StreamPlan, model_sha256: str, target: str) -> StreamContext:
    """Everything the streamed model's templates print."""
    return _Emitter(plan).context(model_sha256, target)


class _Emitter:
    def __init__(self, plan: StreamPlan) -> None:
        self._plan, self._graph = plan, plan.time.graph
        self._parts = Parts()
        self._numbers = find_stages(plan.time)[1]
        #: What the row counters are called: those of the inputs, then those of the stages.
        self._counters = (
            INPUT_ROWS,
            *(Identifier(f"{INPUT_ROWS}_{n}") for n in range(1, len(plan.time.inputs))),
            *(self._parts.label(s.node, "rows") for s in plan.stages),
        )

    def context(self, model_sha256: str, target: str) -> StreamContext:
        plan, graph, parts = self._plan, self._graph, self._parts
        stages = tuple(self._stage(stage) for stage in plan.stages)
        calls, offsets = plan.finish_calls, plan.tensor_offsets
        nodes = {n.name: n for n in plan.finish_graph.nodes}
        steps = []
        for name, call in calls.items():
            scratch = plan.offset("scratch", name) if call.scratch_bytes else 0
            place = StepPlace(offsets, scratch)
            steps.append(parts.step(plan.finish_graph, nodes[name], call, place))
        groups = shared_code([*plan.calls.values()], len(stages))
        finals = plan.time.final_outputs
        shared, names = SharedKernels((*stages, *steps), groups), [*plan.calls]
        return StreamContext(
            banner=banner(graph, model_sha256, target),
            state_bytes=plan.state_bytes,
            lower_bound_bytes=plan.lower_bound_bytes,
            buffer_bytes=plan.buffer_bytes,
            frame_bytes=plan.frame_bytes,
            min_frames=plan.min_frames,
            max_frames=plan.max_frames,
            delay_frames=plan.delay_frames,
            frame_macs_mean=f"{sum(plan.frame_macs) / len(plan.frame_macs):.0f}",
            frame_macs_worst=max(plan.frame_macs),
            finish_macs=plan.finish_macs,
            starts_with_padding=plan.starts_with_padding,
            inputs=tuple(row_text(with_rows(graph.tensors[n], 1)) for n in plan.time.inputs),
            outputs=tuple(
                tensor_text(t, plan.tensor_offsets[t.name]) if t.name in finals else row_text(t)
                for t in plan.output_tensors
            ),
            row_outputs=tuple(
                RowOutputText(p.index, self._counters[p.counter], p.step_frames, p.delay_frames)
                for p in plan.ports
            ),
            labels=label_macros(graph, plan.output_tensors),
            kernels=tuple(sorted({c.kernel for c in calls.values()} | {s.kernel for s in stages})),
            weights=parts.weights,
            rings=self._rings(),
            totals=tuple(
                TotalText(
                    self._counters[s.number], s.count.step, abs(s.count.offset), s.count.offset < 0
                )
                for s in plan.stages
            ),
            shared=shared.functions,
            stages=tuple(map(shared.applied, stages)),
            reductions=tuple(
                self._reduction(stage, text)
                for stage, text in zip(plan.stages, stages, strict=True)
                if stage.reduces
            ),
            states=tuple(
                KeptText(text.kernel, text.params, plan.offset("state", stage.node.name))
                for stage, text in zip(plan.stages, stages, strict=True)
                if stage.keeps and not stage.reduces
            ),
            steps=tuple(map(shared.applied, steps)),
            symbols={**parts.symbols, **shared.symbols(names)},
            hot=NOT_HOT,
        )

    def _rings(self) -> tuple[RingText, ...]:
        nodes = {stage.number: stage.node.name for stage in self._plan.reductions}
        texts = []
        for number, (counter, ring) in enumerate(
            zip(self._counters, self._plan.rings, strict=True)
        ):
            if ring is None:
                texts.append(RingText(counter, comment_text(nodes[number]), 0, 1, 0))
            else:
                owner = comment_text(ring.tensor)
                texts.append(RingText(counter, owner, ring.offset_bytes, ring.rows, ring.row_bytes))
        return tuple(texts)

    def _stage(self, stage: Stage) -> StageText:
        node, call, plan = stage.node, stage.call, self._plan
        counter = self._counters[stage.number]
        windowed = stage.behaviour is TimeBehaviour.WINDOWED
        arguments = [] if windowed else [self._read(stage, name) for name in call.inputs]
        output = self._graph.tensors[call.outputs[0]]
        kind = c_type(output.dtype, f"tensor {output.name!r}")
        if stage.reduces:
            # An endless plan gives it a ring of blocks; the block being filled is the last counter.
            arguments.append(
                RowArgument("void *", offset_bytes=plan.offset("sums", node.name))
                if plan.rings[stage.number] is None
                else RowArgument("void *", ring=counter, row=BLOCKS)
            )
        else:
            arguments += [
                RowArgument(f"{kind} *", ring=counter, row=counter, ahead=ahead)
                for ahead in range(stage.group)
            ]
            if call.scratch_bytes:
                kept: Purpose = "state" if stage.keeps else "scratch"
                offset = plan.offset(kept, node.name)
                arguments.append(RowArgument("void *", offset_bytes=offset))
        read = self._graph.tensors[call.inputs[0]]
        suffix = {
            TimeBehaviour.WINDOWED: "_row" if stage.group == 1 else "_rows",
            TimeBehaviour.REDUCING: "_accumulate_row",
            TimeBehaviour.RECURRENT: "_row",
        }
        return StageText(
            name=comment_text(node.name),
            op=node.op,
            behaviour=stage.behaviour.value,
            counter=counter,
            function=self._parts.identifier(node, "stage"),
            kernel=call.kernel,
            call=call.kernel + suffix.get(stage.behaviour, ""),
            params=self._parts.identifier(node, "params"),
            fields=self._parts.fields(node, call),
            arrays=array_fields(call),
            inputs=tuple(self._counters[number] for number in stage.inputs),
            windowed=windowed,
            row_type="void" if call.untyped else c_type(read.dtype, f"tensor {read.name!r}"),
            taps=stage.taps,
            group=stage.group,
            runs=stage.runs,
            window=tuple(
                (field, integer(value))
                for field, value in (
                    ("taps", stage.taps),
                    ("stride", stage.window.stride),
                    ("dilation", stage.window.dilation),
                    ("top", stage.window.top),
                )
            ),
            macs=stage.macs,
            arguments=tuple(arguments),
        )

    def _read(self, stage: Stage, name: str) -> RowArgument:
        tensor = self._graph.tensors[name]
        kind = c_type(tensor.dtype, f"tensor {name!r}")
        if tensor.is_constant:
            constant = self._parts.constant(tensor.values, stage.node, stage.call, "operand")
            return RowArgument(kind, constant=constant)
        return RowArgument(
            f"const {kind} *",
            ring=self._counters[self._numbers[name]],
            row=self._counters[stage.number],
        )

    def _reduction(self, stage: Stage, text: StageText) -> ReductionText:
        output = self._graph.tensors[stage.call.outputs[0]]
        return ReductionText(
            counter=text.counter,
            name=text.name,
            kernel=text.kernel,
            params=text.params,
            finish=self._parts.identifier(stage.node, "finish"),
            sums_offset=self._plan.offset("sums", stage.node.name),
            c_type=c_type(output.dtype, f"tensor {output.name!r}"),
            output_offset=self._plan.tensor_offsets[output.name],
        )
