"""What programs can hold the documents to: generated parts, commands, peers, cards."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from toolkit.cli import cli

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "STYLE")),
        *(ROOT / "docs").glob("*.md"),
    ]
)
GENERATED = re.compile(
    r"<!-- begin: written by `python -m ([\w.]+)`, do not edit -->(.*?)<!-- end -->", re.S
)
#: Tables that a test reads, and records of runs that no command repeats.
HELD = re.compile(r"<!-- begin: (?:held by|recorded, )(.*?) -->(.*?)<!-- end -->", re.S)
#: Parts of docs/QUANTISATION.md, which `benchmarks.ablation` writes.
ABLATION = re.compile(r"<!-- ((?!begin|end)[\w ]+) -->(.*?)<!-- end \1 -->", re.S)
CODE = re.compile(r"```.*?```", re.S)
MEASURED = re.compile(r"(?:\d[\d,]*\.?\d*|\.\d+)\s?(?:dB|M cycles|KB|B\b|ms\b|M\b|%|[uµ]J)")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_generated_parts_are_whole_and_name_a_program(path: Path) -> None:
    text = text_of(path)
    parts = GENERATED.findall(text)
    held = HELD.findall(text)
    assert text.count("<!-- begin:") == text.count("<!-- end -->") == len(parts) + len(held)
    for module, part in parts:
        assert importlib.util.find_spec(module) is not None, module
        assert part.count("\n|") >= 3, f"{module} has written no table"
    for name, part in ABLATION.findall(text):
        assert part.count("\n|") >= 3, f"{name} is empty"


#: What is no measurement: limits and definitions of the tool, and of two documents the facts that
#: they have from manuals, with their source.
DEFINED = re.compile(
    r"(?:at (?:least|most)|(?:more|fewer) than) [\d.]+ (?:dB|%)|[\d.]+ % of (?:1000|draws)"
    r"|\(fixed point: 98 %|95 % interval|-75 dB of full|below 28 dB|if that is 1 dB"
    r"|`--target-snr-db` and 2 dB|a jump of 60 dB|the same 60 dB|bands 100 dB below"
)
FROM_MANUALS = {"BOARDS.md", "TARGETS.md"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_no_measured_figure_is_typed_by_hand(path: Path) -> None:
    text = text_of(path)
    for marked in (CODE, GENERATED, HELD, ABLATION, DEFINED):
        text = marked.sub("", text)
    if path.name not in FROM_MANUALS:
        assert MEASURED.findall(text) == []


def commands(path: Path) -> Iterator[list[str]]:
    """The words of every `toolkit` command in a fenced block."""
    for block in CODE.findall(text_of(path)):
        joined = block.replace("\\\n", " ")
        for line in joined.splitlines():
            command = line.strip().removeprefix("$ ").split(" #")[0].split(" > ")[0]
            if command.startswith("toolkit "):
                yield shlex.split(re.sub(r"\[.*?\]|\(.*?\)|…", " ", command))[1:]


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_commands_have_verbs_and_options_that_there_are(path: Path) -> None:
    for words in commands(path):
        command: click.Command = cli
        rest = [word for word in words if word != "|"]
        while isinstance(command, click.Group) and rest:
            context = click.Context(command)
            found = command.get_command(context, rest[0].split("|")[0])
            assert found is not None, " ".join(words)
            command, rest = found, rest[1:]
        known = {name for parameter in command.params for name in parameter.opts}
        known |= {name for parameter in command.params for name in parameter.secondary_opts}
        known |= {"--help", "-h", "--version"}
        used = {word.split("=")[0] for word in rest if word.startswith("-")}
        assert used <= known, (" ".join(words), used - known)


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_programs_that_are_named_are_there(path: Path) -> None:
    text = text_of(path)
    for module in re.findall(r"python -m ((?:benchmarks|tools|toolkit)[\w.]*)", text):
        assert importlib.util.find_spec(module.rstrip(".")) is not None, module
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.M))
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets
    for test in re.findall(r"\btests/[a-z\d_/]+\.py", text):
        assert (ROOT / test).is_file(), test


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text_of(path)):
        assert (path.parent / link).exists(), link


#: Of the table of parts: column, submitters, systems; MLPerf's name of the network.
COLUMNS = {
    "microTVM + CMSIS-NN": "OctoML",
    "ST Edge AI": "STMicroelectronics",
    "Bosch HALE": "bosch",
    "Plumerai": "plumerai",
}
CHIPS = {"stm32l4r5": "L4R5", "stm32u575": "U575|U585", "nrf5340": "NRF5340"}
TASKS = {"MLPerf Tiny DS-CNN, batch": "kws", "MLPerf Tiny ResNet-8, batch": "ic"}


def test_published_times_in_the_readme_are_the_best_of_the_table() -> None:
    with (ROOT / "benchmarks" / "peers" / "mlperf_tiny.csv").open(encoding="utf-8") as file:
        published = list(csv.DictReader(file))
    (table,) = (
        part
        for module, part in GENERATED.findall(text_of(ROOT / "README.md"))
        if module == "benchmarks.silicon"
    )
    head, _, *lines = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    compared = 0
    for line in lines:
        row = dict(zip(head, [*line, *[""] * (len(head) - len(line))], strict=True))
        for column, submitter in COLUMNS.items():
            times = [
                float(time["latency_ms"])
                for time in published
                if time["submitter"] == submitter
                and time["task"] == TASKS.get(row["network"])
                and re.search(CHIPS.get(row["part"], "no such chip"), time["system"].upper())
                and not re.search("native|float", time["system"])
            ]
            assert row[column] == (f"{min(times):.1f}" if times else ""), (row["part"], column)
            compared += bool(times)
    assert compared >= 16


@pytest.mark.parametrize("name", ["wav2small-ha", "wav2small"])
def test_the_readme_says_of_weights_what_their_card_says(name: str) -> None:
    card = tomllib.loads(text_of(ROOT / "models" / name / "card.toml"))
    (found,) = (
        [row[output] for output in ("arousal", "dominance", "valence")]
        for row in card["ccc"]
        if row["corpus"].startswith("EmoTale, all 525")
        and "mean of" not in row["corpus"]
        and row["clip"].startswith("whole")
    )
    text = " / ".join(f"{value + 1e-9:.2f}".removeprefix("0") for value in found)
    assert text in text_of(ROOT / "README.md")


def cells(module: str) -> list[list[str]]:
    """The rows below the head of the README's table that a program writes."""
    (part,) = (p for m, p in GENERATED.findall(text_of(ROOT / "README.md")) if m == module)
    lines = [line.strip("| ").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def figures_of(budget: str) -> dict[str, float]:
    """The figures of a baseline, which `make gate` holds builds against."""
    baseline = json.loads(text_of(ROOT / "ci" / "baselines" / f"{budget}.json"))
    return {name: value for name, value, *_ in baseline["figures"]}


def test_the_readme_has_the_figures_of_the_baselines() -> None:
    found = figures_of("wav2small-cortex-m4")
    (row,) = (
        r
        for r in cells("benchmarks.results")
        if r[1].endswith("stream, `--optimize speed`") and r[0].startswith("Wav2Small")
    )
    assert row[2:5] == [
        f"{found['ram_static_bytes']:,}",
        f"{found['flash_bytes']:,}",
        f"**{found['cycles_per_audio_second'] / 1e6:.2f} M**",
    ]
    (row,) = (r for r in cells("benchmarks.hearing_aid") if r[0] == "hearing-aid, balanced")
    found = figures_of("wav2small-ha-hearing-aid")
    assert row[1:4] == [
        f"{found['flash_bytes'] / 1000:.1f} KB",
        f"{found['ram_static_bytes'] / 1000:.1f} KB",
        f"{found['cycles_per_audio_second'] / 1e6:.1f} M",
    ]


def test_tflm_s_figures_in_the_readme_are_the_table_s() -> None:
    with (ROOT / "benchmarks/peers/tflm_cmsis_nn.csv").open(encoding="utf-8") as file:
        peers = {row["model"]: row for row in csv.DictReader(file)}
    rows = [row for row in cells("benchmarks.results") if row[1] == "TFLM + CMSIS-NN"]
    assert [row[0] for row in rows] == list(peers)
    for title, _, ram, flash, cycles, *_ in rows:
        peer = peers[title]
        assert ram == f"{int(peer['arena_bytes']):,} (arena)"
        assert flash == f"{int(peer['code_bytes']) + int(peer['model_bytes']):,}"
        assert cycles == f"{int(peer['cycles']) / 1e6:.4g} M"
