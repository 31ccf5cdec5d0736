"""``toolkit completion``: what a shell needs to complete verbs and options."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the completion script of a SHELL, as click has it.

    In ~/.bashrc or ~/.zshrc: eval "$(toolkit completion bash)"; in fish: toolkit completion fish |
    source.
    """
    from click.shell_completion import get_completion_class

    from toolkit.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "toolkit", "_TOOLKIT_COMPLETE").source())
    return 0
