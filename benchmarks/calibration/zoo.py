"""Makes the ranges that a zoo model ships with, from the training speakers of Emo-DB.

Run from the repository: ``python benchmarks/calibration/zoo.py $TOOLKIT_DATA/emodb``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from toolkit.features.kinds.log_mel import log_mel
from toolkit.features.spec import METADATA_KEY, FeatureSpec
from toolkit.frontend.load import load_onnx
from toolkit.frontend.reader import read_onnx
from toolkit.model.zoo import DEFAULT_MODEL, zoo_model
from toolkit.passes.absorb_layout import to_graph_layout
from toolkit.passes.optimize import optimize
from toolkit.quantize.ranges import Ranges, calibrate
from toolkit.training.data import EMODB_SPLIT, load_emodb

#: Clip lengths; the shorter, the further pooled values move.
SECONDS = (1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="folder of Emo-DB")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--every", type=int, default=2, help="use every n-th clip")
    arguments = parser.parse_args()
    zoo = zoo_model(arguments.model)
    if zoo is None:
        parser.error(f"no zoo model {arguments.model!r}")
    spec = FeatureSpec.from_json(read_onnx(zoo.onnx).metadata[METADATA_KEY])
    clips = [c for c in load_emodb(arguments.corpus) if c.speaker in EMODB_SPLIT["train"]]
    features = [log_mel(clip.samples, spec) for clip in clips[:: arguments.every]]
    ranges = Ranges({})
    for seconds in SECONDS:
        rows = spec.rows_for_samples(seconds * spec.sample_rate_hz)
        graph = optimize(load_onnx(zoo.onnx, rows=rows))
        (name,) = graph.inputs
        batches = (
            to_graph_layout(graph, {name: f[None, None, :rows]}) for f in features if len(f) >= rows
        )
        ranges = ranges.merged(calibrate(graph, batches))
    zoo.ranges.write_text(ranges.to_json(), encoding="utf-8")
    print(f"{zoo.ranges}: {len(ranges.limits)} tensors from {len(features)} clips")


if __name__ == "__main__":
    main()
