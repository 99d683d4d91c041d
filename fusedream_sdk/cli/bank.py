"""`fusedream bank`: the latents that every search begins from, built once and cached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fusedream_sdk.cli.options import COUNT, ModelChoice, model_options


@click.group()
def bank() -> None:
    """Build or show latent banks.

    A bank holds sampled latents of a generator, as a scorer sees them. `generate` builds the one that it needs; build it
    beforehand to make the first picture fast.
    """


size_option = click.option("--size", type=COUNT, help="Latents in the bank, at least the samples of a row (generate --bank).")
plain_option = click.option("--plain", is_flag=True, help="The bank of plain CLIP runs.")


@bank.command()
@model_options
@size_option
@plain_option
def build(choice: ModelChoice, size: int | None, plain: bool) -> None:
    """Build the bank of a pair of models, unless it is there, and print where it is."""
    changes = _changes(size, plain)
    dream = choice.load()
    recipe = dream.bank_recipe(dream.settings.replace(**changes))
    dream.bank(**changes)
    click.echo(f"{recipe.path}  {recipe.size} latents  {_megabytes(recipe.path)}")


@bank.command()
@model_options
@size_option
@plain_option
def show(choice: ModelChoice, size: int | None, plain: bool) -> None:
    """Show the bank of a pair of models, or, with no models named, every bank in the cache."""
    if not choice.named:
        _list_cached()
        return
    dream = choice.load()
    recipe = dream.bank_recipe(dream.settings.replace(**_changes(size, plain)))
    rows = {
        "path": recipe.path,
        "built": _megabytes(recipe.path) if recipe.path.is_file() else "no; fusedream bank build makes it",
        "latents": recipe.size,
        "views": f"{recipe.count if recipe.views.random else 1} of each" + ("" if recipe.views.random else ", not augmented"),
        "precision": recipe.precision,
        "generator": recipe.generator,
        "scorer": recipe.scorer,
        "fingerprint": recipe.fingerprint,
    }
    for name, value in rows.items():
        click.echo(f"{name:<12} {value}")


def _changes(size: int | None, plain: bool) -> dict[str, Any]:
    from fusedream_sdk.scoring.views import NO_VIEWS

    return ({} if size is None else {"bank": size}) | ({"augment": NO_VIEWS} if plain else {})


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
            click.echo(f"{path}  {count} latents x {width}  {_megabytes(path)}")
        except (OSError, SafetensorError):
            click.echo(f"{path}  damaged; delete it")


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.3g} MB"
