"""How near weights of the emoji generator come to the world that they were fitted to.

    python -m tests.benchmarks.emoji_generator [--weights FOLDER ...] [--count 1000] [--seed 0] [--out pictures.png]

Pictures of random concepts and factors, by the painter and by the generator with each of the weights, the shipped ones last.
The error is that of a pixel, a mean over all, in [0, 1]; the error of edges is that of the differences of neighbouring pixels.
FID by the features of the emoji judge, which knows no generator, to as many other pictures by the painter: the painter's own is
what a perfect generator would have. --out shows twelve of them: the painter's, and below those of each of the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import fusedream_biggan
from fusedream_emoji import WEIGHTS
from fusedream_emoji.art import load_sprites
from fusedream_emoji.factors import directions, draw
from fusedream_sdk.evaluation.distances import frechet
from fusedream_sdk.evaluation.ranking import see
from fusedream_sdk.imaging.pictures import grid
from fusedream_sdk.imaging.sheets import save_sheet
from tests.benchmarks.judging import load_dual, machine

SHOWN = 12


def latents_of(count: int, seed: int, concepts: int) -> tuple[Tensor, Tensor]:
    """Random concepts (N,), and z (N, 128) in the generator's box."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(concepts, (count,), generator=rng), torch.randn(count, 128, generator=rng).clamp(-2, 2)


def painted(concept: Tensor, z: Tensor, sprites: Tensor) -> Tensor:
    """The pictures that latents stand for, (N, 3, 64, 64) in [0, 1]."""
    factors = z @ directions().T
    return torch.cat([draw(sprites, c, f) for c, f in zip(concept.split(64), factors.split(64), strict=True)])


@torch.no_grad()
def drawn(folder: Path, concept: Tensor, z: Tensor) -> Tensor:
    """What the weights in a folder make of them."""
    model: Any = fusedream_biggan.load(weights=str(folder), device="cpu")
    y = model.class_latents(concept.tolist())
    return torch.cat([model({"z": a, "y": b}) for a, b in zip(z.split(64), y.split(64), strict=True)])


def errors(pictures: Tensor, wanted: Tensor) -> tuple[float, float]:
    """Of the pixels, and of the differences of neighbours."""
    apart = pictures - wanted
    edges = (apart.diff(dim=2).abs().mean() + apart.diff(dim=3).abs().mean()) / 2
    return float(apart.abs().mean()), float(edges)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="folders of other weights")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a .png")
    args = parser.parse_args()
    sprites, judge = load_sprites(), load_dual("emoji-judge")
    latents = latents_of(args.count, args.seed, sprites.shape[1])
    others = painted(*latents_of(args.count, args.seed + 1, sprites.shape[1]), sprites)
    wanted = painted(*latents, sprites)
    reference = see(judge, others)
    print(f"{args.count} pictures, seed {args.seed}; {machine()}\n")
    print("| pictures of | error | error of edges | FID by emoji-judge features |\n| --- | --- | --- | --- |")
    rows = [wanted[:SHOWN]]
    for name, folder in [("the painter", None), *((str(x), x) for x in args.weights), ("shipped", WEIGHTS / "generator")]:
        pictures = wanted if folder is None else drawn(folder, *latents)
        distance = frechet(see(judge, pictures), reference)
        pixels, edges = errors(pictures, wanted)
        print(f"| {name} | {pixels:.4f} | {edges:.4f} | {distance:.4f} |", flush=True)
        rows += [] if folder is None else [pictures[:SHOWN]]
    if args.out is not None:
        save_sheet(grid(torch.cat(rows), SHOWN), args.out, overwrite=True)


if __name__ == "__main__":
    main()
