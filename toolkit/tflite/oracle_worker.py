"""Runs one model over many cases in an interpreter; a script of its own because that may abort.

Arguments: engine (``tflm`` or ``litert``), folder, arena bytes, cases of each clip (none: all are
one, or without states each begins anew).  The folder holds ``model.tflite`` and ``inputs.npz`` (one
array per input, cases first) and receives ``outputs.npz``.  Every clip begins with an interpreter
of its own: a reset would zero variables that begin otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Case = list[Any]


def main(engine: str, folder: Path, arena_bytes: int, clips: list[int]) -> None:
    model = (folder / "model.tflite").read_bytes()
    with np.load(folder / "inputs.npz", allow_pickle=False) as archive:
        inputs = [archive[f"arr_{i}"] for i in range(len(archive.files))]
    if len({len(values) for values in inputs}) != 1:
        raise ValueError("inputs must have the same number of cases")
    results: list[Case] = []
    for steps in clips or [len(inputs[0])]:
        run, finish = _tflm(model, arena_bytes, not clips) if engine == "tflm" else _litert(model)
        begin = len(results)
        results += [run([values[i] for values in inputs]) for i in range(begin, begin + steps)]
    finish()
    np.savez(folder / "outputs.npz", *(np.stack(values) for values in zip(*results, strict=True)))


def _tflm(
    model: bytes, arena_bytes: int, alone: bool
) -> tuple[Callable[[Case], Case], Callable[[], None]]:
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
    outputs, anew = _output_count(model), alone and _has_variables(model)

    def run(case: Case) -> Case:
        if anew:
            interpreter.reset()
        for i, values in enumerate(case):
            details = interpreter.get_input_details(i)
            interpreter.set_input(_fit(values, details["shape"], details["dtype"]), i)
        interpreter.invoke()
        return [np.array(interpreter.get_output(i)) for i in range(outputs)]

    return run, interpreter.print_allocations


def _litert(model: bytes) -> tuple[Callable[[Case], Case], Callable[[], None]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    outputs = [details["index"] for details in interpreter.get_output_details()]

    def run(case: Case) -> Case:
        for values, details in zip(case, interpreter.get_input_details(), strict=True):
            values = _fit(values, details["shape"], details["dtype"])
            interpreter.set_tensor(details["index"], values)
        interpreter.invoke()
        return [np.array(interpreter.get_tensor(index)) for index in outputs]

    return run, lambda: None


def _output_count(model: bytes) -> int:
    from ai_edge_litert import schema_py_generated as schema

    return int(schema.Model.GetRootAs(model, 0).Subgraphs(0).OutputsLength())


def _has_variables(model: bytes) -> bool:
    """Whether operators keep tensors from run to run, which a reset sets to 0 as at first; no
    resource variables, which it would set to 0 whatever they begin as."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.Model.GetRootAs(model, 0).Subgraphs(0)
    return any(graph.Tensors(i).IsVariable() for i in range(graph.TensorsLength()))


def _fit(values: Any, shape: Any, dtype: Any) -> Any:
    if values.dtype != dtype:
        raise TypeError(f"inputs must be {np.dtype(dtype).name}; got {values.dtype.name}")
    return np.ascontiguousarray(values).reshape(shape)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), [int(n) for n in sys.argv[4:]])
