"""Composed generation (section 3.3): every placement is a row of one batch, and the best picture wins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.models import loading as loading
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.halving import Race, stages
from fusedream_sdk.optim.loop import Selection, State, adam, iterate
from fusedream_sdk.protocols import Perceptual
from fusedream_sdk.run.engine import Engine, parametrise
from fusedream_sdk.run.report import RENDER_BATCH, make_recipe, make_result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.memory import rows_that_fit
from fusedream_sdk.runtime.progress import bar
from fusedream_sdk.scenes.consistency import CONSISTENCY, Composition, make_direction
from fusedream_sdk.scenes.layer import Layer, Still, read_still
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.scene import FREE_SCALES, Scene, join, placed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.scoring.target import embed
from fusedream_sdk.search.bank import mean_view
from fusedream_sdk.search.pairs import best_pairs

LAYERS = ("background", "foreground")
FRONT = 1 << 62  # sets the single draw of a foreground apart from its background's


@dataclass(frozen=True)
class Request:
    """What is asked for: every placement for each of these rows.

    Attributes:
        prompts, seeds: one each for every picture that is wanted.
        placements: the discrete set, or where free placements begin.
        layers: background and foreground.
        settings: of any picture. scene: of a composition.
        perceptual: the consistency's distance, with its name.
    """

    prompts: Sequence[PromptLike]
    seeds: list[int]
    placements: list[Placement]
    layers: tuple[Layer, Layer]
    settings: Settings
    scene: SceneSettings
    perceptual: Loaded


def compose(
    engine: Engine,
    request: Request,
    *,
    engines: Sequence[Engine] = (),
    progress: bool = True,
    watch: Callable[[list[int], State], None] = lambda rows, state: None,
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
    """
    engines = engines or layer_engines(engine, request.layers)
    request = replace(request, settings=request.settings.replace(start=request.scene.start))
    if request.scene.free:
        request = replace(request, scene=replace(request.scene, free=free_scales(request.scene.free, request.placements)))
    settings, wanted = request.settings, request.scene
    scene = Scene(
        *(engines[0].generator.model, engines[1].generator.model, "free" if wanted.free else request.placements),
        feather=wanted.feather,
        scales=FREE_SCALES if isinstance(wanted.free, bool) else wanted.free,
    )
    if all(spec.frozen for spec in scene.space.values()):
        expected = "at least one layer that is drawn, or a free placement"
        raise InvalidInput("foreground", expected=expected, got="two fixed pictures")
    count = len(request.placements)
    starts = layer_starts(engines, request, progress=progress)
    # Of what is frozen only the first of a basis is used: a picture of the user's is not copied for the others.
    starts = {n: (x[:, :1] if scene.space[n].frozen else x).repeat_interleave(count, dim=0) for n, x in starts.items()}
    basis = max(x.shape[1] for x in starts.values()) if wanted.free else 1
    place = placed(request.placements * len(request.prompts))
    place = map_latents(lambda x: x.to(engine.device).unsqueeze(1).expand(-1, basis, -1), place)
    work = _Work(engine, scene, request, {**starts, **place}, [e.generator for e in engines])
    race = Race(
        groups=[range(i * count, (i + 1) * count) for i in range(len(request.prompts))],
        run=work.states,
        chunk=work.chunk(),
    )
    plan = stages(count, settings.steps, wanted.halving, settings.check_every)
    total = cost(plan, count) * len(request.prompts)
    with bar(f"composing {len(work.prompts)} candidates", progress) as advance:
        done = [0]

        def seen(rows: list[int], state: State) -> None:
            done[0] += len(rows)
            advance(min(done[0], total), total)
            watch(rows, state)

        race.watch = seen
        race.go(plan)
    return work.finish(race, progress=progress)


def cost(plan: Sequence[tuple[int, int]], count: int) -> int:
    """Evaluations of one group over a plan of `stages`: candidates times the points of their runs."""
    total, before = count, 0
    for end, survivors in plan:
        total, before, count = total + (end - before) * count, end, survivors
    return total


def layer_engines(engine: Engine, layers: Sequence[Layer]) -> list[Engine]:
    """The engines of the background and the foreground. Raises InvalidInput for a picture that cannot be used."""
    return [layer_engine(engine, layer, role) for layer, role in zip(layers, LAYERS, strict=True)]


def layer_engine(engine: Engine, layer: Layer, role: str) -> Engine:
    """The engine of one layer: the same, or one with the layer's own generator or picture."""
    if layer.picture is not None:
        return engine.drawing_with(Loaded(read_still(role, layer.picture, engine.generator.model), None))
    if layer.generator is not None:
        return engine.drawing_with(loading.load_generator(layer.generator, engine.device))
    return engine


def layer_starts(engines: Sequence[Engine], request: Request, *, progress: bool) -> Latents:
    """A basis of k latents for each row of both layers: (B, k, ...) each, as `background.<name>`, `foreground.<name>`."""
    settings = request.settings
    stills = [isinstance(e.generator.model, Still) for e in engines]
    for still, one in zip(stills, engines, strict=True):
        if not still:
            one.check_once()
    told = [layer.prompt is not None for layer in request.layers]
    banked = all(still or e.has_bank for still, e in zip(stills, engines, strict=True))
    if request.scene.pairs and settings.searches and banked and not any(told) and not all(stills):
        back, front = _paired(engines, request, progress=progress)
        return join(back, front, {})

    def alone(layer: int) -> Latents:
        one, prompt = engines[layer], request.layers[layer].prompt
        if stills[layer]:
            return _repeated(one, len(request.seeds), settings.basis)
        prompts = request.prompts if prompt is None else [prompt] * len(request.prompts)
        # Single draws from one seed would make both layers the same picture.
        other = layer == 1 and not settings.searches
        seeds = [seed ^ FRONT if other else seed for seed in request.seeds]
        return one.starts(prompts, seeds, settings, progress=progress)

    return join(alone(0), alone(1), {})


def _paired(engines: Sequence[Engine], request: Request, *, progress: bool) -> list[Latents]:
    """Both layers' starts from the pairs that fit the prompt together."""
    settings, k = request.settings, request.settings.basis
    scorer = engines[0].scorer.model
    banks = [None if isinstance(e.generator.model, Still) else e.bank(settings, progress=progress) for e in engines]
    embeddings = [_still_embedding(e, settings) if b is None else b.embeddings for e, b in zip(engines, banks, strict=True)]
    text = embed(scorer, request.prompts).cpu()
    one = torch.ones(1, dtype=torch.bool)
    seen = [tuple(one if b is None else b.visible(s, settings.samples) for b in banks) for s in request.seeds]
    chosen = best_pairs(text, *embeddings, k=k, seen=seen)  # pyright: ignore[reportArgumentType] - two of each
    return [
        _repeated(e, len(request.seeds), k) if bank is None else bank.latents(e.generator.model, index)
        for e, bank, index in zip(engines, banks, chosen, strict=True)
    ]


def _repeated(engine: Engine, count: int, k: int) -> Latents:
    """A fixed picture's one latent as a basis of k for each row, without copies."""
    still = engine.generator.model
    one = still.sample(1, rng=torch.Generator())
    return map_latents(lambda x: x.unsqueeze(1).expand(count, k, *x.shape[1:]), one)


def _still_embedding(engine: Engine, settings: Settings) -> Tensor:
    """The mean view embedding of a fixed picture, as in a bank of one: (1, D)."""
    still = engine.generator.model
    with torch.no_grad(), engine.precision():
        return mean_view(still.picture[None], engine.scorer.model, [0], engine.bank_recipe(settings)).cpu()


def free_scales(wanted: bool | tuple[float, float], starts: Sequence[Placement]) -> tuple[float, float]:
    """How far the scale of a free placement may go, see `SceneSettings`. Raises InvalidInput where one begins outside."""
    if isinstance(wanted, bool):
        return 0.5 * min(p.scale for p in starts), min(1.5 * max(p.scale for p in starts), 1.0)
    for start in starts:
        if not wanted[0] <= start.scale <= wanted[1]:
            expected = f"from {wanted[0]:g} to {wanted[1]:g}, as `free` says"
            raise InvalidInput("scales", expected=expected, got=start.scale)
    return wanted


class _Work:
    """The rows of a composition, ready to be run in any part."""

    def __init__(self, engine: Engine, scene: Scene, request: Request, starts: Latents, layers: Sequence[Loaded]) -> None:
        self.engine, self.scene, self.request, self.starts, self.layers = engine, scene, request, starts, layers
        count = len(request.placements)
        self.prompts = [prompt for prompt in request.prompts for _ in range(count)]
        self.seeds = [seed for seed in request.seeds for _ in range(count)]  # one for all candidates: they see the same views

    def losses(self, rows: Sequence[int]) -> tuple[Composition, Any]:
        """Both losses of some rows, and AugCLIP on the held-out views that choose."""
        prompts, seeds = [self.prompts[i] for i in rows], [self.seeds[i] for i in rows]
        steered, held_out = self.engine.objectives(prompts, seeds, self.request.settings, generator=self.scene)
        distance: Perceptual = self.request.perceptual.model
        return Composition(self.scene, steered, distance, reading=self.request.scene.reading), held_out

    def states(self, rows: list[int], until: int, state: State | None) -> Iterator[State]:
        """The states of some rows up to a step, from their start or from where they stand."""
        settings, scene = self.request.settings, self.request.scene
        objective, held_out = self.losses(rows)
        seeds = [self.seeds[i] for i in rows]
        parametrisation = parametrise(self.scene, select(self.starts, rows), seeds, settings)
        plain = scene.update == "plain"
        return iterate(
            *(objective, parametrisation, parametrisation.params),
            steps=until,
            direction=make_direction(scene.method, alpha=scene.alpha, coefficient=scene.coefficient),
            make_optimiser=(lambda params: torch.optim.SGD(params, lr=settings.lr)) if plain else adam(settings.lr),
            selection=Selection(held_out, settings.check_every, settings.patience),
            resume=state,
        )

    def chunk(self) -> int:
        """Rows at a time within the memory budget."""
        if len(self.prompts) == 1:
            return 1
        two = map_latents(lambda x: x[:2, 0], self.starts)
        return rows_that_fit(lambda n: self.losses(range(n))[0], two, self.engine.budget)

    def finish(self, race: Race, *, progress: bool) -> Composed:
        """Render and score what the race came to."""
        rows, outcome = race.outcome()
        settings = self.request.settings
        recipe = make_recipe(self.engine.generator, self.engine.scorer, settings, self.engine.dtype)
        recipe |= {"method": "compose", "scene": self.request.scene.to_json(), "layers": self.describe_layers()}
        recipe |= {"perceptual": self.request.perceptual.describe()}
        prompts, seeds = [self.prompts[i] for i in rows], [self.seeds[i] for i in rows]
        models = self.scene, self.engine.scorer.model
        with bar("scoring the candidates", progress) as advance:
            result = make_result(*models, prompts, seeds, outcome, settings, recipe, advance)
        result.scores[CONSISTENCY] = self.consistency(outcome.best.latents, rows)
        held_out = -outcome.best.loss.cpu()
        begun = set(rows)
        groups = [[row for row in group if row in begun] for group in race.groups]
        count = len(self.request.placements)
        return Composed.choose(
            result,
            held_out,
            starts=[self.request.placements[row % count] for row in rows],
            groups=[[rows.index(row) for row in group] for group in groups if group],
            scene=self.scene,
        )

    def consistency(self, latents: Latents, rows: Sequence[int]) -> Tensor:
        """The consistency loss of the clean pictures: (B,), lower is better."""
        out, losses = [], self.losses(rows[:1])[0]  # the distance knows of no prompt
        with torch.no_grad():
            for first in range(0, len(rows), RENDER_BATCH):
                part = range(first, min(first + RENDER_BATCH, len(rows)))
                point = select(latents, part)
                layers = [layer.float() for layer in self.scene.layers(point)]
                fused = self.scene.fuse(layers, point)
                out.append(losses.distance(layers, fused, point).cpu())
        return torch.cat(out)

    def describe_layers(self) -> list[dict[str, Any]]:
        """The layers, for a recipe."""
        described = []
        for layer, loaded in zip(self.request.layers, self.layers, strict=True):
            own = layer.generator is not None or layer.picture is not None
            generator = loaded.describe() if own else None
            prompt = None if layer.prompt is None else str(layer.prompt)
            described.append({"prompt": prompt, "generator": generator, "picture": layer.picture is not None})
        return described
