"""The user's cache folder: compiler caches and the native helpers of the simulators."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache_dir() -> Path:
    """Return ``$XDG_CACHE_HOME/hearing-aid-toolkit`` (default ``~/.cache``), created if needed."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(base) / "hearing-aid-toolkit"
    path.mkdir(parents=True, exist_ok=True)
    return path
