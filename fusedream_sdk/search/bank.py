"""The latent bank: the search of section 3.2, paid once and used by every prompt.

Scores are inner products of unit vectors, so AugCLIP of a fixed picture is linear in the text: it is the inner product
of the text with the picture's mean view embedding. A bank keeps that mean for each of M sampled latents, and the best k
for any prompt are one matrix product away. The latents themselves are not stored: each block of them is drawn again
from its seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.errors import FingerprintMismatch, InvalidInput, WeightsError
from fusedream_sdk.latents import Latents, concatenate, select
from fusedream_sdk.protocols import Generator
from fusedream_sdk.runtime.files import cache_folder, save_tensors
from fusedream_sdk.scoring.views import Views

BLOCK = 64  # latents drawn from one seed; a larger bank begins with the latents of a smaller one
PICKS = 1 << 61  # sets the choice of a row's samples apart from its views and its noise
FORMAT = "1"


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
        embeddings: (M, D), float32, each the mean of unit vectors.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.2: the search that it serves.
    """

    recipe: BankRecipe
    embeddings: Tensor

    def top(self, text: Tensor, k: int, *, seeds: Sequence[int] = (), samples: int | None = None) -> tuple[Tensor, Tensor]:
        """The k latents that fit each row's text best.

        Args:
            text: (B, D), what a prompt is embedded as.
            k: how many, at most `samples`.
            seeds: one per row; a row sees only the `samples` latents that its seed picks, so that seeds differ.
            samples: how many a row sees; all of them by default.

        Returns:
            Indices (B, k), best first, and their AugCLIP scores (B, k).
        """
        size = len(self.embeddings)
        samples = size if samples is None else samples
        if not 1 <= k <= samples <= size:
            raise InvalidInput("basis", expected=f"1 <= basis <= samples <= {size}", got=f"basis {k}, samples {samples}")
        if samples < size and len(seeds) != len(text):
            raise InvalidInput("seeds", expected=f"one for each of {len(text)} rows", got=f"{len(seeds)} seeds")
        scores = torch.stack([self.embeddings @ one for one in text.float().cpu()])  # a product of all rounds otherwise
        for row, seed in enumerate(seeds):
            scores[row, ~self.visible(seed, samples)] = -torch.inf
        best = scores.topk(k, dim=1)
        return best.indices, best.values

    def visible(self, seed: int, samples: int) -> Tensor:
        """Which latents a row of this seed sees: (M,), true for `samples` of them."""
        size = len(self.embeddings)
        seen = torch.ones(size, dtype=torch.bool)
        if samples < size:
            picks = np.random.Generator(np.random.Philox(key=np.array([seed, PICKS], np.uint64)))
            seen[torch.from_numpy(picks.permutation(size)[samples:])] = False
        return seen

    def latents(self, generator: Generator, index: Tensor) -> Latents:
        """Draw the latents of given indices again: (B, k) to entries (B, k, ...)."""
        flat = index.flatten().tolist()
        blocks = {b: draw_block(generator, self.recipe.seed, b) for b in sorted({i // BLOCK for i in flat})}
        picked = concatenate([select(blocks[i // BLOCK], [i % BLOCK]) for i in flat])
        return {name: x.view(*index.shape, *x.shape[1:]) for name, x in picked.items()}

    def save(self, path: str | Path, *, models: str = "") -> None:
        """Write it as safetensors, whole or not at all; `models` says in words of which models it is."""
        about = {"fingerprint": self.recipe.fingerprint, **({"models": models} if models else {})}
        save_tensors(Path(path), {"embeddings": self.embeddings}, about)

    @classmethod
    def load(cls, path: str | Path, recipe: BankRecipe) -> LatentBank:
        """Read a bank back.

        Raises:
            FingerprintMismatch: it was built from other models, views, seed, size or precision.
            WeightsError: the file is missing or damaged.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="pt") as file:
                found = (file.metadata() or {}).get("fingerprint", "none")
                embeddings = file.get_tensor("embeddings")
        except (OSError, SafetensorError) as error:
            message = f"bank {path}: not a readable bank file ({error}). Delete it; it will be built again."
            raise WeightsError(message) from error
        if found != recipe.fingerprint:
            raise FingerprintMismatch(
                f"bank {path}: expected fingerprint {recipe.fingerprint[:12]} for these models and settings, "
                f"got {found[:12]}. Build a bank for them: fusedream bank build."
            )
        if embeddings.dim() != 2 or len(embeddings) != recipe.size or not torch.isfinite(embeddings).all():
            got = f"shape {tuple(embeddings.shape)}"
            raise WeightsError(f"bank {path}: expected {recipe.size} finite embeddings, got {got}. Delete it; build it again.")
        return cls(recipe, embeddings)


def draw_block(generator: Generator, seed: int, block: int) -> Latents:
    """Latents `block * BLOCK` to `(block + 1) * BLOCK`, from (seed, block) alone."""
    state = int(np.random.SeedSequence([seed, block]).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return generator.sample(BLOCK, rng=torch.Generator().manual_seed(state))
