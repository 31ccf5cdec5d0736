"""Runs an ONNX file in an interpreter of others; a script of its own, because that may take any
amount of memory or abort.

Argument: a folder.  It holds ``model.onnx``, ``request.json`` (see `toolkit.compare.outside`) and
``inputs.npz``, and receives ``answer.json`` and ``outputs.npz``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Values = dict[str, Any]
Run = Callable[[Values], list[Any]]

#: Where onnxruntime says which node failed.
_FAILED_NODE = re.compile(r"running (\w+) node\. Name:'([^']*)'")

#: Names of the constants 0 and 6 in a copy without quantisers.
_LIMITS = ("toolkit.limits.0", "toolkit.limits.6")


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    _limit(request["memory_bytes"])
    import numpy as np

    model = (folder / "model.onnx").read_bytes()
    jobs = request["jobs"]
    with np.load(folder / "inputs.npz", allow_pickle=False) as archive:
        inputs = [
            {name: archive[f"{index}.{at}"] for at, name in enumerate(job["inputs"])}
            for index, job in enumerate(jobs)
        ]
    answer, outputs = _first_able(model, jobs, inputs)
    np.savez(folder / "outputs.npz", **outputs)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _limit(memory_bytes: int) -> None:
    """Bound the address space, where the system can (not on Windows), and the threads."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _first_able(
    model: bytes, jobs: list[Mapping[str, Any]], inputs: list[Values]
) -> tuple[dict[str, Any], Values]:
    """What the first interpreter that runs the first job answers to all of them."""
    reasons = []
    for name, start in (("onnxruntime", _onnxruntime), ("onnx ReferenceEvaluator", _reference)):
        try:
            version, prepare = start()
            done, values = _job(model, 0, jobs[0], inputs[0], prepare)
        except Exception as error:  # whatever an interpreter or a damaged file raises
            reasons.append(f"{name}: {_one_line(error)}")
            continue
        rows = [done]
        for index, (job, given) in enumerate(zip(jobs[1:], inputs[1:], strict=True), 1):
            try:
                done, more = _job(model, index, job, given, prepare)
                values |= more
            except Exception as error:
                done = {"error": _one_line(error), "node": _node(error), "outputs": []}
            rows.append(done)
        return {"oracle": f"{name} {version}", "jobs": rows, "nodes": _nodes(model)}, values
    return {"error": "; ".join(reasons)}, {}


def _job(
    model: bytes,
    index: int,
    job: Mapping[str, Any],
    inputs: Values,
    prepare: Callable[[bytes], tuple[list[str], Run]],
) -> tuple[dict[str, Any], Values]:
    """The outputs of a job, cases on the first axis, filed under ``<job>.<output>``."""
    import numpy as np

    names, run = prepare(_copy(model, job))
    cases = len(next(iter(inputs.values())))
    results = [run({name: values[at] for name, values in inputs.items()}) for at in range(cases)]
    columns = zip(*results, strict=True)
    values = {f"{index}.{at}": np.stack(column) for at, column in enumerate(columns)}
    return {"error": "", "node": "", "outputs": names}, values


def _onnxruntime() -> tuple[str, Callable[[bytes], tuple[list[str], Run]]]:
    import onnxruntime

    def prepare(model: bytes) -> tuple[list[str], Run]:
        options = onnxruntime.SessionOptions()
        # Its default optimisations fold a zero Pad into MaxPool wrongly.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return [o.name for o in session.get_outputs()], lambda feeds: session.run(None, feeds)

    return onnxruntime.__version__, prepare


def _reference() -> tuple[str, Callable[[bytes], tuple[list[str], Run]]]:
    import onnx
    from onnx.reference import ReferenceEvaluator

    def prepare(model: bytes) -> tuple[list[str], Run]:
        session = ReferenceEvaluator(onnx.load_model_from_string(model))
        return list(session.output_names), lambda feeds: session.run(None, feeds)

    return onnx.__version__, prepare


def _copy(model: bytes, job: Mapping[str, Any]) -> bytes:
    """The file as the job wants it: inputs with open axes, every value an output, activations not
    quantised."""
    if not (job["open"] or job["every_value"] or job["unquantised"]):
        return model
    import onnx

    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    if job["unquantised"]:
        _without_quantisers(graph)
    for entry in graph.input:
        for axis in job["open"].get(entry.name, ()):
            entry.type.tensor_type.shape.dim[axis].dim_param = f"open_{axis}"
    if job["open"]:
        del graph.value_info[:]
        for output in graph.output:
            output.type.tensor_type.ClearField("shape")
    if job["every_value"]:
        have = {output.name for output in graph.output}
        made = [name for node in graph.node for name in node.output if name]
        graph.output.extend(onnx.ValueInfoProto(name=n) for n in made if n not in have)
    return bytes(proto.SerializeToString())


def _without_quantisers(graph: Any) -> None:
    """Let every pair of QuantizeLinear and DequantizeLinear on an activation pass real values.

    A range that begins at 0 stands for a ReLU that the quantiser of the model has dropped, one that
    ends at 6 for a ReLU6.
    """
    import numpy as np
    from onnx import numpy_helper

    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    known, quantised = set(constants), set()
    for node in graph.node:
        if all(name in known for name in node.input if name):
            known.update(node.output)
        elif node.op_type == "QuantizeLinear":
            quantised.add(node.output[0])
            _replace(node, *_clamp(node, constants))
        elif node.op_type == "DequantizeLinear" and node.input[0] in quantised:
            _replace(node, "Identity")
    limits = [
        numpy_helper.from_array(np.float32(v), n) for n, v in zip(_LIMITS, (0, 6), strict=True)
    ]
    graph.initializer.extend(limits)
    kept = [info for info in graph.value_info if info.name not in quantised]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def _clamp(node: Any, constants: Mapping[str, Any]) -> tuple[str, ...]:
    """The operator, and its further inputs, that a QuantizeLinear of an activation stands for."""
    scale, zero = (constants.get(name) for name in (*node.input[1:3], "")[:2])
    if zero is None:
        lowest = not any(a.name == "output_dtype" and a.i not in (0, 2) for a in node.attribute)
    else:
        lowest = int(zero.reshape(-1)[0]) == (0 if zero.dtype == "uint8" else -128)
    if not lowest or scale is None:
        return ("Identity",)
    is_six = abs(6.0 / float(scale.reshape(-1)[0]) - 255) <= 0.5
    return ("Clip", *_LIMITS) if is_six else ("Relu",)


def _replace(node: Any, op: str, *inputs: str) -> None:
    node.op_type = op
    del node.attribute[:]
    del node.input[1:]
    node.input.extend(inputs)


def _nodes(model: bytes) -> list[dict[str, Any]]:
    """The file's nodes in order, unnamed ones called as the importer calls them."""
    import onnx

    return [
        {"name": n.name or f"{n.op_type}_{at}", "op": n.op_type, "outputs": list(n.output)}
        for at, n in enumerate(onnx.load_model_from_string(model).graph.node)
    ]


def _node(error: Exception) -> str:
    found = _FAILED_NODE.search(str(error))
    return "" if found is None else f"{found[2]!r} ({found[1]})"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


if __name__ == "__main__":
    main(Path(sys.argv[1]))
