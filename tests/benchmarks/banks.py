"""Latent banks: how long the search for a prompt takes, how fast they are built, how large their files are.

    python -m tests.benchmarks.banks [--sizes 10000,1000000] [--width 512] [--rounds 7] [--threads 1] [--models emoji]

Banks of random unit vectors are written in the real format and loaded as every bank is. "first" is the first search after the
file was loaded, with its pages in the system's memory as they are after a write; "later" is the median of the others. "of its
samples" searches the 10,000 latents that a seed picks. "built" is the rate at which the bank of a pair of models is begun anew.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.search.bank import BankRecipe, LatentBank, write_embeddings
from tests.benchmarks.judging import machine

BASIS = 20  # latents that a prompt takes from the bank
SAMPLES = 10_000  # the paper's
ROWS = 1000  # embeddings that are drawn at a time
BUILT = 512  # latents


def random_rows(size: int, width: int) -> Iterator[Tensor]:
    """Random unit vectors in half precision, a few at a time."""
    rng = torch.Generator().manual_seed(0)
    for first in range(0, size, ROWS):
        yield F.normalize(torch.randn(min(ROWS, size - first), width, generator=rng), dim=1).half()


def clock(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def searched(folder: Path, size: int, width: int, rounds: int) -> str:
    """A line of the table: one bank."""
    path, recipe = folder / f"{size}.safetensors", BankRecipe("random", "random", size=size)
    writing = clock(lambda: write_embeddings(path, random_rows(size, width), width, recipe))
    text = F.normalize(torch.randn(rounds + 1, width, generator=torch.Generator().manual_seed(1)), dim=1)
    loading = [clock(lambda: LatentBank.load(path, recipe)) for _ in range(3)]
    bank = LatentBank.load(path, recipe)
    whole = [clock(lambda i=i: bank.top(text[i : i + 1], BASIS)) for i in range(rounds + 1)]
    few = min(SAMPLES, size)
    some = [clock(lambda i=i: bank.top(text[i : i + 1], BASIS, seeds=[i], samples=few)) for i in range(rounds)]
    bulk = path.stat().st_size / 1e6
    path.unlink()
    spent = (median(loading), whole[0], median(whole[1:]), median(some))
    return f"| {size:,} x {width} | {bulk:,.1f} MB | {writing:.1f} s | {' | '.join(f'{1e3 * s:,.1f} ms' for s in spent)} |"


def building(models: str, rounds: int) -> str:
    """A line of the other table: how fast a pair's bank is built, into a file, and how large all of it is."""
    dream = fd.FuseDream(models, device="cpu", dtype="float32")
    dream.engine.check_once()
    settings = dream.settings.replace(bank=BUILT, samples=min(BUILT, dream.settings.samples))
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            spent.append(clock(lambda: dream.engine.new_bank(settings, folder, progress=False)))
        one = settings.replace(bank=1, samples=1, basis=1)
        width = dream.engine.new_bank(one, folder, progress=False).embeddings.shape[1]
    size, rate = dream.settings.bank, BUILT / median(spent)
    return f"| {models} | {rate:,.0f} | {size:,} x {width} | {size / rate:,.1f} s | {size * width * 2 / 1e6:.2f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,1000000", help="comma-separated")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", default="emoji,emoji-vqgan", help="comma-separated; none to leave the second table out")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"medians of {args.rounds} rounds; {machine()}\n")
    print(f"| latents | file | written | loaded | searched, first | later | {SAMPLES:,} of its samples |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, args.sizes.split(",")):
            print(searched(Path(folder), size, args.width, args.rounds), flush=True)
    if args.models:
        print("\n| models | latents built per second | bank | built in | file |\n| --- | --- | --- | --- | --- |")
        for models in args.models.split(","):
            print(building(models, min(3, args.rounds)), flush=True)


if __name__ == "__main__":
    main()
