"""How far continuous mode is from clips on real speech: ``python -m benchmarks.continuous``.

Half a minute of every EmoTale speaker, the zoo's Wav2Small, an output every half second: what the
numpy reference of continuous mode says, beside clip mode on the same stretches.  Rewrites its part
of docs/RESULTS.md; needs $TOOLKIT_DATA.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import toolkit
from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown
from toolkit.compare.continuous import window_pairs
from toolkit.features.audio import load_clip
from toolkit.ir.tensor import Array
from toolkit.metrics import concordance
from toolkit.plan import ContinuousPlan

MODULE = "benchmarks.continuous"
DATA = Path(os.environ.get("TOOLKIT_DATA", "$TOOLKIT_DATA")) / "emotale"
MODEL, TARGET = "wav2small", "cortex-m4"
SECONDS, HOP_SECONDS, WINDOWS_SECONDS = 30.0, 0.5, (2.0, 3.0)
HEAD = ("window", "windows", "against clips of the same", "CCC, all", "CCC, lowest of a speaker")
#: Of a recording: outputs [windows, values] in continuous mode, of clips of the same samples, and
#: of clips of the same features.
Pairs = tuple[Array, Array, Array]


def deployment(window_seconds: float, optimize: str) -> toolkit.Deployment:
    """The zoo's model in continuous mode."""
    request = toolkit.ScheduleRequest(
        optimize=optimize, hop_out_seconds=HOP_SECONDS, window_seconds=window_seconds
    )
    return toolkit.load(MODEL).quantize().deploy(TARGET, request)


def recordings() -> list[Array]:
    """So many seconds of every speaker, clip after clip in the order of the labels; SystemExit
    where there is no data."""
    if not DATA.is_dir():
        raise SystemExit(f"{DATA} is absent (TOOLKIT_DATA names the folder of recordings)")
    files = defaultdict(list)
    with (DATA / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            files[row["speaker"]].append(DATA / "audio" / row["file"])
    return [_joined(paths) for _, paths in sorted(files.items())]


def _joined(paths: Sequence[Path]) -> Array:
    rate_hz, parts, length = 16_000, [], 0
    while paths and length < SECONDS * rate_hz:
        parts.append(load_clip(paths[0], rate_hz).samples)
        length, paths = length + len(parts[-1]), paths[1:]
    return np.concatenate(parts)[: int(SECONDS * rate_hz)]


def pairs_of(job: tuple[float, Array]) -> Pairs:
    window_seconds, samples = job
    plan = deployment(window_seconds, "balanced").plan.continuous
    assert isinstance(plan, ContinuousPlan)
    return window_pairs(plan, samples)


def rows(window_seconds: float, pairs: Sequence[Pairs]) -> list[list[str]]:
    """Two rows of the table: clips that begin afresh, clips of the same features."""
    found = []
    for index, kind in ((1, "samples"), (2, "features")):
        together = [(pair[0], pair[index]) for pair in pairs]
        ours, clips = (np.concatenate(part) for part in zip(*together, strict=True))
        lowest = np.min([ccc(*pair) for pair in together], axis=0)
        cells = [f"{window_seconds:g} s", f"{len(ours):,}", kind, text(ccc(ours, clips))]
        found.append([*cells, text(lowest), f"{np.abs(ours - clips).max():.3f}"])
    return found


def ccc(ours: Array, clips: Array) -> list[float]:
    return [concordance(ours[:, n], clips[:, n]) for n in range(ours.shape[1])]


def text(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.3f}".replace("0.", ".", 1) for value in values)


def ram_bytes(window_seconds: float, optimize: str) -> int:
    figure = deployment(window_seconds, optimize).estimate().find("ram_static_bytes")
    assert figure is not None
    return int(figure.value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    speech = recordings()
    table: list[list[str]] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for window_seconds in WINDOWS_SECONDS:
            jobs = [(window_seconds, samples) for samples in speech]
            table += rows(window_seconds, list(pool.map(pairs_of, jobs)))
    ram = ", ".join(
        f"{ram_bytes(WINDOWS_SECONDS[0], optimize):,} B for {optimize}"
        for optimize in ("size", "speed")
    )
    seconds = sum(len(samples) for samples in speech) / 16_000
    about = f"""\
`toolkit build --hop-out {HOP_SECONDS:g} --window W --audio CLIP` of the zoo's Wav2Small: the numpy
reference of continuous mode against clip mode on the same stretches, {len(speech)} EmoTale
speakers, the first {SECONDS:g} s of each, joined clips, {seconds:g} s in all. CCC of arousal /
dominance / valence and the largest deviation of any output: *measured*. Clips of the same samples
have a running level that begins afresh; clips of the same features isolate the window itself.
Static RAM at {WINDOWS_SECONDS[0]:g} s, *estimated*: {ram}.
"""
    result = f"{about}\n{markdown([*HEAD, 'largest deviation'], table)}"
    print(result)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, result)


if __name__ == "__main__":
    main()
