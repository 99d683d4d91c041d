"""A dual encoder of OpenCLIP as a FuseDream scorer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_clip.prompts import LongPrompts, check_policy, embed_prompts
from fusedream_openclip.loading import OpenClip
from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import check_squares


class OpenClipScorer:
    """Texts and images as unit vectors of one space; the score of a pair is their inner product (eq. 1 of FuseDream).

    Args:
        checkpoint: the model, from `load_checkpoint`.
        tokenizer: its tokenizer, of OpenCLIP.
        long_prompts: "warn", "split" or "error"; see `fusedream_openclip.load`.
        source: what to call it in messages.

    Attributes:
        resolution: side of the square images that it reads, in pixels.
        window: number of tokens that a prompt may have, special ones included.
        fingerprint: identity of weights, vocabulary and settings.
        device: where it runs.

    Raises:
        InvalidInput: another `long_prompts`. WeightsError: a model that reads no squares.

    References:
        Cherti et al. (2022). Reproducible scaling laws for contrastive language-image learning. arXiv:2212.07143.
        Radford et al. (2021). Learning transferable visual models from natural language supervision. arXiv:2103.00020.
    """

    def __init__(
        self, checkpoint: OpenClip, tokenizer: Any, *, long_prompts: LongPrompts = "warn", source: str = "model"
    ) -> None:
        check_policy(long_prompts)
        self.checkpoint, self.model, self.tokenizer = checkpoint, checkpoint.model, tokenizer
        self.long_prompts: LongPrompts = long_prompts
        self.window = int(tokenizer.context_length)
        self.resolution = square_side(self.model.visual.image_size, source)
        self.mean, self.std = (torch.tensor(v).view(3, 1, 1) for v in (checkpoint.mean, checkpoint.std))

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.model.parameters()).device

    def to(self, device: str | torch.device) -> OpenClipScorer:
        """Move it, in place."""
        self.model.to(device)
        self.mean, self.std = self.mean.to(device), self.std.to(device)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of weights, vocabulary and settings; read once, on first use."""
        inner = getattr(self.tokenizer, "tokenizer", None)  # of transformers
        settings = {
            "architecture": self.checkpoint.config,
            "images": [self.resolution, self.mean.flatten().tolist(), self.std.flatten().tolist()],
            "texts": [self.window, self.long_prompts],
            "vocabulary": self.tokenizer.encoder if inner is None else inner.get_vocab(),
        }
        return fingerprint_of(self.model, settings)

    def encode_image(self, images: Tensor) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] to (B, D), unit norm; differentiable; rows independent.

        Raises:
            InvalidInput: another shape; nothing is resized here.
        """
        check_squares(images, self.resolution)
        pixels = (images - self.mean.to(images.dtype)) / self.std.to(images.dtype)
        return F.normalize(self.model.encode_image(pixels).float(), dim=-1)

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """P prompts to (P, D), unit norm.

        Raises:
            InvalidInput: no prompt, an empty one, or one that is too long where `long_prompts` is "error".
        """
        return embed_prompts(self, prompts)

    def fits(self, text: str) -> bool:
        """Whether a text has no more tokens than the window: a longer window leaves its tokens as they are."""
        if getattr(self.tokenizer, "tokenizer_mode", "") == "clips":  # its last token is always the same
            return True
        return torch.equal(self.tokenizer([text]), self.tokenizer([text], context_length=2 * self.window)[:, : self.window])

    def embed_texts(self, texts: list[str]) -> Tensor:
        """Texts that fit to (N, D), unit norm."""
        return F.normalize(self.model.encode_text(self.tokenizer(texts).to(self.device)).float(), dim=-1)


def square_side(size: int | tuple[int, int], source: str) -> int:
    """The side of the images. Raises WeightsError if they are not square."""
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise WeightsError(f"weights: {source!r}: expected a model of square images, got one of {height} x {width} pixels.")
    return int(height)
