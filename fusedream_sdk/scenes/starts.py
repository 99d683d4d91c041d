"""Where the layers of a scene begin: at pictures that complete each other, or each at the best for its prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.rows import Rows
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task, searched
from fusedream_sdk.scenes.layer import Still
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.scene import join
from fusedream_sdk.scoring.prompt import as_prompt
from fusedream_sdk.scoring.target import PromptTarget
from fusedream_sdk.search.building import mean_view
from fusedream_sdk.search.pairs import best_pairs

FRONT = 1 << 62  # sets the single draw of a foreground apart from its background's


def layer_starts(engines: Sequence[Engine], request: Request, rows: Rows, *, progress: bool) -> Latents:
    """A basis of k latents for each row of both layers: (B, k, ...) each, as `background.<name>`, `foreground.<name>`."""
    settings, target = request.settings, rows.target
    stills = [isinstance(e.generator.model, Still) for e in engines]
    for still, one in zip(stills, engines, strict=True):
        if not still:
            one.check_once()
    told = any(layer.prompt is not None for layer in request.layers)
    banked = all(still or e.has_bank for still, e in zip(stills, engines, strict=True))
    pairs = request.scene.pairs and settings.searches and banked and not told and not all(stills)
    if pairs and isinstance(target, PromptTarget):
        back, front = _paired(engines, settings, rows, target.embeddings.cpu(), progress=progress)
    else:
        back, front = (_alone(engines, request, rows, layer, progress=progress) for layer in (0, 1))
    return join(back, front, {})


def _alone(engines: Sequence[Engine], request: Request, rows: Rows, layer: int, *, progress: bool) -> Latents:
    """One layer's starts by itself."""
    one, prompt, settings = engines[layer], request.layers[layer].prompt, request.settings
    if isinstance(one.generator.model, Still):
        return _repeated(one.generator.model, len(rows), settings.basis)
    # Single draws from one seed would make both layers the same picture.
    other = layer == 1 and not settings.searches
    seeds = tuple(seed ^ FRONT if other else seed for seed in rows.seeds)
    if prompt is None:
        own = Rows(rows.prompts, seeds, rows.target)
    else:
        own = Rows.of(one.scorer.model, [(as_prompt(prompt), seed) for seed in seeds])
    return searched(Task(one, own, settings, progress))


def _paired(engines: Sequence[Engine], settings: Settings, rows: Rows, text: Tensor, *, progress: bool) -> list[Latents]:
    """Both layers' starts from the pairs that fit the prompt together."""
    models, k = [e.generator.model for e in engines], settings.basis
    banks = [
        None if isinstance(m, Still) else e.bank(settings, progress=progress) for e, m in zip(engines, models, strict=True)
    ]
    back, front = (
        _still_embedding(e, settings) if bank is None else bank.embeddings for e, bank in zip(engines, banks, strict=True)
    )
    one = torch.ones(1, dtype=torch.bool)
    visible = [[one if bank is None else bank.visible(seed, settings.samples) for bank in banks] for seed in rows.seeds]
    chosen = best_pairs(text, back, front, k=k, seen=[(behind, before) for behind, before in visible])
    return [
        _repeated(model, len(rows), k) if bank is None else bank.latents(model, index)
        for model, bank, index in zip(models, banks, chosen, strict=True)
    ]


def _repeated(still: Still, count: int, k: int) -> Latents:
    """A fixed picture's one latent as a basis of k for each row, without copies."""
    one = still.sample(1, rng=torch.Generator())
    return map_latents(lambda x: x.unsqueeze(1).expand(count, k, *x.shape[1:]), one)


def _still_embedding(engine: Engine, settings: Settings) -> Tensor:
    """The mean view embedding of a fixed picture, as in a bank of one: (1, D)."""
    still = engine.generator.model
    with torch.no_grad(), engine.precision():
        return mean_view(still.picture[None], engine.scorer.model, [0], engine.bank_recipe(settings)).cpu()
