"""FuseDream: from sentences to pictures, with any generator and any scorer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from fusedream_sdk.dream.start import Inverting, StartLike, begin_at, inversion_settings, invert_with, settings_of
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import PictureLike, read_pictures
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.models import loading as loading
from fusedream_sdk.models.ensemble import ScorerLike
from fusedream_sdk.optim.loop import Outcome, Selection, State, adam, iterate, optimise
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.run.engine import Engine, parametrise
from fusedream_sdk.run.report import make_recipe, make_result
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import check_seeds
from fusedream_sdk.runtime.device import resolve_device, resolve_dtype
from fusedream_sdk.runtime.memory import rows_that_fit
from fusedream_sdk.runtime.progress import bar
from fusedream_sdk.scenes.compose import Request, compose
from fusedream_sdk.scenes.layer import LayerLike, as_layer
from fusedream_sdk.scenes.placement import Places, placements
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.prompt import Prompt, PromptLike, check_prompts
from fusedream_sdk.search.bank import BankRecipe, LatentBank

Watch = Callable[[State, range], None]
"""Called with every state of a chunk and the rows of the result that the chunk makes."""


class FuseDream:
    """A generator, a scorer, and everything between a sentence and a picture.

    Args:
        models: name of a ready pair (`fd.list_models()`), such as "emoji".
        generator: name, folder or hub id for `load_generator`, or any object with the members of `Generator`.
        scorer: name, folder or hub id for `load_scorer`, or any `Scorer` or `Reward`; or an ensemble: a list of these, or a
            dictionary from names to weights.
        device: where named models are loaded; "auto" is CUDA if it is there, or the CPU. Objects stay where they are.
        dtype: "float32", "bfloat16", "float16", or "auto": bfloat16 where this machine is faster with it.
        settings: changes to the recommended settings, for every call.
        memory_gb: bound on the memory of a chunk of rows; half of what is free by default.
        perceptual: distance of two pictures for `compose` and `invert`: a name for `load_perceptual`, or any `Perceptual`;
            loaded on the first use. By default what the pair of models names, or "lpips".

    Raises:
        UnknownPlugin, PluginImportError, DuplicatePlugin, WeightsError: a named model cannot be had.
        PluginContractError, InvalidInput: an object does not satisfy its protocol; unknown device, dtype or setting.
    """

    def __init__(
        self,
        models: str | loading.ModelPair | None = None,
        *,
        generator: str | Generator | None = None,
        scorer: ScorerLike | None = None,
        device: str = "auto",
        dtype: str = "auto",
        settings: Mapping[str, Any] | None = None,
        memory_gb: float | None = None,
        perceptual: str | Perceptual | None = None,
    ) -> None:
        if memory_gb is not None and not memory_gb > 0:
            raise InvalidInput("memory_gb", expected="a positive number", got=memory_gb)
        where = resolve_device(device)
        chosen_generator, chosen_scorer, recommended = loading.resolve_pair(models, generator, scorer)
        loaded = loading.load_generator(chosen_generator, where), loading.load_scorer(chosen_scorer, where)
        budget = None if memory_gb is None else memory_gb * 1e9
        self._perceptual = loading.choose_perceptual(models, perceptual)
        self._engine = Engine(*loaded, dtype=resolve_dtype(dtype, loaded[0].device), budget=budget)
        own = dict(getattr(self.generator, "recommended", {}))
        self.settings = Settings().replace(**{**own, **recommended, **(settings or {})})

    @property
    def generator(self) -> Generator:
        """The generator in use."""
        return self._engine.generator.model

    @property
    def scorer(self) -> Scorer | Reward:
        """The scorer in use."""
        return self._engine.scorer.model

    @property
    def device(self) -> torch.device:
        """Where the models live."""
        return self._engine.device

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the optimisation."""
        return self._engine.dtype

    def generate(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        seeds: int | Sequence[int] = 0,
        start: StartLike = None,
        progress: bool = True,
        watch: Watch | None = None,
        **changes: Any,
    ) -> Result:
        """Draw every prompt from every seed.

        Args:
            prompts: P sentences, or `Prompt`s: weighted, negative, or pictures.
            seeds: S integers of at least 0; a (prompt, seed) gives the same picture whatever else is asked for.
            start: where the rows begin, in place of a search and a mixture: a picture (a `Path`, a Pillow image, a tensor),
                which is inverted first; latents, of one row or of every row; or an `Inversion`. "paper", "random" and "best"
                are the setting of that name.
            progress: show progress bars on stderr.
            watch: called with every state, and the rows of the result that it belongs to.
            **changes: settings for this call, such as `steps=200`; see `Settings`.

        Returns:
            P x S rows, prompt by prompt. After Ctrl-C: the best found so far, without the rows that had not begun.

        Raises:
            InvalidInput: a prompt, seed, start or setting cannot be used. PluginContractError: a model breaks its protocol.
        """
        settings = settings_of(self.settings, start, changes)
        all_prompts, all_seeds = self._rows(prompts, seeds)
        begin = begin_at(self._engine, start, all_prompts, all_seeds, settings, self._inverting, progress=progress)
        recipe = make_recipe(self._engine.generator, self._engine.scorer, settings, self.dtype) | begin.about
        chunk = self._chunk(all_prompts, all_seeds, begin.latents, settings)
        parts: list[Result] = []
        for first in range(0, len(all_prompts), chunk):
            rows = range(first, min(first + chunk, len(all_prompts)))
            part = slice(rows.start, rows.stop)
            own = (all_prompts[part], all_seeds[part])
            try:
                states = self._states(*own, select(begin.latents, part), settings)
                outcome = self._run(states, rows, len(all_prompts), settings, progress, watch)
                with bar("scoring", progress) as advance:
                    parts.append(make_result(self.generator, self.scorer, *own, outcome, settings, recipe, advance))
            except KeyboardInterrupt:  # before this chunk had anything to give
                if not parts:
                    raise
                break
            if "cancelled" in outcome.status:
                break
        result = Result.concatenate(parts)
        return replace(result, starts=begin.fingerprints[: len(result)])

    def iterate(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        seeds: int | Sequence[int] = 0,
        start: StartLike = None,
        **changes: Any,
    ) -> Iterator[State]:
        """The same optimisation, driven by you: one `State` per step, all rows at once. Arguments as for `generate`."""
        settings = settings_of(self.settings, start, changes)
        all_prompts, all_seeds = self._rows(prompts, seeds)
        begin = begin_at(self._engine, start, all_prompts, all_seeds, settings, self._inverting, progress=False)
        return self._states(all_prompts, all_seeds, begin.latents, settings)

    def invert(self, pictures: PictureLike | Sequence[PictureLike], *, progress: bool = True, **changes: Any) -> Inversion:
        """Find the latents whose pictures are nearest to pictures of yours, as a start for everything else.

        Args:
            pictures: one or several: files, Pillow images, or tensors (3, h, w) in [0, 1]. One of another size is scaled, so
                that it covers the generator's canvas, and its centre is taken.
            progress: show progress bars on stderr.
            **changes: of `InversionSettings`, such as `steps=500`. The learning rate is that of `settings` by default.

        Returns:
            One row per picture. After Ctrl-C: the best found so far.

        Raises:
            InvalidInput: a picture or setting cannot be used. PluginContractError, WeightsError, PluginImportError: a model
            cannot be used or had.
        """
        read = read_pictures("pictures", pictures)
        how = self._inverting(**changes)
        self._engine.check_once()
        return invert_with(self._engine, read, how, self.settings, progress=progress)

    def compose(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        places: Places = "all",
        scales: float | Sequence[float] = 0.5,
        seeds: int | Sequence[int] = 0,
        background: LayerLike = None,
        foreground: LayerLike = None,
        progress: bool = True,
        **changes: Any,
    ) -> Composed:
        """Compose two pictures, optimised together, for every prompt and seed (section 3.3).

        Args:
            prompts: sentences or `Prompt`s, of two things each, say.
            places: "all" nine, or names such as "left" or "bottom-right"; every place at every scale is a candidate. Or one or
                several `Placement`, anywhere.
            scales: shares of the canvas that the foreground spans, in (0, 1].
            seeds: integers of at least 0.
            background, foreground: a prompt of the layer's own, a picture of yours (`Path`, Pillow image or tensor) that
                stays as it is, a generator, or a `Layer` of these. The fused picture has to fit the whole prompt always.
            progress: show progress bars on stderr.
            **changes: of `SceneSettings`, such as `halving=2`, or of `Settings`, such as `steps=200`.

        Returns:
            The best candidate of each prompt and seed, and all the others.

        Raises:
            InvalidInput: a prompt, place, scale, picture or setting cannot be used. PluginContractError, WeightsError,
            PluginImportError: a model cannot be used or had.
        """
        scene, rest = SceneSettings.split(changes)
        all_prompts, all_seeds = self._rows(prompts, seeds)
        layers = as_layer("background", background), as_layer("foreground", foreground)
        where = placements(places, scales)
        settings = self.settings.replace(**rest)
        request = Request(all_prompts, all_seeds, where, layers, settings, scene, self._distance())
        return compose(self._engine, request, progress=progress)

    def bank(self, *, progress: bool = True, **changes: Any) -> LatentBank:
        """The latent bank of these models and settings: from memory, the user's cache folder, or built now and cached.

        Raises:
            InvalidInput: the scorer has no embeddings, or the generator depends on the prompt.
        """
        return self._engine.bank(self.settings.replace(**changes), progress=progress)

    def bank_recipe(self, settings: Settings | None = None) -> BankRecipe:
        """What the bank of these models and settings is made of."""
        return self._engine.bank_recipe(settings or self.settings)

    def _distance(self) -> loading.Loaded:
        """The perceptual distance, loaded on its first use."""
        if not isinstance(self._perceptual, loading.Loaded):
            self._perceptual = loading.load_perceptual(self._perceptual, self.device, self.scorer)
        return self._perceptual

    def _inverting(self, **changes: Any) -> Inverting:
        """How pictures are inverted."""
        settings = inversion_settings(self.settings, changes)  # refuses what it does not know before a model is loaded
        return Inverting(self._distance(), settings)

    def _rows(self, prompts: PromptLike | Sequence[PromptLike], seeds: int | Sequence[int]) -> tuple[list[Prompt], list[int]]:
        """P x S rows, prompt by prompt."""
        pairs = [(p, s) for p in check_prompts(prompts) for s in check_seeds(seeds)]
        return [p for p, _ in pairs], [s for _, s in pairs]

    def _states(self, prompts: list[Prompt], seeds: list[int], starts: Latents, settings: Settings) -> Iterator[State]:
        objective, holdout = self._engine.objectives(prompts, seeds, settings)
        parametrisation = parametrise(self.generator, starts, seeds, settings)
        return iterate(
            *(objective, parametrisation, parametrisation.params),
            steps=settings.steps,
            make_optimiser=adam(settings.lr),
            selection=Selection(holdout, settings.check_every, settings.patience),
        )

    def _chunk(self, prompts: list[Prompt], seeds: list[int], starts: Latents, settings: Settings) -> int:
        """Rows at a time within the memory budget."""
        if len(prompts) == 1:
            return 1

        def build(n: int) -> AugCLIP:
            return self._engine.objectives(prompts[:n], seeds[:n], settings)[0]

        return rows_that_fit(build, map_latents(lambda x: x[:2, 0], starts), self._engine.budget)

    def _run(
        self, states: Iterator[State], rows: range, total: int, settings: Settings, progress: bool, watch: Watch | None
    ) -> Outcome:
        label = "dreaming" if len(rows) == total else f"dreaming {rows.stop} of {total}"
        with bar(label, progress) as advance:

            def seen(state: State) -> None:
                advance(state.step, settings.steps)
                if watch is not None:
                    watch(replace(state), rows)

            return optimise(states, watch=seen)
