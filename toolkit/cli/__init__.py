"""The ``toolkit`` command: one verb a module, loaded only when it is used."""

from __future__ import annotations

import errno
import importlib
import io
import shutil
import signal
import sys
import textwrap
import traceback
import warnings
from typing import Any

import click

from toolkit.errors import ToolkitError, ToolMissingError
from toolkit.resources import __version__

#: Verb → what it does, in the order a newcomer meets them; the module has the verb's name.
VERBS = {
    "build": "Model to verified firmware: convert, generate, compile, simulate, compare.",
    "flash": "Program the image of a build onto its board, run it, read the results back.",
    "run": "Run an existing build again, on any recordings.",
    "convert": "ONNX model to an integer .tflite that TFLM runs.",
    "profile": "RAM, work and estimated cycles of a model, layer by layer.",
    "init": "A commented toolkit.toml for the model at hand.",
    "check": "Hold models against budgets and baselines, for CI.",
    "diff": "What changed between two builds, by layer and symbol.",
    "teach": "Recordings and a large model to labels that small ones train on.",
    "train": "Recordings and a config to a model, its card and its log.",
    "search": "Networks that fit a target before they are trained, by budgets.",
    "export": "Trained weights to an ONNX with features, labels and ranges.",
    "eval": "Float, int8 and generated C side by side on labelled recordings.",
    "inspect": "Graph, features, labels and provenance of a model file.",
    "verify": "Run a model's compiled C on inputs and compare every output byte.",
    "features": "Show, check or plot the audio front-end of a model or specification.",
    "targets": "List the microcontrollers that can be built for.",
    "boards": "List the boards that can be flashed, and the probes that are connected.",
    "completion": "Completion of verbs and options for bash, zsh or fish.",
    "doctor": "Show which tools are present and which verbs they enable.",
}


#: What a file system says that has no room left for a file.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _LazyGroup(click.Group):
    """Imports a verb's module when the verb is run, so that ``--help`` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"toolkit.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="toolkit")
@click.option("-v", "--verbose", is_flag=True, help="Show the cause and traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Tiny audio networks on hearing-aid-class microcontrollers, proven to fit and behave.

    Exit codes: 0 done, bits match, fits, keeps up where the target promises it, stated budgets
    hold; 1 one of these failed; 2 bad input or usage; 3 a needed tool is missing; 4 internal
    error; 130 interrupted.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


def main() -> None:
    """Entry point: every failure becomes one line on stderr and a documented exit code."""
    verbose = any(a in ("-v", "--verbose") for a in sys.argv[1:])
    if not verbose:
        warnings.simplefilter("ignore")  # numpy's, of a model's own numbers: we judge those
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not know every character
    # Unwind on termination too, so that nothing half-made stays on disk.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        outcome: Any = cli.main(prog_name="toolkit", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        if verbose:
            traceback.print_exc()
        from toolkit.report.text import printable

        message, outcome = _explain(error)
        line = f"toolkit: error: {printable(' '.join(message.split()))}"
        print(_wrapped(line) if sys.stderr.isatty() else line, file=sys.stderr)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _wrapped(line: str) -> str:
    """The line as a terminal shows it, no word of it broken."""
    parts = textwrap.wrap(
        line,
        shutil.get_terminal_size().columns,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(parts)


def _explain(error: BaseException) -> tuple[str, int]:
    """What to tell the user, and the exit code."""
    match error:
        case click.exceptions.Abort() | KeyboardInterrupt():
            return "interrupted", 128 + signal.SIGINT
        case click.ClickException():
            return error.format_message(), 2
        case ToolkitError():
            return str(error), error.exit_code
        case ModuleNotFoundError():
            return (
                f"the Python package '{error.name}' is not installed. "
                "Install hearing-aid-toolkit with pip again; `toolkit doctor` lists what it needs.",
                ToolMissingError.exit_code,
            )
        case MemoryError():
            return "memory does not suffice. Give a shorter clip, or less data at once.", 2
        case OSError() if error.errno in _NO_ROOM:
            what = error.strerror or "no room"
            return f"{error.filename or 'output'}: {what}. Free some space, or write elsewhere.", 2
        case OSError():
            return f"{type(error).__name__}: {error}", 4
    what = f"{type(error).__name__}: {error}"
    return f"internal error: {what} Run again with -v and report it.", 4
