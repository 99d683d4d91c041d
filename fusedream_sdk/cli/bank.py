"""`fusedream bank`: the latents that every search begins from, built once and cached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import one_line
from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import ModelChoice, augment_of, augment_option, model_options, named_views, unused
from fusedream_sdk.runtime.bounds import LATENTS

if TYPE_CHECKING:
    from fusedream_sdk.scoring.views import Views


@click.group()
def bank() -> None:
    """Build or show latent banks.

    A bank holds sampled latents of a generator, as a scorer sees them. `generate` builds the one that it needs; build it
    beforehand to make the first picture fast.
    """


size_option = click.option("--size", type=Number(LATENTS), help="Latents in the bank, at least a row's samples (--bank).")
plain_option = click.option("--plain", is_flag=True, help="The bank of plain CLIP runs and searches; --augment none.")


@bank.command()
@model_options
@size_option
@plain_option
@augment_option
def build(choice: ModelChoice, size: int | None, plain: bool, augment: str | None) -> None:
    """Build the bank of a pair of models, unless it is there, and print where it is."""
    from fusedream_sdk.runtime.files import cache_folder
    from fusedream_sdk.runtime.paths import check_folder

    _check_used(choice)
    changes = _changes(size, plain, augment)
    check_folder(cache_folder("banks"), "cache")
    dream = choice.load()
    recipe = dream.bank_recipe(dream.settings.replace(**changes))
    dream.bank(**changes)
    click.echo(f"{recipe.path}  {recipe.size} latents  {_megabytes(recipe.path)}")


@bank.command()
@model_options
@size_option
@plain_option
@augment_option
def show(choice: ModelChoice, size: int | None, plain: bool, augment: str | None) -> None:
    """Show the bank of a pair of models, or, with no models named, every bank in the cache and of which models it is."""
    _check_used(choice)
    if not choice.named:
        given = {"--size": size, "--plain": plain, "--augment": augment, "--device": choice.device != "auto"}
        for option, value in {**given, "--dtype": choice.dtype != "auto"}.items():
            if value:
                raise unused(option, "no models are named", "name some: --models emoji")
        _list_cached()
        return
    changes = _changes(size, plain, augment)
    dream = choice.load()
    recipe = dream.bank_recipe(dream.settings.replace(**changes))
    rows = {
        "path": recipe.path,
        "built": _megabytes(recipe.path) if recipe.path.is_file() else "no; fusedream bank build makes it",
        "latents": recipe.size,
        "views": f"{recipe.count if recipe.views.random else 1} of each, {_kind(recipe.views)}",
        "precision": recipe.precision,
        "models": dream.engine.label,
        "generator": recipe.generator,
        "scorer": recipe.scorer,
        "fingerprint": recipe.fingerprint,
    }
    for name, value in rows.items():
        click.echo(f"{name:<12} {value}")


def _check_used(choice: ModelChoice) -> None:
    """A bank is built a few latents at a time. Raises click's error for a bound on its memory."""
    if choice.memory_gb is not None:
        raise unused("--memory-gb", "a bank is built a few latents at a time")


def _kind(views: Views) -> str:
    return "not augmented" if not views.random else "as of the public code" if views.at_full_resolution else "ours"


def _changes(size: int | None, plain: bool, augment: str | None) -> dict[str, Any]:
    return ({} if size is None else {"bank": size}) | named_views(augment_of(augment, plain))


def _list_cached() -> None:
    from safetensors import SafetensorError, safe_open

    from fusedream_sdk.runtime.files import cache_folder

    found = sorted(cache_folder("banks").glob("*.safetensors"))
    if not found:
        click.echo(f"no banks in {cache_folder('banks')}")
    for path in found:
        try:
            with safe_open(str(path), framework="pt") as file:
                count, width = file.get_slice("embeddings").get_shape()
                models = (file.metadata() or {}).get("models", "models without a name")  # of an older version
            click.echo(f"{path}  {count} latents x {width}  {_megabytes(path)}  {one_line(models)}")
        except (OSError, ValueError, SafetensorError):
            click.echo(f"{path}  damaged; delete it")


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.3g} MB"
