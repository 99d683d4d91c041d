"""The distance by the features of the scorer in use, and when it serves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, PluginImportError, WeightsError
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.models import registry
from fusedream_sdk.models.features import ScorerFeatures, crops_of, scorer_features, unit_positions
from fusedream_sdk.models.loading import default_perceptual
from fusedream_sdk.protocols import Perceptual
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, check_perceptual, check_scorer

LOST = "[fusedream_sdk.perceptual]\nlpips-lost = toy_lpips:load\n"
CPU = torch.device("cpu")


class Layered(ToyScorer):
    """A toy with layers: the pixels, and their means over squares of four."""

    def layers(self, images: Tensor) -> list[Tensor]:
        return [images, torch.nn.functional.avg_pool2d(images, 4).flatten(2).transpose(1, 2)]


class Hidden(ToyScorer):
    """A toy whose model shows no layers after all."""

    def layers(self, images: Tensor) -> list[Tensor]:
        raise WeightsError("weights: it does not show its hidden states.")


@pytest.fixture(params=["package", "trunk"])
def no_lpips(request: pytest.FixtureRequest, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """LPIPS as it is where its package is missing, or where its trunk is neither cached nor to be fetched."""
    source = {
        "package": "def load(device=None):\n    import a_package_that_is_not_there\n",
        "trunk": "from fusedream_sdk.errors import WeightsError\n"
        "def load(device=None):\n    raise WeightsError('weights: lpips needs alexnet.pth (244 MB), which is not there')\n",
    }[request.param]
    install("toy-lpips", LOST, toy_lpips=source)
    monkeypatch.setattr("fusedream_sdk.models.loading.DEFAULT_PERCEPTUAL", "lpips-lost")
    return request.param


@pytest.mark.parametrize(("scorer", "by"), [(ToyScorer(8), "crops"), (Layered(8), "layers"), (Hidden(8), "crops")])
def test_it_keeps_the_contract_of_a_distance_with_any_scorer(scorer: Any, by: str):
    metric = scorer_features(scorer=scorer)
    assert metric.by == by
    assert isinstance(metric, Perceptual)
    for side in (8, 20):
        check_perceptual(metric, side=side)
    assert metric.device == CPU


@pytest.mark.parametrize("kind", [Layered, Hidden])
def test_a_scorer_with_layers_keeps_the_contract_of_a_scorer(kind: type[ToyScorer]):
    check_scorer(kind(8))


def test_layers_are_compared_by_two_minus_two_cosines():
    a, b = torch.rand(2, 2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    expected = []
    for x, y in zip(Layered(8).layers(a), Layered(8).layers(b), strict=True):
        channels = 1 if x.dim() == 4 else 2
        expected.append((2 - 2 * torch.cosine_similarity(x, y, dim=channels)).flatten(1).mean(dim=1))
    torch.testing.assert_close(scorer_features(scorer=Layered(8))(a, b), torch.stack(expected).mean(dim=0), atol=1e-5, rtol=0)


def test_crops_see_where_something_differs():
    left, right = torch.zeros(1, 3, 16, 24), torch.zeros(1, 3, 16, 24)
    left[..., 2:8, 2:8] = right[..., 2:8, 16:22] = 1
    assert scorer_features(scorer=ToyScorer(8))(left, right) > 0.1
    assert [tuple(crop.shape[2:]) for crop in crops_of(left)] == [(16, 24), *[(10, 14)] * 4]
    assert unit_positions(torch.rand(2, 5, 3, 4)).norm(dim=2).allclose(torch.ones(2, 12))


def test_its_fingerprint_is_that_of_the_scorer_and_of_how_it_is_used():
    prints = {scorer_features(scorer=scorer).fingerprint for scorer in (ToyScorer(8), ToyScorer(12), Layered(8))}
    assert len(prints) == 3


def test_it_is_a_name_among_the_others_and_takes_the_scorer_in_use(make_dream: Callable[..., fd.FuseDream]):
    assert "scorer" in fd.list_perceptual()
    assert registry.package(registry.plugins("perceptual")["scorer"][0]) == "fusedream-sdk"
    dream = make_dream(scorer=Layered(8), perceptual="scorer")
    assert isinstance(dream.engine.perceptual.model, ScorerFeatures)
    assert dream.engine.perceptual.model.scorer is dream.scorer
    assert dream.engine.perceptual.note == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "scorer: expected the scorer whose features are compared, got none"),
        ({"scorer": ToyReward()}, "scorer: expected a scorer with embeddings, got a ToyReward"),
    ],
)
def test_it_needs_a_scorer_with_embeddings(options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        fd.load_perceptual("scorer", **options)


def test_where_lpips_cannot_be_had_the_scorer_serves_and_says_so(no_lpips: str, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "fusedream_sdk"):
        found = default_perceptual(CPU, Layered(8))
    assert found.name == "scorer"
    assert found.note.startswith("pictures are compared by the layers of the scorer, as LPIPS cannot be had: ")
    assert caplog.messages == [found.note]


def test_where_there_is_no_feature_either_the_error_of_lpips_stays(no_lpips: str):
    with pytest.raises((WeightsError, PluginImportError), match=r"lpips|a_package_that_is_not_there"):
        default_perceptual(CPU, ToyReward())


def test_what_was_asked_for_by_name_is_never_replaced(no_lpips: str, make_dream: Callable[..., fd.FuseDream]):
    with pytest.raises((WeightsError, PluginImportError)):
        make_dream(perceptual="lpips-lost").invert(torch.zeros(3, 16, 16), progress=False)


def test_an_inversion_and_a_composition_of_a_plugin_need_no_download(no_lpips: str, tmp_path: Path, dream: fd.FuseDream):
    found = dream.invert(torch.full((3, 16, 16), 0.4), steps=2, trial=1, candidates=4, progress=False)
    (path,) = found.save(tmp_path / "near.png")
    assert read_recipe(path)["perceptual"]["name"] == "scorer"

    made = dream.compose("red", places="top", steps=2, progress=False)
    (path,) = made.save(tmp_path / "scene.png")
    assert read_recipe(path)["perceptual"] == {
        "name": "scorer",
        "class": "fusedream_sdk.models.features.ScorerFeatures",
        "fingerprint": dream.engine.perceptual.fingerprint,
    }
    again = fd.replay(path, generator=ToyGenerator(16), scorer=ToyScorer(8), progress=False)
    assert again.pil[0].tobytes() == made.pil[0].tobytes()


def test_a_start_that_is_a_picture_is_inverted_by_it_and_replayed(no_lpips: str, tmp_path: Path, dream: fd.FuseDream):
    picture = torch.full((3, 16, 16), 0.4)
    made = dream.generate("red", start=picture, steps=2, progress=False)
    (path,) = made.save(tmp_path / "red.png")
    assert read_recipe(path)["perceptual"]["name"] == "scorer"
    again = fd.replay(path, generator=ToyGenerator(16), scorer=ToyScorer(8), start=picture, progress=False)
    assert again.pil[0].tobytes() == made.pil[0].tobytes()
