"""What the pictures in a folder are worth, whoever made them: R-precision, FID, IS and KID, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Bootstrap
from fusedream_sdk.evaluation.captions import Captions, CaptionsLike, captions_of
from fusedream_sdk.evaluation.evidence import Evidence, Measured
from fusedream_sdk.evaluation.features import INCEPTION, Features
from fusedream_sdk.evaluation.gallery import Gallery, open_gallery
from fusedream_sdk.evaluation.meters import FeatureMeter, Meter, PrecisionMeter, distance_figure
from fusedream_sdk.evaluation.ranking import Ranking
from fusedream_sdk.evaluation.wanted import CLIP_METRIC, WITH_REFERENCE, JudgeLike, Models, WantedFigure, wanted_of
from fusedream_sdk.models.faults import named_faults
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.runtime.checks import check_flag, check_kind, check_names, names_of
from fusedream_sdk.runtime.device import resolve_device
from fusedream_sdk.runtime.progress import bar

Folders: TypeAlias = str | Path | Sequence[str | Path]
"""A folder of pictures, or several."""


def evaluate(
    folders: Folders,
    captions: CaptionsLike = None,
    *,
    metrics: Sequence[str] = ("r-precision",),
    reference: str | Path | None = None,
    judge: JudgeLike = None,
    features: str | Scorer = INCEPTION,
    device: str | torch.device = "auto",
    progress: bool = True,
    **options: Any,
) -> Evidence:
    """Measure pictures of any system.

        fd.evaluate("runs/mine", "captions.txt", metrics=["r-precision", "fid@emoji"], judge="emoji-judge", reference="real")

    Args:
        folders: of pictures, each of one system; all are measured by the same captions.
        captions: a .txt with a caption on each line, a .csv with the columns file,caption, or a list. Without a csv the
            captions of a folder that this package filled are those in its manifest; of any other they belong to its file names
            in order, numbers by their value. None takes what the folders know.
        metrics: of "r-precision", "clip-r-precision", "fid", "is", "kid". A name may end in a scorer, after an @, in place of
            `judge` or `features`: "r-precision@openclip".
        reference: a folder of pictures to compare with, for FID and KID.
        judge: the scorer of R-precision, which should not be the one that was optimised; by default the judge of the pair of
            models that drew a folder of ours. CLIP R-precision has "clip".
        features: of FID, IS and KID: "inception", also as "inception:FILE", or a scorer. Nothing is downloaded for Inception.
        device: where the models are loaded.
        progress: show progress bars on stderr.
        **options: `candidates`, `repeats` of `Ranking`, `resamples`, `level` of `Bootstrap`, `seed` of both; `optimised`: the
            name of the scorer that was optimised, where no recipe says it.

    Returns:
        Every figure with an interval by resampling captions.

    Raises:
        InvalidInput: an unknown metric, a folder without pictures, captions that do not match them, fewer than two pictures for
            FID, IS or KID. WeightsError: Inception, or a scorer, cannot be had. PluginImportError: the extra `evaluation` is
            not installed. UnknownPlugin: no such scorer.
    """
    check_flag("progress", progress)
    wanted, how, known = wanted_of(metrics, judge, features), _How.of(options), captions_of(captions)
    listed = _listed(folders)
    galleries = [open_gallery("folder", one, known, paired=any(w.ranks for w in wanted)) for one in listed]
    _tell_apart(galleries, listed)
    other = _reference(reference, wanted)
    run = _Run(wanted, Models(resolve_device(device)), how, known, progress)
    run.load(galleries)
    with named_faults({"the judge": judge, "the features": features}):
        against = {} if other is None else run.reference(other)
        figures = [figure for gallery in galleries for figure in run.measure(gallery, against)]
    notes = [note for gallery in [*galleries, *([] if other is None else [other])] for note in gallery.notes]
    return Evidence(tuple(figures), how.bootstrap.level, tuple(dict.fromkeys(notes)))


@dataclass(frozen=True)
class _How:
    """Numbers of an evaluation."""

    ranking: Ranking
    bootstrap: Bootstrap
    optimised: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> _How:
        """Raises InvalidInput: an unknown name, or a number outside its bounds."""
        ours, theirs = names_of(Ranking), names_of(Bootstrap)
        check_names(options, [*dict.fromkeys([*ours, *theirs]), "optimised"], "an option of evaluate")
        check_kind("optimised", options.get("optimised", ""), str, "the name of a scorer", "Leave it out.")
        ranking, bootstrap = ({n: v for n, v in options.items() if n in names} for names in (ours, theirs))
        return cls(Ranking(**ranking), Bootstrap(**bootstrap), options.get("optimised", ""))


@dataclass
class _Run:
    """One evaluation: what is wanted, and what it takes."""

    wanted: list[WantedFigure]
    models: Models
    how: _How
    known: Captions | None
    progress: bool

    def load(self, galleries: Sequence[Gallery]) -> None:
        """Every model, before any picture is looked at: what cannot be had is said at once."""
        for gallery in galleries:
            gallery.believe(self.how.optimised)
            for wanted in self.wanted:
                if wanted.ranks:
                    self.models.judge(wanted, gallery)
                else:
                    self.models.features(wanted)

    def reference(self, gallery: Gallery) -> dict[int, FeatureMeter]:
        """What its pictures are by each of the features, by their id."""
        made = [self.models.features(one) for one in self.wanted if one.metric in WITH_REFERENCE]
        return self._features(gallery, made, [])

    def measure(self, gallery: Gallery, against: Mapping[int, FeatureMeter]) -> list[Measured]:
        """All figures of one gallery; each picture is read once."""
        pool = self.known.pool if self.known is not None else list(dict.fromkeys(gallery.captions))
        rankers = {
            id(one): PrecisionMeter(self.models.judge(one, gallery), gallery, pool, self.how.ranking)
            for one in self.wanted
            if one.ranks
        }
        made = [self.models.features(one) for one in self.wanted if not one.ranks]
        seen = self._features(gallery, made, list(rankers.values()))
        found = []
        for one in self.wanted:
            if one.ranks:
                judge = self.models.judge(one, gallery)
                found.append(self._ranked(one, rankers[id(one)], judge, gallery, pool))
            else:
                by = self.models.features(one)
                found.append(self._compared(one, by, seen[id(by)], against.get(id(by)), pool))
        return found

    def _features(self, gallery: Gallery, made: Sequence[Features], others: Sequence[Meter]) -> dict[int, FeatureMeter]:
        """Let all meters look at every picture."""
        meters = {id(by): FeatureMeter(by, gallery) for by in made}
        with bar(f"looking at {gallery.name}", self.progress) as advance:
            for place, picture in gallery.read():
                for meter in (*meters.values(), *others):
                    meter.look(place, picture)
                advance(place + 1, len(gallery.paths))
        return meters

    def _ranked(
        self, wanted: WantedFigure, meter: PrecisionMeter, judge: Loaded, gallery: Gallery, pool: Sequence[str]
    ) -> Measured:
        plain = wanted.metric == CLIP_METRIC
        title = f"{'CLIP ' if plain else ''}R-precision by {judge.label}, of {self.how.ranking.of(pool)}"
        note = _flattered(judge.label) if self.models.optimised(wanted, judge, gallery) else ""
        interval = meter.interval(self.how.bootstrap)
        return Measured(gallery.name, wanted.metric, title, interval, *meter.counts, note)

    def _compared(
        self, wanted: WantedFigure, by: Features, meter: FeatureMeter, other: FeatureMeter | None, pool: Sequence[str]
    ) -> Measured:
        if wanted.metric == "is" and by.name and not pool:
            fix = "Give a file with one on each line."
            raise InvalidInput("captions", expected="captions, which are the classes of a scorer", got="none", fix=fix)
        one = distance_figure(wanted.metric, meter, other, self.how.bootstrap, pool)
        if not self.models.optimised(wanted, by, meter.gallery):
            return one
        return replace(one, note="; ".join(filter(None, [_flattered(by.name), one.note])))


def _flattered(name: str) -> str:
    return f"{name} is the scorer that was optimised, so this figure flatters the pictures"


def _listed(folders: Folders) -> list[str | Path]:
    """At least one folder. Raises InvalidInput."""
    listed = [folders] if isinstance(folders, (str, Path)) else list(folders) if isinstance(folders, (list, tuple)) else []
    if not listed:
        raise InvalidInput("folder", expected="a folder of pictures, or several", got=folders)
    return listed


def _tell_apart(galleries: Sequence[Gallery], folders: Sequence[str | Path]) -> None:
    """Folders of one name are called by their paths."""
    names = [gallery.name for gallery in galleries]
    for gallery, folder in zip(galleries, folders, strict=True):
        if names.count(gallery.name) > 1:
            gallery.rename(str(folder))


def _reference(reference: str | Path | None, wanted: Sequence[WantedFigure]) -> Gallery | None:
    """The pictures to compare with. Raises InvalidInput: they are needed and not there, or have no use."""
    needing = [one.metric for one in wanted if one.metric in WITH_REFERENCE]
    if reference is None:
        if needing:
            expected, fix = f"a folder of pictures that {needing[0]} compares with", "Real ones, say, of the same captions."
            raise InvalidInput("reference", expected=expected, got="none", fix=fix)
        return None
    if not needing:
        expected = "nothing, as no metric compares with other pictures"
        raise InvalidInput("reference", expected=expected, got=f"{reference}", fix="Leave it out, or ask for fid or kid.")
    return open_gallery("reference", reference, None, paired=False)
