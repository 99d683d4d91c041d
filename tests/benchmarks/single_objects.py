"""Forty single objects: what each part of the method is worth, by the judge.

    python -m tests.benchmarks.single_objects [--seeds 0,1] [--methods fusedream,plain-gaussian] [--out FOLDER]

The forty prompts are in `single_objects.txt`. For each picture the judge orders 100 captions: the prompt, the same
object in the ten other colours, and 89 random coloured objects. Behind a share stands its 95 % interval over prompts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fusedream_sdk as fd
from fusedream_sdk.imaging.pictures import grid
from tests.benchmarks.judging import firsts, load_dual, machine, pair_settings, ranks

PROMPTS = Path(__file__).with_suffix(".txt").read_text().splitlines()

# name -> options of the generator, changes of the settings
METHODS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fusedream": ({}, {}),
    "start-best": ({}, {"mix": "best"}),
    "start-random": ({}, {"mix": "random"}),
    "no-mix": ({}, {"basis": 1}),
    "search-only": ({}, {"steps": 1, "lr": 1e-9, "basis": 1}),
    "plain-search": ({}, {"augment": fd.NO_VIEWS}),
    "one-start": ({}, {"samples": 1, "basis": 1}),
    "plain-one-start": ({}, {"augment": fd.NO_VIEWS, "samples": 1, "basis": 1}),
    "plain-gaussian": ({"classes": "gaussian"}, {"augment": fd.NO_VIEWS, "samples": 1, "basis": 1}),
}


def dream_of(
    options: Mapping[str, Any], changes: Mapping[str, Any], dtype: str = "auto", *, device: str = "cpu"
) -> fd.FuseDream:
    """The emoji world with options of its generator and changes of its settings, and the bank that it searches."""
    dream = fd.FuseDream(
        generator=fd.load_generator("emoji", **options),
        scorer="emoji",
        device=device,
        dtype=dtype,
        settings={**pair_settings("emoji"), **changes},
    )
    if dream.settings.searches:
        dream.bank()
    return dream


def run(method: str, seeds: list[int]) -> tuple[fd.Result, float]:
    """Results of a method on all prompts, and its seconds per picture."""
    dream = dream_of(*METHODS[method])
    begun = time.perf_counter()
    result = dream.generate(PROMPTS, seeds=seeds)
    return result, (time.perf_counter() - begun) / len(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated")
    parser.add_argument("--out", type=Path, help="folder for a sheet of pictures and the ranks of each method")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    judge = load_dual("emoji-judge")
    print(f"{len(PROMPTS)} prompts x seeds {seeds}; {machine()}\n")
    print("| method | judge R-precision | judge top-5 | scorer AugCLIP | scorer CLIP | s per picture |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method in args.methods.split(","):
        result, seconds = run(method, seeds)
        places = ranks(judge, result.images, result.prompts)
        means = [float(result.scores[name].mean()) for name in ("augclip", "clip")]
        row = f"{firsts(places, result.prompts)} | {means[0]:.3f} | {means[1]:.3f} | {seconds:.2f}"
        print(f"| {method} | {row} |", flush=True)
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
            grid(result.images[:: len(seeds)], 8).save(args.out / f"{method}.png")
            lines = zip(result.prompts, result.seeds, places, strict=True)
            (args.out / f"{method}.txt").write_text("".join(f"{place:3} {prompt} ({seed})\n" for prompt, seed, place in lines))


if __name__ == "__main__":
    main()
