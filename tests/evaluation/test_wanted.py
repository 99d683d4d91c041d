"""What names of metrics ask for, and the models that they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.errors import InvalidInput, PluginImportError, UnknownPlugin
from fusedream_sdk.evaluation import wanted
from fusedream_sdk.evaluation.evidence import BETTER
from fusedream_sdk.evaluation.gallery import Gallery
from fusedream_sdk.evaluation.wanted import Models, WantedFigure, judge_of, wanted_of
from fusedream_sdk.testing import ToyReward, ToyScorer

OURS = Gallery("ours", [], scorers=frozenset({"toy"}), models=("toy", "toy"))
THEIRS = Gallery("theirs", [])


@pytest.fixture
def models(toys: Path) -> Models:
    return Models(torch.device("cpu"))


def test_a_metric_has_its_model_behind_an_at_or_the_one_of_its_kind():
    found = wanted_of(["r-precision", "r-precision@b", "clip-r-precision", "fid", "kid@c", "fid"], "a", "d")
    assert [(one.metric, one.by) for one in found] == [
        *(("r-precision", "a"), ("r-precision", "b"), ("clip-r-precision", "clip"), ("fid", "d"), ("kid", "c"))
    ]
    assert [one.ranks for one in found] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            ["r-precison"],
            "expected some of r-precision, clip-r-precision, fid, is, kid, got r-precison. Did you mean 'r-precision'",
        ),
        ([""], "expected some of .*, got nothing"),
        ([], "expected at least one of"),
        ("fid", "expected a list of .*, got a str. Put a single one in a list"),
    ],
)
def test_another_metric_is_refused(metrics: Any, message: str):
    with pytest.raises(InvalidInput, match=f"^metrics: {message}"):
        wanted_of(metrics, None, "inception")


def test_what_features_need_is_asked_for_before_anything_else_and_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wanted, "NEEDS", ("evaluation: FID, KID and IS need", "evaluation", "a_module_that_is_not_there"))
    wanted_of(["r-precision"], None, "inception")
    for metric in set(BETTER) - {"r-precision", "clip-r-precision"}:
        with pytest.raises(PluginImportError, match=r"fusedream-sdk\[evaluation\]"):
            wanted_of([metric], None, "inception")


def test_the_judge_of_the_pair_that_drew_a_folder_is_its_judge(models: Models):
    assert judge_of(OURS) == "toy"
    assert judge_of(THEIRS) is None
    assert models.judge(WantedFigure("r-precision", None), OURS).label == "toy"
    with pytest.raises(InvalidInput, match=r"^judge: expected the scorer that ranks the pictures of theirs, got none\."):
        models.judge(WantedFigure("r-precision", None), THEIRS)


def test_a_model_is_loaded_once(models: Models):
    judge = models.judge(WantedFigure("r-precision", "toy"), THEIRS)
    assert models.judge(WantedFigure("clip-r-precision", "toy"), OURS) is judge
    by = models.features(WantedFigure("fid", "toy"))
    assert models.features(WantedFigure("kid", "toy")) is by
    assert by.name == "toy"


def test_what_was_optimised_is_known_by_name_and_by_its_weights(models: Models):
    scorer = ToyScorer()
    by_name, by_weights = WantedFigure("r-precision", "toy"), WantedFigure("r-precision", scorer)
    fingerprint = models.judge(by_weights, THEIRS).fingerprint
    other = Gallery("other", [], scorers=frozenset({fingerprint}))
    for one, gallery, known in (
        (by_name, OURS, True),
        (by_weights, other, True),
        (by_weights, OURS, False),
        (by_name, THEIRS, False),
    ):
        assert models.optimised(one, models.judge(one, gallery if one.by else OURS), gallery) is known
        assert models.optimised(one, models.features(one), gallery) is known


def test_a_reward_has_no_features_and_one_that_reads_no_prompt_cannot_rank(models: Models):
    with pytest.raises(InvalidInput, match=r"^features: expected 'inception', or a scorer with embeddings, got a ToyReward"):
        models.features(WantedFigure("fid", ToyReward()))

    class Pretty(ToyReward):
        reads_prompt = False

    with pytest.raises(InvalidInput, match=r"^judge: expected a scorer that reads captions, got a Pretty\."):
        models.judge(WantedFigure("r-precision", Pretty()), THEIRS)


def test_a_scorer_that_is_not_there_is_refused(models: Models):
    with pytest.raises(UnknownPlugin, match="scorers: expected"):
        models.judge(WantedFigure("r-precision", "toyy"), THEIRS)
