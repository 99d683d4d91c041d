"""Banks are built block by block, and go on where a build was ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.latents import select
from fusedream_sdk.protocols import Generator, Scorer
from fusedream_sdk.runtime.chunks import all_chunks
from fusedream_sdk.runtime.device import Precision
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.runtime.room import check_disk
from fusedream_sdk.scoring.views import Stream
from fusedream_sdk.search.bank import BLOCK, HALF, BankRecipe, LatentBank, draw_block, write_embeddings
from fusedream_sdk.search.unfinished import SUFFIX, Unfinished, sweep_banks


def build_bank(
    generator: Generator,
    scorer: Scorer,
    recipe: BankRecipe,
    *,
    batch: int = 32,
    precision: Precision = nullcontext,
    progress: Advance = lambda done, total: None,
) -> LatentBank:
    """Sample, draw and embed `recipe.size` latents, in memory.

    Args:
        generator, scorer: the models that the recipe names.
        recipe: what to build.
        batch: pictures at a time; it does not change the result beyond rounding.
        precision: context in which the models run.
        progress: called with (latents done, latents in all).

    Raises:
        PluginContractError: an embedding is not finite.
    """
    how = batch, precision, progress
    with torch.no_grad():
        blocks = [embed_block(generator, scorer, recipe, block, how) for block in range(-(-recipe.size // BLOCK))]
    return LatentBank(recipe, torch.cat(blocks))


def build_file(
    generator: Generator,
    scorer: Scorer,
    recipe: BankRecipe,
    path: Path,
    *,
    models: str = "",
    batch: int = 32,
    precision: Precision = nullcontext,
    progress: Advance = lambda done, total: None,
) -> LatentBank:
    """The same into a file, block by block; the bank is never in memory, and a build that was ended in any way goes on.

    Two processes must not do this at once: see `turn`.

    Args:
        path: of the bank. What is done lies beside it as `.unfinished`, and is removed at the end.
        models: which they are, in words, for people.

    Raises:
        OutputError: the disk has no room for it, or cannot be written. PluginContractError: an embedding is not finite.
    """
    how, beside = (batch, precision, progress), path.with_suffix(SUFFIX)
    sweep_banks(path.parent)
    with Unfinished(beside, recipe, models) as parts, torch.no_grad():
        for block in range(parts.blocks, -(-recipe.size // BLOCK)):
            rows = embed_block(generator, scorer, recipe, block, how)
            if block == 0:
                check_size(recipe, rows.shape[1], path.parent)
            parts.append(rows)
        write_embeddings(path, parts.rows(), parts.width, recipe, models)
    beside.unlink(missing_ok=True)
    return LatentBank.load(path, recipe)


def embed_block(
    generator: Generator, scorer: Scorer, recipe: BankRecipe, block: int, how: tuple[int, Precision, Advance]
) -> Tensor:
    """The embeddings of one block's latents, so many pictures at a time: (BLOCK or fewer, D), float16, on the CPU.

    Raises:
        PluginContractError: one is not finite in half precision.
    """
    batch, precision, progress = how
    latents, first = draw_block(generator, recipe.seed, block), block * BLOCK

    def some(rows: range) -> Tensor:
        with precision():
            images = generator(select(latents, slice(rows.start, rows.stop))).float()
            found = mean_view(images, scorer, range(first + rows.start, first + rows.stop), recipe).cpu()
        progress(first + rows.stop, recipe.size)
        return found

    rows = torch.cat(all_chunks(min(BLOCK, recipe.size - first), batch, some)).half()
    bad = (~torch.isfinite(rows).all(dim=1)).nonzero()
    if len(bad):
        which = f"latent {first + int(bad[0])} of the bank"
        raise PluginContractError(f"scorer.encode_image: expected finite unit vectors, got NaN or infinity for {which}.")
    return rows


def check_size(recipe: BankRecipe, width: int, folder: Path | None = None) -> None:
    """A bank of so many numbers for each latent fits the disk, by default that of the cache, as blocks and as a whole.

    Raises:
        OutputError: it does not.
    """
    needed, fix = 2 * recipe.size * width * HALF, "Ask for a smaller bank"
    check_disk("bank", folder or recipe.path.parent, needed, f"{fix}, or move it: set FUSEDREAM_CACHE to another folder.")


def mean_view(images: Tensor, scorer: Scorer, ids: Sequence[int], recipe: BankRecipe) -> Tensor:
    """The mean embedding over the views of each picture: (B, 3, H, W) to (B, D). The index of a latent seeds its views."""
    count = recipe.count if recipe.views.random else 1
    drawn = recipe.views.seen(images, scorer.resolution, seeds=ids, step=recipe.seed, count=count, stream=Stream.BANK)
    return scorer.encode_image(drawn).float().view(len(images), count, -1).mean(dim=1)
