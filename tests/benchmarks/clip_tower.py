"""CLIP's image tower as `fusedream_clip.tower` runs it against transformers' own, forward and backward to the pixels.

    python -m tests.benchmarks.clip_tower [--views 8] [--rounds 9] [--model emoji|vit-b-32]

The weights are the same, those of ViT-B/32 random. Runs take turns, and the median counts; ratios are to the first line.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPConfig, CLIPModel

import fusedream_emoji
from fusedream_clip.tower import hidden_states, image_features
from tests.benchmarks.judging import machine

Encode = Callable[[Tensor], Tensor]


def encoders(model: Any) -> dict[str, Encode]:
    """The ways of running one model."""
    mean, std = torch.zeros(3, 1, 1), torch.ones(3, 1, 1)

    def every_token(images: Tensor) -> Tensor:
        return model.visual_projection(model.vision_model.post_layernorm(hidden_states(model, images, mean, std)[-1][:, 0]))

    return {
        "transformers, sdpa": lambda images: attending(model, images, "sdpa"),
        "transformers, eager": lambda images: attending(model, images, "eager"),
        "ours, every token of the last layer": every_token,
        "ours": lambda images: image_features(model, images, mean, std),
    }


def attending(model: Any, images: Tensor, how: str) -> Tensor:
    model.set_attn_implementation(how)
    return model.get_image_features(pixel_values=images).pooler_output


def seconds(encode: Encode, images: Tensor, dtype: torch.dtype) -> float:
    """Of one gradient."""
    begun = time.perf_counter()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        embedded = encode(images)
    torch.autograd.grad(embedded.float().square().sum(), images)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", choices=("emoji", "vit-b-32"), default="emoji")
    args = parser.parse_args()
    weights = fusedream_emoji.WEIGHTS / "scorer"
    model: Any = CLIPModel.from_pretrained(weights) if args.model == "emoji" else CLIPModel(CLIPConfig())
    model = model.eval().requires_grad_(False)
    side = model.config.vision_config.image_size
    images = torch.rand(args.views, 3, side, side, requires_grad=True)
    print(f"{args.model}, {args.views} views, median of {args.rounds} rounds; {machine()}\n")
    print("| tower | float32, ms | ratio | bfloat16, ms | ratio |\n| --- | --- | --- | --- | --- |")
    ways, found = encoders(model), {}
    for dtype in (torch.float32, torch.bfloat16):
        times = [[seconds(way, images, dtype) for way in ways.values()] for _ in range(args.rounds + 1)][1:]
        found[dtype] = [1000 * median(column) for column in zip(*times, strict=True)]
    for name, a, b in zip(ways, *found.values(), strict=True):
        first, second = (found[dtype][0] / ms for dtype, ms in zip(found, (a, b), strict=True))
        print(f"| {name} | {a:.1f} | {first:.2f} | {b:.1f} | {second:.2f} |")


if __name__ == "__main__":
    main()
