"""The pool of a row, and starts that are chosen among it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import fusedream_sdk as fd
from fusedream_sdk.dream.basis import Pool
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.latents import select
from fusedream_sdk.testing import ToyConditioned, ToyGenerator, ToyReward, ToyScorer
from tests.scenes.toys import composer

QUIET: dict[str, Any] = {"progress": False}
MakeDream = Callable[..., FuseDream]
# With a bank, with a reward that has none, and with a generator that depends on the prompt.
MODELS: list[dict[str, Any]] = [{}, {"scorer": ToyReward()}, {"generator": ToyConditioned(16)}]


@pytest.mark.parametrize("models", MODELS, ids=["bank", "reward", "conditioned"])
def test_the_pool_begins_with_the_basis_best_first(make_dream: MakeDream, models: dict[str, Any]):
    dream = make_dream(**models)
    pool = dream.basis(["a red ball", "a blue ball"], seeds=[0, 1], count=7, **QUIET)
    assert pool.images.shape == (4, 7, 3, 16, 16)
    assert pool.scores.shape == pool.index.shape == (4, 7)
    assert bool((pool.scores.diff(dim=1) <= 0).all())
    assert (pool.prompts[0], pool.seeds) == ("a red ball", (0, 1, 0, 1))
    begun = next(dream.iterate("a blue ball", seeds=1, noise=0.0))
    for name, x in pool.latents.items():
        if name != "tint":  # which the optimisation leaves alone
            assert torch.equal(begun.params[f"basis.{name}"][0], x[3, :3])


@pytest.mark.parametrize("models", MODELS, ids=["bank", "reward", "conditioned"])
def test_pictures_latents_and_index_belong_together(make_dream: MakeDream, models: dict[str, Any]):
    dream = make_dream(**models)
    pool = dream.basis("a red ball", seeds=3, count=5, **QUIET)
    with torch.no_grad():
        torch.testing.assert_close(
            dream.generator(select({n: x[0] for n, x in pool.latents.items()}, slice(5))), pool.images[0]
        )
    assert len(set(pool.index[0].tolist())) == 5
    if not models:
        again = dream.bank(**QUIET).latents(dream.generator, pool.index)
        assert all(torch.equal(again[name], x) for name, x in pool.latents.items())


@pytest.mark.parametrize("models", MODELS, ids=["bank", "reward", "conditioned"])
def test_pinned_starts_are_the_basis_in_their_order(make_dream: MakeDream, models: dict[str, Any]):
    dream = make_dream(**models)
    pool = dream.basis("a red ball", count=9, **QUIET)
    begun = next(dream.iterate(["a blue ball", "a red ball"], pin=[8, 2], noise=0.0))
    assert torch.equal(begun.params["basis.z"][1], pool.latents["z"][0, [8, 2]])


def test_a_dropped_start_makes_room_for_the_next_best(dream: FuseDream):
    pool = dream.basis("a red ball", count=9, **QUIET)
    begun = next(dream.iterate("a red ball", drop=[1, 2]))
    assert torch.equal(begun.params["basis.z"][0], pool.latents["z"][0, [0, 3, 4]])


def test_one_pinned_start_is_optimised_by_itself(dream: FuseDream):
    pool = dream.basis("a red ball", count=9, **QUIET)
    begun = next(dream.iterate("a red ball", pin=[7], noise=0.0))
    torch.testing.assert_close(begun.evaluation.images, pool.images[:, 7])


@pytest.mark.parametrize("changes", [{"pin": [5, 1]}, {"drop": [0]}, {"pin": 2}])
@pytest.mark.parametrize("models", MODELS[:1] + MODELS[2:], ids=["bank", "conditioned"])
def test_a_picture_of_chosen_starts_is_replayed(make_dream: MakeDream, tmp_path: Path, models: dict[str, Any], changes: dict):
    dream = make_dream(**models)
    path = dream.generate(["a red ball", "a blue ball"], seeds=4, **changes, **QUIET).save(tmp_path / "out")[1]
    given: Any = {"generator": dream.generator, "scorer": dream.scorer, **QUIET}
    again = replay(path, **given)
    assert again.pil[0].tobytes() == Image.open(path).tobytes()
    (name, value), *_ = changes.items()
    assert read_recipe(path)["settings"][name] == (value if isinstance(value, list) else [value])


def test_a_recipe_without_chosen_starts_says_nothing_of_them(dream: FuseDream):
    said = dream.generate("a red ball", **QUIET).row_json(0)["settings"]
    assert not {"pin", "drop"} & set(said)


def test_an_interrupted_folder_goes_on_only_with_the_same_starts(dream: FuseDream, tmp_path: Path):
    dream.generate("a red ball", pin=[1], into=fd.Folder(tmp_path / "out"), **QUIET)
    with pytest.raises(InvalidInput, match=r"resume: expected what .* was begun with"):
        dream.generate("a red ball", pin=[2], into=fd.Folder(tmp_path / "out", resume=True), **QUIET)


def test_the_pool_is_that_of_the_method(dream: FuseDream):
    plain = dream.basis("a red ball", search_augment=fd.NO_VIEWS, **QUIET)
    assert not torch.equal(plain.scores, dream.basis("a red ball", **QUIET).scores)
    own = fd.Method(settings={"search_augment": fd.NO_VIEWS})
    assert torch.equal(plain.scores, dream.basis("a red ball", method=own, **QUIET).scores)


def test_a_sheet_has_every_start_and_is_written_once(dream: FuseDream, tmp_path: Path):
    pool = dream.basis(["a red ball", "a blue ball"], **QUIET)
    assert isinstance(pool, fd.Pool)
    assert pool.images.shape[:2] == (2, 20)
    assert pool.save(tmp_path / "pool.png") == tmp_path / "pool.png"
    with Image.open(tmp_path / "pool.png") as sheet:
        assert sheet.size == pool.sheet().size
        assert sheet.width > 5 * 128
    with pytest.raises(OutputError, match="path: expected a new file"):
        pool.save(tmp_path / "pool.png")
    pool.save(str(tmp_path / "pool.png"), overwrite=True)
    with pytest.raises(InvalidInput, match=r"path: expected a file that ends in \.png"):
        pool.save(tmp_path / "pool.jpg")
    assert pool._repr_png_().startswith(b"\x89PNG")
    assert repr(pool) == "Pool(20 starts for 2 rows)"


def test_rows_of_a_pool_can_be_taken(dream: FuseDream):
    pool = dream.basis(["a red ball", "a blue ball"], count=2, **QUIET)
    one = pool[1]
    assert isinstance(one, Pool)
    assert (len(pool), len(one), one.prompts) == (2, 1, ("a blue ball",))
    assert torch.equal(one.images[0], pool.images[1])
    assert pool[[1, 0]].prompts == ("a blue ball", "a red ball")
    assert pool[:1].seeds == (0,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pin": [48]}, "pin: expected places in the search, from 0 to 47, as a row sees 48 samples, got 48."),
        ({"pin": [1], "drop": [2]}, "drop: expected nothing, as the basis is what is pinned, got [2]. Leave out one of them."),
        ({"pin": [1, 2], "basis": 5}, "basis: expected nothing, as the basis is what is pinned, got 5. Leave it out."),
        ({"drop": list(range(46))}, "drop: expected at most 45 of 48 samples, as 3 are mixed, got 46."),
        ({"pin": [1], "samples": 1, "basis": 1}, "pin: expected nothing, as 1 sample is not searched, got [1]."),
        ({"pin": [1], "method": "clip-adam"}, "pin: expected nothing, as clip-adam does not search, got [1]."),
        ({"drop": [1], "method": "random-search"}, "drop: expected nothing, as random-search does not search, got [1]."),
        ({"pin": [1], "start": {}}, "start: expected a picture"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_one_sentence(dream: FuseDream, given: dict[str, Any], message: str):
    with pytest.raises(InvalidInput) as caught:
        dream.generate("a red ball", **given, **QUIET)
    assert str(caught.value).startswith(message)


def test_a_start_that_is_told_leaves_nothing_to_choose(dream: FuseDream):
    latents = dream.generate("a red ball", **QUIET).latents
    with pytest.raises(InvalidInput, match="pin: expected nothing, as a start is neither searched nor mixed"):
        dream.generate("a red ball", start=latents, pin=[1], **QUIET)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 49}, "count: expected at most samples = 48, got 49. Search more samples."),
        ({"count": 0}, "count: expected an integer of at least 1, got 0."),
        ({"method": "clip-adam"}, "method: expected one that searches, got clip-adam."),
        ({"samples": 1, "basis": 1}, "samples: expected more than 1, got 1."),
        ({"pin": [2]}, "pin: expected nothing, as the whole pool is shown, got [2]."),
    ],
)
def test_a_pool_that_is_not_there_is_refused(dream: FuseDream, given: dict[str, Any], message: str):
    with pytest.raises(InvalidInput) as caught:
        dream.basis("a red ball", **given, **QUIET)
    assert str(caught.value).startswith(message)


def test_a_scene_takes_no_chosen_starts():
    with pytest.raises(InvalidInput, match="pin: expected nothing, as the layers of a scene search by themselves"):
        composer(settings={"steps": 2}).compose("red and blue", places="left", pin=[1], **QUIET)


def test_starts_can_be_chosen_for_every_call(make_dream: MakeDream):
    dream = make_dream(generator=ToyGenerator(16), scorer=ToyScorer(8), settings={"pin": [4, 5]})
    assert dream.settings.basis == 2
    pool = dream.basis("a red ball", **QUIET)
    assert torch.equal(next(dream.iterate("a red ball")).params["basis.z"][0], pool.latents["z"][0, [4, 5]])


def test_a_notebook_shows_every_start_with_its_place_and_of_many_rows_the_first(dream: FuseDream):
    pool = dream.basis("a red ball", seeds=[0, 1], count=7, progress=False)
    html = pool._repr_html_()
    assert html.count("data:image/png") == 14
    assert f"6: {float(pool.scores[1, 6]):.3f}" in html
    many = dream.basis("a red ball", seeds=range(3), count=20, progress=False)._repr_html_()
    assert many.count("data:image/png") == 20
    assert "and 2 more rows" in many
