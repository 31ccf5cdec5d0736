"""The report as JSON and on the terminal."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from toolkit.measurement import Check, Issue, Measurement, Provenance
from toolkit.report import LayerRow, Report
from toolkit.report.json_format import report_dict, report_json
from toolkit.report.model import FunctionRow, Prediction
from toolkit.report.terminal import print_report
from toolkit.report.text import compact, format_value


def measurement(
    name: str, value: float, unit: str = "B", provenance: Provenance = Provenance.MEASURED
) -> Measurement:
    return Measurement(name, value, unit, provenance, f"basis of {provenance.value}")


def report(**changes: object) -> Report:
    fields = {
        "model_name": "m",
        "model_sha256": "0" * 64,
        "target": "cortex-m4",
        "toolchain": "zig 1",
        "simulator": "unicorn",
        "schedule": "batch",
        **changes,
    }
    return Report(**fields)  # type: ignore[arg-type]


def printed(given: Report, width: int = 100) -> str:
    text = io.StringIO()
    print_report(given, Console(file=text, width=width))
    return text.getvalue()


def test_keys_are_those_of_the_contract() -> None:
    assert list(report_dict(report())) == [
        "schema_version",
        "toolkit_version",
        "model",
        "target",
        "toolchain",
        "simulator",
        "schedule",
        "measurements",
        "checks",
        "issues",
        "layers",
        "functions",
        "predictions",
        "memory",
        "fits",
        "stack",
        "roof",
        "alternatives",
        "symbols",
        "library",
        "clip",
        "groups",
    ]


def test_json_keeps_everything() -> None:
    cycles = measurement("cycles", 7, "cycles", Provenance.ESTIMATED)
    given = report(
        measurements=(measurement("flash_bytes", 3),),
        checks=(Check("fits", False, "no", required=False),),
        issues=(Issue("audio", "ünïcödé \ud800 \n"),),
        layers=(LayerRow("l", "conv_2d", "k", "portable", (1, 2), 3, 4, 5, 6, (cycles,)),),
        functions=(FunctionRow("f", "model", (cycles,)),),
        predictions=(Prediction("arousal", None, 0.5),),
    )
    text = report_json(given)
    assert text.isascii() and text.endswith("}\n")
    found = json.loads(text)
    assert found == report_dict(given)
    assert found["measurements"] == [
        {
            "name": "flash_bytes",
            "value": 3,
            "unit": "B",
            "provenance": "measured",
            "basis": "basis of measured",
        }
    ]
    assert found["layers"][0]["measurements"][0]["provenance"] == "estimated"
    assert found["functions"][0]["measurements"][0]["value"] == 7
    (prediction,) = found["predictions"]
    assert (prediction["label"], prediction["float"], prediction["device"]) == (
        "arousal",
        None,
        0.5,
    )
    assert prediction["provenance"] == "simulated"
    assert found["checks"][0]["required"] is False


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_never_reaches_json(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        report_json(report(measurements=(measurement("x", value),)))


def test_only_required_checks_decide() -> None:
    informative = Check("fits_ram", False, "", required=False)
    assert report(checks=(informative, Check("bit_match", True, ""))).passed
    assert not report(checks=(Check("bit_match", False, ""),)).passed


def test_two_provenances_of_one_figure_are_both_shown() -> None:
    estimate = measurement("cycles_model", 1000, "cycles", Provenance.ESTIMATED)
    simulated = measurement("cycles_model", 1100, "cycles", Provenance.SIMULATED)
    given = report(measurements=(estimate, simulated))
    assert given.find("cycles_model") is estimate
    assert given.find("cycles_model", Provenance.SIMULATED) is simulated
    assert given.find("cycles") is None
    text = printed(given)
    assert "1,000 cycles   estimated (1)" in text and "1,100 cycles   simulated (2)" in text
    assert "(1) basis of estimated" in text and "(2) basis of simulated" in text


def test_checks_on_the_terminal() -> None:
    text = printed(
        report(
            checks=(
                Check("bit_match", True, "fine"),
                Check("bit_match_2", False, "bad"),
                Check("fits_ram", False, "too large", required=False),
            ),
            issues=(Issue("audio", "cropped"),),
        )
    )
    assert "pass bit_match: fine" in text
    assert "FAIL bit_match_2: bad" in text
    assert "no   fits_ram: too large" in text
    assert "note cropped" in text


def test_names_from_files_are_shown_as_they_are() -> None:
    hostile = "[red]x[/] \x1b[2J\u202e"
    given = report(
        predictions=(Prediction(hostile, 1.0, 1.0),),
        checks=(Check("bit_match", True, hostile),),
        issues=(Issue("audio", "[bold]clip[/bold].wav"),),
    )
    shown = printed(given)
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "[bold]clip[/bold].wav" in printed(given)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (27_748, "B", "27,748 B"),
        (0, "bytes", "0 bytes"),
        (14_764.75, "ms", "14,765 ms"),
        (14.76475, "", "14.8"),
        (999.7, "uW", "1,000 uW"),
        (1.0, "fraction", "100.000 %"),
        (0.5, "fraction", "50.000 %"),
    ],
)
def test_values_for_people(value: float, unit: str, shown: str) -> None:
    assert format_value(measurement("x", value, unit)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((0, ""), (7, "7"), (999.4, "999"), (999.6, "1k"), (1000, "1k"), (19_840, "19.8k")),
        *((999_499, "999k"), (999_500, "1M"), (2_815_480_000, "2.82G")),
    ],
)
def test_counts_in_five_characters(value: float, shown: str) -> None:
    assert compact(value) == shown
