"""Options that several verbs share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.cli.options import MIXES, VIEWS, SettingChoice, chosen, named_views, one_or_several, read_start, unused
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.inversion.result import Inversion
from fusedream_sdk.optim.parametrise import Mix
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import names_of
from fusedream_sdk.scoring.views import NAMED_VIEWS, NO_VIEWS, PUBLIC_VIEWS
from tests.conftest import toy_dream

NOTHING = SettingChoice(None, None, None, None, None, None, None, None, plain=False)


@pytest.mark.parametrize(
    ("given", "scorer"),
    [
        ((), None),
        (("clip",), "clip"),
        (("clip", "emoji"), {"clip": 1.0, "emoji": 1.0}),
        (("2*clip", ".5*owner/name", "0.25*ViT-B-32:openai"), {"clip": 2.0, "owner/name": 0.5, "ViT-B-32:openai": 0.25}),
        (("clip", "0.5*clip"), "clip"),
        (("2*clip",), "clip"),
        (("0*clip",), {"clip": 0.0}),
        (("clip", "-0.5*emoji"), {"clip": 1.0, "emoji": -0.5}),
    ],
)
def test_one_scorer_is_a_name_and_several_are_names_with_weights(given: tuple[str, ...], scorer: object):
    assert one_or_several(given) == scorer


def test_the_mixtures_are_those_of_the_settings_and_the_options_are_settings():
    assert get_args(Mix) == MIXES
    assert set(chosen(NOTHING)) == {"plain"}
    assert {name for name in names_of(SettingChoice) if name != "plain"} <= set(names_of(Settings))


def test_only_what_was_given_is_changed():
    assert NOTHING.changes() == {}
    given = SettingChoice(5, None, None, None, None, "random", None, 0.0, plain=True)
    assert given.changes() == {"steps": 5, "mix": "random", "noise": 0.0, "augment": NO_VIEWS}


def test_views_have_names():
    assert tuple(NAMED_VIEWS) == VIEWS
    assert named_views(None) == {}
    assert named_views("public", "none") == {"augment": PUBLIC_VIEWS, "search_augment": NO_VIEWS}


def test_a_start_is_a_picture_or_the_folder_of_one(tmp_path: Path):
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    picture = read_start(str(tmp_path / "a.png"))
    assert isinstance(picture, Tensor)
    assert picture.shape == (3, 20, 20)
    result = toy_dream().generate("red", steps=1, progress=False)
    result.save(tmp_path / "drawn")
    latents = read_start(str(tmp_path / "drawn"))
    assert isinstance(latents, dict)
    assert all(torch.equal(x, result.latents[name]) for name, x in latents.items())
    dream = toy_dream(perceptual=lambda a, b: (a - b).square().mean(dim=(1, 2, 3)))
    dream.invert(picture, steps=1, trial=1, starts=1, progress=False).save(tmp_path / "found")
    assert isinstance(read_start(str(tmp_path / "found")), Inversion)


def test_a_start_that_is_not_there_is_refused_and_a_word_of_the_mixture_told_its_option(tmp_path: Path):
    for word in ("no.png", *MIXES):
        with pytest.raises(InvalidInput, match=r"start: expected an existing picture, or a saved folder of one, got") as caught:
            read_start(word)
        assert (f"--mix {word}" in str(caught.value)) == (word in MIXES)


def test_an_option_without_effect_is_told_why_and_what_would_give_it_one():
    assert unused("--every", "nothing is shown").message == "--every: expected nothing, as nothing is shown. Leave it out."
    assert unused("--a", "b is not there", "add --b").message.endswith("Leave it out, or add --b.")


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "a red disc", "-m", "toy", "-o", "red.png"),
        ("compose", "a red disc", "-m", "toy", "-o", "red.png", "--place", "left", "--steps", "1"),
        ("invert", "given.png", "-m", "toy", "-o", "red.png", "--steps", "1", "--trial", "1"),
        ("replay", "given.png", "-o", "red.png"),
    ],
)
@pytest.mark.filterwarnings("default:drawn by models")
def test_every_verb_that_draws_can_compile_its_models(fusedream, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]):
    assert fusedream("generate", "a blue disc", "-m", "toy", "-o", "given.png")[0] == 0
    compiled: list[object] = []
    monkeypatch.setattr(torch, "compile", lambda function, **options: compiled.append(function) or function)
    code, _, err = fusedream(*words, "--compile")
    assert (code, bool(compiled)) == (0, True)
    assert read_recipe("red.png")["compiled"] is True
    assert ("drawn by models as they are, replayed by models compiled" in err) == (words[0] == "replay")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    code, _, err = fusedream(*words, "--compile", "--overwrite", "--device", "cpu")
    assert code == 2
    assert "--compile: expected a machine with a C++ compiler" in err
