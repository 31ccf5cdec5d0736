"""The user's cache folder: compiler caches and the native helpers of the simulators."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


def user_cache_dir() -> Path:
    """Return ``$XDG_CACHE_HOME/hearing-aid-toolkit`` (default ``~/.cache``), created if needed.

    Where nothing can be written there, a temporary folder that lasts as long as the process.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        if not base.is_absolute():
            base = Path.home() / ".cache"
        path = base / "hearing-aid-toolkit"
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return _temporary_dir()
    return path


@cache
def _temporary_dir() -> Path:
    folder = tempfile.mkdtemp(prefix="toolkit-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
