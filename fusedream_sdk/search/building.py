"""Banks are built block by block, and go on where a build was ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from fusedream_sdk.latents import select
from fusedream_sdk.protocols import Generator, Scorer
from fusedream_sdk.runtime.chunks import all_chunks
from fusedream_sdk.runtime.device import Precision
from fusedream_sdk.runtime.files import read_bundle, save_bundle, sweep
from fusedream_sdk.runtime.progress import Advance
from fusedream_sdk.runtime.room import check_disk, check_memory
from fusedream_sdk.scoring.views import Stream
from fusedream_sdk.search.bank import BLOCK, BankRecipe, LatentBank, draw_block

KEPT_EVERY = 16  # blocks between two looks at which an unfinished bank is kept


def build_bank(
    generator: Generator,
    scorer: Scorer,
    recipe: BankRecipe,
    *,
    batch: int = 32,
    precision: Precision = nullcontext,
    progress: Advance = lambda done, total: None,
    unfinished: Path | None = None,
) -> LatentBank:
    """Sample, draw and embed `recipe.size` latents.

    Args:
        generator, scorer: the models that the recipe names.
        recipe: what to build.
        batch: pictures at a time; it does not change the result beyond rounding.
        precision: context in which the models run.
        progress: called with (latents done, latents in all).
        unfinished: where what is done is kept every 1,024 latents, so that a build that was ended goes on; removed at the end.

    Raises:
        InvalidInput, OutputError: the bank fits neither the memory nor the disk.
    """
    done = [] if unfinished is None else begun(unfinished, recipe)
    blocks = -(-recipe.size // BLOCK)
    with torch.no_grad():
        for block in range(sum(map(len, done)) // BLOCK, blocks):
            done.append(embed_block(generator, scorer, recipe, block, (batch, precision, progress)))
            if block == 0:
                check_size(recipe, done[0].shape[1])
            if unfinished is not None and (block + 1) % KEPT_EVERY == 0 and block + 1 < blocks:
                save_bundle(unfinished, {"embeddings": torch.cat(done)}, {"fingerprint": recipe.fingerprint})
    return LatentBank(recipe, torch.cat(done))


def embed_block(
    generator: Generator, scorer: Scorer, recipe: BankRecipe, block: int, how: tuple[int, Precision, Advance]
) -> Tensor:
    """The embeddings of one block's latents, so many pictures at a time: (BLOCK or fewer, D), on the CPU."""
    batch, precision, progress = how
    latents, first = draw_block(generator, recipe.seed, block), block * BLOCK

    def some(rows: range) -> Tensor:
        with precision():
            images = generator(select(latents, slice(rows.start, rows.stop))).float()
            found = mean_view(images, scorer, range(first + rows.start, first + rows.stop), recipe).cpu()
        progress(first + rows.stop, recipe.size)
        return found

    return torch.cat(all_chunks(min(BLOCK, recipe.size - first), batch, some))


def begun(unfinished: Path, recipe: BankRecipe) -> list[Tensor]:
    """What an ended build of this very bank has left; whole blocks. What killed writers left is removed."""
    sweep(unfinished.parent)
    try:
        about, tensors = read_bundle(unfinished)
        found = tensors["embeddings"]
        good = about["fingerprint"] == recipe.fingerprint and found.dim() == 2 and len(found) % BLOCK == 0
        return [found] if good and bool(torch.isfinite(found).all()) else []
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):  # none, or damaged
        return []


def check_size(recipe: BankRecipe, width: int) -> None:
    """A bank of so many numbers for each latent fits the memory and the disk. Raises InvalidInput, OutputError."""
    needed, fix = recipe.size * width * 4, "Ask for a smaller bank."
    check_memory("bank", needed, f"{recipe.size:,} latents of {width} numbers", fix)
    check_disk("bank", recipe.path.parent, needed, f"{fix[:-1]}, or move it: set FUSEDREAM_CACHE to another folder.")


def mean_view(images: Tensor, scorer: Scorer, ids: Sequence[int], recipe: BankRecipe) -> Tensor:
    """The mean embedding over the views of each picture: (B, 3, H, W) to (B, D). The index of a latent seeds its views."""
    count = recipe.count if recipe.views.random else 1
    drawn = recipe.views.seen(images, scorer.resolution, seeds=ids, step=recipe.seed, count=count, stream=Stream.BANK)
    return scorer.encode_image(drawn).float().view(len(images), count, -1).mean(dim=1)
