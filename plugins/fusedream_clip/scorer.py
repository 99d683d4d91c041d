"""A dual encoder as a FuseDream scorer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_clip.processors import square_side, statistics, text_window
from fusedream_clip.prompts import LongPrompts, check_policy, embed_prompts
from fusedream_clip.tower import hidden_states, image_features, is_known
from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import check_squares


class ClipScorer:
    """Texts and images as unit vectors of one space; the score of a pair is their inner product (eq. 1 of FuseDream).

    Args:
        model: a transformers model with `get_text_features` and `get_image_features`, or one of `native`.
        processor: its processor (checked by whoever loaded it): tokenizer, mean, standard deviation and size are used.
        long_prompts: "warn", "split" or "error"; see `fusedream_clip.load`.
        source: what to call it in messages.

    Attributes:
        resolution: side of the square images that it reads, in pixels.
        window: number of tokens that a prompt may have, special ones included.
        fingerprint: identity of weights, vocabulary and settings.
        device: where it runs.

    References:
        Radford et al. (2021). Learning transferable visual models from natural language supervision. arXiv:2103.00020.
    """

    def __init__(self, model: Any, processor: Any, *, long_prompts: LongPrompts = "warn", source: str = "model") -> None:
        check_policy(long_prompts)
        self.model = model
        self.long_prompts: LongPrompts = long_prompts
        self.attention = getattr(model.config, "_attn_implementation", None)  # what transformers chose
        self.tokenizer = processor.tokenizer
        self.resolution = square_side(processor.image_processor, source)
        self.mean, self.std = (torch.tensor(v).view(3, 1, 1) for v in statistics(processor.image_processor))
        stated = getattr(processor, "text_kwargs", None) or {}
        self.siglip = model.config.model_type.startswith("siglip")
        # SigLIP was trained on full windows without a mask, which its first processors do not state
        self.padding = "max_length" if self.siglip else stated.get("padding", True)
        self.window = text_window(self.tokenizer, model, stated)
        self.probe(source)

    def probe(self, source: str) -> None:
        """Embed one picture and one text, so that a model that cannot says so now."""
        image = torch.zeros(1, 3, self.resolution, self.resolution)
        try:
            with torch.no_grad():
                embeddings = self.encode_text(["a"]), self.encode_image(image)
        except Exception as error:  # some architectures need inputs beyond pixels and tokens
            raise WeightsError(f"weights: {source!r} loads, but cannot embed a picture and a text: {error}") from error
        if embeddings[0].shape != embeddings[1].shape or embeddings[0].dim() != 2:
            shapes = " and ".join(str(tuple(x.shape)) for x in embeddings)
            raise WeightsError(f"weights: {source!r}: expected texts and images in one space, got shapes {shapes}.")
        if not all(torch.isfinite(x).all() for x in embeddings):
            raise WeightsError(f"weights: {source!r} gives embeddings that are not finite; it is damaged.")

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.model.parameters()).device

    @property
    def scale(self) -> float:
        """What the model was trained to multiply cosine similarities by; 1 where it has none. Scores here are without it."""
        stored = getattr(self.model, "logit_scale", None)
        return 1.0 if stored is None else float(stored.detach().exp())

    def to(self, device: str | torch.device) -> ClipScorer:
        """Move it, in place.

        On a CPU the attention of other models than CLIP is computed plainly: torch's fused kernel is slower there on short
        sequences in bfloat16, and no faster in float32.
        """
        self.model.to(device)
        self.mean, self.std = self.mean.to(device), self.std.to(device)
        if self.attention == "sdpa":
            self.model.set_attn_implementation("eager" if self.device.type == "cpu" else "sdpa")
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of weights, vocabulary and settings; read once, on first use (0.4 s for ViT-B/32)."""
        settings = {
            "architecture": self.model.config.model_type,
            "images": [self.resolution, self.mean.flatten().tolist(), self.std.flatten().tolist()],
            "texts": [self.window, self.padding, self.long_prompts],
            "vocabulary": self.tokenizer.get_vocab(),
        }
        return fingerprint_of(self.model, settings)

    def encode_image(self, images: Tensor) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] to (B, D), unit norm; differentiable; rows independent.

        Raises:
            InvalidInput: another shape; nothing is resized here.
        """
        check_squares(images, self.resolution)
        if is_known(self.model):
            return unit(image_features(self.model, images, self.mean, self.std))
        return unit(self.model.get_image_features(pixel_values=self.standardise(images)))

    def layers(self, images: Tensor) -> list[Tensor]:
        """What each layer of the image tower makes of images (B, 3, resolution, resolution) in [0, 1]; differentiable.

        Returns:
            (B, N, D) or (B, D, h, w) each, from the first layer to the last.

        Raises:
            InvalidInput: another shape. WeightsError: a model without an image tower that shows its hidden states.
        """
        check_squares(images, self.resolution)
        return list(self.hidden_states(images)[1:])

    def hidden_states(self, images: Tensor) -> Sequence[Tensor]:
        """Every hidden state of the image tower, what enters the first layer among them; as `layers`."""
        if is_known(self.model):
            return hidden_states(self.model, images, self.mean, self.std)
        tower = getattr(self.model, "vision_model", None)
        if tower is None:
            raise WeightsError(f"weights: expected a model with a vision_model, got a {type(self.model).__name__}.")
        output = tower(pixel_values=self.standardise(images), output_hidden_states=True)
        if not getattr(output, "hidden_states", None):
            raise WeightsError(f"weights: the {type(tower).__name__} does not show its hidden states.")
        return output.hidden_states

    def standardise(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in about [0, 1] to the pixel values that the model was trained on, in the same format."""
        return (images - self.mean.to(images.dtype)) / self.std.to(images.dtype)

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """P prompts to (P, D), unit norm.

        Raises:
            InvalidInput: no prompt, an empty one, or one that is too long where `long_prompts` is "error".
        """
        return embed_prompts(self, prompts)

    def fits(self, text: str) -> bool:
        """Whether a text has no more tokens than the window."""
        return len(self.tokenizer(text, verbose=False)["input_ids"]) <= self.window

    def embed_texts(self, texts: list[str]) -> Tensor:
        """Texts that fit to (N, D), unit norm."""
        tokens = self.tokenizer(
            texts, padding=self.padding, truncation=True, max_length=self.window, return_tensors="pt", verbose=False
        )
        wanted = {name: x.to(self.device) for name, x in tokens.items() if name != "attention_mask" or not self.siglip}
        return unit(self.model.get_text_features(**wanted))


def unit(features: Any) -> Tensor:
    """Features, as a tensor or in an output object, as unit vectors in float32."""
    return F.normalize(getattr(features, "pooler_output", features).float(), dim=-1)
