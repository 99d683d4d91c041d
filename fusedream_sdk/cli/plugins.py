"""`fusedream plugins` and `fusedream models`: what is installed."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import click

from fusedream_sdk.cli.exits import DONE, YOURS
from fusedream_sdk.cli.fetch import fetch
from fusedream_sdk.cli.new import new
from fusedream_sdk.cli.options import device_option
from fusedream_sdk.cli.speech import say
from fusedream_sdk.models import registry
from fusedream_sdk.models.missing import install_hint


@click.group(invoke_without_command=True)
@click.option("--check", is_flag=True, help="Import each of them, and report which cannot be.")
@click.pass_context
def plugins(context: click.Context, check: bool) -> int:
    """List every plugin and the package that it comes from. Imports none of them without --check."""
    if context.invoked_subcommand is not None:
        return DONE
    bad = 0
    for kind in registry.KINDS:
        click.echo(f"{kind}:")
        known = registry.plugins(kind)
        if not known:
            click.echo("  none")
        for name, points in known.items():
            state = _state(kind, name, points, check)
            bad += state not in ("", "ok")
            sources = " and ".join(f"{registry.package(point)} ({point.value})" for point in points)
            click.echo(f"  {name:<18} {sources}" + (f"  {state}" if state else ""))
    if not check:
        say("this imported none of them; fusedream plugins --check does. fusedream plugins check NAME tries one's contract.")
    return YOURS if check and bad else DONE


plugins.add_command(new)


@plugins.command(name="check")
@click.argument("name")
@click.option("--kind", type=click.Choice(list(registry.KINDS)), help="Which group, where the name is in several.")
@device_option
def check_one(name: str, kind: str | None, device: str) -> int:
    """Load one plugin and try every promise of its contract: shapes, ranges, seeds, gradients, rows that do not mix.

    \b
    fusedream plugins check my_gan
    fusedream plugins check "my_gan?side=96" --device cuda
    fusedream plugins check emoji --kind scorers

    Says what is wrong in one line.
    """
    from fusedream_sdk.cli.contracts import check_contract, kind_of

    group = kind or kind_of(name)
    say(f"trying {name} of {group} ...")
    check_contract(group, name, device)
    click.echo(f"{group}  {name}  ok")
    return DONE


def _state(kind: str, name: str, points: list[EntryPoint], check: bool) -> str:
    from fusedream_sdk.errors import FuseDreamError

    if len(points) > 1:
        return "DUPLICATE: uninstall one of them"
    if not check:
        return ""
    try:
        registry.resolve(kind, name, points)
    except FuseDreamError as error:
        cause = error.__cause__ or error
        return f"BROKEN: {type(cause).__name__}: {cause}. {install_hint(cause, points[0])}"
    return "ok"


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the ready pairs with their judges and settings, and the names that --generator, --scorer and --method take."""
    if context.invoked_subcommand is not None:
        return
    click.echo("pairs, for --models:")
    for name in registry.list_models():
        click.echo(f"  {name}")
        for label, value in _describe(name).items():
            click.echo(f"    {label:<10} {value}")
    click.echo(f"generators: {', '.join(registry.list_generators()) or 'none'}, or a folder or hub id of BigGAN weights")
    click.echo(f"scorers: {', '.join(registry.list_scorers()) or 'none'}, or a folder or hub id of a dual encoder")
    click.echo(f"methods: {', '.join(registry.list_methods()) or 'none'}")


models.add_command(fetch)


def _describe(name: str) -> dict[str, Any]:
    """A pair's parts; what is wrong with it, if it does not load, so that the others are listed all the same."""
    try:
        pair = registry.load("models", name)
        settings = ", ".join(f"{key} {value}" for key, value in pair.settings.items())
        parts = {"generator": pair.generator, "scorer": pair.scorer, "judge": pair.judge, "perceptual": pair.perceptual}
        parts["settings"] = settings
    except Exception as error:  # whatever a stranger's entry point does
        return {"BROKEN": f"{type(error).__name__}: {error}"}
    return {label: value for label, value in parts.items() if value}
