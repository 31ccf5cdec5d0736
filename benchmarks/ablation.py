"""What each calibration method and correction does to each network.

``python -m benchmarks.ablation --data $TOOLKIT_DATA --networks build/networks`` rewrites the
tables in docs/QUANTISATION.md (half an hour).  Networks that are not there are trained
first.  Calibration hears Emo-DB's training and validation speakers; tests hear its test speakers,
for Wav2Small EmoTale: another corpus in two other languages.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import networks
from benchmarks.documents import replaced
from toolkit.features.extract import extract
from toolkit.features.metadata import feature_spec
from toolkit.frontend.load import load_onnx
from toolkit.ir import DType, Graph
from toolkit.ir.tensor import Array
from toolkit.metrics import concordance
from toolkit.model.zoo import zoo_model
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.profiling.int16_cost import wide_costs
from toolkit.quantize.outputs import Batch, real_outputs
from toolkit.quantize.ranges import Method, load_ranges
from toolkit.quantize.recipe import Data, Mixed, Recipe, apply_recipe
from toolkit.quantize.snr import int8_snr_db
from toolkit.training.data import (
    EMODB_SPLIT,
    SAMPLE_RATE_HZ,
    Clip,
    load_emodb,
    load_emotale,
    of_speakers,
)

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "QUANTISATION.md"
#: What a network should keep on recordings it was not calibrated on.
PROMISED_DB = 28.0

#: Cases for calibration and for testing; a third as many at 3 s.
CASES = 30
NETWORK_CASES = 60
METHODS: tuple[Method, ...] = ("minmax", "percentile", "mse")
#: Title to whether biases are corrected and channels equalised.
CORRECTIONS = {
    "plain": (False, False),
    "bias": (True, False),
    "equalised": (False, True),
    "both": (True, True),
}


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, what it is calibrated on and what it is tested on."""

    name: str
    graph: Graph
    calibration: Sequence[Batch]
    test: Sequence[Batch]


@dataclass(frozen=True)
class Score:
    """Ratio in dB over all outputs, and the concordance with float of the worst output."""

    snr_db: float
    ccc: float

    def __str__(self) -> str:
        return f"{self.snr_db:.1f} / {self.ccc:.4f}"


def score(reference: Array, outputs: Array) -> Score:
    varying = [k for k in range(reference.shape[1]) if np.ptp(reference[:, k]) > 0]
    worst = min(concordance(reference[:, k], outputs[:, k]) for k in varying)
    return Score(int8_snr_db(reference, outputs), worst)


def spread(items: Sequence[Clip], count: int) -> Sequence[Clip]:
    return items[:: max(1, len(items) // count)][:count]


def speech_subject(
    name: str, onnx: Path, seconds: float, calibration: Sequence[Clip], test: Sequence[Clip]
) -> Subject:
    """Wav2Small at one clip length; clips that are too short are left out."""
    spec = feature_spec(load_onnx(onnx, rows=99))
    assert spec is not None
    rows = spec.rows_for_samples(round(seconds * spec.sample_rate_hz))
    graph = optimize(load_onnx(onnx, rows=rows))

    def batches(clips: Iterable[Clip]) -> list[Batch]:
        features = (extract(clip.samples, spec)[:rows] for clip in clips)
        entry = graph.inputs[0]
        return [to_graph_layout(graph, {entry: f[None, None]}) for f in features if len(f) == rows]

    return Subject(f"{name} {seconds:g} s", graph, batches(calibration), batches(test))


def network_subject(name: str, folder: Path, data: Path) -> Subject:
    """One of `benchmarks.networks`, trained when it is not there."""
    path = folder / f"{name}.onnx"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        networks.export(name, networks.train(name, data), path)
    graph = optimize(load_onnx(path))
    clips = load_emodb(data)
    known = of_speakers(clips, (*EMODB_SPLIT["train"], *EMODB_SPLIT["validation"]))
    others = of_speakers(clips, EMODB_SPLIT["test"])

    def batches(chosen: Sequence[Clip], count: int) -> list[Batch]:
        cases = networks.inputs(name, list(chosen))
        cases = cases[:: max(1, len(cases) // count)][:count]
        return [to_graph_layout(graph, {graph.inputs[0]: case[None]}) for case in cases]

    return Subject(
        name,
        graph,
        batches(spread(known, NETWORK_CASES), 2 * NETWORK_CASES),
        batches(spread(others, NETWORK_CASES), NETWORK_CASES),
    )


def subjects(data: Path, folder: Path, instances: Sequence[Path]) -> Iterable[Subject]:
    """Every network of the tables."""
    zoo = zoo_model("wav2small")
    assert zoo is not None
    emodb, emotale = load_emodb(data / "emodb"), load_emotale(data / "emotale")
    training = spread(of_speakers(emodb, EMODB_SPLIT["train"]), CASES)
    long = [clip for clip in emotale if len(clip.samples) >= 3 * SAMPLE_RATE_HZ]
    for name, onnx in (("wav2small", zoo.onnx), *((p.parent.name, p) for p in instances)):
        yield speech_subject(name, onnx, 1, training, spread(emotale, CASES))
        known, others = (spread(half, CASES // 3) for half in (long[::2], long[1::2]))
        yield speech_subject(name, onnx, 3, known, others)
    for name in networks.RECIPES:
        yield network_subject(name, folder, data / "emodb")


def method_table(chosen: Sequence[Subject]) -> str:
    """SNR and CCC of every method and correction, fused attention."""
    rows = [["network", "range", *CORRECTIONS]]
    for subject in chosen:
        reference = real_outputs(subject.graph, subject.test)
        for method in METHODS:
            row = [subject.name, method]
            for bias, equalize in CORRECTIONS.values():
                recipe = Recipe(calibration=method, bias_correction=bias, equalize=equalize)
                row.append(str(measure(subject, recipe, reference)))
            rows.append(row)
            print(*row, flush=True)
    return table(rows)


def measure(subject: Subject, recipe: Recipe, reference: Array) -> Score:
    converted = apply_recipe(subject.graph, recipe, None, Data(subject.calibration))
    return score(reference, real_outputs(converted.quantized, subject.test))


def mixed_table(chosen: Sequence[Subject]) -> str:
    """All int8, attention's head in int16, and what the search takes for 28 dB; for
    more where other speakers do not reach these."""
    rows = [["network", "int16", "SNR / CCC", "activations", "RAM B", "cycles (estimated)"]]
    choices: tuple[tuple[str, Mixed, float], ...] = (
        ("none", "none", 0.0),
        ("head", "head", 0.0),
        *((f"auto, {target:g} dB", "auto", target) for target in (28.0, 30.0, 32.0)),
    )
    for subject in chosen:
        reference = real_outputs(subject.graph, subject.test)
        has_attention = any(node.op == "attention_pool" for node in subject.graph.nodes)
        for title, mixed, target in choices:
            if mixed == "head" and not has_attention:
                continue
            recipe = Recipe(bias_correction=True, mixed=mixed, target_snr_db=target)
            converted = apply_recipe(subject.graph, recipe, None, Data(subject.calibration))
            result = score(reference, real_outputs(converted.quantized, subject.test))
            costs = wide_costs(converted)
            count = sum(
                converted.quantized.tensors[node.outputs[0]].dtype is DType.INT16
                for node in converted.quantized.nodes
                if node.op not in ("quantize", "reshape")
            )
            price = [f"{costs[0].ram_bytes:,}", f"{costs[0].cycles:,}"] if costs else ["0", "0"]
            if converted.search is not None and not converted.search.reached:
                title += " (not reached)"
            rows.append([subject.name, title, str(result), str(count), *price])
            print(*rows[-1], flush=True)
            if mixed == "auto" and result.snr_db >= PROMISED_DB:
                break
    return table(rows)


def wav2small_table(data: Path, seconds: float, count: int) -> str:
    """The zoo's weights with their stored ranges against float on EmoTale, each dimension."""
    zoo = zoo_model("wav2small")
    assert zoo is not None
    clips = load_emotale(data / "emotale")
    long = [clip for clip in clips if len(clip.samples) >= seconds * SAMPLE_RATE_HZ]
    chosen = spread(long, count)
    subject = speech_subject("wav2small", zoo.onnx, seconds, [], chosen)
    reference = real_outputs(subject.graph, subject.test)
    rows = [["form", "clips", "SNR dB", "CCC arousal", "CCC dominance", "CCC valence"]]
    forms: dict[str, Recipe] = {
        "fused, head int16 (default)": Recipe(),
        "fused, all int8": Recipe(mixed="none"),
        "builtin": Recipe(attention="builtin"),
        "builtin, all int8 but the softmax": Recipe(attention="builtin", mixed="none"),
    }
    for title, recipe in forms.items():
        converted = apply_recipe(subject.graph, recipe, load_ranges(zoo.ranges), Data())
        outputs = real_outputs(converted.quantized, subject.test)
        cccs = [concordance(reference[:, k], outputs[:, k]) for k in range(3)]
        snr = f"{int8_snr_db(reference, outputs):.1f}"
        rows.append([title, str(len(subject.test)), snr, *(f"{ccc:.4f}" for ccc in cccs)])
        print(seconds, *rows[-1], flush=True)
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def instances(paths: Sequence[Path]) -> set[str]:
    """Names of further trained instances, which the table of methods leaves out."""
    return {f"{path.parent.name} {seconds} s" for path in paths for seconds in (1, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of emodb and emotale")
    parser.add_argument("--networks", type=Path, required=True, help="folder of the ONNX files")
    parser.add_argument("--instance", type=Path, action="append", default=[], help="more Wav2Small")
    parser.add_argument("--clips", type=int, default=525, help="of EmoTale, for the forms")
    parser.add_argument("--section", help="write one table only, named as in the document")
    arguments = parser.parse_args()
    chosen = list(subjects(arguments.data, arguments.networks, arguments.instance))
    zoo = [subject for subject in chosen if subject.name not in instances(arguments.instance)]
    sections: dict[str, Callable[[], str]] = {
        "methods": lambda: method_table(zoo),
        "mixed": lambda: mixed_table(chosen),
        "forms 1 s": lambda: wav2small_table(arguments.data, 1, arguments.clips),
        "forms 3 s": lambda: wav2small_table(arguments.data, 3, arguments.clips),
    }
    for section, make in sections.items():
        if arguments.section not in (None, section):
            continue
        marks = f"<!-- {section} -->", f"<!-- end {section} -->"
        text = replaced(DOCUMENT.read_text(encoding="utf-8"), *marks, f"\n{make()}\n")
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
