"""Refuses and notes every way out of this machine, while `NOTES` names a file for it.

Python runs a module of this name at its start where its folder is in ``PYTHONPATH``: the processes
that a test starts are watched like its own, where `tests.regression.test_no_network` imports it.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

NOTES = "TOOLKIT_TEST_CONNECTIONS"
_LOCAL = ("127.0.0.1", "::1", "localhost", "", None)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: Python tells it of every such call, whoever makes it."""
    notes = os.environ.get(NOTES)
    if not notes or not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # not of the internet
    elif event.startswith(("socket.getaddrinfo", "socket.gethostby")):
        host = arguments[0]
    else:
        return
    if host not in _LOCAL:
        with open(notes, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{event} {host}: {sys.argv}\n")
        raise OSError(errno.ENETUNREACH, f"{event} to {host} is not allowed here")


sys.addaudithook(_watch)
