"""``toolkit train``: a CONFIG.toml to a folder with a model that `build` takes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import InputError
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.report import Report
from toolkit.report.plot import learning_curve
from toolkit.resources import __version__
from toolkit.verbs.convert import write_atomically
from toolkit.verbs.export import RUN, read_run, require_training, write_model
from toolkit.verbs.stages import Stage

if TYPE_CHECKING:
    from toolkit.training.config import Config
    from toolkit.training.run import Outcome

MODEL = "model.onnx"
CARD = "card.toml"
CURVE = "curve.svg"
STAGES = 3


@dataclass(frozen=True)
class TrainRequest:
    """What the user asked for; ``overrides`` replace keys at the top of the config."""

    config: Path
    out: Path
    cache: Path
    resume: bool
    overrides: Mapping[str, Any]


def train(
    request: TrainRequest, stage: Stage, tell: Callable[[Mapping[str, float], int], None]
) -> Report | None:
    """Train and export; ``tell`` hears each row of the log and the number of steps.

    None in a process that only helps another one (torchrun).  Raises InputError for a config,
    corpus or folder that cannot be used, ToolMissingError without the training extra.
    """
    require_training()
    from toolkit.training.config import load_config
    from toolkit.training.parallel import leads
    from toolkit.training.run import train as run

    started = time.perf_counter()
    with stage("Read the config"):
        config = load_config(request.config, request.overrides)
        if leads():
            _claim(request, config)
    with stage(f"Train {config.net}, {config.steps} steps") as part:

        def heard(row: Mapping[str, float]) -> None:
            part(row["step"] / config.steps)
            tell(row, config.steps)

        outcome = run(config, request.out, request.cache, request.resume, heard)
    if outcome is None:
        return None
    with stage("Calibrate, export, write the card"):
        _write(request, config, outcome, time.perf_counter() - started)
    return _report(request, config, outcome)


def _claim(request: TrainRequest, config: Config) -> None:
    """Make the run's folder; InputError where it holds another run, or one not to be resumed."""
    if (request.out / RUN).exists():
        if not request.resume:
            raise InputError(
                f"{request.out}: holds a run already.", "Give --resume to go on, or another --out."
            )
        if read_run(request.out)[0].sha256 != config.sha256:
            raise InputError(f"{request.out}: is a run of another config.", "Give another --out.")
        return
    try:
        request.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make '{request.out}': {error.strerror}.", hint="Choose another folder."
        ) from None
    _write_run(request.out, config, {"status": "running"})


def _write(request: TrainRequest, config: Config, outcome: Outcome, seconds: float) -> None:
    from toolkit.training.card import card_text

    out, trained = request.out, outcome.clips.of("train").clean
    write_model(outcome.rounded or outcome.net, config.spec, trained, out / MODEL)
    parameters = sum(p.numel() for p in outcome.net.parameters() if p.requires_grad)
    card = card_text(config, outcome.clips, outcome.metrics, parameters)
    write_atomically(out / CARD, card.encode())
    if find_spec("matplotlib") is not None:
        learning_curve(out / CURVE, config.name, outcome.log)
    facts = {
        "status": "finished",
        "ccc": outcome.metrics,
        "recordings_sha256": dict(outcome.digests),
        "manifest_sha256": {c.name: _sha256(c.manifest) for c in config.corpus},
        "recordings": _counts(outcome),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(outcome.cpu_seconds, 1),
    }
    _write_run(out, config, facts)


def _write_run(out: Path, config: Config, facts: Mapping[str, Any]) -> None:
    from toolkit.training.config import config_data
    from toolkit.training.run import versions

    document = {
        **facts,
        "toolkit": __version__,
        "git": git_state(),
        **versions(),
        "config_sha256": config.sha256,
        "config": config_data(config),
    }
    write_atomically(out / RUN, (json.dumps(document, indent=1) + "\n").encode())


def git_state() -> str | None:
    """Commit of the toolkit's checkout, marked where files differ from it; None outside of one."""
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(here.parent), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", str(here))  # else it is the repository of somebody else
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _counts(outcome: Outcome) -> dict[str, int]:
    counts: dict[str, int] = {}
    for recording in outcome.clips.recordings:
        key = f"{recording.corpus} {recording.split}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def _report(request: TrainRequest, config: Config, outcome: Outcome) -> Report:
    rows = [
        Measurement(f"{split}_ccc_{label}", value, "CCC", Provenance.MEASURED,
                    f"float, whole clips, {len(outcome.clips.of(split).recordings)} recordings")
        for split, values in outcome.metrics.items()
        for label, value in values.items()
    ]  # fmt: skip
    basis = f"process time, {config.threads} thread{'s' * (config.threads > 1)}"
    rows.append(
        Measurement("cpu_seconds", round(outcome.cpu_seconds, 1), "s", Provenance.MEASURED, basis)
    )
    issues: tuple[Issue, ...] = ()
    if "validation" not in outcome.metrics:
        issues = (Issue("training.validation", "no recording is in the split 'validation'"),)
    return Report(
        model_name=config.name,
        model_sha256=_sha256(request.out / MODEL),
        target="",
        toolchain="",
        simulator="",
        schedule="",
        measurements=tuple(rows),
        checks=(),
        issues=issues,
    )
