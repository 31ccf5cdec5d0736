"""Converts an ONNX file by onnx2tf and TensorFlow's converter; a script of its own, for the
interpreter of another environment may run it, and either may abort.

Argument: a folder.  It holds ``model.onnx``, a copy, ``request.json`` (shapes of the inputs by
name, names of the outputs), ``cases.npz`` and ``tests.npz`` (an array for each input, cases first),
and receives ``answer.json``, ``int8.tflite`` and ``outputs.npz``: what LiteRT's reference kernels
make of the tests by the float file and by the int8 one, in real values.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        import numpy as np
        import onnx2tf
        import tensorflow as tf
    except ImportError as error:
        _answer(folder, {"missing": error.name or str(error)})
        return
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    names, shapes = list(request["shapes"]), list(request["shapes"].values())
    _fix_shapes(folder / "model.onnx", request["shapes"])
    model = onnx2tf.convert(
        input_onnx_file_path=str(folder / "model.onnx"),
        output_folder_path=str(folder / "saved"),
        keep_shape_absolutely_input_names=names,
        not_use_onnxsim=True,
        non_verbose=True,
    )
    cases, tests = (_arrays(folder / f"{what}.npz", len(names)) for what in ("cases", "tests"))

    def by_number(**inputs: Any) -> Any:
        given = [inputs[f"given{index}"] for index in range(len(names))]
        made = model(given if len(given) > 1 else given[0])
        made = list(made) if isinstance(made, (list, tuple)) else [made]
        return {f"made{index:03d}": value for index, value in enumerate(made)}

    function = tf.function(by_number).get_concrete_function(
        **{
            f"given{index}": tf.TensorSpec(shape, tf.float32, name=f"given{index}")
            for index, shape in enumerate(shapes)
        }
    )

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    floats = converter.convert()
    order = _order(floats, len(names))

    def representative() -> Iterator[list[Any]]:
        for case in range(len(cases[0])):
            yield [cases[index][case].astype(np.float32) for index in order]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    data = converter.convert()
    (folder / "int8.tflite").write_bytes(data)
    made = {kind: _run(file, tests) for kind, file in (("float", floats), ("int8", data))}
    np.savez(
        folder / "outputs.npz",
        **{f"{kind}.{i}": v for kind, (arrays, _) in made.items() for i, v in enumerate(arrays)},
    )
    inside = dict(zip(made["int8"][1], [*names, *request["outputs"]], strict=True))
    versions = {"tensorflow": tf.__version__, "onnx2tf": onnx2tf.__version__}
    _answer(folder, {**versions, "names": inside})


def _fix_shapes(path: Path, shapes: dict[str, list[int]]) -> None:
    """Write shapes that the file leaves open into it: onnx2tf guesses axes where it has none."""
    import onnx

    model = onnx.load(path)
    for entry in model.graph.input:
        for dim, size in zip(
            entry.type.tensor_type.shape.dim, shapes.get(entry.name, ()), strict=False
        ):
            dim.dim_value = size
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    onnx.save(onnx.shape_inference.infer_shapes(model), path)


def _arrays(path: Path, count: int) -> list[Any]:
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return [archive[f"arr_{index}"] for index in range(count)]


def _run(file: bytes, inputs: list[Any]) -> tuple[list[Any], list[str]]:
    """Real outputs, cases first, and the names of the file's inputs and outputs in our order."""
    import numpy as np

    interpreter = _interpreter(file)
    entries, ends = _ends(interpreter, len(inputs))
    results: list[list[Any]] = [[] for _ in ends]
    for case in range(len(inputs[0])):
        for values, details in zip(inputs, entries, strict=True):
            fitted = _fit(values[case], details).reshape(details["shape"])
            interpreter.set_tensor(details["index"], fitted)
        interpreter.invoke()
        for result, details in zip(results, ends, strict=True):
            (scale, zero), values = details["quantization"], details["index"]
            values = interpreter.get_tensor(values).astype(np.float32)
            result.append((values - zero) * np.float32(scale) if scale else values)
    return [np.stack(result) for result in results], [d["name"] for d in (*entries, *ends)]


def _interpreter(file: bytes) -> Any:
    import tensorflow as tf

    reference = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=file, experimental_op_resolver_type=reference)
    interpreter.allocate_tensors()
    return interpreter


def _order(file: bytes, inputs: int) -> list[int]:
    """Which of our inputs each of the file's is."""
    interpreter = _interpreter(file)
    ours = {details["index"]: at for at, details in enumerate(_ends(interpreter, inputs)[0])}
    return [ours[details["index"]] for details in interpreter.get_input_details()]


def _ends(interpreter: Any, inputs: int) -> tuple[list[Any], list[Any]]:
    """Details of inputs and outputs in our order, which the file has without a signature: where
    onnx2tf has lost hold of variables, TensorFlow freezes the graph."""
    if interpreter.get_signature_list():
        runner = interpreter.get_signature_runner()
        entries, ends = runner.get_input_details(), runner.get_output_details()
        return [entries[f"given{i}"] for i in range(inputs)], [ends[name] for name in sorted(ends)]
    by_name = {details["name"]: details for details in interpreter.get_input_details()}
    return [by_name[f"given{i}"] for i in range(inputs)], list(interpreter.get_output_details())


def _fit(values: Any, details: Any) -> Any:
    """Real values as an input takes them."""
    import numpy as np

    scale, zero = details["quantization"]
    if not scale:
        return values.astype(np.float32)
    limits = np.iinfo(details["dtype"])
    steps = np.clip(np.round(values / scale) + zero, limits.min, limits.max)
    return steps.astype(details["dtype"])


def _answer(folder: Path, answer: dict[str, Any]) -> None:
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
