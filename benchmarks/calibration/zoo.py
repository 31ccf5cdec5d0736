"""Puts a finished run of `toolkit train` into the zoo: its weights, ONNX, ranges and facts.

``python -m benchmarks.calibration.zoo RUN models/NAME``; the card is written by hand, from the one
in RUN.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from toolkit.errors import InputError
from toolkit.frontend.reader import RANGES_KEY, read_onnx

FILES = ("model.onnx", "model.safetensors")
#: Of run.json, what does not name the machine's folders.
FACTS = (
    *("recordings_sha256", "manifest_sha256", "recordings"),
    *("cpu_seconds", "config_sha256", "torch", "numpy"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of `toolkit train`")
    parser.add_argument("folder", type=Path, help="the zoo model's")
    arguments = parser.parse_args()
    run, folder = arguments.run, arguments.folder
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    if facts["status"] != "finished":
        raise InputError(f"{run}: was not finished.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(run / name, folder / name)
    ranges = read_onnx(folder / "model.onnx").metadata[RANGES_KEY]
    (folder / "ranges.json").write_text(ranges, encoding="utf-8")
    kept = {name: facts[name] for name in FACTS}
    (folder / "run.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(f"{folder}: {', '.join(sorted(p.name for p in folder.iterdir()))}")


if __name__ == "__main__":
    main()
