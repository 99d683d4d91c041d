"""Features: Inception from a file or a cache and from nowhere else, and any scorer in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusedream_sdk.errors import PluginImportError, WeightsError
from fusedream_sdk.evaluation import features
from fusedream_sdk.evaluation.features import Embeddings, Inception, inception_file
from fusedream_sdk.testing import ToyScorer


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_inception_computes_what_torch_fidelity_does_for_pictures_of_any_size(inception: Path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    ours = Inception(inception)
    theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], str(inception))
    picture = torch.rand(3, 40, 64, generator=torch.Generator().manual_seed(0))
    seen = ours.see(picture)[None]
    wanted = theirs((picture[None] * 255).round().byte())
    torch.testing.assert_close(ours.features(seen), wanted[0])
    torch.testing.assert_close(ours.logits(seen, ["whatever"]), wanted[1])
    assert ours.name == ""


def test_inception_is_found_in_the_cache_of_torch(inception: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TORCH_HOME", str(inception.parents[2]))
    assert inception_file() == inception
    monkeypatch.undo()


def test_inception_is_found_in_our_own_cache(own_cache: Path):
    path = own_cache / "weights" / "inception" / "weights-inception-2015-12-05-6726825d.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert inception_file() == path


def test_without_its_weights_a_sentence_says_where_they_go_and_nothing_is_fetched():
    with pytest.raises(
        WeightsError, match=r"^features: expected the weights of Inception, got neither .*6726825d\.pth"
    ) as told:
        Inception()
    assert "or compare by a scorer, such as emoji." in str(told.value)


def test_a_file_of_something_else_and_one_that_would_run_code_are_refused(tmp_path: Path):
    torch.save({"fc.weight": torch.zeros(1008, 2048)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other.pth: expected the weights of torch-fidelity's Inception, got others"):
        Inception(tmp_path / "other.pth")
    torch.save({"fc.weight": Path("/")}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="the file wants to run"):
        Inception(tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="weights: expected an existing file"):
        Inception(tmp_path / "none.pth")


def test_weights_that_are_not_finite_are_refused(inception: Path, tmp_path: Path):
    found = torch.load(inception)
    found["fc.weight"][0, 0] = torch.nan
    torch.save(found, tmp_path / "nan.pth")
    with pytest.raises(WeightsError, match=r"fc\.weight: expected finite values"):
        Inception(tmp_path / "nan.pth")


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "NEEDS", ("evaluation: FID, KID and IS need", "evaluation", "a_module_that_is_not_there"))
    with pytest.raises(PluginImportError, match=r'need \'a_module.*pip install "fusedream-sdk\[evaluation\]"'):
        Inception()


def test_a_scorers_embeddings_are_features_and_captions_are_its_classes():
    scorer = ToyScorer()
    by = Embeddings("toy", scorer)
    seen = torch.stack([by.see(torch.full((3, 40, 64), shade)) for shade in (0.1, 0.9)])
    assert torch.equal(by.features(seen), seen)
    logits = by.logits(seen, ["a red ball", "a blue ball", "a dog"])
    assert logits.shape == (2, 3)
    wanted = 100 * float(seen[0] @ scorer.encode_text(["a blue ball"])[0])
    assert float(logits[0, 1]) == pytest.approx(wanted, rel=1e-5)
