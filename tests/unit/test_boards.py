"""Boards are read from their folders; what is wrong in one is said."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import toolkit
from toolkit.boards import board_folder, list_boards, load_board
from toolkit.boards.load import parse_board, require_sound
from toolkit.errors import BoardError, InputError, ProbeMissingError, ToolMissingError
from toolkit.flash import find_probe
from toolkit.flash.base import Server
from toolkit.flash.remote import _flash_regions, _unescape
from toolkit.targets import Region, load_target

DOCUMENT = Path(__file__).parents[2] / "docs" / "BOARDS.md"


def test_every_board_has_its_row_in_the_document() -> None:
    _, table = DOCUMENT.read_text(encoding="utf-8").split("## All boards")
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)", table.split("## ")[0], re.MULTILINE)
    assert {name for name, _ in rows} == set(list_boards())
    for name, row in rows:
        assert load_board(name).simulated == ("in QEMU" in row), name


def test_every_board_says_where_it_was_read() -> None:
    for name in list_boards():
        board = load_board(name)
        assert re.search(
            r"datasheet|Specification|manual|reference|application note|IMXRT", board.source
        ), name
        # A part that cannot be asked who it is says so.
        assert board.identities or board.unsure, name
        own_clock = [path.name for path in board_folder(name).glob("clock*.c")]
        assert bool(own_clock) == (not board.simulated), name


def test_the_memory_of_the_emulated_part_is_that_of_silicon() -> None:
    board = load_board("netduinoplus2")
    assert board.ram == Region(0x2000_0000, 128 * 1024)  # QEMU has 192 KB there


def test_an_unknown_board_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown board 'nrf52840'.*Did you mean 'nrf52840-dk'"):
        load_board("nrf52840")


def table(name: str = "nrf52840-dk") -> dict[str, Any]:
    return tomllib.loads((board_folder(name) / "board.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counter": "clock"}, "counter must be one of dwt, systick"),
        ({"clock_hz": 32_000_000}, "clock_hz is 32000000, that of nrf52840 64000000"),
        ({"console": {"kind": "lcd"}}, "no console 'lcd'"),
        ({"source": ""}, "source must name"),
        ({"target": "nrf\n52840"}, "no name of 1 to 31"),
        ({"pyocd": None, "openocd": None}, "nothing programs it"),
        ({"identify": [{"what": "x", "address": 2, "mask": 1, "value": 1}]}, "no aligned word"),
        ({"identify": [{"what": "x", "address": 4, "mask": 1, "value": 2}]}, "under its mask"),
        ({"simulated": True}, r"needs \[qemu\]"),
        (
            {"memory": {"flash": {"origin": 0, "size_bytes": 1 << 21},
                        "ram": {"origin": 0x2000_0000, "size_bytes": 1024}}},
            "0x00000000 lies outside the memories of nrf52840",
        ),
    ],
)  # fmt: skip
def test_a_board_that_contradicts_itself_is_refused(change: dict[str, Any], said: str) -> None:
    changed = {k: v for k, v in {**table(), **change}.items() if v is not None}
    with pytest.raises(ValueError, match=said):
        require_sound(parse_board(changed), load_target("nrf52840"))


def test_missing_and_unknown_keys_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        parse_board({**table(), "colour": "blue"})
    with pytest.raises(KeyError, match="ram"):
        parse_board({**table(), "memory": {"flash": {"origin": 0, "size_bytes": 1}}})


def test_probes_are_those_of_the_board() -> None:
    board = load_board("nrf52840-dk")
    assert board.probes == ("pyocd", "openocd")
    assert find_probe(None, board).name == "pyocd"
    assert find_probe("gdb:localhost:1234", board).name == "gdb:localhost:1234"
    with pytest.raises(InputError, match=r"no probe 'teensy'.*pyocd, openocd, gdb:HOST:PORT"):
        find_probe("teensy", board)
    for wrong in ("gdb:", "gdb:host", "gdb:host:0", "gdb:host:70000", "gdb:host:x"):
        with pytest.raises(InputError, match="no GDB server"):
            find_probe(wrong, board)


#: What the tools print, from their own sources and runs without a probe.
SAID = [
    ("pyocd", "No connected debug probes", ProbeMissingError, "no debug probe"),
    ("pyocd", "W NRF52840 APPROTECT enabled: not automatically unlocking", BoardError, "locked"),
    ("pyocd", "C Target type nrf52840 not recognized.", ToolMissingError, "pack install"),
    ("openocd", "Error: No J-Link device found", ProbeMissingError, "no debug probe"),
    ("openocd", "Error: open failed", ProbeMissingError, "no debug probe"),
    ("openocd", "nRF52 device has AP lock engaged (see UICR", BoardError, "locked"),
    ("openocd", "Error: Can't find target/x.cfg\n", ToolMissingError, "target/x.cfg"),
]


@pytest.mark.parametrize(("probe", "said", "kind", "match"), SAID)
def test_what_tools_say_becomes_a_typed_error(
    probe: str, said: str, kind: type[Exception], match: str
) -> None:
    server = find_probe(probe, load_board("nrf52840-dk"))
    assert isinstance(server, Server)
    with pytest.raises(kind, match=match):
        server.explain(said)
    server.explain("Info : Listening on port 3333 for gdb connections")


def test_pyocd_never_erases_a_locked_part_by_itself() -> None:
    for name in list_boards():
        board = load_board(name)
        if board.pyocd:
            server = find_probe("pyocd", board)
            assert isinstance(server, Server)
            assert "auto_unlock=false" in server.command(1)


def test_a_memory_map_and_packets_are_read() -> None:
    xml = (
        '<memory-map><memory type="flash" start="0x0" length="0x100000">'
        '<property name="blocksize">0x1000</property></memory>'
        '<memory type="ram" start="0x20000000" length="0x40000"/></memory-map>'
    )
    assert _flash_regions(xml) == ((Region(0, 0x100000), 0x1000),)
    assert _unescape(b"0* ") == b"0000"  # a run of three more
    assert _unescape(b"a}\x03b") == b"a#b"


def test_the_verb_lists_boards(tmp_path: Any) -> None:
    shown = toolkit("boards", "--json", cwd=tmp_path)
    assert shown.exit_code == 0
    assert {row["name"] for row in shown.json["boards"]} == set(list_boards())
    assert "nrf52840-dk" in toolkit("boards", cwd=tmp_path).stdout
