"""FuseDream: from sentences to pictures, with any generator and any scorer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import torch
from typing_extensions import Unpack

from fusedream_sdk.dream.draw import Watch, draw_into
from fusedream_sdk.dream.machine import Machine, resolve_machine
from fusedream_sdk.dream.measure import measure
from fusedream_sdk.dream.prepare import prepare
from fusedream_sdk.dream.start import StartLike
from fusedream_sdk.imaging.pictures import PictureLike, read_pictures
from fusedream_sdk.inversion.from_bank import inversion_settings, invert_with
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.methods.loading import MethodLike, as_method
from fusedream_sdk.models.ensemble import ScorerLike
from fusedream_sdk.models.loading import ModelPair, choose, loaded_generator, loaded_scorer
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Generator, Perceptual, Reward, Scorer
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.estimate import Estimate, check_work
from fusedream_sdk.run.folder import Folder, as_folder
from fusedream_sdk.run.judge import Judge
from fusedream_sdk.run.recipe import DEFAULT_METHOD, MethodRecord, Verb
from fusedream_sdk.run.report import make_recipe
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.settings import OF_A_BANK, Settings, check_changes
from fusedream_sdk.runtime.checks import check_flag, check_function, check_kind, check_names, names_of
from fusedream_sdk.runtime.device import resolve_dtype
from fusedream_sdk.scenes.compose import compose
from fusedream_sdk.scenes.layer import LayerLike, as_layer
from fusedream_sdk.scenes.placement import Places, placements
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.search.bank import BankRecipe, LatentBank

Into: TypeAlias = str | Path | Folder | None
"""Where pictures go as soon as they are done: a folder, a file that ends in .png, or a `Folder`."""


class FuseDream:
    """A generator, a scorer, and everything between a sentence and a picture.

    Args:
        models: name of a ready pair (`fd.list_models()`), such as "emoji". Its judge, if it has one, scores the results too:
            it is loaded when the first pictures are finished; `settings={"judge": False}` does without.
        generator: name, folder or hub id for `load_generator`, or any object with the members of `Generator`.
        scorer: name, folder or hub id for `load_scorer`, or any `Scorer` or `Reward`; or an ensemble: a list of these, or a
            dictionary from names to weights.
        device: where named models are loaded; "auto" is CUDA if it is there, or the CPU. Objects stay where they are.
        dtype: "float32", "bfloat16", "float16", or "auto": bfloat16 where this machine is faster with it.
        settings: changes to the recommended settings, for every call.
        memory_gb: bound on the memory of the rows that run together on an accelerator, at most a million; half of what is free
            by default. On a CPU rows run one by one.
        perceptual: distance of two pictures for `compose` and `invert`: a name for `load_perceptual`, or any `Perceptual`;
            loaded on the first use. By default what the pair names, or "lpips", or "scorer" where that cannot be had.
        compile: run generator and scorer compiled in every step, by torch.compile. It takes minutes once, and rounds otherwise.

    Raises:
        UnknownPlugin, PluginImportError, DuplicatePlugin, WeightsError: a named model cannot be had.
        PluginContractError, InvalidInput: an object does not satisfy its protocol; unknown device, dtype or setting.
    """

    def __init__(
        self,
        models: str | ModelPair | None = None,
        *,
        generator: str | Generator | None = None,
        scorer: ScorerLike | None = None,
        settings: Mapping[str, Any] | None = None,
        perceptual: str | Perceptual | None = None,
        **machine: Unpack[Machine],
    ) -> None:
        check_changes({} if settings is None else settings)
        found = resolve_machine(**machine)
        chosen = choose(models, generator, scorer, perceptual)
        check_names(chosen.settings, names_of(Settings))
        loaded = loaded_generator(chosen.generator, found.device), loaded_scorer(chosen.scorer, found.device)
        device = loaded[0].device  # of an object it may be another
        judge = Judge(chosen.judge, device) if chosen.judge else None
        rest: dict[str, Any] = {"perceptual": chosen.perceptual, "judge": judge, "banks": chosen.banks}
        rest |= {"budget": found.budget, "compiles": found.compiles}
        self._engine = Engine(*loaded, dtype=resolve_dtype(found.dtype, device), **rest)
        own = getattr(self.generator, "recommended", {})
        self._settings = Settings().replace(**{**own, **chosen.settings, **(settings or {})})

    def __repr__(self) -> str:
        return f"FuseDream({self.engine.about})"

    @property
    def engine(self) -> Engine:
        """The models ready to run, for parts of your own."""
        return self._engine

    @property
    def settings(self) -> Settings:
        """The settings of every call that changes none."""
        return self._settings

    @property
    def generator(self) -> Generator:
        """The generator in use."""
        return self.engine.generator.model

    @property
    def scorer(self) -> Scorer | Reward:
        """The scorer in use."""
        return self.engine.scorer.model

    @property
    def device(self) -> torch.device:
        """Where the models live."""
        return self.engine.device

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the optimisation."""
        return self.engine.dtype

    def generate(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        seeds: int | Sequence[int] = 0,
        method: MethodLike = DEFAULT_METHOD,
        start: StartLike = None,
        progress: bool = True,
        watch: Watch | None = None,
        into: Into = None,
        **changes: Any,
    ) -> Result:
        """Draw every prompt from every seed.

        Args:
            prompts: P sentences, or `Prompt`s: weighted, negative, or pictures.
            seeds: S integers of at least 0. A (prompt, seed) gives the same picture whatever else is asked for: on a CPU to the
                bit, on an accelerator up to rounding.
            method: how: a name (`fd.list_methods()`), with or without options as `"random-search?population=32"`, or a
                `Method`.
            start: where the rows begin, in place of the method's own starts: a picture (a `Path`, a Pillow image, a tensor),
                which is inverted first; latents, of one row or of every row; or an `Inversion`. Such rows are not mixed.
            progress: show progress bars on stderr.
            watch: called with every state, and the rows of the result that it belongs to.
            into: a path or a `Folder` that takes each picture as soon as it is done, and can go on where a run was ended.
            **changes: settings for this call, such as `steps=200`; see `Settings`.

        Returns:
            P x S rows, prompt by prompt. After Ctrl-C: the best found so far, without the rows that had not begun.

        Raises:
            InvalidInput: a prompt, seed, start, method or setting cannot be used. PluginContractError: a model breaks its
            protocol. PluginFault: its code raised an error. UnknownPlugin, PluginImportError, DuplicatePlugin: a method cannot
            be had. OutputError: `into` cannot be written.
        """
        if watch is not None:
            check_function("watch", watch)
        folder = as_folder(into)
        with self.engine.faults():
            chosen, asked = as_method(method), (prompts, seeds)
            task, begin = prepare(
                *(self.engine, self.settings, asked, chosen, start, changes), progress=progress, folder=folder
            )
            recipe = replace(
                make_recipe(self.engine, task.settings, Verb.GENERATE),
                method=MethodRecord(chosen.name, chosen.options),
                **begin.about,
            )
            return draw_into(folder, task, chosen, begin, recipe, watch)

    def estimate(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        seeds: int | Sequence[int] = 0,
        method: MethodLike = DEFAULT_METHOD,
        **changes: Any,
    ) -> Estimate:
        """What `generate` would take with these arguments, in time, memory and disk: a little of it is run, and nothing kept.

        Raises:
            The errors of `generate`.
        """
        with self.engine.faults():
            return measure(self.engine, self.settings, (prompts, seeds), as_method(method), changes)

    def iterate(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        seeds: int | Sequence[int] = 0,
        method: MethodLike = DEFAULT_METHOD,
        start: StartLike = None,
        **changes: Any,
    ) -> Iterator[State]:
        """The same optimisation, driven by you: one `State` per step, all rows at once. Arguments as for `generate`."""
        with self.engine.faults():
            chosen = as_method(method)
            task, begin = prepare(self.engine, self.settings, (prompts, seeds), chosen, start, changes, progress=False)
        return chosen.states(task, begin.latents)

    def invert(
        self, pictures: PictureLike | Sequence[PictureLike], *, progress: bool = True, into: Into = None, **changes: Any
    ) -> Inversion:
        """Find the latents whose pictures are nearest to pictures of yours, as a start for everything else.

        Args:
            pictures: one or several: files, Pillow images, or tensors (3, h, w) in [0, 1]. One of another size is scaled, so
                that it covers the generator's canvas, and its centre is taken.
            progress: show progress bars on stderr.
            into: as for `generate`.
            **changes: of `InversionSettings`, such as `steps=500`. The learning rate is that of `settings` by default.

        Returns:
            One row per picture. After Ctrl-C: the best found so far, without the pictures that had not begun.

        Raises:
            InvalidInput: a picture or setting cannot be used. PluginContractError, WeightsError, PluginImportError: a model
            cannot be used or had.
        """
        check_flag("progress", progress)
        how = inversion_settings(self.settings, changes)
        read, folder = read_pictures("pictures", pictures), as_folder(into)
        with self.engine.faults():
            return invert_with(self.engine, read, how, self.settings, progress=progress, into=folder)

    def compose(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        places: Places = "all",
        scales: float | Sequence[float] | None = None,
        seeds: int | Sequence[int] = 0,
        background: LayerLike = None,
        foreground: LayerLike = None,
        progress: bool = True,
        into: Into = None,
        **changes: Any,
    ) -> Composed:
        """Compose two pictures, optimised together, for every prompt and seed (section 3.3).

        Step and placement are chosen by AugCLIP alone, not by the consistency; `keep="last"` takes the last step of each.

        Args:
            prompts: sentences or `Prompt`s, of two things each, say.
            places: "all" nine, or names such as "left" or "bottom-right"; every place at every scale is a candidate. Or one or
                several `Placement`, anywhere.
            scales: shares of the canvas that the foreground spans, in (0, 1]; 0.5 by default. A `Placement` has its own.
            seeds: integers of at least 0.
            background, foreground: a prompt of the layer's own, a picture of yours (`Path`, Pillow image or tensor) that
                stays as it is, a generator, or a `Layer` of these. The fused picture has to fit the whole prompt always.
            progress: show progress bars on stderr.
            into: as for `generate`; it takes each winner.
            **changes: of `SceneSettings`, such as `halving=2`, or of `Settings`, such as `steps=200`.

        Returns:
            The best candidate of each prompt and seed, and all the others.

        Raises:
            InvalidInput: a prompt, place, scale, picture or setting cannot be used. PluginContractError, WeightsError,
            PluginImportError: a model cannot be used or had.
        """
        check_flag("progress", progress)
        scene, settings = SceneSettings.split(changes, self.settings)
        pairs, where = each_with_each(prompts, seeds), placements(places, scales)
        layers = as_layer("background", background), as_layer("foreground", foreground)
        request = Request(pairs, where, layers, settings, scene)
        with self.engine.faults():
            check_work(len(pairs) * len(where), vars(settings), canvas=self.generator.resolution, side=self.scorer.resolution)
            return compose(self.engine, request, progress=progress, into=as_folder(into))

    def bank(self, *, progress: bool = True, **changes: Any) -> LatentBank:
        """The latent bank of these models and settings: from memory, a file, or built now and cached.

        Raises:
            InvalidInput: the scorer has no embeddings, or the generator depends on the prompt.
        """
        check_flag("progress", progress)
        check_names(changes, OF_A_BANK, "a setting of a bank")
        with self.engine.faults():
            return self.engine.bank(self.settings.replace(**changes), progress=progress)

    def bank_recipe(self, settings: Settings | None = None) -> BankRecipe:
        """What the bank of these models and settings is made of. Raises InvalidInput for what are no settings."""
        if settings is not None:
            check_kind("settings", settings, Settings, "Settings", "Make them: dream.settings.replace(bank=1000).")
        return self.engine.bank_recipe(settings or self.settings)
