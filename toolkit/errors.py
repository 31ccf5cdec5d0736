"""Typed errors and the process exit codes they map to.

Exit codes: 0 done; 1 a bit mismatch or an explicit budget failed; 2 bad input or usage;
3 a needed tool is missing; 4 internal error; 130 interrupted.  Every message is one line saying
where, which rule and what was found; ``hint`` is the remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class ToolkitError(Exception):
    """Base of all errors a user can meet; ``exit_code`` is what the process returns."""

    exit_code = 4
    #: The hint of those that are raised without one.
    remedy = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or ("" if "docs/" in message else self.remedy)

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        stop = "" if self.message.endswith((".", "?", "!")) else "."
        return f"{self.message}{stop} {self.hint}"


class VerificationError(ToolkitError):
    """Outputs differ from the reference, or a stated budget does not hold."""

    exit_code = 1


class InputError(ToolkitError):
    """The user's input (model, audio, option, target) cannot be used as it is."""

    exit_code = 2


class ModelError(InputError):
    """A model file is damaged or malformed."""

    remedy = "Export or download the model again."


class UnsupportedError(InputError):
    """A model is well formed but uses what the toolkit does not support."""

    remedy = "docs/SUPPORTED_OPS.md lists what there is."


class NotStreamableError(UnsupportedError):
    """A model cannot run frame by frame; ``reasons`` are (node name or "", reason) pairs."""

    def __init__(self, model: str, reasons: Sequence[tuple[str, str]]) -> None:
        self.reasons = tuple(reasons)
        words = "; ".join(f"node {n!r}: {why}" if n else why for n, why in self.reasons)
        super().__init__(
            f"{model} cannot stream along time: {words}.",
            hint="It runs on whole clips with the batch schedule.",
        )


class TooFewFramesError(InputError):
    """A clip is shorter than the model's kernels need."""

    remedy = "Give a longer clip."


class AudioError(InputError):
    """An audio file cannot be used."""

    remedy = "Give another recording."


class ToolMissingError(ToolkitError):
    """A compiler, simulator or Python extra that the verb needs is not installed."""

    exit_code = 3
    remedy = "`toolkit doctor` tells what is missing."


class ProbeMissingError(ToolMissingError):
    """No debug probe, board or GDB server answers."""


class BoardError(InputError):
    """A board cannot be used as it is: another part, or locked."""


class ToolFailedError(ToolkitError):
    """A tool ran and failed in a way that bad input does not explain."""

    exit_code = 4


#: Characters of another's message that are worth showing.
_LONGEST = 160


@contextmanager
def reading(path: Path | str, what: str, hint: str) -> Iterator[None]:
    """Turns what reading ``path`` as ``what`` (with its article) raises into an InputError.

    Errors of ours pass as they are; ``hint`` is the remedy for all others.
    """
    if isinstance(path, Path):
        require_file(path)
    try:
        yield
    except ToolkitError:
        raise
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise InputError(f"{path}: cannot be read: {reason}.", hint) from error
    except MemoryError as error:
        raise InputError(f"{path}: asks for more memory than there is, as {what}.", hint) from error
    except RecursionError as error:
        raise InputError(f"{path}: is nested too deeply for {what}.", hint) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: must be UTF-8 text, as {what}.", hint) from error
    except Exception as error:  # whatever a parser makes of damaged bytes
        raise InputError(f"{path}: is not {what} ({one_line(error)}).", hint) from error


def require_file(path: Path) -> None:
    """Raise InputError for what is there and no file: a folder, a device, a pipe, which may never
    end.  A path that is not there is left to whoever opens it."""
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise InputError(f"{path}: is {kind}, not a file.", "Give the file itself.")
    except (OSError, ValueError):
        return  # opening it says more


def one_line(error: Exception) -> str:
    """An exception's message, or its type where it has none, shortened."""
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__
