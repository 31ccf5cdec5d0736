"""Searches: spaces, budgets, ranks, and workers that share a study."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna", reason="needs the extra `search`")

from tests.support.corpus import search_text
from toolkit.errors import InputError, ToolMissingError, VerificationError
from toolkit.search import study as shared
from toolkit.search.budget import Budget
from toolkit.search.config import SearchConfig, load_config
from toolkit.search.genome import Genome
from toolkit.search.rank import goes_on, ranks
from toolkit.search.result import point_config, read_study
from toolkit.search.screen import judge, require_any, screen
from toolkit.search.space import Space
from toolkit.search.worker import UNTRAINED, Told, Worker, distance
from toolkit.training.layers import Layer

FORK = multiprocessing.get_context("fork")


def config(folder: Path, **changes: object) -> SearchConfig:
    path = folder / "s.toml"
    path.write_text(search_text(folder / "labels.csv"), encoding="utf-8")
    return replace(load_config(path), **changes)


class Pretended:
    """Trains nothing: a genome is as good as it is small; a line a training in ``log``."""

    def __init__(self, log: Path, seconds: float = 0.0) -> None:
        self.log, self.seconds = log, seconds

    def __call__(
        self,
        genome: Genome,
        parents: Sequence[Path],
        weights: Path,
        reached: Callable[[int, float], bool],
        alive: Callable[[], None],
    ) -> None:
        alive()
        with self.log.open("a") as file:
            file.write(f"{genome.key} {','.join(path.stem for path in parents)}\n")
        time.sleep(self.seconds)
        ccc = 1 / sum(layer.width for layer in genome.layers)
        for steps in (2, 4):
            if not reached(steps, ccc):
                break
        weights.write_bytes(b"")

    def trained(self) -> Counter[str]:
        lines = self.log.read_text().splitlines() if self.log.is_file() else []
        return Counter(line.split(" ")[0] for line in lines)


def worked(wanted: SearchConfig, out: Path, proxy: Pretended) -> list[Told]:
    told: list[Told] = []
    Worker(wanted, out, proxy, told.append).run()
    return told


def started(wanted: SearchConfig, out: Path, proxy: Pretended) -> multiprocessing.Process:
    process = FORK.Process(target=worked, args=(wanted, out, proxy))
    process.start()
    return process  # type: ignore[return-value]


def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("waited in vain")


# --- spaces, budgets, ranks ----------------------------------------------------------------------
def test_genomes_are_kept_or_rejected_by_name() -> None:
    budgets = [Budget("hearing-aid", {"flash_bytes": "30 kB"}), Budget("cortex-m0plus")]
    found = screen(Space(), budgets, 4, 12, np.random.default_rng(0))
    assert len(found.kept) <= 4 <= found.drawn <= 12
    assert found.kept and set(found.rejected) == {"hearing-aid flash_bytes"}
    for genes in found.kept:
        judged = judge(Space().genome(genes), budgets)
        assert not judged.broken and len(judged.costs) == 2
    assert all(miss.broken for miss in found.nearest)


def test_impossible_budgets_end_with_what_to_relax() -> None:
    budget = Budget("hearing-aid", {"ram_static_bytes": 100, "realtime_factor": 0.01})
    found = screen(Space(stages=(1,)), [budget], 4, 8, np.random.default_rng(0))
    with pytest.raises(VerificationError) as error:
        require_any(found)
    assert "hearing-aid ram_static_bytes" in error.value.message
    nearest = found.nearest[0]
    for excess in nearest.broken:
        assert f"{excess.name} to {excess.value:,.6g}" in error.value.hint
    assert nearest.broken[0].share <= found.nearest[-1].broken[0].share


def test_a_budget_holds_the_part_itself() -> None:
    part = Budget("hearing-aid").part
    wide = Genome((Layer(512), Layer(512)))
    broken = {excess.figure for excess in judge(wide, [Budget("hearing-aid")]).broken}
    assert part.real_time and {"flash_bytes", "realtime_factor"} <= broken


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"top": "trainigs = 3"}, "'trainigs' is unknown; did you mean 'trainings'?"),
        ({"top": 'sampler = "tpe"'}, "'sampler' is unknown"),
        ({"space": "widhts = [3]"}, "'space.widhts' is unknown"),
        ({"space": 'kinds = ["grouped"]'}, "'space.kinds' may have full and depthwise"),
        ({"space": "pools = []"}, "'space.pools' must have a choice"),
        ({"space": "[[space.front_end]]\nhop = 1"}, "'space.front_end'"),
        ({"limits": "flash = 3"}, "'budget.limits.flash' is no figure"),
        ({"limits": 'ram_static_bytes = "2 %"'}, "must be an amount"),
        ({"limits": 'ram_static_bytes = "2 s"'}, "ram_static_bytes is in B"),
        ({"limits": '[[budget]]\ntarget = "hearing-aid"'}, "a target of its own"),
        ({"limits": '[[budget]]\ntarget = "pdp-11"'}, "'budget.target'"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(
    parts: dict[str, str], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(search_text(tmp_path / "labels.csv", **parts), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_config(path)
    assert words in error.value.message and "\n" not in error.value.message


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("rungs", [2, 9], "'rungs' must rise and stay below 'train.steps'"),
        ("train", {"net": "wav2small"}, "'train.net' is what the search chooses"),
        ("train", {"steps": "x"}, "'train.steps' must be a whole number"),
        ("budget", [], "at least one [[budget]]"),
    ],
)
def test_keys_that_do_not_go_together(key: str, value: object, words: str, tmp_path: Path) -> None:
    config(tmp_path)
    with pytest.raises(InputError, match=words.replace("[", r"\[").replace("]", r"\]")):
        load_config(tmp_path / "s.toml", {key: value})


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "find_spec", lambda name: None)
    with pytest.raises(ToolMissingError, match="search"):
        shared.require_optuna()


def test_ranks_peel_front_after_front() -> None:
    points = [(0.9, 5.0), (0.5, 1.0), (0.8, 6.0), (0.4, 2.0), (0.4, 7.0), (0.9, 5.0)]
    assert ranks(points) == [0, 0, 1, 1, 2, 0]


def test_the_better_half_goes_on() -> None:
    others = [(0.9, 5.0), (0.5, 1.0), (0.8, 6.0)]
    assert goes_on((0.1, 9.0), [], 0.5)
    assert not goes_on((0.1, 9.0), others, 0.5)
    assert goes_on((0.95, 9.0), others, 0.5)
    assert goes_on((0.1, 9.0), others, 1.0)


def test_a_point_is_a_config_wherever_it_lies(tmp_path: Path) -> None:
    wanted = config(tmp_path)
    genome = wanted.space.genome(dict.fromkeys(wanted.space.choices, 0))
    data = tomllib.loads(point_config(wanted, genome))
    assert data["corpus"][0]["manifest"] == str(tmp_path / "labels.csv")
    assert data["shape"]["layers"] == genome.config["shape"]["layers"]
    assert data["augment"] == {"crop_seconds": [0.5, 0.8]} and "features" not in data


def test_the_nearest_is_that_with_most_in_common() -> None:
    one = Genome((Layer(8), Layer(16)))
    assert distance(one, one) == 0
    near, far = Genome((Layer(8), Layer(12))), Genome((Layer(8),), pool="mean")
    assert distance(one, near) == 1 < distance(one, far) == 6


# --- workers -------------------------------------------------------------------------------------
def test_a_search_trains_what_fits_once(tmp_path: Path) -> None:
    wanted = config(tmp_path, trainings=12, population=4)
    limits = {"flash_bytes": "20 kB"}
    wanted = replace(wanted, budget=(Budget("hearing-aid", limits),))
    proxy = Pretended(tmp_path / "log")
    told = worked(wanted, tmp_path / "out", proxy)
    trained = proxy.trained()
    assert sum(trained.values()) == len(trained) == 12
    by_what = Counter(t.what for t in told)
    assert by_what["trained"] == 12 and by_what["rejected"] and not by_what["failed"]
    values = {t.genome.key: t.values for t in told if t.what == "trained"}
    for t in told:
        if t.what == "copied":
            assert t.values == values[t.genome.key]
        if t.what == "rejected":
            assert t.values[0] == UNTRAINED and t.genome.key not in trained
    study, begun = shared.open_study(wanted, tmp_path / "out")
    found = read_study(wanted, study)
    assert not begun and found.trained == 12 and found.rejected == by_what["rejected"]
    assert found.drawn >= 4 and set(found.turned_away) <= {"hearing-aid flash_bytes"}
    assert found.stopped > 0 and found.whole + found.stopped == 12
    best = max(v[0] for t in told if t.what == "trained" for v in [t.values])
    assert found.points[0].values["ccc"] == best
    lines = [line.split(" ") for line in (tmp_path / "log").read_text().splitlines()]
    assert not lines[0][1] and all(parent in trained for _, parent in lines[1:])


def test_the_same_search_alone_is_the_same(tmp_path: Path) -> None:
    wanted = config(tmp_path, trainings=8, population=3, seed=5)
    first, again = (
        [t.genome.key for t in worked(wanted, tmp_path / name, Pretended(tmp_path / f"{name}.log"))]
        for name in ("first", "again")
    )
    assert first == again


def test_a_space_that_is_used_up_ends_the_search(tmp_path: Path) -> None:
    small = Space(stages=(1,), layers=(1,), widths=(4, 8), strides=((1, 1),), kinds=("full",))
    wanted = config(tmp_path, trainings=50, population=2, screen=60, space=small)
    proxy = Pretended(tmp_path / "log")
    worked(wanted, tmp_path / "out", proxy)
    assert len(proxy.trained()) == 4 == sum(proxy.trained().values())


@pytest.mark.parametrize(
    "storage", ["", pytest.param("sqlite:///{}/study.db", marks=pytest.mark.exhaustive)]
)
def test_eight_processes_train_nothing_twice(storage: str, tmp_path: Path) -> None:
    small = Space(stages=(1, 2), layers=(1,), widths=(4, 8), kernels=((3, 3),), kinds=("full",))
    wanted = config(tmp_path, trainings=20, population=6, space=small)
    wanted = replace(wanted, storage=storage.format(tmp_path))
    proxy = Pretended(tmp_path / "log", seconds=0.02)
    processes = [started(wanted, tmp_path / "out", proxy) for _ in range(8)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    trained = proxy.trained()
    assert set(trained.values()) == {1} and 20 <= len(trained) <= 27
    study, _ = shared.open_study(wanted, tmp_path / "out")
    assert read_study(wanted, study).trained == len(trained)
    assert not any(shared.runs(t) or shared.waits(t) for t in shared.trials(study)
                   if shared.TRAINING in t.user_attrs)  # fmt: skip


def test_a_killed_worker_loses_its_trial_and_all_may_be_killed(tmp_path: Path) -> None:
    wanted = config(tmp_path, trainings=6, population=3)
    out, log = tmp_path / "out", tmp_path / "log"
    slow, quick = Pretended(log, seconds=60), Pretended(log)
    killed = [started(wanted, out, slow) for _ in range(2)]
    until(lambda: len(slow.trained()) == 2)
    lost = set(slow.trained())
    for process in killed:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)  # nobody waits for it yet
    told = worked(wanted, out, quick)
    for process in killed:
        process.join()
    done = [t.genome.key for t in told if t.what == "trained"]
    assert len(done) == len({*done}) == 6 and lost <= {*done}
    study, _ = shared.open_study(wanted, out)
    assert read_study(wanted, study).failed == 2


def test_a_worker_that_is_silent_is_given_up(tmp_path: Path) -> None:
    """On another machine: no process can be looked for, only its beats."""
    wanted = config(tmp_path, dead_after_seconds=0.05)
    study, _ = shared.open_study(wanted, tmp_path)
    trial = shared.ask(study, wanted.space.choices)
    trial.set_user_attr(shared.OWNER, "elsewhere::1")
    watch = shared.Watch(wanted.dead_after_seconds)
    trial.set_user_attr(shared.BEAT, 1)
    assert not [*watch.dead(shared.trials(study))]
    time.sleep(0.1)
    trial.set_user_attr(shared.BEAT, 2)
    assert not [*watch.dead(shared.trials(study))]
    time.sleep(0.1)
    assert [t.number for t in watch.dead(shared.trials(study))] == [0]


def test_a_study_of_another_config_is_not_gone_on_with(tmp_path: Path) -> None:
    shared.open_study(config(tmp_path), tmp_path)
    shared.open_study(config(tmp_path, trainings=99), tmp_path)
    with pytest.raises(InputError, match="of another config"):
        shared.open_study(config(tmp_path, seed=1), tmp_path)


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the storage cannot be used"):
        shared.open_study(config(tmp_path, storage="nosuch://x"), tmp_path)
