"""Debug probes that are connected to this machine, as pyOCD sees them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

from toolkit.errors import ToolMissingError
from toolkit.flash.base import require_program
from toolkit.flash.pyocd import INSTALL as PYOCD_INSTALL

_TIMEOUT_S = 20


@dataclass(frozen=True)
class Connected:
    """A probe: its number, its product's name, and the board that it says it is on ("" where it
    does not)."""

    number: str
    product: str
    board: str


def connected_probes() -> tuple[Connected, ...]:
    """Every probe that pyOCD finds.  Raises ToolMissingError without pyOCD, or where it fails."""
    program = require_program("pyocd", PYOCD_INSTALL)
    try:
        done = subprocess.run(
            [program, "json", "--probes"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        rows = json.loads(done.stdout)["boards"]
        return tuple(
            Connected(str(row["unique_id"]), str(row["info"]), str(row.get("board_name") or ""))
            for row in rows
        )
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise ToolMissingError(f"'pyocd json --probes' gives no list ({error}).") from error
