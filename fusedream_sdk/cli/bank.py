"""`fusedream bank`: the latents that every search begins from, built once and cached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import ModelChoice, augment_of, augment_option, model_options, named_views, unused
from fusedream_sdk.cli.speech import one_line
from fusedream_sdk.runtime.bounds import LATENTS

if TYPE_CHECKING:
    from fusedream_sdk.scoring.views import Views


@click.group()
def bank() -> None:
    """Build or show latent banks.

    A bank holds sampled latents of a generator, as a scorer sees them. `generate` builds the one that it needs, if it does
    not come with the models; build it beforehand to make the first picture fast.
    """


size_option = click.option("--size", type=Number(LATENTS), help="Latents in the bank, at least a row's samples (--bank).")
plain_option = click.option("--plain", is_flag=True, help="The bank of plain CLIP runs and searches; --augment none.")


@bank.command()
@model_options
@size_option
@plain_option
@augment_option
@click.option("-o", "--out", type=click.Path(), help="A folder to build it into anew, to be shipped with a pair of models.")
def build(choice: ModelChoice, size: int | None, plain: bool, augment: str | None, out: str | None) -> None:
    """Build the bank of a pair of models, unless it is there, and print where it is.

    A build that was ended, in whichever way, goes on when it is asked for again. It can run in the background: `bank show`
    says how far it is, and what needs the bank waits for it.
    """
    from fusedream_sdk.runtime.files import cache_folder
    from fusedream_sdk.runtime.paths import check_folder, user_path

    _check_used(choice)
    changes = _changes(size, plain, augment)
    check_folder(cache_folder("banks") if out is None else out, "cache" if out is None else "out")
    dream = choice.load()
    settings = dream.settings.replace(**changes)
    if out is None:
        made = dream.bank(**changes)
    else:
        folder = user_path("out", out)
        folder.mkdir(exist_ok=True)
        with dream.engine.faults():
            made = dream.engine.new_bank(settings, folder)
    path = made.path or made.recipe.path
    click.echo(f"{path}  {made.recipe.size} latents  {_megabytes(path)}")


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
    settings = dream.settings.replace(**changes)
    recipe, known = dream.bank_recipe(settings), dream.engine.known_bank(settings)
    path = known.path if known is not None and known.path is not None else recipe.path
    rows = {
        "path": path,
        "built": _begun(path) if known is None else _megabytes(path),
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


def _begun(path: Path) -> str:
    """How far the build of a bank is that is not there."""
    from fusedream_sdk.search.unfinished import SUFFIX, is_being_built, so_far

    found = so_far(path.with_suffix(SUFFIX))
    if is_being_built(path):
        return f"being built now, {_part(found[0], found[1])}" if found else "being built now"
    return f"{_part(found[0], found[1])}; fusedream bank build goes on" if found else "no; fusedream bank build makes it"


def _part(done: int, size: int) -> str:
    return f"{done:,} of {size:,} latents so far"


def _kind(views: Views) -> str:
    return "not augmented" if not views.random else "as of the public code" if views.at_full_resolution else "ours"


def _changes(size: int | None, plain: bool, augment: str | None) -> dict[str, Any]:
    return ({} if size is None else {"bank": size}) | named_views(augment_of(augment, plain))


def _list_cached() -> None:
    from safetensors import SafetensorError, safe_open

    from fusedream_sdk.runtime.files import cache_folder
    from fusedream_sdk.search.unfinished import SUFFIX, so_far

    folder = cache_folder("banks")
    found = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", SUFFIX))
    if not found:
        click.echo(f"no banks in {folder}")
    for path in found:
        if path.suffix == SUFFIX:
            part = so_far(path)
            said = (
                "damaged; delete it" if part is None else f"{_part(*part[:2])}  {one_line(part[2] or 'models without a name')}"
            )
            click.echo(f"{path}  {said}")
            continue
        try:
            with safe_open(str(path), framework="pt") as file:
                kept = file.get_slice("embeddings")
                count, width = kept.get_shape()
                models = (file.metadata() or {}).get("models", "models without a name")
            old = "" if kept.get_dtype() == "F16" else "  of an older version, which nothing uses; delete it"
            click.echo(f"{path}  {count} latents x {width}  {_megabytes(path)}  {one_line(models)}{old}")
        except (OSError, ValueError, SafetensorError):
            click.echo(f"{path}  damaged; delete it")


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.3g} MB"
