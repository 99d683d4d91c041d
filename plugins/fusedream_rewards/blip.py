"""BLIP's image encoder and its text encoder that sees the picture, under the names that ImageReward's file has for them.

A vision transformer (norm first) reads the picture. BERT (norm last) reads the text, and between attention and product every
layer has a cross-attention from the text's tokens to all tokens of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD = 64  # width of a head of the image encoder, in both sizes of BLIP: 768 / 12 and 1024 / 16
IMAGE_EPS = 1e-6  # of its norms


@dataclass(frozen=True)
class ImageSizes:
    """Of the image encoder: width, number of layers, side of a patch in pixels, and patches along a side of the picture."""

    width: int
    depth: int
    patch: int
    count: int


@dataclass(frozen=True)
class TextSizes:
    """Of the text encoder, as med_config.json calls them."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    layer_norm_eps: float


class Blip(nn.Module):
    """Picture and text to the text's first token, which has seen both.

    References:
        Li et al. (2022). BLIP: bootstrapping language-image pre-training for unified vision-language understanding and
        generation. arXiv:2201.12086; github.com/salesforce/BLIP: models/vit.py and models/med.py.
    """

    def __init__(self, images: ImageSizes, texts: TextSizes) -> None:
        super().__init__()
        self.visual_encoder = ImageEncoder(images)
        self.text_encoder = TextEncoder(texts, images.width)

    def forward(self, pixels: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Pixels (B, 3, R, R), standardised, tokens (B, T) and where they are no padding (B, T) to (B, hidden_size)."""
        return self.text_encoder(tokens, mask, self.visual_encoder(pixels))[:, 0]


class ImageEncoder(nn.Module):
    """A vision transformer that gives all its tokens."""

    def __init__(self, sizes: ImageSizes) -> None:
        super().__init__()
        width = sizes.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + sizes.count**2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, sizes.patch, stride=sizes.patch)})
        self.blocks = nn.ModuleList(Block(width) for _ in range(sizes.depth))
        self.norm = nn.LayerNorm(width, eps=IMAGE_EPS)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, R, R) to (B, 1 + patches, width)."""
        patches = self.patch_embed["proj"](pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.to(patches.dtype).expand(len(pixels), -1, -1), patches], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Block(nn.Module):
    """A layer of the image encoder."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=IMAGE_EPS)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.norm2 = nn.LayerNorm(width, eps=IMAGE_EPS)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same."""
        q, k, v = self.attn["qkv"](self.norm1(x)).unflatten(2, (3, -1, HEAD)).permute(2, 0, 3, 1, 4)
        x = x + self.attn["proj"](joined(F.scaled_dot_product_attention(q, k, v)))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class TextEncoder(nn.Module):
    """BERT with cross-attention; its embeddings have words and places, no kinds of token."""

    def __init__(self, sizes: TextSizes, image_width: int) -> None:
        super().__init__()
        width = sizes.hidden_size
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(sizes.vocab_size, width),
                "position_embeddings": nn.Embedding(sizes.max_position_embeddings, width),
                "LayerNorm": nn.LayerNorm(width, eps=sizes.layer_norm_eps),
            }
        )
        layers = nn.ModuleList(Layer(sizes, image_width) for _ in range(sizes.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, tokens: Tensor, mask: Tensor, picture: Tensor) -> Tensor:
        """Tokens (B, T), where they are no padding (B, T) and a picture's tokens (B, N, image_width) to (B, T, hidden_size)."""
        words: Any = self.embeddings
        places = words.position_embeddings.weight[: tokens.shape[1]]
        x = words.LayerNorm(words.word_embeddings(tokens) + places)
        seen = mask.bool()[:, None, None, :]
        for layer in self.encoder["layer"]:  # pyright: ignore[reportGeneralTypeIssues]  (a list of modules)
            x = layer(x, seen, picture)
        return x


class Layer(nn.Module):
    """A layer of the text encoder."""

    def __init__(self, sizes: TextSizes, image_width: int) -> None:
        super().__init__()
        width, inner = sizes.hidden_size, sizes.intermediate_size
        self.attention = Attention(sizes, width)
        self.crossattention = Attention(sizes, image_width)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = output(inner, sizes)

    def forward(self, x: Tensor, seen: Tensor, picture: Tensor) -> Tensor:
        """(B, T, width), which tokens are seen (B, 1, 1, T), and the picture's tokens (B, N, image_width) to (B, T, width)."""
        x = self.attention(x, x, seen)
        x = self.crossattention(x, picture, None)
        return added(self.output, F.gelu(self.intermediate["dense"](x)), x)


class Attention(nn.Module):
    """From a text's tokens to those of `width`, with what follows it: a product, the sum with what entered, and the norm."""

    def __init__(self, sizes: TextSizes, width: int) -> None:
        super().__init__()
        own = sizes.hidden_size
        self.heads = sizes.num_attention_heads
        products = {"query": nn.Linear(own, own), "key": nn.Linear(width, own), "value": nn.Linear(width, own)}
        self.add_module("self", nn.ModuleDict(products))
        self.output = output(own, sizes)

    def forward(self, x: Tensor, others: Tensor, seen: Tensor | None) -> Tensor:
        """(B, T, own), (B, N, width) and which of these are seen (B, 1, 1, N) to (B, T, own)."""
        products: Any = self.get_submodule("self")
        q, k, v = (
            part(entered).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part, entered in ((products.query, x), (products.key, others), (products.value, others))
        )
        return added(self.output, joined(F.scaled_dot_product_attention(q, k, v, attn_mask=seen)), x)


def output(width: int, sizes: TextSizes) -> nn.ModuleDict:
    """A product and a norm, which `added` runs."""
    own = sizes.hidden_size
    return nn.ModuleDict({"dense": nn.Linear(width, own), "LayerNorm": nn.LayerNorm(own, eps=sizes.layer_norm_eps)})


def added(end: nn.ModuleDict, x: Tensor, entered: Tensor) -> Tensor:
    """The norm of the sum of a product and of what entered the layer's part."""
    return end["LayerNorm"](end["dense"](x) + entered)


def joined(x: Tensor) -> Tensor:
    """(B, heads, T, width of a head) to (B, T, width)."""
    return x.transpose(1, 2).flatten(2)
