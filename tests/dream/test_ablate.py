"""Each technique switched off in turn, by toy models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.dream.ablate import ablate
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError, UnknownPlugin
from fusedream_sdk.evaluation.ranking import ranks
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.testing import ToyReward

QUIET: dict[str, Any] = {"progress": False}
PROMPTS = ["a red ball", "a blue sea", "nothing at all"]


def test_every_variant_draws_every_prompt_from_every_seed_as_generate_does_with_its_settings(dream: FuseDream, tmp_path: Path):
    found = ablate(PROMPTS, models=dream, seeds=[0, 1], techniques=["mixture", "steps"], into=tmp_path / "out", **QUIET)
    assert [trial.variant.name for trial in found.trials] == ["default", "no-mixture", "steps-1", "steps-3", "steps-12"]
    assert found.prompts[:2] == (PROMPTS[0], PROMPTS[0])
    for trial in found.trials:
        alone = dream.generate(PROMPTS, seeds=[0, 1], **trial.variant.changes, **QUIET)
        kept = fd.Result.load(tmp_path / "out" / trial.variant.name / "fusedream")
        assert torch.equal(kept.images, alone.images)
        assert list(trial.rows) == list(range(6))
        assert [points[-1][1] for points in trial.courses] == pytest.approx(trial.values["judge"], abs=1e-5)
        assert all(points[-1][0] == trial.evaluations for points in trial.courses)
        assert (trial.seconds or 0) > 0


def test_all_techniques_are_measured_by_the_views_of_the_default(dream: FuseDream):
    found = ablate(PROMPTS[:2], models=dream, techniques=["views"], **QUIET)
    plain = found["no-views"]
    assert plain.variant.changes["augment"] == NO_VIEWS
    alone = dream.generate(PROMPTS[:2], **plain.variant.changes, **QUIET)
    assert plain.values["augclip"] == pytest.approx(alone.scores["augclip"].tolist(), abs=1e-5)
    assert found["default"].values["augclip"] == pytest.approx(
        dream.generate(PROMPTS[:2], **QUIET).scores["augclip"].tolist(), abs=1e-5
    )
    colour = dream.generate(PROMPTS[:2], **found["no-colour"].variant.changes, **QUIET)
    assert found["no-colour"].values["augclip"] != pytest.approx(colour.scores["augclip"].tolist(), abs=1e-5)


def test_the_judge_of_the_pair_judges_and_one_that_was_optimised_is_told(toys: Path, dream: FuseDream):
    found = ablate(PROMPTS, models="toy", techniques=["noise"], noise=0.01, **QUIET)
    assert (found.judge, found.candidates) == ("toy", 3)
    assert found.notes[0].startswith("toy is the scorer that was optimised")
    other = ablate(PROMPTS, models=dream, techniques=["steps"], judge=ToyReward(), others=["a cat", "a dog"], **QUIET)
    assert (other.judge, other.candidates, other.notes) == ("a ToyReward", 5, ())


def test_settings_are_for_all_variants_and_the_same_prompt_twice_is_one(dream: FuseDream):
    found = ablate([PROMPTS[0], *PROMPTS], models=dream, seeds=[0, 0], techniques=["best-point"], steps=2, **QUIET)
    assert found.seeds == (0, 0, 0)
    assert [trial.evaluations for trial in found.trials] == [5, 4]


def test_what_cannot_be_ranked_is_told(dream: FuseDream):
    found = ablate("a red ball", models=dream, techniques=["noise"], noise=0.1, **QUIET)
    assert "r-precision" not in found.measures
    assert "Nothing is ranked: a single prompt has no others." in found.notes
    weighted = ablate(
        [fd.Prompt("a ball | text:-0.3"), fd.Prompt("a sea")], models=dream, techniques=["noise"], noise=0.1, **QUIET
    )
    assert weighted.measures == ["judge", "augclip"]


def test_an_ended_ablation_goes_on_where_it_was_and_takes_more_techniques(
    dream: FuseDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = FuseDream.generate
    calls: list[int] = []

    def stopping(self: FuseDream, *given: Any, watch: Any, **options: Any) -> Any:
        def seen(state: Any, rows: Any) -> None:
            watch(state, rows)
            calls.append(rows[0])
            if len(calls) == 12:  # in the midst of the second picture of the default
                raise KeyboardInterrupt

        return real(self, *given, watch=seen, **options)

    monkeypatch.setattr(FuseDream, "generate", stopping)
    given: dict[str, Any] = {"models": dream, **QUIET}
    ended = ablate(PROMPTS, techniques=["mixture"], into=tmp_path / "out", **given)
    assert ended.stopped
    assert list(ended.trials[0].rows) == [0]
    assert ended.trials[1].told == "Not begun: the ablation was stopped."
    calls.extend([0] * 100)
    again = ablate(PROMPTS, techniques=["mixture", "noise"], into=fd.Folder(tmp_path / "out", resume=True), noise=0.0, **given)
    monkeypatch.undo()
    whole = ablate(PROMPTS, techniques=["mixture"], **given)
    assert not again.stopped
    for name in ("default", "no-mixture"):
        assert again[name].values == whole[name].values
        assert list(map(list, again[name].courses)) == list(map(list, whole[name].courses))
    with pytest.raises(OutputError, match="exists"):
        ablate(PROMPTS, techniques=["mixture"], into=tmp_path / "out", **given)


def test_ctrl_c_while_pictures_are_measured_ends_it_with_what_there_is(dream: FuseDream, monkeypatch: pytest.MonkeyPatch):
    real, calls = ranks, []

    def stopping(*given: Any) -> list[int]:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr("fusedream_sdk.dream.ablate.ranks", stopping)
    found = ablate(PROMPTS, models=dream, techniques=["mixture", "best-point"], **QUIET)
    assert found.stopped
    told = [trial.told for trial in found.trials]
    assert told == ["", "Stopped before it was measured.", "Not begun: the ablation was stopped."]


def test_a_variant_that_cannot_be_drawn_is_told_in_its_place(dream: FuseDream, monkeypatch: pytest.MonkeyPatch):
    real = FuseDream.generate

    def unable(self: FuseDream, *given: Any, **options: Any) -> Any:
        if options.get("basis") == 1:
            raise InvalidInput("basis", expected="more", got=1)
        return real(self, *given, **options)

    monkeypatch.setattr(FuseDream, "generate", unable)
    found = ablate(PROMPTS, models=dream, techniques=["mixture"], **QUIET)
    assert found["no-mixture"].told == "basis: expected more, got 1."
    assert "| no-mixture | one latent, the best of the search | basis: expected more, got 1. |" in found.to_markdown()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"techniques": ["vews"]}, InvalidInput, "techniques: expected some of"),
        ({"stepz": 3}, InvalidInput, "Did you mean 'steps'"),
        ({"steps": 0}, InvalidInput, "steps: expected an integer of at least 1"),
        ({"seeds": -1}, InvalidInput, "seeds: expected integers from 0"),
        ({"others": 5}, InvalidInput, "others: expected a file with a caption"),
        ({"judge": "toyy"}, UnknownPlugin, "scorers: expected"),
        ({"progress": "no"}, InvalidInput, "progress: expected True or False"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_drawn(
    dream: FuseDream, given: Any, error: type[Exception], message: str, tmp_path: Path
):
    with pytest.raises(error, match=message):
        ablate(PROMPTS, models=dream, into=tmp_path / "out", **{**QUIET, **given})
    assert not (tmp_path / "out").exists()


def test_models_that_draw_by_the_prompt_or_score_by_a_reward_work_too(make_dream: Callable[..., FuseDream]):
    from fusedream_sdk.testing import ToyConditioned

    for dream in (make_dream(ToyConditioned(16)), make_dream(scorer=ToyReward())):
        found = ablate(PROMPTS[:2], models=dream, techniques=["views", "search"], **QUIET)
        assert all(trial.rows for trial in found.trials), [trial.told for trial in found.trials]
