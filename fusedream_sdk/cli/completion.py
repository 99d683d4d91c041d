"""`fusedream completion`: what a shell needs to complete verbs, options, files and the names of models."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "fusedream", "_FUSEDREAM_COMPLETE"  # by which click knows that a shell asks


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes what is typed after fusedream.

    \b
    bash, in ~/.bashrc:                       eval "$(fusedream completion bash)"
    zsh, in ~/.zshrc, after compinit:         eval "$(fusedream completion zsh)"
    fish, once:  fusedream completion fish > ~/.config/fish/completions/fusedream.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell}: expected a shell that click knows. Install another version of click.")
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())


def names_of(*kinds: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What completes the name of a plugin; where none begins so, a file or folder may be meant.

    Args:
        kinds: groups of `models.registry.KINDS`.
    """

    def complete(context: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
        from fusedream_sdk.models import registry

        found = sorted({name for kind in kinds for name in registry.plugins(kind) if name.startswith(begun)})
        return [CompletionItem(name) for name in found] or [CompletionItem(begun, type="file")]

    return complete
