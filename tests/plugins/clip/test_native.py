"""The shipped dual encoders without transformers: the very scorers that transformers makes of the same folders."""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_clip import load, load_features
from fusedream_clip.scorer import ClipScorer
from fusedream_emoji import WEIGHTS
from fusedream_emoji.art import names
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models.features import offers_layers
from fusedream_sdk.testing import check_scorer

FOLDERS = {"emoji": "scorer", "emoji-judge": "judge"}

ODD = [
    "A Red APPLE",
    "  two   spaces\tand a tab\nand a line ",
    "don't, can't, we'll, they're, I've, I'm, he'd, it's",
    "1234567890 3.14 50% €20 #1",
    "?!... --- (a) [b] {c} <d> & * @ ~ ^ _ \\ / | \" ` '",
    "🐶🐱 a dog 👩‍👧 🇨🇭",
    "naïve café, cafe\u0301",
    "ÅNGSTRÖM, straße, İstanbul, ﬁ, ½, Ⅷ",
    "红色的狗 と 猫",
    "Привет мир αβγ",
    "שלום مرحبا",
    "before <|endoftext|> after",
    "<|endoftext|>",
    "<|startoftext|> a cat <|startoftext|>",
    "< | endoftext | > <|ENDOFTEXT|> </w>",
    "zero\u200bwidth\u200d no\u00a0break \ufeff mark",
    "supercalifragilisticexpialidocious",
    "x",
]
LONG = [
    "a very long prompt of many words that goes on and on " * 4,
    "w" * 200,
    "狗" * 60,
    "🐶" * 60,
    "a <|endoftext|> " * 30,
    " , ".join(["a dog", "a cat", "1 2 3 4 5"] * 9),
]


def prompts() -> list[str]:
    """Several hundred: each concept that the encoders know, in sentences, and whatever else a text may be."""
    forms = ("{}", "a photo of a {}!", "{} ON a blue background, 3d style", "two {}s & 10 more")
    return [*ODD, *(forms[i % len(forms)].format(name) for i, name in enumerate(names()))]


@pytest.fixture(scope="module", params=FOLDERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def pair(name: str) -> tuple[ClipScorer, ClipScorer]:
    """As it is loaded, and as transformers loads it."""
    native: Any = fd.load_scorer(name)
    return native, load(weights=WEIGHTS / FOLDERS[name])


def pictures(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_texts_are_embedded_as_by_transformers(pair: tuple[ClipScorer, ClipScorer]) -> None:
    found, expected = (scorer.encode_text(prompts()) for scorer in pair)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_tokens_are_those_of_transformers(pair: tuple[ClipScorer, ClipScorer]) -> None:
    native, other = (scorer.tokenizer for scorer in pair)
    options: dict[str, Any] = {"padding": True, "truncation": True, "max_length": 40, "return_tensors": "pt", "verbose": False}
    texts = [*prompts(), *LONG]
    assert torch.equal(native(texts, **options)["input_ids"], other(texts, **options)["input_ids"])
    for text in texts:
        assert native(text, verbose=False)["input_ids"] == other(text, verbose=False)["input_ids"]


def test_a_text_alone_is_the_text_among_longer_ones(pair: tuple[ClipScorer, ClipScorer]) -> None:
    scorer, texts = pair[0], prompts()[:20]
    alone = torch.cat([scorer.encode_text([text]) for text in texts])
    torch.testing.assert_close(scorer.encode_text(texts), alone, atol=1e-6, rtol=0)


def test_pictures_and_gradients_are_those_of_transformers(pair: tuple[ClipScorer, ClipScorer]) -> None:
    found, expected = [], []
    for scorer, kept in zip(pair, (found, expected), strict=True):
        images = pictures().requires_grad_()
        embeddings = scorer.encode_image(images)
        weights = torch.randn(embeddings.shape, generator=torch.Generator().manual_seed(1))
        kept += [embeddings.detach(), *torch.autograd.grad((embeddings * weights).sum(), images)]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_what_each_layer_makes_of_pictures_is_what_transformers_says(pair: tuple[ClipScorer, ClipScorer]) -> None:
    found, expected = (list(scorer.hidden_states(pictures())) for scorer in pair)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert offers_layers(pair[0])


def test_in_bfloat16_it_is_as_near_as_transformers(pair: tuple[ClipScorer, ClipScorer]) -> None:
    truth = pair[1].encode_image(pictures())
    with torch.autocast("cpu", torch.bfloat16):
        far = [float((scorer.encode_image(pictures()) - truth).norm()) for scorer in pair]
        texts = [scorer.encode_text(["a red apple", "a dog"]) for scorer in pair]
    assert far[0] < 1.5 * far[1]
    assert (texts[0] * texts[1]).sum(dim=1).min() > 0.999


def test_the_fingerprint_and_the_settings_are_the_same(pair: tuple[ClipScorer, ClipScorer]) -> None:
    native, other = pair
    assert native.fingerprint == other.fingerprint
    assert (native.resolution, native.window, native.padding) == (other.resolution, other.window, other.padding)
    assert load_features(scorer=native).fingerprint == load_features(scorer=other).fingerprint


def test_the_state_has_the_names_and_kinds_of_transformers(pair: tuple[ClipScorer, ClipScorer]) -> None:
    native, other = ({key: (x.shape, x.dtype) for key, x in scorer.model.state_dict().items()} for scorer in pair)
    assert native == other
    assert not any(x.requires_grad for x in pair[0].model.parameters())
    assert not pair[0].model.training


def test_the_contract_is_kept_after_a_move_and_a_copy(pair: tuple[ClipScorer, ClipScorer]) -> None:
    assert pair[0].to("cpu").device == torch.device("cpu")
    check_scorer(copy.deepcopy(pair[0]))


def test_weights_that_are_trained_get_their_gradient() -> None:
    scorer: Any = copy.deepcopy(fd.load_scorer("emoji"))
    before = scorer.encode_image(pictures())
    scorer.model.requires_grad_(True)
    after = scorer.encode_image(pictures())
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    after.sum().backward()
    assert scorer.model.vision_model.encoder.layers[0].mlp.fc1.weight.grad is not None


@pytest.mark.parametrize("text", LONG)
def test_long_prompts_are_cut_split_and_refused_as_by_transformers(name: str, text: str) -> None:
    outcomes = []
    makers: list[Callable[[str], Any]] = [partial(native, name), partial(other, name)]
    for make in makers:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cut = make("warn").encode_text([text])
        with pytest.raises(InvalidInput) as refused:
            make("error").encode_text([text])
        outcomes.append((cut, make("split").encode_text([text]), [str(one.message) for one in caught], str(refused.value)))
    (*found, told, error), (*expected, their_words, their_error) = outcomes
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert (told, error) == (their_words, their_error)
    assert len(told) == 1


def native(name: str, policy: str) -> Any:
    return fd.load_scorer(name, long_prompts=policy)


def other(name: str, policy: Any) -> ClipScorer:
    return load(weights=WEIGHTS / FOLDERS[name], long_prompts=policy)


@pytest.mark.parametrize("layers", [None, [0, -1]])
def test_the_distance_is_that_of_transformers(layers: list[int] | None) -> None:
    native: Any = fd.load_perceptual("emoji", layers=layers)
    theirs = load_features(weights=WEIGHTS / "scorer", layers=layers)
    a, b = pictures(4).split(2)
    torch.testing.assert_close(native(a, b), theirs(a, b), atol=1e-5, rtol=0)
    assert native.fingerprint == theirs.fingerprint


def test_other_weights_are_loaded_by_transformers(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS / "judge", tmp_path / "copy")
    scorer: Any = fd.load_scorer("emoji", weights=tmp_path / "copy")
    metric: Any = fd.load_perceptual("emoji", weights=tmp_path / "copy")
    assert type(scorer.model).__module__.startswith("transformers.")
    assert metric.fingerprint == load_features(scorer=scorer).fingerprint
    assert scorer.fingerprint == fd.load_scorer("emoji-judge").fingerprint  # pyright: ignore[reportAttributeAccessIssue]


def test_options_that_cannot_be_used_are_refused() -> None:
    for build in (fd.load_scorer, fd.load_perceptual):
        with pytest.raises(InvalidInput, match="revision: expected None, as weights is a folder, got main"):
            build("emoji", revision="main")
    with pytest.raises(InvalidInput, match="long_prompts: expected 'warn', 'split' or 'error'"):
        fd.load_scorer("emoji", long_prompts="cut")
    assert fd.load_scorer("emoji", cache_dir="nowhere").resolution == 64
    assert fd.load_perceptual("emoji", cache_dir="nowhere", device="cpu")


def test_the_generator_of_random_numbers_is_left_alone() -> None:
    before = torch.get_rng_state()
    for name in FOLDERS:
        fd.load_scorer(name)
    assert torch.equal(torch.get_rng_state(), before)


def test_neither_transformers_nor_what_it_brings_is_imported() -> None:
    code = """if True:
        import sys, torch
        import fusedream_sdk as fd
        scorer, judge, metric = fd.load_scorer("emoji"), fd.load_scorer("emoji-judge"), fd.load_perceptual("emoji")
        image = torch.rand(1, 3, 64, 64)
        for one in (scorer, judge):
            one.encode_image(image) @ one.encode_text(["a blue dog"]).T, one.fingerprint
        metric(image, image.flip(3)), metric.fingerprint
        print(sorted({"transformers", "torchvision", "huggingface_hub"} & set(sys.modules)))
    """
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
