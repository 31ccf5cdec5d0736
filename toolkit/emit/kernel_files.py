"""The kernels that a library takes along, with all that they include."""

from __future__ import annotations

import re
from collections.abc import Iterable

from toolkit.emit.naming import kernel_tags
from toolkit.errors import ToolkitError
from toolkit.resources import kernel_path, read_text


def kernel_files(stems: Iterable[str]) -> dict[str, str]:
    """The named kernels and, through their includes, all they need; path in a library to text.

    A kernel is a header and, unless that is all, a C file of the same stem.
    """
    tags = kernel_tags()
    files: dict[str, str] = {}
    waiting = sorted(stems)
    while waiting:
        stem = waiting.pop()
        header, source = kernel_path(f"{stem}.h"), kernel_path(f"{stem}.c")
        if not header.is_file():
            raise ToolkitError(f"kernel '{stem}' is missing from the firmware templates.")
        for path in (header, source):
            name = f"kernels/{tags.file(stem)}{path.suffix}"
            if name not in files and path.is_file():
                text = read_text(path)
                files[name] = tags.apply(text)
                waiting += re.findall(r'^#include "(\w+)\.h"', text, re.MULTILINE)
    return files
