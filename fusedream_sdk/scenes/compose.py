"""Composed generation (section 3.3): every placement is a row of one batch, and the best picture wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fusedream_sdk.optim.halving import Race, stages
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.recipe import Recipe, Verb
from fusedream_sdk.run.report import make_recipe, make_result, record
from fusedream_sdk.runtime.progress import Advance, bar
from fusedream_sdk.scenes.candidates import Candidates
from fusedream_sdk.scenes.consistency import CONSISTENCY
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import Composed

Watch = Callable[[list[int], State], None]
"""Called with candidates' rows and their state after every evaluation."""


def compose(
    engine: Engine,
    request: Request,
    *,
    engines: Sequence[Engine] = (),
    progress: bool = True,
    watch: Watch = lambda rows, state: None,
) -> Composed:
    """Optimise every candidate and choose each picture's best, by AugCLIP on held-out views.

    Args:
        engine: the models.
        request: what to compose.
        engines: of the two layers, from `layer_engines`; made here by default.
        progress: show progress bars on stderr.
        watch: called with candidates' rows and their state after every evaluation.

    Returns:
        All candidates and the winners. After Ctrl-C: the best so far, of the candidates that had begun.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.3.
    """
    candidates = Candidates.prepare(engine, request, engines, progress=progress)
    settings, count = request.settings, len(request.placements)
    plan = stages(count, settings.steps, request.scene.halving, settings.check_every)
    with bar(f"composing {len(candidates)} candidates", progress) as advance:
        race = Race(
            groups=candidates.groups,
            run=candidates.states,
            chunk=candidates.at_a_time(),
            watch=counting(advance, cost(plan, count) * len(candidates.groups), watch),
        )
        race.go(plan)
    return finish(engine, candidates, race, progress=progress)


def counting(advance: Advance, total: int, watch: Watch) -> Watch:
    """A watcher that counts evaluations on a progress bar too."""
    done = 0

    def seen(rows: list[int], state: State) -> None:
        nonlocal done
        done += len(rows)
        advance(min(done, total), total)
        watch(rows, state)

    return seen


def cost(plan: Sequence[tuple[int, int]], count: int) -> int:
    """Evaluations of one group over a plan of `stages`: candidates times the points of their runs."""
    total, before = count, 0
    for end, survivors in plan:
        total, before, count = total + (end - before) * count, end, survivors
    return total


def finish(engine: Engine, candidates: Candidates, race: Race, *, progress: bool) -> Composed:
    """Render and score what the race came to, and let the best of each group win."""
    rows, outcome = race.outcome()
    with bar("scoring the candidates", progress) as advance:
        result = make_result(candidates.task.take(rows), outcome, composed_recipe(engine, candidates), advance)
    scores = {**result.scores, CONSISTENCY: candidates.consistency(outcome.best.latents)}
    groups = [[rows.index(row) for row in group if row in set(rows)] for group in candidates.groups]
    placements = candidates.request.placements
    return Composed.choose(
        replace(result, scores=scores),
        -outcome.best.loss.cpu(),
        starts=[placements[row % len(placements)] for row in rows],
        groups=[group for group in groups if group],
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
