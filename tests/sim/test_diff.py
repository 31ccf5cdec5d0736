"""``toolkit diff``: figures of two builds side by side, and what may not be compared."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import built, refused, toolkit
from toolkit.features.audio import load_clip
from toolkit.model.source import demo_clip

#: The same model built for size, and for speed under another name.
BUILDS = {
    "small": ("--optimize", "size"),
    "fast": ("--optimize", "speed", "--name", "quick"),
}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("builds")
    for name, options in BUILDS.items():
        made = (
            "build",
            "wav2small",
            "--seconds",
            "0.2",
            "--target",
            "cortex-m4",
            *options,
            "--out",
            name,
            "--json",
        )
        built(toolkit(*made, cwd=folder))
    return folder


def report(folder: Path, name: str) -> Any:
    return json.loads((folder / name / "report" / "report.json").read_text())


def compared(folder: Path, *arguments: str) -> Any:
    done = toolkit("diff", *arguments, "--json", cwd=folder)
    assert done.exit_code == 0, done
    return done.json


def rows(found: Any, what: str, by: str) -> dict[str, Row]:
    (table,) = [t for t in found["tables"] if (t["what"], t["by"]) == (what, by)]
    sizes = [abs(row["delta"]) for row in table["rows"]]
    assert sizes == sorted(sizes, reverse=True)
    return {" ".join(row["names"]): row for row in table["rows"]}


def test_figures_are_those_of_the_reports(builds: Path) -> None:
    found = compared(builds, "small", "fast")
    reports = [report(builds, name) for name in ("small", "fast")]
    sides = [{(m["name"], m["provenance"]): m for m in r["measurements"]} for r in reports]
    assert {(f["name"], f["provenance"]) for f in found["figures"]} == {*sides[0]} | {*sides[1]}
    for f in found["figures"]:
        then, now = (side.get((f["name"], f["provenance"])) for side in sides)
        assert (f["before"], f["after"]) == tuple(m and m["value"] for m in (then, now))
        assert f["basis"] == {"before": then and then["basis"], "after": now and now["basis"]}
        if then and now:
            assert f["delta"] == now["value"] - then["value"]
            if then["value"]:
                assert f["percent"] == pytest.approx(100 * f["delta"] / then["value"])
    flash = next(f for f in found["figures"] if f["name"] == "flash_bytes")
    assert flash["provenance"] == "measured"
    assert flash["delta"] != 0
    assert found["verdict"].startswith("flash ")
    assert found["differences"] == []
    assert [found[side]["library"] for side in ("before", "after")] == ["wav2small", "quick"]


def test_symbols_add_up_and_have_no_name_of_a_library(builds: Path) -> None:
    found = compared(builds, "small", "fast")
    for what, figure in (("flash", "flash_bytes"), ("ram", None)):
        by_symbol = rows(found, what, "symbol")
        fits = [
            next(fit for fit in report(builds, name)["fits"] if fit["region"] == what)
            for name in ("small", "fast")
        ]
        for side, fit in zip(("before", "after"), fits, strict=True):
            assert sum(row[side] or 0 for row in by_symbol.values()) == fit["used_bytes"]
        if figure:
            (total,) = [
                f for f in found["figures"] if (f["name"], f["provenance"]) == (figure, "measured")
            ]
            assert sum(row["delta"] for row in by_symbol.values()) == total["delta"]
        assert not [name for name in by_symbol if name.startswith(("wav2small", "quick"))]
        assert not [n for n in by_symbol if "_wav2small_" in n or re.match("tk_[0-9a-f]{8}_", n)]
    # What has the name of a library in it is one symbol on both sides.
    both = {n for n, row in rows(found, "flash", "symbol").items() if None not in row.values()}
    assert {"push_frame", "tk_mel_bands"} <= both


def test_layers_have_their_simulated_cycles(builds: Path) -> None:
    found = compared(builds, "small", "fast")
    by_layer = rows(found, "cycles", "layer")
    layers = {row["name"]: row for row in report(builds, "fast")["layers"]}
    assert {*by_layer} <= {*layers}
    for name, row in by_layer.items():
        (cycles,) = [
            m["value"]
            for m in layers[name]["measurements"]
            if (m["name"], m["provenance"]) == ("cycles", "simulated")
        ]
        assert row["after"] == cycles
    assert any(row["delta"] for row in by_layer.values())
    assert any(row["delta"] for row in rows(found, "flash", "layer").values())


def test_the_same_build_did_not_change(builds: Path) -> None:
    """A folder, its report, and a copy of it are one."""
    shutil.copy(builds / "small" / "report" / "report.json", builds / "kept.json")
    for after in ("small", "small/report/report.json", "kept.json"):
        done = toolkit("diff", "small", after, cwd=builds)
        assert done.exit_code == 0, done
        assert done.stdout.startswith("nothing changed: ")
        assert len(done.stdout.splitlines()) == 1


def test_people_read_the_verdict_first(builds: Path) -> None:
    done = toolkit("diff", "small", "fast", "--markdown", "diff.md", cwd=builds)
    assert done.exit_code == 0, done
    first, *others = done.stdout.splitlines()
    verdict = compared(builds, "small", "fast")["verdict"]
    assert first == verdict
    assert any(line.startswith("  flash  ") and line.endswith("measured") for line in others)
    assert "flash by symbol (measured):" in others
    markdown = (builds / "diff.md").read_text(encoding="utf-8")
    assert markdown.startswith("## flash ")
    assert "### flash by layer (measured)" in markdown


def edited(folder: Path, name: str, edit: Callable[[Any], object]) -> str:
    """The report of the small build, with something else in it."""
    data = report(folder, "small")
    edit(data)
    (folder / name).write_text(json.dumps(data), encoding="utf-8")
    return name


def test_another_clip_is_refused_or_said(builds: Path) -> None:
    clip = report(builds, "small")["clip"]
    samples = load_clip(demo_clip(), 16000).samples
    beginnings = {hashlib.sha256(samples[:n].tobytes()).hexdigest() for n in range(3000, 3400)}
    assert clip["name"] == "demo_clip.wav"
    assert clip["sha256"] in beginnings
    other = {"name": "noise.wav", "sha256": "b" * 64}
    file = edited(builds, "clip.json", lambda data: data.update(clip=other))
    line = refused(toolkit("diff", "small", file, cwd=builds))
    assert "clip changed" in line
    assert "--allow-different=clip" in line
    done = toolkit("diff", "small", file, "--allow-different=clip", cwd=builds)
    assert done.exit_code == 0, done
    assert "clip noise.wav ← demo_clip.wav" in done.stdout.splitlines()
    found = compared(builds, "small", file, "--allow-different=clip")
    assert [d["key"] for d in found["differences"]] == ["clip"]


@pytest.mark.parametrize(
    ("key", "other"),
    [("target", "cortex-m7"), ("toolchain", "gcc 12"), ("simulator", "qemu")],
)
def test_other_tools_are_refused_or_said(builds: Path, key: str, other: str) -> None:
    file = edited(builds, f"{key}.json", lambda data: data.update({key: other}))
    line = refused(toolkit("diff", "small", file, cwd=builds))
    assert f"{key} changed: {other} ← " in line
    found = compared(builds, "small", file, "--allow-different", key)
    assert [d["key"] for d in found["differences"]] == [key]


def test_another_model_is_compared_and_said(builds: Path) -> None:
    file = edited(builds, "model.json", lambda data: data["model"].update({"sha256": "a" * 64}))
    done = toolkit("diff", "small", file, cwd=builds)
    assert done.exit_code == 0, done
    assert f"model changed: {'a' * 12} ← " in done.stdout


def test_an_estimate_is_compared_with_the_estimates_of_a_build(builds: Path) -> None:
    profile = (
        "profile",
        "wav2small",
        "--seconds",
        "0.2",
        "--optimize",
        "size",
        "--report",
        "profile.json",
    )
    assert toolkit(*profile, cwd=builds).exit_code == 0
    found = compared(builds, "profile.json", "small")
    flash = {f["provenance"]: f for f in found["figures"] if f["name"] == "flash_bytes"}
    assert flash["measured"]["before"] is None
    assert None not in (flash["estimated"]["before"], flash["estimated"]["after"])


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data["fits"][0]["parts"][0].update(size_bytes="many"),
        lambda data: data["memory"]["rows"][0].update(size_bytes=None),
        lambda data: data["stack"]["frames"][0].update(size_bytes=[]),
        lambda data: data.update(clip="loud"),
        lambda data: data.update(library=7),
        lambda data: data["measurements"][0].update(value=10**400),
        lambda data: data["stack"]["frames"][0].update(size_bytes=10**30),
        lambda data: data.pop("layers"),
    ],
)
def test_a_damaged_report_is_one_line(builds: Path, edit: Callable[[Any], object]) -> None:
    file = edited(builds, "damaged.json", edit)
    assert "damaged.json: is not a report (" in refused(toolkit("diff", file, "small", cwd=builds))


def test_bad_input_is_one_line(builds: Path) -> None:
    (builds / "empty").mkdir()
    (builds / "text.json").write_text("no report")
    (builds / "sound.wav").write_bytes(demo_clip().read_bytes())
    for after in ("empty", "missing", "text.json", "sound.wav"):
        assert after in refused(toolkit("diff", "small", after, cwd=builds))
    line = refused(toolkit("diff", "small", "fast", "--allow-different", "model", cwd=builds))
    assert "clip, toolchain, simulator, target" in line
