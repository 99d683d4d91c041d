"""ImageReward: how much people would like a picture as the picture of a prompt."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fusedream_clip.sizes import read_sizes
from fusedream_rewards.blip import HEAD, Blip, ImageSizes, TextSizes
from fusedream_rewards.files import find_file
from fusedream_rewards.heads import linear_head
from fusedream_rewards.words import Words, find_vocabulary
from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.models.weights import check_tensors, read_tensors
from fusedream_sdk.runtime.checks import check_squares, is_number

FILE, CONFIG = "ImageReward.pt", "med_config.json"
MEAN, STD = 0.16717362830052426, 1.0333394966054072  # of the reward, over the authors' pictures
PIXEL_MEAN, PIXEL_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
UNUSED = ("blip.vision_proj.", "blip.text_proj.", "blip.text_encoder.embeddings.position_ids")
"""Of BLIP's pretraining, which the file may hold; the reward does not depend on them."""
ADVICE = f"Is it {FILE}, and {CONFIG} the one beside it?"


class ImageReward:
    """BLIP's first text token, which has seen the picture, through a linear head, standardised.

    Args:
        blip: the encoders.
        head: the linear map to the raw reward: (hidden_size,) and ().
        words: the tokenizer.
        resolution: side of the square images that it reads, in pixels.

    Attributes:
        resolution: as given.
        fingerprint: identity of weights and vocabulary.
        device: where it runs.

    References:
        Xu et al. (2023). ImageReward: learning and evaluating human preferences for text-to-image generation.
        arXiv:2304.05977; github.com/THUDM/ImageReward: ImageReward/ImageReward.py.
    """

    def __init__(self, blip: Blip, head: tuple[Tensor, Tensor], words: Words, resolution: int) -> None:
        self.blip, self.words, self.resolution = blip, words, resolution
        weight, bias = head
        self.weight, self.bias = weight / STD, (bias - MEAN) / STD
        self.mean, self.std = (torch.tensor(values).view(3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.weight.device

    def to(self, device: str | torch.device) -> ImageReward:
        """Move it, in place."""
        self.blip.to(device)
        self.weight, self.bias, self.mean, self.std = (x.to(device) for x in (self.weight, self.bias, self.mean, self.std))
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of weights, vocabulary and settings; read once, on first use."""
        tensors = {**self.blip.state_dict(), "head.weight": self.weight, "head.bias": self.bias}
        return fingerprint_of(tensors, {"vocabulary": self.words.vocabulary, "images": self.resolution})

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] and B prompts to (B,), higher is better; differentiable.

        Raises:
            InvalidInput: another shape, as nothing is resized here; an empty prompt, or one that is too long and refused.
        """
        check_squares(images, self.resolution)
        tokens, mask = (x.to(images.device) for x in self.words(prompts))
        pixels = (images - self.mean.to(images.dtype)) / self.std.to(images.dtype)
        return (self.blip(pixels, tokens, mask).float() * self.weight).sum(dim=1) + self.bias


def load_imagereward(
    weights: str | Path, vocabulary: str | Path | None, *, long_prompts: str = "warn", cache_dir: str | Path | None = None
) -> ImageReward:
    """The reward (float32, frozen, eval mode, on the CPU); see `fusedream_rewards.imagereward`.

    Raises:
        InvalidInput: another `long_prompts`. WeightsError: files that are missing, damaged or of another architecture.
    """
    path = find_file("imagereward", weights, FILE, cache_dir=cache_dir)
    beside = path.parent if os.path.exists(Path(weights).expanduser()) else weights
    texts = text_sizes(find_file("imagereward", beside, CONFIG, cache_dir=cache_dir))
    found = read_tensors(path)
    tensors = {name: value for name, value in found.items() if not name.startswith(UNUSED)}
    images = image_sizes(tensors, path)
    with torch.device("meta"):  # nothing is drawn for weights that are replaced at once
        blip = Blip(images, texts)
    own = {name.removeprefix("blip."): value for name, value in tensors.items() if name.startswith("blip.")}
    head = {name.removeprefix("mlp."): value for name, value in tensors.items() if name.startswith("mlp.")}
    others = {name: value for name, value in tensors.items() if not name.startswith(("blip.", "mlp."))}
    check_tensors(blip.state_dict(), own | others, path, model=f"{CONFIG} with its image encoder", advice=ADVICE)
    blip.load_state_dict(own, assign=True)
    words = Words(find_vocabulary(weights, vocabulary, cache_dir), texts.vocab_size, long_prompts=long_prompts)
    whole = linear_head(head, texts.hidden_size, path, reward="imagereward")
    return ImageReward(blip.eval().requires_grad_(False), whole, words, images.patch * images.count)


def image_sizes(tensors: Mapping[str, Tensor], path: Path) -> ImageSizes:
    """The sizes of the image encoder, which stand in no other file. Raises WeightsError."""
    places, kernel = (tensors.get(f"blip.visual_encoder.{name}") for name in ("pos_embed", "patch_embed.proj.weight"))
    if places is None or kernel is None or places.dim() != 3 or kernel.dim() != 4:
        raise WeightsError(f"{path}: expected the entries of ImageReward, got none of its image encoder. {ADVICE}")
    layers = [re.match(r"blip\.visual_encoder\.blocks\.(\d+)\.", name) for name in tensors]
    depth = len({match[1] for match in layers if match})
    count = round((places.shape[1] - 1) ** 0.5)
    if places.shape[1] != count**2 + 1 or places.shape[2] % HEAD:
        expected = f"places of a square of patches, in a multiple of {HEAD} numbers each"
        raise WeightsError(f"{path}: blip.visual_encoder.pos_embed: expected {expected}, got {tuple(places.shape)}.")
    return ImageSizes(width=places.shape[2], depth=depth, patch=kernel.shape[-1], count=count)


def text_sizes(path: Path) -> TextSizes:
    """What a med_config.json says of the text encoder. Raises WeightsError for one of another kind of encoder."""
    values: Any = read_sizes(path)
    names = [field.name for field in fields(TextSizes)]
    wrong = next((name for name in names if not is_number(values.get(name)) or not values[name] > 0), None)
    if wrong is not None:
        raise WeightsError(f"{path}: {wrong}: expected a number above 0, got {values.get(wrong)!r}.")
    for name, wanted in (("hidden_act", "gelu"), ("add_cross_attention", True)):
        if values.get(name) != wanted:
            raise WeightsError(f"{path}: {name}: expected {wanted!r}, as ImageReward has, got {values.get(name)!r}.")
    if values["hidden_size"] % values["num_attention_heads"]:
        expected = f"a multiple of num_attention_heads, {values['num_attention_heads']}"
        raise WeightsError(f"{path}: hidden_size: expected {expected}, got {values['hidden_size']}.")
    return TextSizes(**{name: values[name] for name in names})
