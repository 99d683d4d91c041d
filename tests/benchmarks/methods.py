"""Every method on the same twenty prompts, by the judge: what a method of the literature is worth in the emoji world.

    python -m tests.benchmarks.methods --out FOLDER [--prompts 20] [--seeds 0] [--methods fusedream,cma]
    python -m tests.benchmarks.methods --out FOLDER --evaluations 1000

The prompts are the first of `single_objects.txt`. Without `--evaluations` each method runs as long as its pair of models
recommends, or as its paper says where it has no other number; with it, the steps of each are such that a row draws and scores
at most so many pictures (`Method.evaluations`), three times as many where no gradient is taken, so that all do about the same
work. What is whole in the folder is kept: the same command goes on where it was ended, and more methods may be asked for. For
each picture the judge orders 100 captions, as in `single_objects`. Behind a share stands its 95 % interval over prompts.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import fusedream_sdk as fd
from fusedream_sdk.dream.comparison import Comparison, Contender
from fusedream_sdk.errors import FuseDreamError
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.settings import Settings
from tests.benchmarks.judging import firsts, load_dual, machine, pair_settings, ranks
from tests.benchmarks.single_objects import PROMPTS

# How each method enters. Those that are published for a BigGAN of 256 pixels leave their numbers to the pair; those that edit a
# picture begin at a white dog, or, where they cannot search for one, at a draw. CLIP-GLaSS has 16 members for 64, BasinCMA few
# members and updates, for some generations within the work of the others: as published BasinCMA draws 20,000 pictures for one.
ENTRANTS = (
    "fusedream",
    "fusedream-code?published=false",
    "clip-adam",
    "random-search",
    "big-sleep?published=false",
    "vqgan-clip?published=false@emoji-vqgan",
    "reno@emoji-turbo",
    "cma",
    "basin-cma?population=4&updates=4&last=6",
    "clip-glass?population=16",
    "styleclip?anywhere=true&published=false",
    "attack?origin=a white dog",
    "attack?origin=a white dog&score=augclip",
    "fgsm",
)
MOST_STEPS = 100_000
WITHOUT_GRADIENT = 3  # pictures in the time of one with a gradient, about


def base(entrant: str) -> str:
    """The name of a method without options and pair."""
    return entrant.partition("@")[0].partition("?")[0]


def entrants(names: str | None) -> list[str]:
    """Those of the table whose names are given, or as they are given where they carry options; all by default."""
    if names is None:
        return list(ENTRANTS)
    listed = [name.strip() for name in names.split(",")]
    return [entrant for name in listed for entrant in (_named(name) if name == base(name) else [name])]


def _named(name: str) -> list[str]:
    return [entrant for entrant in ENTRANTS if base(entrant) == name] or [name]


def steps_for(method: Method, settings: Settings, most: int) -> int:
    """The most steps with which a row draws and scores at most so many pictures, at least 1."""
    low, high = 1, MOST_STEPS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if method.evaluations(settings.replace(steps=middle)) <= most else (low, middle - 1)
    return low


def steps_of(entrant: str, most: int | None) -> dict[str, Any]:
    """The steps of a method as a change of its settings; none where they are its own."""
    name, _, pair = entrant.partition("@")
    try:
        method = fd.load_method(name)
        if most is None or "steps" in method.unused:
            return {}
        settings = method.settings_for(Settings().replace(**pair_settings(pair or "emoji")), {})
        blind = method.population is not None and method.refine is None
    except FuseDreamError:  # it is told in its place
        return {}
    return {"steps": steps_for(method, settings, WITHOUT_GRADIENT * most if blind else most)}


def run(args: argparse.Namespace, seeds: list[int]) -> Comparison:
    """What each method draws, one after the other; the pairs are loaded once."""
    prompts, dreams = PROMPTS[: args.prompts], {"emoji": fd.FuseDream("emoji")}
    found: list[Comparison] = []
    for entrant in entrants(args.methods):
        given: dict[str, Any] = {"seeds": seeds, "progress": False, "into": fd.Folder(args.out, resume=True)}
        given |= steps_of(entrant, args.evaluations)
        given |= {} if "@" in entrant else {"dream": dreams["emoji"]}
        found.append(fd.compare(prompts, methods=[entrant], **given))
        judge = found[-1].contenders[0]
        print(f"<!-- {entrant}: {'drawn' if judge.result is not None else judge.told} -->", flush=True)
        if found[-1].stopped:
            break
    return replace(found[0], contenders=tuple(c for part in found for c in part.contenders), stopped=found[-1].stopped)


def line(contender: Contender, judge: Any) -> str:
    """A method's line of the table."""
    found = contender.result
    if found is None:
        return f"| {contender.name} | {contender.told} | | | | | | |"
    places = ranks(judge, found.images, found.prompts)
    means = [contender.mean(name) for name in ("judge", "augclip", "clip")]
    numbers = " | ".join("" if mean is None else f"{mean:.3f}" for mean in means)
    seconds = "" if contender.seconds is None else f"{contender.seconds:.2f}"
    return f"| {contender.name} | {firsts(places, found.prompts)} | {numbers} | {contender.evaluations:,} | {seconds} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of all pictures; it is gone on with")
    parser.add_argument("--prompts", type=int, default=20, help="so many of the file's first")
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--methods", help="names with commas between, with or without options and @PAIR; all by default")
    most = "pictures that a row's run draws and scores, at most; three times as many without a gradient"
    parser.add_argument("--evaluations", type=int, help=most)
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    found, judge = run(args, seeds), load_dual("emoji-judge")
    found.save(args.out / "sheet.png", overwrite=True)
    (args.out / "comparison.json").write_text(json.dumps(found.to_json(), indent=1) + "\n")
    print(f"{args.prompts} prompts x seeds {seeds}; {machine()}\n")
    print("| method | judge R-precision | judge top-5 | judge | scorer AugCLIP | scorer CLIP | evaluations | s per picture |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for contender in found.contenders:
        print(line(contender, judge), flush=True)


if __name__ == "__main__":
    main()
