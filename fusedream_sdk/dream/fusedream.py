"""FuseDream: from sentences to pictures, with any generator and any scorer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fusedream_sdk.batch.plan import wanted_rows
from fusedream_sdk.dream.basis import Pool, find_pool, pool_settings, unpinned
from fusedream_sdk.dream.draw import Watch, checked_watch, draw_into, drawn_by
from fusedream_sdk.dream.filming import FilmLike, as_filming, filmed, filmed_scenes
from fusedream_sdk.dream.live import previewed, previewing
from fusedream_sdk.dream.measure import measure
from fusedream_sdk.dream.prepare import make_task, prepare
from fusedream_sdk.dream.session import Session
from fusedream_sdk.dream.start import StartLike
from fusedream_sdk.dream.stream import CaptionsLike, as_captions, jobs_of, rows_of
from fusedream_sdk.imaging.pictures import PictureLike, read_pictures
from fusedream_sdk.inversion.from_bank import inversion_settings, invert_with
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.methods.loading import MethodLike, as_method
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.estimate import Estimate, check_work
from fusedream_sdk.run.folder import Folder, as_folder
from fusedream_sdk.run.recipe import DEFAULT_METHOD
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.runtime.checks import check_flag
from fusedream_sdk.scenes.compose import compose
from fusedream_sdk.scenes.layer import LayerLike, as_layer
from fusedream_sdk.scenes.placement import Places, placements
from fusedream_sdk.scenes.request import Request
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import PromptLike

Into: TypeAlias = str | Path | Folder | None
"""Where pictures go as soon as they are done: a folder, a file that ends in .png, or a `Folder`."""


class FuseDream(Session):
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
        film: FilmLike = None,
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
            progress: show progress bars on stderr; in a notebook the pictures so far.
            watch: called with every state, and the rows of the result that it belongs to. Where it raises KeyboardInterrupt
                the run ends as by Ctrl-C.
            into: a path or a `Folder` that takes each picture as soon as it is done, and can go on where a run was ended.
            film: a .gif or .mp4, or a `Filming`, that takes a film of the run, all rows side by side, whatever ends it.
            **changes: settings for this call, such as `steps=200`; see `Settings`. `pin=[3, 17]` begins at these starts of the
                search, as `basis` shows them; `drop=[2]` leaves one out.

        Returns:
            P x S rows, prompt by prompt. After Ctrl-C: the best found so far, without the rows that had not begun.

        Raises:
            InvalidInput: a prompt, seed, start, method or setting cannot be used. PluginContractError: a model breaks its
            protocol. PluginFault: its code raised an error. UnknownPlugin, PluginImportError, DuplicatePlugin: a method cannot
            be had. OutputError: `into` cannot be written.
        """
        watch = checked_watch(watch)
        folder, filming = as_folder(into), as_filming(film)
        with self.engine.faults():
            chosen, asked = as_method(method), (prompts, seeds)
            task, begin = prepare(
                *(self.engine, self.settings, asked, chosen, start, changes), progress=progress, folder=folder
            )
            recipe = drawn_by(task, chosen, begin)
            with previewed(task, watch) as (shown, watch):
                return filmed(filming, shown, watch, lambda seen: draw_into(folder, shown, chosen, begin, recipe, seen))

    def stream(
        self,
        captions: CaptionsLike,
        seeds: int | Sequence[int] = 0,
        *,
        method: MethodLike = DEFAULT_METHOD,
        progress: bool = False,
        **changes: Any,
    ) -> Iterator[Result]:
        """Draw many captions, and have each picture as soon as it is there; no more than a few are held.

            for row in dream.stream(captions, seeds=range(4)):
                row.save(f"{row.seeds[0]}.png")

        Args:
            captions: sentences, a `Path` of a file of captions, or what `read_captions` makes of one.
            seeds: for every caption that has none of its own.
            method, **changes: as for `generate`; a caption's own settings come last.
            progress: show one bar on stderr.

        Returns:
            A Result of one row for each, caption by caption; the same pictures as those of `generate`. Where the loop is left,
            nothing more is drawn. Ctrl-C raises KeyboardInterrupt.

        Raises:
            The errors of `generate` and of `read_captions`, before the first row where they can be known.
        """
        check_flag("progress", progress)
        with self.engine.faults():
            chosen, rows = as_method(method), wanted_rows(as_captions(captions), seeds)
            jobs = jobs_of(self.settings, chosen, rows, changes)
        return rows_of(self.engine, chosen, jobs, progress=progress)

    def basis(
        self,
        prompts: PromptLike | Sequence[PromptLike],
        *,
        seeds: int | Sequence[int] = 0,
        method: MethodLike = DEFAULT_METHOD,
        count: int | None = None,
        progress: bool = True,
        **changes: Any,
    ) -> Pool:
        """What the search finds for every prompt and seed, before anything is optimised: `generate` begins at the first few.

        Args:
            prompts, seeds, method, progress, **changes: as for `generate`.
            count: starts shown of each row, best first, at most `samples`; 20 by default.

        Returns:
            One row per prompt and seed. The places on its `sheet()` are those that `generate` takes as `pin` and `drop`.

        Raises:
            The errors of `generate`. InvalidInput: the method does not search.
        """
        check_flag("progress", progress)
        with self.engine.faults():
            chosen = as_method(method)
            settings, shown = pool_settings(chosen, self.settings, changes, count)
            task = make_task(self.engine, settings, each_with_each(prompts, seeds), chosen, progress=progress)
            return find_pool(task, shown)

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
        self,
        pictures: PictureLike | Sequence[PictureLike],
        *,
        progress: bool = True,
        watch: Watch | None = None,
        into: Into = None,
        **changes: Any,
    ) -> Inversion:
        """Find the latents whose pictures are nearest to pictures of yours, as a start for everything else.

        Args:
            pictures: one or several: files, Pillow images, or tensors (3, h, w) in [0, 1]. One of another size is scaled, so
                that it covers the generator's canvas, and its centre is taken.
            progress: show progress bars on stderr.
            watch: as for `generate`; the rows of a state all belong to one picture while several starts are tried.
            into: as for `generate`.
            **changes: of `InversionSettings`, such as `steps=500`. The learning rate is that of `settings` by default.

        Returns:
            One row per picture. After Ctrl-C: the best found so far, without the pictures that had not begun.

        Raises:
            InvalidInput: a picture or setting cannot be used. PluginContractError, WeightsError, PluginImportError: a model
            cannot be used or had.
        """
        check_flag("progress", progress)
        how, seen = inversion_settings(self.settings, changes), checked_watch(watch)
        read, folder = read_pictures("pictures", pictures), as_folder(into)
        with self.engine.faults():
            return invert_with(self.engine, read, how, self.settings, progress=progress, into=folder, watch=seen)

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
            progress: as for `generate`.
            into: as for `generate`; it takes each winner.
            **changes: of `SceneSettings`, such as `halving=2`, or of `Settings`, such as `steps=200`; and `film` and `watch`,
                as for `generate`, of all candidates.

        Returns:
            The best candidate of each prompt and seed, and all the others.

        Raises:
            InvalidInput: a prompt, place, scale, picture or setting cannot be used. PluginContractError, WeightsError,
            PluginImportError: a model cannot be used or had.
        """
        check_flag("progress", progress)
        film, watch = as_filming(changes.pop("film", None)), checked_watch(changes.pop("watch", None))
        scene, settings = SceneSettings.split(changes, unpinned(self.settings, changes))
        pairs, where = each_with_each(prompts, seeds), placements(places, scales)
        layers = as_layer("background", background), as_layer("foreground", foreground)
        request = Request(pairs, where, layers, settings, scene)
        with self.engine.faults():
            check_work(len(pairs) * len(where), vars(settings), canvas=self.generator.resolution, side=self.scorer.resolution)
            how: dict[str, Any] = {"progress": progress, "into": as_folder(into)}
            size = self.generator.resolution
            run = previewing(request, progress, lambda seen: compose(self.engine, request, watch=seen, **how))
            return filmed_scenes(film, request, size, watch, run)
