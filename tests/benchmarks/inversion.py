"""Ten held-back emoji pictures, and how near each generator comes to them.

    python -m tests.benchmarks.inversion [--generators emoji,emoji-vqgan,pixels,fourier] [--seed N] [--out FOLDER]

The pictures are drawn by the emoji world's painter as its generator learned to draw: one thing in the centre, on a plain
ground. Their seed is none that a training has used. For each it prints the concept, PSNR and perceptual distance (the
emoji world's), and writes a sheet: targets above, pictures found below.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.factors import FACTORS, draw
from tests.benchmarks.judging import machine

SEED = 1 << 61  # trainings draw from (seed << 32) + step for small seeds, and hold out 1 << 52
GENERATORS = ("emoji", "emoji-vqgan", "pixels", "fourier")


def held_back(count: int, seed: int) -> tuple[list[str], Tensor]:
    """Names of as many different concepts, and a picture of each: (count, 3, 64, 64) in [0, 1]."""
    sprites, rng = load_sprites(), torch.Generator().manual_seed(seed)
    concept = torch.randperm(sprites.shape[1], generator=rng)[:count]
    factors = torch.randn(count, len(FACTORS), generator=rng)
    return [names()[i] for i in concept.tolist()], draw(sprites, concept, factors).clamp(0, 1)


def dream_of(generator: str) -> fd.FuseDream:
    """The generator as the emoji world uses it."""
    if generator in fd.list_models():
        return fd.FuseDream(generator, device="cpu")
    return fd.FuseDream(generator=generator, scorer="emoji", perceptual="emoji", device="cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generators", default=",".join(GENERATORS), help="comma-separated")
    parser.add_argument("--count", type=int, default=10, help="pictures")
    parser.add_argument("--seed", type=int, default=SEED, help="another one for tuning")
    parser.add_argument("--out", type=Path, help="folder for a sheet of each generator")
    args = parser.parse_args()
    concepts, pictures = held_back(args.count, args.seed)
    print(f"{args.count} held-back pictures, seed {args.seed}; {machine()}\n")
    print("| generator | concept | PSNR, dB | perceptual distance | s |")
    print("| --- | --- | --- | --- | --- |")
    for name in args.generators.split(","):
        dream = dream_of(name)
        begun = time.perf_counter()
        found = dream.invert(list(pictures), progress=False)
        seconds = (time.perf_counter() - begun) / len(found)
        for row, concept in enumerate(concepts):
            print(f"| {name} | {concept} | {found.psnr[row]:.1f} | {found.perceptual[row]:.3f} | {seconds:.0f} |")
        print(f"| **{name}** | mean | {found.psnr.mean():.1f} | {found.perceptual.mean():.3f} | {seconds:.0f} |", flush=True)
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
            found.sheet().save(args.out / f"inversion-{name}.png")


if __name__ == "__main__":
    main()
