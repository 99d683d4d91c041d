"""Distances by the layers of an image tower: ViTs with and without a class token, and a convolutional one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from transformers import (
    BertConfig,
    BertModel,
    ConvNextConfig,
    ConvNextModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
    ViTImageProcessor,
)

import fusedream_sdk as fd
from fusedream_clip import load, load_features
from fusedream_clip.features import ClipFeatures
from fusedream_clip.scorer import ClipScorer
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.models.features import ScorerFeatures
from fusedream_sdk.protocols import Perceptual
from fusedream_sdk.testing import ToyScorer, check_perceptual

from .conftest import SIDE, SMALL, bert_tokenizer

TOWERS = ("clip", "siglip", "chinese", "dual", "convnext")


@pytest.fixture(scope="module")
def scorers(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, ClipScorer]:
    """A scorer of each architecture."""
    convnext = make_convnext(tmp_path_factory.mktemp("convnext"))
    return {name: load(weights=folder) for name, folder in {**folders, "convnext": convnext}.items()}


@pytest.fixture(scope="module", params=TOWERS)
def metric(request: pytest.FixtureRequest, scorers: dict[str, ClipScorer]) -> ClipFeatures:
    return load_features(scorer=scorers[request.param])


def make_convnext(folder: Path) -> Path:
    """A small pair of ConvNeXt and BERT."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "hidden_sizes": [8, 16], "num_stages": 2, "depths": [1, 1]}  # the pair asks for hidden_size
    vision = ConvNextModel(ConvNextConfig(**sizes, image_size=32))
    text = BertModel(BertConfig(**SMALL, vocab_size=10, max_position_embeddings=64))
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision.config, text.config, projection_dim=16)
    VisionTextDualEncoderModel(config=config, vision_model=vision, text_model=text).save_pretrained(folder)
    VisionTextDualEncoderProcessor(ViTImageProcessor(size=SIDE), bert_tokenizer()).save_pretrained(folder)
    return folder


def pictures(count: int = 2, height: int = 32, width: int = 32) -> tuple[torch.Tensor, ...]:
    return torch.rand(2, count, 3, height, width, generator=torch.Generator().manual_seed(1)).unbind(0)


@pytest.mark.parametrize("side", [16, 32, 40])
def test_the_contract_is_kept_for_pictures_below_at_and_above_the_tower_s_size(metric: ClipFeatures, side: int) -> None:
    check_perceptual(metric, side=side)
    assert isinstance(metric, Perceptual)
    assert metric.device == torch.device("cpu")


def test_the_distance_is_the_mean_of_two_minus_two_cosines(metric: ClipFeatures) -> None:
    a, b = pictures()
    found, expected = metric(a, b), []
    for layer in metric.layers:
        x, y = (metric.hidden_states(images)[layer] for images in (a, b))
        channels = 1 if x.dim() == 4 else 2
        expected.append((2 - 2 * F.cosine_similarity(x, y, dim=channels)).flatten(1).mean(dim=1))
    torch.testing.assert_close(found, torch.stack(expected).mean(dim=0), atol=1e-5, rtol=0)
    assert (found <= 4).all()


def test_hidden_states_are_those_of_the_picture_as_the_scorer_reads_it(scorers: dict[str, ClipScorer]) -> None:
    scorer = scorers["clip"]
    a, _ = pictures()
    last = load_features(scorer=scorer).hidden_states(a)[-1]
    model: Any = scorer.model
    pooled = model.visual_projection(model.vision_model.post_layernorm(last[:, 0]))
    torch.testing.assert_close(F.normalize(pooled, dim=1), scorer.encode_image(a))


def test_every_layer_but_the_embedding_is_compared_by_default(metric: ClipFeatures) -> None:
    assert metric.layers == [1, 2]


@pytest.mark.parametrize(("layers", "counted"), [([0], [0]), ((-1,), [2]), ([2, -2], [2, 1])])
def test_layers_can_be_chosen_from_either_end(scorers: dict[str, ClipScorer], layers: list[int], counted: list[int]) -> None:
    a, b = pictures()
    chosen = load_features(scorer=scorers["clip"], layers=layers)
    assert chosen.layers == counted
    alone = [load_features(scorer=scorers["clip"], layers=[layer])(a, b) for layer in layers]
    torch.testing.assert_close(chosen(a, b), torch.stack(alone).mean(dim=0))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], r"layers: expected hidden states from 0 to 2, or from -3 to -1, got \[\]"),
        ([3], "layers: expected hidden states from 0 to 2"),
        ([-4], "layers: expected hidden states from 0 to 2"),
        (["last"], "layers: expected hidden states from 0 to 2"),
        ([1, -2], "layers: expected every hidden state once"),
    ],
)
def test_layers_that_are_not_there_or_twice_are_refused(scorers: dict[str, ClipScorer], layers: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_features(scorer=scorers["clip"], layers=layers)


def test_a_loaded_scorer_is_shared_and_not_copied(scorers: dict[str, ClipScorer]) -> None:
    metric = load_features(scorer=scorers["clip"], device="cpu")
    assert metric.tower is scorers["clip"].model.vision_model
    assert metric.device == scorers["clip"].device


def test_weights_load_like_the_scorer_of_the_same_weights(folders: dict[str, Path], scorers: dict[str, ClipScorer]) -> None:
    metric = fd.load_perceptual("clip-features", weights=folders["clip"])
    assert metric.fingerprint == load_features(scorer=scorers["clip"]).fingerprint  # pyright: ignore


def test_the_fingerprint_is_of_the_tower_and_the_layers(scorers: dict[str, ClipScorer]) -> None:
    prints = {load_features(scorer=scorer).fingerprint for scorer in scorers.values()}
    assert len(prints) == len(TOWERS)
    assert load_features(scorer=scorers["clip"], layers=[1]).fingerprint not in prints


def test_of_a_picture_that_is_not_square_the_middle_is_compared(metric: ClipFeatures) -> None:
    a, b = pictures(2, 40, 64)
    torch.testing.assert_close(metric(a, b), metric(shrink(a[..., 12:52], 32), shrink(b[..., 12:52], 32)))


def test_pictures_of_two_shapes_are_refused(scorers: dict[str, ClipScorer]) -> None:
    a, b = pictures()
    with pytest.raises(InvalidInput, match=r"b: expected pictures of the shape of a, \(2, 3, 32, 32\)"):
        load_features(scorer=scorers["clip"])(a, b[:1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "somewhere"}, "weights: expected None, as scorer is given, got somewhere"),
        ({"revision": "main"}, "revision: expected None, as scorer is given, got main"),
        ({"scorer": ToyScorer()}, "scorer: expected a scorer of the plugin clip, got ToyScorer. Pass weights= instead."),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    scorers: dict[str, ClipScorer], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_features(**{"scorer": scorers["clip"], **options})


def test_a_scorer_elsewhere_has_to_be_moved_first(scorers: dict[str, ClipScorer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClipScorer, "device", torch.device("meta"))
    with pytest.raises(InvalidInput, match=r"device: expected meta, where scorer is, got cpu\. Move the scorer first\."):
        load_features(scorer=scorers["clip"], device="cpu")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SimpleNamespace(), "expected a model with a vision_model, got a SimpleNamespace"),
        (SimpleNamespace(vision_model=lambda **_: SimpleNamespace()), "does not show its hidden states"),
    ],
)
def test_a_model_without_layers_to_compare_is_refused(
    scorers: dict[str, ClipScorer], monkeypatch: pytest.MonkeyPatch, model: Any, message: str
) -> None:
    monkeypatch.setattr(ClipScorer, "device", torch.device("cpu"))
    monkeypatch.setattr(scorers["clip"], "model", model)
    with pytest.raises(WeightsError, match=message):
        load_features(scorer=scorers["clip"])


def test_the_emoji_distance_shares_the_emoji_scorer_and_grows_with_the_change() -> None:
    scorer: Any = fd.load_scorer("emoji")
    metric: Any = fd.load_perceptual("emoji", scorer=scorer)
    assert metric.scorer is scorer
    assert metric.fingerprint == fd.load_perceptual("emoji").fingerprint  # pyright: ignore[reportAttributeAccessIssue]
    generator: Any = fd.load_generator("emoji")
    with torch.no_grad():
        images = generator(generator.sample(3, rng=torch.Generator().manual_seed(0)))
        little, more, other = (metric(images, changed) for changed in (images.roll(1, 3), images.roll(4, 3), images.roll(1, 0)))
    assert (little < more).all()
    assert (more < other).all()


def test_the_pairs_of_the_emoji_world_name_their_distance() -> None:
    from fusedream_emoji import pair, tiny_pair

    assert pair().perceptual == tiny_pair().perceptual == "emoji"
    assert "emoji" in fd.list_perceptual()


def test_importing_the_plugin_imports_neither_torch_nor_transformers() -> None:
    code = "import sys, fusedream_clip; sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_scorer_offers_the_layers_of_its_tower(scorers: dict[str, ClipScorer]) -> None:
    for scorer in scorers.values():
        images = pictures()[0]
        layers, hidden = scorer.layers(images), load_features(scorer=scorer).hidden_states(images)
        assert len(layers) == len(hidden) - 1
        assert all(torch.equal(x, y) for x, y in zip(layers, hidden[1:], strict=True))
        a, b = pictures()
        torch.testing.assert_close(ScorerFeatures(scorer)(a, b), load_features(scorer=scorer)(a, b))
