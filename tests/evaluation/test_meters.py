"""What looks at pictures: shares by a judge, and distances with intervals by captions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Bootstrap
from fusedream_sdk.evaluation.distances import frechet
from fusedream_sdk.evaluation.features import Embeddings
from fusedream_sdk.evaluation.gallery import Gallery
from fusedream_sdk.evaluation.meters import FeatureMeter, PrecisionMeter, distance_figure
from fusedream_sdk.evaluation.ranking import Ranking
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.testing import ToyReward, ToyScorer
from tests.evaluation.toys import CAPTIONS

BOOTSTRAP = Bootstrap(resamples=100)


def gallery(captions: list[str], side: int = 8) -> Gallery:
    return Gallery("theirs", [Path(f"{i}.png") for i in range(len(captions))], captions, size=(side, side))


class Reader:
    """Knows the caption from the picture's shade."""

    resolution = 8

    def encode_text(self, prompts):
        return torch.eye(6)[[CAPTIONS.index(prompt) for prompt in prompts]]

    def encode_image(self, images: Tensor) -> Tensor:
        return torch.eye(6)[(10 * images[:, 0, 0, 0]).round().long()]


def shade(number: int) -> Tensor:
    return torch.full((3, 8, 8), number / 10)


def looked(meter, pictures: list[Tensor]):
    for place, picture in enumerate(pictures):
        meter.look(place, picture)
    return meter


def test_the_share_of_pictures_that_a_judge_ranks_first():
    captions = [CAPTIONS[0], CAPTIONS[1], CAPTIONS[2], CAPTIONS[2]]
    meter = looked(
        PrecisionMeter(Loaded(Reader(), "r"), gallery(captions), CAPTIONS, Ranking()), [shade(i) for i in (0, 1, 2, 5)]
    )
    found = meter.interval(BOOTSTRAP)
    assert found.value == 0.75
    assert meter.counts == (3, 4)
    assert 0.5 <= found.low < found.value < found.high <= 1


def test_a_reward_ranks_as_well():
    class Rewarding:
        resolution = 8

        def score(self, images, prompts):
            return (Reader().encode_image(images) * Reader().encode_text(prompts)).sum(dim=1)

    pictures = [shade(i) for i in (0, 1, 3)]
    meter = looked(PrecisionMeter(Loaded(Rewarding(), "r"), gallery(CAPTIONS[:3]), CAPTIONS, Ranking(candidates=3)), pictures)
    assert meter.interval(BOOTSTRAP).value == pytest.approx(2 / 3)
    assert looked(PrecisionMeter(Loaded(ToyReward(), "t"), gallery(CAPTIONS[:3]), CAPTIONS, Ranking()), pictures).counts == (
        3,
        3,
    )


def features(captions: list[str], seed: int, count: int = 12, side: int = 8) -> FeatureMeter:
    rng = torch.Generator().manual_seed(seed)
    meter = FeatureMeter(Embeddings("toy", ToyScorer(8)), gallery(captions, side))
    return looked(meter, [torch.rand(3, 8, 8, generator=rng) for _ in range(count)])


@pytest.mark.parametrize("metric", ["fid", "kid", "is"])
def test_a_figure_lies_in_its_interval_and_says_what_it_is_by(metric: str):
    one = distance_figure(metric, features(CAPTIONS * 2, 0), features([], 1), BOOTSTRAP, CAPTIONS)
    assert one.interval.low <= one.interval.value <= one.interval.high
    by = "with captions as classes" if metric == "is" else "features"
    assert one.title == f"{metric.upper()} by toy {by}"
    assert (one.captions, one.pictures) == (6, 12)


def test_the_distance_is_that_of_the_features_and_too_few_pictures_are_told():
    own, other = features(CAPTIONS * 2, 0), features([], 1)
    one = distance_figure("fid", own, other, BOOTSTRAP, CAPTIONS)
    assert one.interval.value == pytest.approx(frechet(own.features, other.features))
    size = own.features.shape[1]
    assert one.note == f"only 12 pictures for {size} features, so it is too large: compare it with that of as many"
    assert distance_figure("fid", features([], 0, 200), features([], 1, 200), BOOTSTRAP, []).note == ""


def test_without_captions_pictures_are_resampled_and_a_set_is_at_no_distance_from_itself():
    own = features([], 0)
    one = distance_figure("fid", own, own, BOOTSTRAP, [])
    assert one.interval.value == pytest.approx(0, abs=1e-4)
    assert one.interval.low >= 0
    assert one.captions == 0


def test_pictures_of_other_sizes_than_the_reference_are_told():
    one = distance_figure("kid", features([], 0, side=64), features([], 1, side=32), BOOTSTRAP, [])
    assert one.note == "pictures of 64 x 64 against 32 x 32: scaling alone makes a difference"


def test_one_picture_is_too_few_and_two_of_one_caption_have_no_interval():
    with pytest.raises(InvalidInput, match=r"^folder: expected at least 2 pictures for FID, IS and KID, got 1 in theirs\."):
        distance_figure("fid", features([], 0, 1), features([], 1), BOOTSTRAP, [])
    one = distance_figure("fid", features(["a", "a"], 0, 2), features([], 1), BOOTSTRAP, ["a"])
    assert not one.interval.known


def test_a_distance_needs_a_reference():
    with pytest.raises(InvalidInput, match=r"^reference: expected a folder of pictures to compare with, got none"):
        distance_figure("kid", features([], 0), None, BOOTSTRAP, [])


def test_of_many_features_fewer_resamples_are_taken(monkeypatch: pytest.MonkeyPatch):
    taken: list[int] = []
    real = Bootstrap.around

    def around(self, value, found, captions, least=0.0):
        taken.append(len(found))
        return real(self, value, found, captions, least)

    monkeypatch.setattr(Bootstrap, "around", around)
    monkeypatch.setattr("fusedream_sdk.evaluation.meters.LARGE", 5)
    monkeypatch.setattr("fusedream_sdk.evaluation.meters.OF_LARGE", 20)
    distance_figure("fid", features([], 0), features([], 1), BOOTSTRAP, [])
    assert taken == [20]
