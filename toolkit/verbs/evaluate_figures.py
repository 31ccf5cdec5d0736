"""Figures of an evaluation: against labels, against float, of parts, with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from toolkit.ir.tensor import Array
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.metrics import accuracy, bootstrap_counts, concordance, resampled_concordance
from toolkit.model.labels import Labels
from toolkit.quantize.snr import int8_snr_db
from toolkit.report.model import Group
from toolkit.verbs.evaluate_run import FORMS, ModelRun

#: Fewer recordings than this say nothing: a concordance of 20 is uncertain by about .2.
LEAST_RECORDINGS = 20
SPEAKER_COLUMN = "speaker"
#: Fewer speakers than this are no sample: single recordings are drawn instead.
_LEAST_SPEAKERS = 5
_DRAWS = 1000
_INTERVAL = (2.5, 97.5)


def against_labels(
    names: Sequence[str], labels: Labels, runs: Sequence[ModelRun]
) -> Iterator[Measurement]:
    """Each form's figures; of several models mean and standard deviation."""
    count = len(labels.files)
    for form in FORMS:
        if all(form in run.outputs for run in runs):
            basis = f"{FORMS[form]} against labels, {count} recordings"
            # Plain names are what runs on the device.
            prefix = "" if form == "c" else f"{form}_"
            outputs = [run.outputs[form] for run in runs]
            yield from _figures(names, labels.values, labels.is_classes, outputs, prefix, basis)


def intervals(
    names: Sequence[str], labels: Labels, runs: Sequence[ModelRun]
) -> Iterator[Measurement]:
    """Ends of the 95 % intervals of the generated C's concordances."""
    count = len(labels.files)
    speakers = labels.columns.get(SPEAKER_COLUMN, ())
    known = len(set(speakers)) >= _LEAST_SPEAKERS
    groups = speakers if known else [str(number) for number in range(count)]
    counts = bootstrap_counts(groups, _DRAWS)
    drawn = f"{len(set(groups))} {'speakers' if known else 'recordings'}"
    basis = f"95 % of {_DRAWS} draws of {drawn}"
    for index, name in enumerate(names):
        draws = np.mean(
            [
                resampled_concordance(run.outputs["c"][:, index], labels.values[:, index], counts)
                for run in runs
            ],
            axis=0,
        )
        for end, value in zip(("low", "high"), np.percentile(draws, _INTERVAL), strict=True):
            yield _measured(f"{end}_ccc_{name}", float(value), "CCC", basis)


def groups_by(
    column: str, names: Sequence[str], labels: Labels, runs: Sequence[ModelRun]
) -> Iterator[Group]:
    """The generated C's figures for each value of a column, sorted."""
    texts = np.array(labels.columns[column])
    for value in sorted(set(texts)):
        chosen = texts == value
        outputs = [run.outputs["c"][chosen] for run in runs]
        yield group(column, str(value), names, labels, chosen, outputs)


def group(
    by: str,
    value: str,
    names: Sequence[str],
    labels: Labels,
    chosen: NDArray[np.bool_],
    outputs: Sequence[Array],
) -> Group:
    """Figures of the ``chosen`` recordings [recordings], of which ``outputs`` are the models'."""
    count = int(chosen.sum())
    basis = f"generated C against labels, {count} recordings"
    truth = labels.values[chosen]
    figures = _figures(names, truth, labels.is_classes, outputs, "", basis)
    return Group(by, value, count, tuple(figures))


def against_float(names: Sequence[str], run: ModelRun) -> Iterator[Measurement]:
    """How far the integer forms are from the float one."""
    outputs = run.outputs
    reference, count = outputs["float"], len(outputs["float"])
    for form in ("int8", "c"):
        values, basis = outputs[form], f"{FORMS[form]} against float, {count} recordings"
        for index, name in enumerate(names):
            ccc = concordance(values[:, index], reference[:, index])
            yield _measured(f"{form}_ccc_to_float_{name}", ccc, "CCC", basis)
        error = np.abs(values - reference)
        yield _measured(f"{form}_max_deviation", float(error.max()), "output units", basis)
        yield _measured(f"{form}_mean_deviation", float(error.mean()), "output units", basis)
    snr = int8_snr_db(reference, outputs["int8"])
    if np.isfinite(snr):
        basis = f"integer reference against float, {count} recordings"
        yield _measured("int8_snr_db", snr, "dB", basis)


def few_note(count: int) -> Iterator[Issue]:
    """A warning where there are too few recordings to say anything."""
    if count < LEAST_RECORDINGS:
        note = (
            f"{count} clips: not meaningful; figures of fewer than {LEAST_RECORDINGS} recordings "
            "are chance, whatever their digits"
        )
        yield Issue("evaluation.few", note)


def audio_notes(runs: Sequence[ModelRun], count: int) -> Iterator[Issue]:
    """What was done to the recordings, which are the same for every model."""
    kinds = Counter(note.kind for note in runs[0].notes)
    if kinds:
        done = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        yield Issue("audio", f"of {count} recordings {done}")


def _figures(
    names: Sequence[str],
    truth: Array,
    is_classes: bool,
    outputs: Sequence[Array],
    prefix: str,
    basis: str,
) -> Iterator[Measurement]:
    if is_classes:
        yield from _over(
            [accuracy(o, truth) for o in outputs], prefix, "accuracy", "fraction", basis
        )
        return
    for index, name in enumerate(names):
        values = [concordance(o[:, index], truth[:, index]) for o in outputs]
        yield from _over(values, prefix, f"ccc_{name}", "CCC", basis)


def _over(
    values: Sequence[float], prefix: str, name: str, unit: str, basis: str
) -> Iterator[Measurement]:
    """The one value, or mean and deviation over models."""
    if len(values) == 1:
        yield _measured(f"{prefix}{name}", values[0], unit, basis)
        return
    basis = f"{basis}, {len(values)} models"
    yield _measured(f"{prefix}mean_{name}", float(np.mean(values)), unit, basis)
    yield _measured(f"{prefix}sd_{name}", float(np.std(values, ddof=1)), unit, basis)


def _measured(name: str, value: float, unit: str, basis: str) -> Measurement:
    return Measurement(name, round(value, 6), unit, Provenance.MEASURED, basis)
