"""Generated firmware projects: boring C from a planned graph, written whole or not at all."""

from __future__ import annotations

from toolkit.emit.model import InRam, emit_model
from toolkit.emit.project import FirmwareProject, Library, emit_project
from toolkit.emit.write import staged_directory, write_files, write_project

__all__ = [
    "FirmwareProject",
    "InRam",
    "Library",
    "emit_model",
    "emit_project",
    "staged_directory",
    "write_files",
    "write_project",
]
