"""The latent bank: the search of section 3.2, paid once and used by every prompt.

Scores are inner products of unit vectors, so AugCLIP of a fixed picture is linear in the text: it is the inner product
of the text with the picture's mean view embedding. A bank keeps that mean for each of M sampled latents, and the best k
for any prompt are one matrix product away. The latents themselves are not stored: each block of them is drawn again
from its seed.

Embeddings are kept in half precision, rounded as they are built, so a bank that was just built, one from the cache and one
that ships with models are the same numbers. A large file is mapped, not read: a search passes over it, chunk by chunk.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.errors import FingerprintMismatch, InvalidInput, WeightsError
from fusedream_sdk.latents import Latents, concatenate, select
from fusedream_sdk.protocols import Generator
from fusedream_sdk.runtime.files import atomic_path, cache_folder
from fusedream_sdk.runtime.randomness import PICKS, keyed
from fusedream_sdk.scoring.views import Views

BLOCK = 64  # latents drawn from one seed; a larger bank begins with the latents of a smaller one
FORMAT = "2"  # half precision; 1 was float32, whose files have other names and are not found
HALF = 2  # bytes of a number
CHUNK = 1 << 18  # numbers that a search turns into float32 at a time: 1 MB, which a processor's cache holds
HELD = 1 << 24  # scores of several rows that are held at once: 64 MB
SMALL = 1 << 24  # numbers, 32 MB: such a bank is read and looked through at once; of a larger one only the scores are


@dataclass(frozen=True)
class BankRecipe:
    """What a bank holds, as far as it decides its content.

    Attributes:
        generator, scorer: fingerprints of the models.
        size: number of latents M.
        seed: of the draws.
        views: the distribution of views; count: how many of them are averaged for each picture.
        precision: name of the number format.
    """

    generator: str
    scorer: str
    size: int
    seed: int = 0
    views: Views = Views()
    count: int = 4
    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.size < 1 or self.count < 1:
            raise InvalidInput("bank", expected="size and views of at least 1", got=f"{self.size} and {self.count}")
        if not 0 <= self.seed < 2**48:  # it is the step of the bank's views
            raise InvalidInput("bank", expected="a seed from 0 to 2**48 - 1", got=self.seed)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all of it, 64 hexadecimal digits."""
        parts = (FORMAT, BLOCK, self.generator, self.scorer, self.size, self.seed, self.views.fingerprint, self.count)
        return hashlib.sha256("|".join(map(str, (*parts, self.precision))).encode()).hexdigest()

    @property
    def path(self) -> Path:
        """Where the user's cache keeps this bank, built or not."""
        return cache_folder("banks") / f"{self.fingerprint[:32]}.safetensors"


@dataclass(frozen=True)
class LatentBank:
    """M sampled latents and their mean view embeddings.

    Attributes:
        recipe: what it was built from.
        embeddings: (M, D), float16, on the CPU, each the mean of unit vectors.
        path: of the file that they are from, mapped if the bank is large; None for one that was never in a file.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.2: the search that it serves.
    """

    recipe: BankRecipe
    embeddings: Tensor
    path: Path | None = None

    def top(self, text: Tensor, k: int, *, seeds: Sequence[int] = (), samples: int | None = None) -> tuple[Tensor, Tensor]:
        """The k latents that fit each row's text best.

        Args:
            text: (B, D), what a prompt is embedded as.
            k: how many, at most `samples`.
            seeds: one per row; a row sees only the `samples` latents that its seed picks, so that seeds differ.
            samples: how many a row sees; all of them by default.

        Returns:
            Indices (B, k), best first, and their AugCLIP scores (B, k), float32.

        Raises:
            InvalidInput: impossible sizes, or a row without a seed. WeightsError: embeddings are damaged.
        """
        size = len(self.embeddings)
        samples = size if samples is None else samples
        if not 1 <= k <= samples <= size:
            raise InvalidInput("basis", expected=f"1 <= basis <= samples <= {size}", got=f"basis {k}, samples {samples}")
        if samples < size and len(seeds) != len(text):
            raise InvalidInput("seeds", expected=f"one for each of {len(text)} rows", got=f"{len(seeds)} seeds")
        if samples == size:
            best = [self._best(some, k) for some in text.split(max(1, HELD // size))]
        else:
            seen = (self._picked(seed, samples) for seed in seeds)  # drawn one by one: each may be large
            best = [self._best(one[None], k, among) for one, among in zip(text, seen, strict=True)]
        return torch.cat([index for index, _ in best]), torch.cat([scores for _, scores in best])

    def _best(self, text: Tensor, k: int, among: Tensor | None = None) -> tuple[Tensor, Tensor]:
        scores = products(self.embeddings, text, among)
        if not torch.isfinite(scores).all() and torch.isfinite(text).all():
            raise WeightsError(f"bank {self.path or 'in memory'}: its embeddings are damaged. Delete it; build it again.")
        best = scores.topk(k, dim=1)
        return best.indices if among is None else among[best.indices], best.values

    def visible(self, seed: int, samples: int) -> Tensor:
        """Which latents a row of this seed sees: (M,), true for `samples` of them."""
        size = len(self.embeddings)
        seen = torch.full((size,), samples >= size)
        if samples < size:
            seen[self._picked(seed, samples)] = True
        return seen

    def _picked(self, seed: int, samples: int) -> Tensor:
        """The indices of what a row of this seed sees, in order."""
        picks = keyed(seed, PICKS)
        return torch.from_numpy(np.sort(picks.permutation(len(self.embeddings))[:samples]))

    def latents(self, generator: Generator, index: Tensor) -> Latents:
        """Draw the latents of given indices again: (B, k) to entries (B, k, ...)."""
        wanted, place = index.flatten().unique(return_inverse=True)
        blocks, counts = (wanted // BLOCK).unique_consecutive(return_counts=True)
        found: list[Latents] = []  # of each block only what is wanted: of a large bank there may be thousands
        for block, rows in zip(blocks.tolist(), wanted.split(counts.tolist()), strict=True):
            found.append(select(draw_block(generator, self.recipe.seed, block), (rows % BLOCK).tolist()))
        picked = select(concatenate(found), place.tolist())
        return {name: x.view(*index.shape, *x.shape[1:]) for name, x in picked.items()}

    def save(self, path: str | Path, *, models: str = "") -> None:
        """Write it as safetensors, whole or not at all; `models` says in words of which models it is."""
        rows = self.embeddings.split(max(1, CHUNK // self.embeddings.shape[1]))
        write_embeddings(Path(path), rows, self.embeddings.shape[1], self.recipe, models)

    @classmethod
    def load(cls, path: str | Path, recipe: BankRecipe) -> LatentBank:
        """Read a bank back; a large one is mapped, so that its pages are read when they are searched.

        Raises:
            FingerprintMismatch: it was built from other models, views, seed, size or precision, or by another version.
            WeightsError: the file is missing or damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="pt") as file:
                found = (file.metadata() or {}).get("fingerprint", "none")
                embeddings = file.get_tensor("embeddings")  # pages of the file
        except (OSError, SafetensorError) as error:
            message = f"bank {path}: not a readable bank file ({error}). Delete it; it will be built again."
            raise WeightsError(message) from error
        if found != recipe.fingerprint:
            raise FingerprintMismatch(
                f"bank {path}: expected fingerprint {recipe.fingerprint[:12]} for these models and settings, "
                f"got {found[:12]}. Build a bank for them: fusedream bank build."
            )
        small = embeddings.numel() <= SMALL
        embeddings = embeddings.clone() if small else embeddings
        shaped = embeddings.dim() == 2 and len(embeddings) == recipe.size and embeddings.dtype == torch.float16
        if not shaped or (small and not _finite(embeddings)):
            got = f"shape {tuple(embeddings.shape)}, {str(embeddings.dtype).removeprefix('torch.')}"
            expected = f"{recipe.size} finite embeddings in half precision"
            raise WeightsError(f"bank {path}: expected {expected}, got {got}. Delete it; build it again.")
        return cls(recipe, embeddings, Path(path))


def _finite(numbers: Tensor) -> bool:
    """Whether numbers in half precision are finite: whether no exponent is all ones. Several times faster than asking torch."""
    return int((numbers.view(torch.int16) & 0x7C00).max()) < 0x7C00


def products(embeddings: Tensor, text: Tensor, among: Tensor | None = None) -> Tensor:
    """Inner products in float32, over chunks of the embeddings. A text alone gets the bits that it gets among others.

    Args:
        embeddings: (M, D), of any precision, on the CPU.
        text: (B, D).
        among: indices (N,) of the embeddings that count; all of them by default.

    Returns:
        (B, N) or (B, M).
    """
    count = len(embeddings) if among is None else len(among)
    words, chunk = text.detach().float().cpu(), max(1, CHUNK // embeddings.shape[1])
    found = torch.empty(len(words), count)
    for first in range(0, count, chunk):
        rows = slice(first, first + chunk)
        some = (embeddings[rows] if among is None else embeddings[among[rows]]).float()
        for row, one in enumerate(words):
            found[row, rows] = some @ one  # a product of all texts rounds otherwise
    return found


def write_embeddings(path: Path, rows: Iterable[Tensor], width: int, recipe: BankRecipe, models: str = "") -> None:
    """Write the file of a bank, whole or not at all, without ever holding it.

    Args:
        path: of the file, which is safetensors.
        rows: (n, width) each, float16, `recipe.size` of them in all.
        width: numbers of an embedding.
        recipe: of the bank. models: which they are, in words.

    Raises:
        OutputError: it cannot be written. WeightsError: there are too few rows or too many.
    """
    about = {"fingerprint": recipe.fingerprint, **({"models": models} if models else {})}
    size = recipe.size * width * HALF
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(_header(about, {"dtype": "F16", "shape": [recipe.size, width], "data_offsets": [0, size]}))
        begun = file.tell()
        for some in rows:
            file.write(half_bytes(some))
        if file.tell() - begun != size:
            raise WeightsError(f"bank {path}: expected {recipe.size} embeddings, got {(file.tell() - begun) / width / HALF:g}.")
        file.flush()
        os.fsync(file.fileno())


def _header(about: Mapping[str, str], embeddings: Mapping[str, object]) -> bytes:
    """What a safetensors file begins with: the length of a description, and the description, which ends on 8 bytes."""
    text = json.dumps({"__metadata__": dict(about), "embeddings": dict(embeddings)}).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def half_bytes(rows: Tensor) -> bytes:
    """Numbers in half precision as a file has them."""
    return rows.contiguous().numpy().astype("<f2", copy=False).tobytes()


def draw_block(generator: Generator, seed: int, block: int) -> Latents:
    """Latents `block * BLOCK` to `(block + 1) * BLOCK`, from (seed, block) alone."""
    state = int(np.random.SeedSequence([seed, block]).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return generator.sample(BLOCK, rng=torch.Generator().manual_seed(state))
