"""Rows that are told where to begin: at a picture, at latents, at an inversion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.dream.start import check_used
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.imaging.pictures import read_recipe, save_png, to_pil
from fusedream_sdk.run.result import Result
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

MakeDream = Callable[..., FuseDream]
STILL = {"progress": False, "steps": 1, "lr": 1e-9, "noise": 0.0}  # ends where it begins


def distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean(dim=(1, 2, 3))


def picture(seed: int = 5) -> Tensor:
    toy = ToyGenerator(16)
    with torch.no_grad():
        return toy(random_latents(toy, 1, seed))[0]


@pytest.fixture
def dream(make_dream: MakeDream) -> FuseDream:
    return make_dream(perceptual=distance, settings={"lr": 0.1})


def test_a_picture_of_the_generator_is_found_again(dream: FuseDream):
    found = dream.invert([picture(5), picture(6)], progress=False)
    assert (found.psnr > 30).all()
    assert found.recipe.verb == "invert"
    assert found.recipe.to_json()["inversion"]["lr"] == pytest.approx(0.3)


@pytest.mark.parametrize("models", [{"scorer": ToyReward()}, {"settings": {"samples": 1, "basis": 1, "lr": 0.1}}])
def test_it_is_found_without_a_bank_too(make_dream: MakeDream, models: dict, own_cache: Path):
    found = make_dream(perceptual=distance, **{"settings": {"lr": 0.1}, **models}).invert(picture(), progress=False)
    assert (found.psnr > 20).all()
    assert not list(own_cache.rglob("*"))


def test_an_unknown_setting_is_refused(dream: FuseDream):
    with pytest.raises(InvalidInput, match=r"step: expected a setting of an inversion: .* Did you mean 'steps'"):
        dream.invert(picture(), step=3)


def test_rows_begin_at_the_picture(dream: FuseDream):
    found = dream.invert(picture(), progress=False)
    result = dream.generate(["red", "blue"], start=picture(), **STILL)
    for row in (0, 1):
        torch.testing.assert_close(result.images[row], found.images[0], atol=1e-4, rtol=0)
    assert result.starts[0] == result.starts[1]


def test_a_picture_may_be_a_file_or_an_image(dream: FuseDream, tmp_path: Path):
    to_pil(picture()).save(tmp_path / "a.png")
    path, image = (dream.generate("red", start=s, **STILL).images for s in (tmp_path / "a.png", to_pil(picture())))
    assert torch.equal(path, image)


def test_rows_begin_at_latents_one_for_all_or_one_for_each(dream: FuseDream):
    latents = random_latents(dream.generator, 2, 9)
    with torch.no_grad():
        images = dream.generator(latents)
    each = dream.generate(["red", "blue"], start=latents, **STILL)
    torch.testing.assert_close(each.images, images, atol=1e-4, rtol=0)
    assert each.starts[0] != each.starts[1]
    one = dream.generate(["red", "blue"], start={name: x[:1] for name, x in latents.items()}, **STILL)
    assert one.starts == (each.starts[0],) * 2
    torch.testing.assert_close(one.images[1], images[0], atol=1e-4, rtol=0)


def test_a_result_and_an_inversion_are_starts(dream: FuseDream):
    first = dream.generate("red", **STILL)
    torch.testing.assert_close(dream.generate("blue", start=first.latents, **STILL).images, first.images, atol=1e-4, rtol=0)
    found = dream.invert(picture(), progress=False, steps=5)
    torch.testing.assert_close(dream.generate("blue", start=found, **STILL).images, found.images, atol=1e-4, rtol=0)


def test_the_picture_comes_to_fit_its_prompt_from_there(make_dream: MakeDream):
    dream = make_dream(settings={"steps": 40, "views": 8})
    latents = random_latents(dream.generator, 1, 9)
    begun, done = dream.generate("red", start=latents, **STILL), dream.generate("red", start=latents, progress=False)
    assert done.scores["augclip"] > begun.scores["augclip"]


def test_given_latents_need_no_bank_and_chunks_give_the_same(make_dream: MakeDream, own_cache: Path):
    latents = random_latents(ToyGenerator(16), 2, 9)
    whole, chunked = (make_dream(memory_gb=gb).generate(["red", "blue"], start=latents, progress=False) for gb in (4, 1e-9))
    torch.testing.assert_close(whole.images, chunked.images, atol=1e-4, rtol=0)
    assert whole.starts == chunked.starts
    assert not list(own_cache.rglob("*"))


def test_a_user_drives_from_there_too(dream: FuseDream):
    latents = random_latents(dream.generator, 1, 9)
    state = next(dream.iterate("red", start=latents, noise=0.0))
    torch.testing.assert_close(state.evaluation.latents["z"], latents["z"])


def test_the_words_of_a_mixture_are_no_starts(dream: FuseDream):
    result = dream.generate("red", mix="best", progress=False)
    assert result.recipe.settings.mix == "best"
    assert result.row_json(0)["settings"]["start"] == "best"
    expected = r"start: expected a picture \(Path, image, tensor\), latents, or an Inversion, got a str"
    for word in ("best", "paper", "random"):
        with pytest.raises(InvalidInput, match=rf"{expected}. The weights of the mixture are mix='{word}'"):
            dream.generate("red", start=word, progress=False)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match=rf"{expected}. A file's name has to be a Path"):
        dream.generate("red", start="a.png", progress=False)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (7, "start: expected a picture .*, latents, or an Inversion, got a int"),
        ({}, "start: expected a picture"),
        ({"z": torch.zeros(1, 4)}, "start: expected the entries"),
        ({"z": torch.zeros(1, 5), "colour": torch.zeros(1, 3)}, "start.*: expected shape"),
        ({"z": torch.zeros(3, 4), "colour": torch.zeros(3, 3)}, "start: expected one row, or one for each of 2 rows, got 3"),
        ({"z": torch.full((1, 4), 3.0), "colour": torch.zeros(1, 3)}, "start: expected finite latents inside"),
        ({"z": torch.zeros(1, 4), "colour": torch.full((1, 3), torch.nan)}, "start: expected finite latents inside"),
        (torch.zeros(3, 4, 4), "start: expected a picture with sides from 16"),
        (Path("no.png"), "start: expected an existing picture, got no.png"),
    ],
)
def test_a_start_that_cannot_be_used_is_refused_before_anything_is_drawn(make_dream: MakeDream, start: object, message: str):
    class Untouched(ToyGenerator):
        def __call__(self, latents: dict[str, Tensor]) -> Tensor:
            raise AssertionError("drew a picture")

    with pytest.raises(InvalidInput, match=message):
        make_dream(Untouched(16)).generate(["red", "blue"], start=start)  # pyright: ignore[reportArgumentType]


MODELS = {"generator": ToyGenerator(16), "scorer": ToyScorer(8), "progress": False}


def replayed(path: Path, **given: object) -> Result:
    again = replay(path, **MODELS, **given)  # pyright: ignore[reportArgumentType]
    assert isinstance(again, Result)
    return again


@pytest.fixture
def from_picture(dream: FuseDream, tmp_path: Path) -> Path:
    return dream.generate("red", start=picture(), seeds=3, progress=False).save(tmp_path / "a.png")[0]


@pytest.fixture
def from_latents(dream: FuseDream, tmp_path: Path) -> Path:
    latents = random_latents(dream.generator, 2, 9)
    return dream.generate(["red", "blue"], start=latents, progress=False).save(tmp_path / "out")[1]


def test_a_replay_begins_at_the_same_picture(dream: FuseDream, from_picture: Path):
    again = replayed(from_picture, start=picture(), perceptual=distance)
    assert again.row_json(0) == read_recipe(from_picture)
    assert torch.equal(again.images, dream.generate("red", start=picture(), seeds=3, progress=False).images)


def test_a_replay_begins_at_the_same_latents(dream: FuseDream, from_latents: Path, from_picture: Path):
    second = {name: x[1:] for name, x in random_latents(dream.generator, 2, 9).items()}
    again = replayed(from_latents, start=second)
    torch.testing.assert_close(again.images[0], Result.load(from_latents.parent).images[1], atol=1e-4, rtol=0)
    assert replayed(from_picture, start=dream.invert(picture(), progress=False)).starts


def test_a_replay_at_another_start_is_refused(dream: FuseDream, from_picture: Path, from_latents: Path):
    with pytest.raises(FingerprintMismatch, match=r"start: the picture began at the picture \w{12}, got \w{12}. Pass the same"):
        replayed(from_picture, start=picture(6), perceptual=distance)
    first = {name: x[:1] for name, x in random_latents(dream.generator, 2, 9).items()}
    with pytest.raises(FingerprintMismatch, match=r"start: the picture began at the latents \w{12}, got"):
        replayed(from_latents, start=first)
    with pytest.raises(InvalidInput, match="start: expected the latents at which the picture began, got a picture"):
        replayed(from_latents, start=picture())


def test_a_replay_without_its_start_says_to_pass_it(from_picture: Path, from_latents: Path):
    for path, kind in ((from_picture, "picture"), (from_latents, "latents")):
        message = rf"start: expected the {kind} at which the picture began, got none. Pass it: replay\(picture, start=...\)"
        with pytest.raises(InvalidInput, match=message):
            replayed(path, **({"perceptual": distance} if kind == "picture" else {}))


def test_a_start_is_refused_for_a_picture_that_a_search_began(dream: FuseDream, tmp_path: Path):
    (path,) = dream.generate("red", progress=False).save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="start: expected nothing, as a search began the picture, got a Tensor"):
        replayed(path, start=picture())


@pytest.mark.parametrize(
    "part", [{"start": 3}, {"start": {}}, {"perceptual": None}, {"inversion": {"steps": 0}}, {"inversion": {"colour": 1}}]
)
def test_a_recipe_with_a_damaged_start_is_refused(from_picture: Path, tmp_path: Path, part: dict):
    recipe = {**read_recipe(from_picture), **part}
    save_png(to_pil(picture()), tmp_path / "b.png", recipe)
    with pytest.raises(InvalidInput, match="picture: expected a whole recipe"):
        replayed(tmp_path / "b.png", start=picture(), perceptual=distance)


def test_starts_are_kept_in_a_folder_and_by_rows(dream: FuseDream, from_latents: Path):
    result = Result.load(from_latents.parent)
    assert len(result.starts) == 2
    assert result[1].starts == result.starts[1:]
    assert Result.concatenate([result[0], result[1]]).starts == result.starts


@pytest.mark.parametrize("name", ["mix", "basis", "samples", "bank", "bank_views"])
def test_a_setting_of_a_search_has_no_effect_on_rows_that_are_told_where_to_begin(name: str):
    check_used({"z": torch.zeros(1, 3)}, {"steps": 3, "basis": 1})
    with pytest.raises(InvalidInput, match=f"{name}: expected nothing, as a start is neither searched nor mixed, got 7. Leave"):
        check_used({"z": torch.zeros(1, 3)}, {name: 7})


def test_a_picture_to_begin_at_is_looked_for_in_the_bank_so_its_size_counts():
    check_used(picture(), {"samples": 7, "bank": 9, "bank_views": 2})
    with pytest.raises(InvalidInput, match="mix: expected nothing, as a start is neither searched nor mixed"):
        check_used(picture(), {"mix": "best"})
