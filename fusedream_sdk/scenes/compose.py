"""Composed generation (section 3.3): every placement is a row of one batch, and the best picture wins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from fusedream_sdk.optim.halving import Race, stages
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.filling import Filling
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.recipe import Recipe, Verb
from fusedream_sdk.run.report import make_recipe, make_result, record
from fusedream_sdk.run.result import FILE
from fusedream_sdk.run.saving import stems_of
from fusedream_sdk.runtime.chunks import run_chunks
from fusedream_sdk.runtime.progress import Tally, bar
from fusedream_sdk.scenes.candidates import Candidates
from fusedream_sdk.scenes.consistency import CONSISTENCY
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import CANDIDATES, SHEET, Composed

Done = Callable[[range, Composed], None]
"""Called with the place of a picture and what came of its candidates."""

Watch = Callable[[list[int], State], None]
"""Called with candidates' rows and their state after every evaluation."""


def compose(
    engine: Engine,
    request: Request,
    *,
    engines: Sequence[Engine] = (),
    progress: bool = True,
    watch: Watch = lambda rows, state: None,
    into: Folder | None = None,
) -> Composed:
    """Optimise every candidate and choose each picture's best, by AugCLIP on held-out views; one picture after the other.

    The consistency shapes every step and chooses nothing: the kept step of a candidate is the one with the best AugCLIP,
    whatever its seam, and so is the winner. With the setting `keep="last"` a candidate's last step is kept, as far as the
    direction came; AugCLIP then chooses among the candidates alone.

    Args:
        engine: the models.
        request: what to compose.
        engines: of the two layers, from `layer_engines`; made here by default.
        progress: show progress bars on stderr.
        watch: called with candidates' rows and their state after every evaluation.
        into: takes each winner as soon as its group is done; those that are there already are not composed again.

    Returns:
        All candidates and the winners. After Ctrl-C: the best so far, of the candidates that had begun.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.3.
    """
    prompts, seeds = [str(prompt) for prompt, _ in request.pairs], [seed for _, seed in request.pairs]
    stems, beside = stems_of(prompts, seeds), [SHEET, CANDIDATES, FILE]
    if into is not None:
        into.plan(stems, beside)  # before anything is drawn
    candidates = Candidates.prepare(engine, request, engines, progress=progress)
    recipe = composed_recipe(engine, candidates)

    def work(left: list[int], done: Done = lambda rows, made: None) -> Composed:
        def one(rows: range) -> tuple[Composed, bool]:
            where = "" if len(left) == 1 else f", picture {rows.stop} of {len(left)}"
            return compose_one(candidates, recipe, left[rows.start], (where, progress), watch)

        parts, _ = run_chunks(len(left), 1, one, stopped=lambda made: made[1], done=lambda rows, made: done(rows, made[0]))
        if not parts:
            raise KeyboardInterrupt
        return Composed.concatenate([made for made, _ in parts])

    if into is None:
        return work(list(range(len(candidates.groups))))
    places = [str(place) for place in request.placements]
    filling = Filling(
        asked={"recipe": recipe.to_json(), "prompts": prompts, "seeds": seeds, "placements": places},
        stems=stems,
        beside=beside,
        whole=CANDIDATES,
        load=lambda path: Composed.load_part(path, candidates.scene),
        split=Composed.split,
        join=Composed.concatenate,
    )
    return filling.run(into, work)


def compose_one(
    candidates: Candidates, recipe: Recipe, picture: int, shown: tuple[str, bool], watch: Watch
) -> tuple[Composed, bool]:
    """Let the candidates of one picture race; also whether Ctrl-C ended it. Raises KeyboardInterrupt before any is judged."""
    request, (where, progress) = candidates.request, shown
    settings, count = request.settings, len(request.placements)
    plan = stages(count, settings.steps, request.scene.halving, settings.check_every)
    with bar(f"composing {count} candidates{where}", progress) as advance:
        race = Race(
            groups=[candidates.groups[picture]],
            run=candidates.states,
            chunk=candidates.at_a_time(),
            watch=counting(advance, cost(plan, count), watch),
        )
        race.go(plan)
    return finish(candidates, race, recipe, progress=progress), race.cancelled


def counting(advance: Tally, total: int, watch: Watch) -> Watch:
    """A watcher that counts evaluations on a progress bar too, with the best score of all candidates so far."""
    done, best = 0, -math.inf

    def seen(rows: list[int], state: State) -> None:
        nonlocal done, best
        done, best = done + len(rows), max([best, *state.best.scores])
        advance(min(done, total), total, lambda: f"best {best:.3f}" if math.isfinite(best) else "")
        watch(rows, state)

    return seen


def cost(plan: Sequence[tuple[int, int]], count: int) -> int:
    """Evaluations of one group over a plan of `stages`: candidates times the points of their runs."""
    total, before = count, 0
    for end, survivors in plan:
        total, before, count = total + (end - before) * count, end, survivors
    return total


def finish(candidates: Candidates, race: Race, recipe: Recipe, *, progress: bool) -> Composed:
    """Render and score what the race came to, and let the best win."""
    rows, outcome = race.outcome()
    with bar("scoring the candidates", progress) as advance:
        result = make_result(candidates.task.take(rows), outcome, recipe, advance)
    scores = {**result.scores, CONSISTENCY: candidates.consistency(outcome.best.latents)}
    placements = candidates.request.placements
    return Composed.choose(
        replace(result, scores=scores),
        -outcome.best.loss.cpu(),
        starts=[placements[row % len(placements)] for row in rows],
        groups=[range(len(rows))],
        scene=candidates.scene,
    )


def composed_recipe(engine: Engine, candidates: Candidates) -> Recipe:
    """What is the same for every candidate."""
    request = candidates.request
    return replace(
        make_recipe(engine, request.settings, Verb.COMPOSE),
        scene=request.scene.to_json(),
        layers=request.describe_layers(candidates.engines),
        perceptual=record(engine.perceptual),
    )
