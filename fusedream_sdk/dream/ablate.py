"""Each technique switched off in turn: the same prompts and seeds with all of them, and without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusedream_sdk.dream.ablation import AUGCLIP, JUDGED, RANKED, Ablation, Trial
from fusedream_sdk.dream.compare import compare
from fusedream_sdk.dream.course import JudgedCourse, plain_scores
from fusedream_sdk.dream.fusedream import FuseDream, Into
from fusedream_sdk.dream.techniques import Variant, variants_of
from fusedream_sdk.errors import OutputError
from fusedream_sdk.evaluation.bootstrap import Bootstrap
from fusedream_sdk.evaluation.captions import CaptionsLike, captions_of
from fusedream_sdk.evaluation.ranking import Ranking, ranks
from fusedream_sdk.evaluation.wanted import JudgeLike
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.models.faults import named_faults
from fusedream_sdk.models.loading import Loaded, ModelPair, loaded_scorer
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.folder import Folder, as_folder
from fusedream_sdk.run.recipe import DEFAULT_METHOD
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.settings import Settings, check_changes
from fusedream_sdk.runtime.checks import check_flag, check_seeds
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import Prompt, PromptLike, check_prompts
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import Stream, Views

COURSES = "courses"  # the folder of a variant's courses
FLATTERED = "{} is the scorer that was optimised, as the models have no judge: what it says flatters whatever follows it."


def ablate(
    prompts: PromptLike | Sequence[PromptLike],
    *,
    models: str | ModelPair | FuseDream | None = None,
    seeds: int | Sequence[int] = 0,
    techniques: Sequence[str] | None = None,
    into: Into = None,
    judge: JudgeLike = None,
    others: CaptionsLike = None,
    progress: bool = True,
    **changes: Any,
) -> Ablation:
    """Draw the same prompts from the same seeds with every technique of FuseDream, and without each of them in turn.

        fd.ablate(["a blue dog", "a red apple"], models="emoji", seeds=[0, 1], techniques=["views", "mixture"]).save("a.png")

    Args:
        prompts, seeds: as for `FuseDream.generate`; every variant draws all of them.
        models: a pair, or a `FuseDream` with its settings; None for the default models.
        techniques: of "views", "search", "mixture", "start", "noise", "best-point", "view-count", "basis", "steps"; all by
            default. One that the settings do without is passed over.
        into: a folder, or a `Folder`, that takes a folder for each variant; with `resume=True` what is whole there is not drawn
            again, and techniques may be added.
        judge: the scorer that judges; by default the judge of the pair, or, where there is none, the optimised scorer itself.
        others: captions among which a picture's own is ranked, as `evaluate` takes them; by default the prompts.
        progress: show progress bars on stderr.
        **changes: settings of all variants, such as `steps=200`.

    Returns:
        Every measure of every variant, with intervals by resampling prompts, and differences to the default. AugCLIP is that
        of the default's views for all variants. A variant that cannot be drawn is told in its place. Ctrl-C ends with what
        there is.

    Raises:
        InvalidInput: a prompt, seed, setting, technique or caption cannot be used. OutputError: `into` cannot be written.
        UnknownPlugin, WeightsError: models or judge cannot be had.
    """
    check_flag("progress", progress)
    check_changes(changes)
    listed, numbers = list(dict.fromkeys(check_prompts(prompts))), list(dict.fromkeys(check_seeds(seeds)))
    pairs, pool = each_with_each(listed, numbers), captions_of(others, "others")
    folder = as_folder(into)
    dream = models if isinstance(models, FuseDream) else FuseDream(models)
    settings = load_method(DEFAULT_METHOD).settings_for(dream.settings, changes)
    variants = variants_of(settings, techniques)
    ruler = _Ruler.of(dream, settings, judge, pairs, None if pool is None else pool.pool)
    asked = _Asked(listed, numbers, changes, progress)
    trials: list[Trial] = []
    stopped = False
    for variant in variants:
        if stopped:
            trials.append(Trial(variant, told="Not begun: the ablation was stopped."))
            continue
        try:
            with named_faults({"the judge": ruler.judge.model}):
                trial, stopped = _try(variant, dream, ruler, asked, folder)
        except KeyboardInterrupt:  # between two pictures
            trial, stopped = Trial(variant, told="Stopped before it was measured."), True
        trials.append(trial)
    return Ablation(
        prompts=tuple(str(prompt) for prompt, _ in pairs),
        seeds=tuple(seed for _, seed in pairs),
        trials=tuple(trials),
        judge=ruler.judge.label,
        candidates=ruler.among,
        bootstrap=Bootstrap(),
        notes=ruler.notes,
        stopped=stopped,
    )


@dataclass(frozen=True)
class _Asked:
    """What every variant draws."""

    prompts: list[Prompt]
    seeds: list[int]
    changes: Mapping[str, Any]
    progress: bool


@dataclass(frozen=True)
class _Ruler:
    """Measures the pictures of all variants alike: by the judge, and by the views of the default."""

    dream: FuseDream
    settings: Settings
    judge: Loaded
    pairs: Sequence[tuple[Prompt, int]]
    candidates: Sequence[Sequence[str]]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        dream: FuseDream,
        settings: Settings,
        judge: JudgeLike,
        pairs: Sequence[tuple[Prompt, int]],
        pool: Sequence[str] | None,
    ) -> _Ruler:
        """Raises InvalidInput: the prompts are no texts of the pool. Errors of `load_scorer`."""
        own, engine = dream.engine.judge, dream.engine
        name = judge if judge is not None else own.name if own is not None else None
        loaded = engine.scorer if name is None else loaded_scorer(name, engine.device)
        same = loaded.fingerprint == engine.scorer.fingerprint
        notes = [FLATTERED.format(loaded.label)] if same else []
        texts = [str(prompt) for prompt, _ in pairs]
        listed = list(dict.fromkeys(texts + list(pool or [])))
        plain = all(len(prompt.terms) == 1 and prompt.terms[0].picture is None for prompt, _ in pairs)
        if not plain or len(listed) < 2:
            why = "a single prompt has no others" if plain else "weighted prompts and pictures are no captions"
            notes.append(f"Nothing is ranked: {why}.")
            return cls(dream, settings, loaded, pairs, [], tuple(notes))
        drawn = Ranking(repeats=1).others(texts, listed)
        candidates = [[text, *(listed[i] for i in row[0])] for text, row in zip(texts, drawn, strict=True)]
        return cls(dream, settings, loaded, pairs, candidates, tuple(notes))

    @property
    def among(self) -> int:
        """How many captions a picture's own is ranked among; 0 where nothing is ranked."""
        return len(self.candidates[0]) if self.candidates else 0

    def measure(self, result: Result, rows: Sequence[int]) -> dict[str, list[float]]:
        """Measure -> its value for each row of a result, which are those rows of what was asked for."""
        prompts, found = [self.pairs[row][0] for row in rows], {}
        if self.candidates:
            places = ranks(self.judge.model, result.images, [self.candidates[row] for row in rows])
            found[RANKED] = [float(place == 0) for place in places]
        found[JUDGED] = plain_scores(self.judge, result.images, prompts)
        scorer, settings = self.dream.engine.scorer, self.settings
        views = settings.augment if settings.augment.random else Views()
        found[AUGCLIP] = fresh_score(
            result.images.to(scorer.device),
            make_target(scorer.model, prompts),
            result.seeds,
            views=views,
            count=settings.report_views,
            stream=Stream.REPORT,
        ).tolist()
        return found


def _try(variant: Variant, dream: FuseDream, ruler: _Ruler, asked: _Asked, folder: Folder | None) -> tuple[Trial, bool]:
    """What comes of one variant, and whether Ctrl-C ended it."""
    own, method = variant.over(asked.changes, ruler.settings), load_method(DEFAULT_METHOD)
    into = _into(folder, variant)
    course = JudgedCourse(
        dream.generator,
        ruler.judge,
        [prompt for prompt, _ in ruler.pairs],
        method=method,
        settings=method.settings_for(dream.settings, own),
        folder=None if into is None else into.path / COURSES,
    )
    found = compare(
        asked.prompts,
        methods=[method],
        dream=dream,
        seeds=asked.seeds,
        into=into,
        progress=asked.progress,
        watch=course,
        **own,
    )
    contender = found.contenders[0]
    if contender.result is None:
        return Trial(variant, told=contender.told), found.stopped
    whole = [row for row, status in enumerate(contender.result.status) if status != Status.CANCELLED]
    if not whole:
        return Trial(variant, told="Stopped before its first picture was done."), found.stopped
    result = contender.result[whole]
    numbers = {(str(prompt), seed): row for row, (prompt, seed) in enumerate(ruler.pairs)}
    rows = [numbers[pair] for pair in zip(result.prompts, result.seeds, strict=True)]
    trial = Trial(
        variant,
        ruler.measure(result, rows),
        rows,
        course.points(rows),
        contender.evaluations or 0,
        contender.seconds,
    )
    return trial, found.stopped


def _into(folder: Folder | None, variant: Variant) -> Folder | None:
    """The folder of one variant, in that of all. Raises OutputError."""
    if folder is None:
        return None
    try:
        folder.path.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"into: expected a folder, got {folder.path} ({error.strerror}).") from error
    return Folder(folder.path / variant.name, resume=folder.resume, overwrite=folder.overwrite)
