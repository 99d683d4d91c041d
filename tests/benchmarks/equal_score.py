"""How much sooner our picture is as good as that of FuseDream's public code, by scores that neither optimised.

    python -m tests.benchmarks.equal_score [--prompts 6] [--cache FOLDER] [--settings views=4,steps=40] [--settings ...]

The emoji world, the first prompts of `single_objects.txt`, seed 0. The reference does what the public code does: 10,000 draws
in batches of ten by plain CLIP, then 1,000 steps of 50 views; the models as in `tests.benchmarks.reference`. It takes minutes
for each prompt, so with --cache its picture and scores are kept, and read again by the next run.

Ours is told by each of --settings, changes of what the pair recommends ("" for none); values as JSON, views by their names.
After each look the kept point is scored as the reference's picture is: AugCLIP over 1,000 fresh views, ours and the public
code's, by the same scorer. "Equal" is the first look at which that score is at least the reference's.

Time is steps, looks and search, as often as each is done, from rounds in which both take turns: so a busy machine cancels.
"With bank" counts the latent bank too, which is built once for all prompts. A prompt whose reference is never reached counts
as 0 in the median.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.task import drawn
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.target import PromptTarget, make_target
from fusedream_sdk.scoring.views import NAMED_VIEWS, Stream
from fusedream_sdk.search.building import build_bank
from fusedream_sdk.speed.reference import Course, Reference
from fusedream_sdk.speed.steps import our_look, our_step, task_of
from tests.benchmarks.biggan_speed import seconds
from tests.benchmarks.judging import load_dual, machine, pair_settings, r_precision, ranks
from tests.benchmarks.reference import Pair, models
from tests.benchmarks.single_objects import PROMPTS

BATCHES, SIZE, STEPS, VIEWS, FRESH = 1000, 10, 1000, 50, 1000
PROCEDURE = f"{BATCHES} batches of {SIZE}, {STEPS} steps of {VIEWS} views, scored by {FRESH} views"
TRIED = 64  # latents of a bank that is timed
KINDS = ("ours", "public")


@dataclass(frozen=True)
class Scores:
    """Of a picture: AugCLIP over fresh views, the judge's plain score, and the place of its caption among 100, from 0."""

    ours: float
    public: float
    judge: float
    place: int


@dataclass(frozen=True)
class Ruler:
    """Scores pictures of anybody alike."""

    scorer: Any
    judge: Any

    def fresh(self, picture: Tensor, prompt: str, kind: str) -> float:
        """AugCLIP over fresh views."""
        how: Mapping[str, Any] = {"views": NAMED_VIEWS[kind], "count": FRESH, "stream": Stream.REPORT}
        return float(fresh_score(picture, make_target(self.scorer, [prompt]), [0], **how))

    @torch.no_grad()
    def __call__(self, picture: Tensor, prompt: str) -> Scores:
        judged = self.judge.encode_image(shrink(picture, self.judge.resolution)) @ self.judge.encode_text([prompt])[0]
        place = ranks(self.judge, picture, [prompt])[0]
        return Scores(self.fresh(picture, prompt, "ours"), self.fresh(picture, prompt, "public"), float(judged), place)


def reference_result(pair: Pair, prompt: str, ruler: Ruler, cache: Path | None) -> Scores:
    """Of the public procedure, from the cache where it is there."""
    path = None if cache is None else cache / f"{prompt.replace(' ', '-')}.safetensors"
    if path is not None and path.exists():
        with safe_open(path, "pt") as file:
            about = file.metadata()
        if about["procedure"] == PROCEDURE:
            return Scores(**json.loads(about["scores"]))
    reference, rng = Reference(pair.generator, pair.scorer, prompt), torch.Generator().manual_seed(0)
    start = reference.search(rng, batches=BATCHES, size=SIZE)
    latents = reference.optimise(start, rng, steps=STEPS, views=VIEWS)
    with torch.no_grad():
        picture = pair.generator(latents)
    scores = ruler(picture, prompt)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        about = {"prompt": prompt, "procedure": PROCEDURE, "scores": json.dumps(asdict(scores))}
        part = path.with_suffix(".part")
        save_file({"picture": picture, **map_latents(lambda x: x.contiguous(), latents)}, part, about)
        part.replace(path)
    return scores


@dataclass(frozen=True)
class OurRun:
    """One prompt by ours: the step of the look at which each score was reached, None for never; and the end."""

    reached: Mapping[str, int | None]
    end: Scores


def our_run(dream: fd.FuseDream, prompt: str, ruler: Ruler, wanted: Scores) -> OurRun:
    """Run ours to its end, and score what is kept after each look until it is as good as wanted."""
    reached: dict[str, int | None] = dict.fromkeys(KINDS)
    every, steps = dream.settings.check_every, dream.settings.steps
    before, picture = None, torch.zeros(0)
    for state in dream.iterate(prompt):
        if state.step % every and state.step != steps:
            continue
        if before is None or differ(before, state.best.latents):
            before = state.best.latents
            with torch.no_grad():
                picture = dream.generator(before)
            for kind in KINDS:
                if reached[kind] is None and ruler.fresh(picture, prompt, kind) >= getattr(wanted, kind):
                    reached[kind] = state.step
    return OurRun(reached, ruler(picture, prompt))


def differ(a: Latents, b: Latents) -> bool:
    """Whether two points are not one."""
    return any(not torch.equal(x, b[name]) for name, x in a.items())


# Times


@dataclass(frozen=True)
class Times:
    """Seconds of a round."""

    batch: float
    step: float
    ours: float
    look: float
    search: float
    bank: float

    @property
    def reference(self) -> float:
        """Of the whole public procedure."""
        return BATCHES * self.batch + STEPS * self.step

    def until(self, step: int, every: int, *, bank: bool) -> float:
        """Of ours, until the look after so many updates."""
        return self.search + (step + 1) * self.ours + (step // every + 1) * self.look + (self.bank if bank else 0.0)


def timed(pair: Pair, dream: fd.FuseDream, rounds: int) -> list[Times]:
    """Of all parts in turns. The bank's is that of some of its latents, times as many as it has."""
    engine, settings, prompt = dream.engine, dream.settings.replace(steps=10**6), PROMPTS[0]
    task = task_of(engine, settings, 1)
    reference, rng = Reference(pair.generator, pair.scorer, prompt), torch.Generator().manual_seed(0)
    course = Course(pair.generator.space, map_latents(lambda x: x[0], drawn(task, k=5)), rng)
    kept, recipe = reference.search_batch([], rng, size=SIZE), dream.bank_recipe()
    part = replace(recipe, size=min(recipe.size, TRIED))
    bank = dream.bank(progress=False) if settings.searches else None

    def search() -> None:
        rows = engine.rows(each_with_each(prompt, 0))
        if bank is not None and isinstance(rows.target, PromptTarget):
            index, _ = bank.top(rows.target.embeddings, settings.basis, seeds=rows.seeds, samples=settings.samples)
            bank.latents(dream.generator, index)

    parts: dict[str, Callable[[], object]] = {
        "batch": lambda: reference.search_batch(kept, rng, size=SIZE),
        "step": lambda: reference.step(course, course.numbers(VIEWS, rng)),
        "ours": our_step(task),
        "look": our_look(task),
        "search": search,
        "bank": lambda: build_bank(engine.generator.model, engine.scorer.model, part),
    }
    found = [{name: seconds(lambda run=run: run()) for name, run in parts.items()} for _ in range(rounds + 1)]
    whole = recipe.size / part.size if settings.searches else 0.0
    return [Times(**{**one, "bank": whole * one["bank"]}) for one in found[1:]]  # the first has what is done once


def speed_up(times: Sequence[Times], steps: Sequence[int | None], every: int, *, bank: bool) -> float:
    """The median over the prompts of how many times sooner ours is as good; 0 for one that never is."""
    each = [0.0 if n is None else median(t.reference / t.until(n, every, bank=bank) for t in times) for n in steps]
    return median(each)


# What is printed

HEAD = [
    *("", "reached, our views", "times sooner", "with bank", "reached, public views", "times sooner", "with bank", "all steps"),
    *("AugCLIP, our views", "AugCLIP, public views", "judge", "R-precision"),
]


def said(scores: Sequence[Scores]) -> list[str]:
    """Means of some pictures."""
    means = [fmean(getattr(one, name) for one in scores) for name in ("ours", "public", "judge")]
    return [*(f"{mean:.3f}" for mean in means), f"{r_precision([one.place for one in scores]):.0%}"]


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def our_line(name: str, runs: Sequence[OurRun], times: Sequence[Times], settings: fd.Settings) -> str:
    """A setting's row: how often and how much sooner each score was reached, the time of all its steps, its scores."""
    cells = [name or "as recommended"]
    for kind in KINDS:
        steps = [run.reached[kind] for run in runs]
        cells.append(f"{sum(step is not None for step in steps)} of {len(steps)}")
        cells += [f"{speed_up(times, steps, settings.check_every, bank=bank):.1f}" for bank in (False, True)]
    cells.append(f"{speed_up(times, [settings.steps], settings.check_every, bank=False):.1f}")
    return line([*cells, *said([run.end for run in runs])])


def parsed(text: str) -> dict[str, Any]:
    """ "views=4,mix=best,augment=public" as changes of settings."""
    changes: dict[str, Any] = {}
    for name, value in (part.split("=", 1) for part in text.split(",") if part):
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = NAMED_VIEWS[value] if name.endswith("augment") else value
    return changes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--cache", type=Path, help="folder where the reference's pictures and scores are kept")
    parser.add_argument("--settings", action="append", help="changes of ours, as views=4,steps=40; may be repeated")
    parser.add_argument("--rounds", type=int, default=5, help="of the times")
    parser.add_argument("--only-reference", action="store_true", help="fill the cache, and stop there")
    args = parser.parse_args()
    pair, _ = models("emoji")
    ruler, prompts = Ruler(pair.scorer, load_dual("emoji-judge")), PROMPTS[: args.prompts]
    wanted = [reference_result(pair, prompt, ruler, args.cache) for prompt in prompts]
    print(f"emoji, {len(prompts)} prompts, seed 0, {args.rounds} rounds; {machine()}\n")
    print(line(HEAD))
    print(line(["---"] * len(HEAD)))
    print(line(["reference", *[""] * 7, *said(wanted)]), flush=True)
    for name in [] if args.only_reference else args.settings or [""]:
        dream = fd.FuseDream("emoji", device="cpu", dtype="float32", settings={**pair_settings("emoji"), **parsed(name)})
        runs = [our_run(dream, prompt, ruler, score) for prompt, score in zip(prompts, wanted, strict=True)]
        print(our_line(name, runs, timed(pair, dream, args.rounds), dream.settings), flush=True)


if __name__ == "__main__":
    main()
