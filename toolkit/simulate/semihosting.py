"""Arm semihosting for Unicorn: the few operations of ``tk_io_semihosting.c``, in Python.

Files are confined to the run's own folder: a name with a directory in it is refused.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from toolkit.errors import ToolFailedError

_OPEN, _CLOSE, _WRITE0, _WRITE, _READ, _EXIT_EXTENDED = 0x01, 0x02, 0x04, 0x05, 0x06, 0x20
_MODES = {1: "rb", 5: "wb"}
_FAILED = 0xFFFFFFFF


class Semihosting:
    """Serves one run's calls; ``exit_code`` is None until the program exits."""

    def __init__(self, engine: Any, folder: Path) -> None:
        self.console = ""
        self.exit_code: int | None = None
        self._engine = engine
        self._folder = folder
        self._files: dict[int, BinaryIO] = {}

    def handle(self) -> bool:
        """Serve the call at the current instruction; return whether the program has ended."""
        from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_R0, UC_ARM_REG_R1

        operation = self._engine.reg_read(UC_ARM_REG_R0)
        parameter = self._engine.reg_read(UC_ARM_REG_R1)
        result = self._serve(operation, parameter)
        self._engine.reg_write(UC_ARM_REG_R0, result)
        pc = self._engine.reg_read(UC_ARM_REG_PC)
        self._engine.reg_write(UC_ARM_REG_PC, (pc + 2) | 1)
        return self.exit_code is not None

    def close(self) -> None:
        """Close what the program left open."""
        for file in self._files.values():
            file.close()

    def _serve(self, operation: int, parameter: int) -> int:
        if operation == _WRITE0:
            self.console += self._text(parameter)
            return 0
        count = {_OPEN: 3, _CLOSE: 1, _WRITE: 3, _READ: 3, _EXIT_EXTENDED: 2}.get(operation)
        if count is None:
            raise ToolFailedError(
                f"simulation: semihosting operation 0x{operation:02x} is unknown."
            )
        words = struct.unpack(f"<{count}I", self._engine.mem_read(parameter, 4 * count))
        if operation == _OPEN:
            return self._open(*words)
        if operation == _EXIT_EXTENDED:
            self.exit_code = words[1]
            return 0
        file = self._files.get(words[0])
        if file is None:
            return _FAILED
        if operation == _CLOSE:
            self._files.pop(words[0]).close()
            return 0
        if operation == _WRITE:
            file.write(self._engine.mem_read(words[1], words[2]))
            return 0
        data = file.read(words[2])
        self._engine.mem_write(words[1], data)
        return int(words[2]) - len(data)

    def _open(self, name_address: int, mode: int, length: int) -> int:
        name = bytes(self._engine.mem_read(name_address, length)).decode("ascii", "replace")
        path = self._folder / name
        if mode not in _MODES or Path(name).name != name:
            return _FAILED
        try:
            file = path.open(_MODES[mode])
        except OSError:
            return _FAILED
        handle = len(self._files) + 1
        self._files[handle] = file  # type: ignore[assignment]
        return handle

    def _text(self, address: int) -> str:
        data = bytearray()
        while (byte := self._engine.mem_read(address + len(data), 1)[0]) != 0:
            data.append(byte)
        return data.decode("utf-8", "replace")
