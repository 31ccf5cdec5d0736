"""Reports as files: read back, CSV, markdown, JUnit, and the HTML page."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
from rich.console import Console

from toolkit.budget.judge import Base, judge
from toolkit.budget.model import Budget, Subject
from toolkit.cli import cli
from toolkit.errors import InputError
from toolkit.measurement import Check, Issue, Measurement, MemoryMap, MemoryRow, Provenance, Symbol
from toolkit.report import LayerRow, Report
from toolkit.report.csv_format import report_csv
from toolkit.report.html import report_html
from toolkit.report.html.roofline import roofline
from toolkit.report.html.timeline import timeline
from toolkit.report.json_format import report_json
from toolkit.report.junit import report_junit
from toolkit.report.markdown import report_markdown
from toolkit.report.model import Fit, FunctionRow, Part, Prediction, Roofline, StackFrame
from toolkit.report.names import FAMILIES, FIGURES
from toolkit.report.read import read_report
from toolkit.report.render import FORMATS, require_formats, write_reports
from toolkit.report.terminal import print_report
from toolkit.report.text import printable

HOSTILE = "=<script>alert('|x|')</script>`*\x1b[2J\u202e\x00"
ESTIMATED, SIMULATED, MEASURED = Provenance.ESTIMATED, Provenance.SIMULATED, Provenance.MEASURED


def layer(name: str, estimated: int, simulated: int | None) -> LayerRow:
    figures = [
        Measurement("cycles", estimated, "cycles", ESTIMATED, "rates"),
        Measurement("cycles_ideal", 50, "cycles", ESTIMATED, "half a cycle"),
        Measurement("moved_bytes", 40, "B", ESTIMATED, "once each"),
    ]
    if simulated is not None:
        figures.append(Measurement("cycles", simulated, "cycles", SIMULATED, "unicorn"))
    return LayerRow(name, "conv_2d", "k", "portable", (1, 2), 100, 9, 20, 30, tuple(figures))


FLASH = (Part(HOSTILE, "code", 1500), Part("w", "model constants", 500))
FULL = Report(
    model_name=HOSTILE,
    model_sha256="a" * 64,
    target="cortex-m4",
    toolchain="zig 1",
    simulator="unicorn",
    schedule="batch",
    measurements=(
        Measurement("flash_bytes", 2000, "B", MEASURED, "map"),
        Measurement("cycles_model", 1100, "cycles", ESTIMATED, "rates"),
        Measurement("cycles_model", 1000, "cycles", SIMULATED, "unicorn"),
        Measurement("feature_identical_fraction", 0.5, "fraction", MEASURED, "numpy"),
        Measurement("some_new_figure", 1.25, "ms", ESTIMATED, "model"),
    ),
    checks=(
        Check("bit_match", True, "fine"),
        Check("tflm_match", False, HOSTILE, where=HOSTILE),
        Check("fits_flash", False, "too large", required=False),
        Check.not_checked("import_match", "no time"),
    ),
    issues=(Issue("audio", HOSTILE),),
    layers=(layer(HOSTILE, 900, 800), layer("b", 200, 200), layer("c", 0, None)),
    functions=(FunctionRow("f", "model", (Measurement("cycles", 5, "cycles", SIMULATED, "u"),)),),
    predictions=(Prediction(HOSTILE, None, 0.25), Prediction("valence", 0.5, 0.75)),
    memory=MemoryMap(
        "arena",
        128,
        ("first", "second", "third"),
        (
            MemoryRow("t0", "tensor", 0, 64, 0, 1),
            MemoryRow(HOSTILE, "scratch", 64, 64, 1, 1),
            MemoryRow("t1", "tensor", 0, 16, 2, 2),
        ),
    ),
    fits=(
        Fit("flash", 2000, 1000, MEASURED, "map", FLASH),
        Fit("ram", 10, 1000, MEASURED, "map", (Part("a", "state", 10),)),
    ),
    stack=(StackFrame("main", 40), StackFrame(HOSTILE, 60)),
    roof=Roofline(2.0, 4.0, "two a cycle"),
    symbols={"model_w": Symbol("weights", (HOSTILE, "b")), "model_invoke": Symbol("driver")},
)
BARE = Report("m", "b" * 64, "", "", "", "")


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "line", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.mark.parametrize("report", [FULL, BARE], ids=["full", "bare"])
def test_json_is_read_back_whole(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "r.json"
    path.write_text(report_json(report), encoding="utf-8")
    assert read_report(path) == report


@pytest.mark.parametrize("report", [FULL, BARE], ids=["full", "bare"])
def test_the_page_needs_nothing_else(report: Report) -> None:
    """No script, no address, nothing from a name is markup; every tag is closed."""
    text = report_html(report)
    assert text == report_html(report)
    page = Page(text)
    assert page.open == []
    names = Counter(tag for tag, _ in page.tags)
    assert not {"script", "link", "img", "iframe", "object"} & names.keys()
    assert "http:" not in text and "https:" not in text and "url(" not in text
    for _, attributes in page.tags:
        assert not {"src", "href", "onload", "onclick"} & attributes.keys()
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a} <= set(ids)
    for tag, attributes in page.tags:
        if tag == "svg" or attributes.get("class") == "bar":
            assert "aria-label" in attributes or attributes.get("aria-hidden") == "true"
    meta = [attributes for tag, attributes in page.tags if tag == "meta"]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in meta
    assert any("default-src 'none'" in str(a.get("content")) for a in meta)
    assert "\x1b" not in text and "\u202e" not in text


def test_the_page_shows_every_figure_with_its_provenance() -> None:
    page = Page(report_html(FULL))
    for words in (
        "flash 2,000 B measured map",
        "cycles, model 1,100 cycles estimated +10.0 % off rates",
        "cycles, model 1,000 cycles simulated unicorn",
        "features identical 50.000 % measured numpy",
        "some_new_figure 1.25 ms estimated model",
        "✗ does not fit, 200.0 %",
        "✗ FAIL tflm_match",
        "– no fits_flash",
        "— import_match not checked: no time",
        "✗ DOES NOT FIT: 1,000 B too much for flash; tflm_match failed",
        "main 40 B 40 B",
        "60 B 100 B",
        "128 B alive at second",
    ):
        assert words in page.text, words
    blocks = [a for tag, a in page.tags if tag == "rect" and "block" in str(a.get("class"))]
    assert [a["class"] for a in blocks] == ["block k-tensor", "block k-scratch", "block k-tensor"]


def test_the_timeline_is_drawn_to_scale() -> None:
    chart = timeline(FULL.memory)
    assert chart is not None and chart.live_bytes == (64, 128, 16)
    assert (chart.peak_step, [b.row.name for b in chart.peak_blocks]) == (1, ["t0", HOSTILE])
    block = next(b for b in chart.blocks if b.row.kind == "scratch")
    assert (block.x, block.width) == (pytest.approx(100 / 3), pytest.approx(100 / 3))
    assert (block.y, block.height) == (0, 50)
    assert timeline(None) is None


def test_the_roofline_is_drawn_to_scale() -> None:
    """100 MACs on 40 bytes in 800 cycles, under a roof of 2 a cycle that begins at half a byte."""
    chart = roofline(FULL)
    assert chart is not None
    first = chart.dots[0]
    assert (first.intensity, first.rate, first.provenance) == (2.5, 0.125, "simulated")
    assert first.roof_percent == pytest.approx(100 * 0.125 / 2)
    assert len(chart.dots) == 2, "a layer without cycles has no place"
    for x, y in (*chart.roof, *((dot.x, dot.y) for dot in chart.dots)):
        assert 0 <= x <= 100 and 0 <= y <= 100
    assert roofline(replace(FULL, roof=None)) is None


def test_csv_has_a_row_a_layer_and_provenance_in_the_header() -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(FULL))))
    assert [row["cycles_simulated"] for row in rows] == ["800", "200", ""]
    assert [row["cycles_estimated"] for row in rows] == ["900", "200", "0"]
    assert rows[0]["name"] == f"'{printable(HOSTILE)}", "no formula for a spreadsheet"
    plain = {"name", "op", "kernel", "variant", "output_shape"}
    for column in rows[0].keys() - plain:
        assert column.rpartition("_")[2] in {p.value for p in Provenance}
    assert report_csv(BARE).count("\n") == 1


def test_markdown_escapes_names_and_states_provenance() -> None:
    text = report_markdown(FULL)
    assert "<script>" not in text and "\x1b" not in text
    assert "| flash | 2,000 B | measured | map |" in text
    assert "| — | `import_match` | not checked: no time |" in text
    assert "| cycles, model | 1,100 cycles (+10.0 %) | estimated | rates |" in text
    for line in text.splitlines():
        if line.startswith("| "):
            cells = line.replace("\\|", "").count("|")
            assert cells >= 4, line
    assert report_markdown(BARE).startswith("# m on ")


def test_junit_fails_what_is_required_and_skips_what_informs() -> None:
    suite = ET.fromstring(report_junit(FULL))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "2")
    outcomes = {case.get("name"): case[0].tag for case in suite.iter("testcase")}
    assert outcomes == {
        "bit_match": "system-out",
        "tflm_match": "failure",
        "fits_flash": "skipped",
        "import_match": "skipped",
    }
    (why,) = suite.findall("testcase[@name='import_match']/skipped")
    assert why.get("message") == "not checked: no time"
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties["flash_bytes (measured)"] == "2000 B"
    assert len(properties) == len(FULL.measurements)


def test_files_are_written_by_extension(tmp_path: Path) -> None:
    paths = [tmp_path / f"r{extension}" for extension in FORMATS]
    require_formats(paths)
    write_reports(FULL, paths)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == report_json(FULL)
    for path, words in ((tmp_path / "r.pdf", "extension"), (tmp_path / "no" / "r.md", "folder")):
        with pytest.raises(InputError, match=words):
            require_formats([path])
    (tmp_path / "taken.md").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_reports(FULL, [tmp_path / "taken.md"])


def test_every_format_is_documented() -> None:
    root = Path(__file__).parents[2]
    command = cli.get_command(click.Context(cli), "profile")
    assert command is not None
    (option,) = (p for p in command.params if p.name == "reports")
    assert isinstance(option, click.Option) and option.help
    told = {
        "--help": option.help,
        "README.md": (root / "README.md").read_text(encoding="utf-8"),
        "docs/REPORT.md": (root / "docs/REPORT.md").read_text(encoding="utf-8"),
    }
    for where, text in told.items():
        for extension in FORMATS:
            assert extension in text, f"{where} says nothing of {extension}"


def test_every_figure_is_documented() -> None:
    documented = Path(__file__).parents[2] / "docs" / "REPORT.md"
    text = documented.read_text(encoding="utf-8")
    for name in (*FIGURES, *FAMILIES):
        assert f"`{name}" in text, name


def test_what_is_not_checked_neither_passes_nor_fails(capsys: pytest.CaptureFixture[str]) -> None:
    open_check = Check.not_checked("import_match", "no time")
    report = replace(BARE, checks=(open_check,))
    assert report.passed and not open_check.passed and not open_check.failed
    assert json.loads(report_json(report))["checks"][0]["passed"] is None
    print_report(report, Console(width=80))
    out = capsys.readouterr().out
    assert "— import_match: not checked: no time" in " ".join(out.split())
    assert "pass" not in out and "FAIL" not in out
    for named, fails in (((), False), (("import_match",), True)):
        gate = judge(Budget("b", Subject("cortex-m4"), checks=named), report, {}, Base())
        assert gate.passed is not fails
        assert [(v.name, v.outcome) for v in gate.verdicts] == [("import_match", "not run")]


def test_a_report_replaces_reports_and_nothing_else(tmp_path: Path) -> None:
    for suffix in FORMATS:
        path = tmp_path / f"r{suffix}"
        write_reports(FULL, [path])
        require_formats([path])
        path.write_text("years of work")
        with pytest.raises(InputError, match="no report of ours") as caught:
            require_formats([path])
        assert "--force" in caught.value.hint
        require_formats([path], force=True)


def test_an_older_report_stands_beside_a_newer(tmp_path: Path) -> None:
    half = [replace(m, value=m.value / 2) for m in FULL.measurements if m.name == "flash_bytes"]
    others = [m for m in FULL.measurements if m.name != "flash_bytes"]
    (tmp_path / "old.json").write_text(
        report_json(replace(FULL, measurements=(*half, *others))), encoding="utf-8"
    )
    path, old = tmp_path / "r.html", tmp_path / "old.json"
    require_formats([path], against=old)
    write_reports(FULL, [path], old)
    page = Page(path.read_text(encoding="utf-8"))
    assert "flash measured 1,000 B 2,000 B +100.0 %" in page.text
    write_reports(FULL, [path])
    assert "Against" not in path.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="shown in a page"):
        require_formats([tmp_path / "r.md"], against=old)
    with pytest.raises(InputError):
        require_formats([path], against=tmp_path / "none.json")
