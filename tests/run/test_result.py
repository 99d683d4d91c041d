"""What a run gives back."""

from __future__ import annotations

import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from fusedream_sdk.errors import InvalidInput, OutputError, WeightsError
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.recipe import ModelRecord, Recipe
from fusedream_sdk.run.result import FILE, Result, join_histories
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.files import read_bundle, save_bundle


def make(prompts: tuple[str, ...] = ("a", "a", "b", "b"), seeds: tuple[int, ...] = (0, 1, 0, 1), steps: int = 3) -> Result:
    n = len(prompts)
    rng = torch.Generator().manual_seed(n)
    return Result(
        prompts=prompts,
        seeds=seeds,
        images=torch.rand(n, 3, 8, 6, generator=rng),
        latents={"z.free": torch.randn(n, 4, generator=rng), "text": torch.randn(n, 2, 2, generator=rng)},
        scores={"augclip": torch.tensor([0.1, 0.4, 0.3, 0.2, 0.5])[:n], "clip": torch.tensor([9.0, 0, 0, 9, 0])[:n]},
        best_step=torch.arange(n),
        status=(Status.DONE, Status.PLATEAU, Status.FAILED, Status.DONE, Status.DONE)[:n],
        history={"augclip": torch.randn(steps + 1, n, generator=rng)},
        recipe=Recipe(version="0", settings=Settings(lr=0.1)),
    )


def assert_equal(a: Result, b: Result) -> None:
    assert (a.prompts, a.seeds, a.status, a.recipe) == (b.prompts, b.seeds, b.status, b.recipe)
    for x, y in ((a.images, b.images), (a.best_step, b.best_step)):
        assert torch.equal(x, y)
    for group in ("latents", "scores", "history"):
        ours, theirs = getattr(a, group), getattr(b, group)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_folder_gives_the_whole_result_back(tmp_path: Path):
    result = make()
    paths = result.save(tmp_path / "out")
    assert [p.name for p in paths] == ["00-a-seed0.png", "01-a-seed1.png", "02-b-seed0.png", "03-b-seed1.png"]
    assert sorted(os.listdir(tmp_path / "out")) == [*(p.name for p in paths), FILE]
    assert_equal(Result.load(tmp_path / "out"), result)


def test_every_picture_carries_the_recipe_of_its_row(tmp_path: Path):
    paths = make().save(tmp_path / "out")
    recipe = read_recipe(paths[2])
    assert (recipe["prompt"], recipe["seed"], recipe["scores"]["augclip"]) == ("b", 0, 0.3)
    assert recipe == make().row_json(2)
    assert recipe["settings"]["lr"] == 0.1
    assert Image.open(paths[2]).tobytes() == make().pil[2].tobytes()


def test_one_row_is_saved_as_a_file(tmp_path: Path):
    assert make()[1].save(tmp_path / "a.png") == [tmp_path / "a.png"]
    assert os.listdir(tmp_path) == ["a.png"]
    assert read_recipe(tmp_path / "a.png")["seed"] == 1


@pytest.mark.parametrize("taken", ["02-b-seed0.png", FILE])
def test_nothing_is_written_when_one_target_exists(tmp_path: Path, taken: str):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(OutputError, match=r"exists. Choose another name, or allow overwriting"):
        make().save(tmp_path)
    assert os.listdir(tmp_path) == [taken]
    assert (tmp_path / taken).read_text() == "mine"
    make().save(tmp_path, overwrite=True)
    assert_equal(Result.load(tmp_path), make())


def test_places_that_cannot_take_a_result_are_refused_and_nothing_is_written(tmp_path: Path):
    (tmp_path / "file").touch()
    cases = {
        tmp_path / "a.png": "out: expected a folder for 4 pictures, got the file .*a.png",
        tmp_path / "file": "out: expected a folder, got the file",
        tmp_path / "none" / "out": "out: expected an existing folder, got .*none. Make it first: mkdir -p",
        tmp_path / "none" / "a.png": "out: expected a folder for 4 pictures",
    }
    for path, message in cases.items():
        with pytest.raises(OutputError, match=message):
            make().save(path)
    with pytest.raises(OutputError, match="out: expected an existing folder"):
        make()[0].save(tmp_path / "none" / "a.png")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.GIF"])
def test_another_picture_format_is_refused_rather_than_made_a_folder(tmp_path: Path, name: str):
    with pytest.raises(InvalidInput, match=r"out: expected a folder or a file that ends in .png"):
        make()[0].save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, b"", b"junk" * 50])
def test_a_folder_without_a_readable_result_is_refused(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(WeightsError, match=r"expected a folder that Result.save wrote"):
        Result.load(tmp_path)


def test_a_truncated_or_foreign_tensor_file_is_refused(tmp_path: Path):
    make().save(tmp_path)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[:-20])
    with pytest.raises(WeightsError):
        Result.load(tmp_path)
    for about in ({}, {"about": "{}"}, {"about": "[1"}, {"about": "[1]"}):
        save_file({"x": torch.zeros(1)}, tmp_path / FILE, about)
        with pytest.raises(WeightsError, match=r"expected a folder that Result.save wrote"):
            Result.load(tmp_path)


@pytest.mark.parametrize("change", [{"recipe": []}, {"recipe": {}}, {"status": ["stopped"] * 4}, {"prompts": None}])
def test_a_tensor_file_with_a_damaged_part_is_refused(tmp_path: Path, change: dict[str, object]):
    make().save(tmp_path)
    about, tensors = read_bundle(tmp_path / FILE)
    save_bundle(tmp_path / FILE, tensors, {**about, **change})
    with pytest.raises(WeightsError, match=r"expected a folder that Result.save wrote"):
        Result.load(tmp_path)


def test_what_was_drawn_from_a_start_keeps_each_rows_start(tmp_path: Path):
    begun = Recipe(start={"picture": "p"}, perceptual=ModelRecord(), inversion={})
    result = replace(make(), starts=("s0", "s1", "s2", "s3"), recipe=begun)
    paths = result.save(tmp_path / "out")
    assert Result.load(tmp_path / "out").starts == result.starts
    assert read_recipe(paths[2])["start"] == {"picture": "p", "latents": "s2"}
    assert result[[3, 0]].starts == ("s3", "s0")
    assert Result.concatenate([result[3], result[0]]).starts == ("s3", "s0")
    assert result.recipe.start == {"picture": "p"}


def test_the_best_of_each_prompt_is_picked_by_the_fresh_views():
    best = make().best()
    assert (best.prompts, best.seeds) == (("a", "b"), (1, 0))


def test_a_score_that_is_not_a_number_is_never_the_best():
    result = make()
    result.scores["augclip"][1] = torch.nan
    assert result.best().seeds == (0, 0)


def test_rows_are_picked_by_number_slice_and_list():
    result = make()
    assert result[-1].seeds == (1,)
    assert result[1:3].prompts == ("a", "b")
    assert_equal(result[[3, 0]], Result.concatenate([result[3], result[0]]))
    with pytest.raises(IndexError):
        result[4]


def test_parts_with_histories_of_different_lengths_are_put_together():
    together = Result.concatenate([make(steps=2), make(("c",), (5,), steps=4)])
    assert len(together) == 5
    assert together.history["augclip"].shape == (5, 5)
    assert together.history["augclip"][3:, :4].isnan().all()
    assert together.history["augclip"][:, 4].isfinite().all()


def test_a_notebook_shows_a_line_for_each_prompt_and_a_column_for_each_seed():
    shown = Image.open(BytesIO(make()._repr_png_()))
    assert shown.size == (2 * 6 + 2, 2 * 8 + 2)
    assert make(("a",), (0,)).sheet().size == (6, 8)
    assert make(("a", "b", "c"), (0, 0, 0)).sheet().size == (3 * 6 + 4, 8)
    assert make(tuple("abcdefg"), (0,) * 7).sheet().size == (5 * 6 + 8, 2 * 8 + 2)


def test_a_notebook_shows_each_picture_with_its_prompt_seed_and_scores():
    html = make(("a <b>", "a", "b", "b"))._repr_html_()
    assert html.count("data:image/png") == 4
    assert "a &lt;b&gt;<br>seed 0<br>augclip 0.100, clip 9.000" in html
    assert html.count("failed") == 1


def test_pictures_are_numbers_with_the_channels_last_too():
    result = make()
    assert result.numpy.shape == (4, 8, 6, 3)
    assert torch.equal(torch.from_numpy(result.numpy[1]).permute(2, 0, 1), result.images[1])


def test_a_plot_has_a_line_for_each_row():
    pytest.importorskip("matplotlib")
    assert len(make().plot().axes[0].lines) == 4


def test_a_part_that_was_stopped_before_a_look_has_none():
    first, second = make(("a",), (0,)), make(("b",), (1,))
    second = replace(second, history={**second.history, "held_out": torch.zeros(4, 1)})
    for parts in ((first, second), (second, first)):
        together = join_histories([part.history for part in parts])
        assert together["held_out"].shape == (4, 2)
        assert together["held_out"].isnan().all(dim=0).tolist() == [part is first for part in parts]


def test_the_repr_is_one_short_line():
    assert repr(make()) == "Result(4 pictures of 8x6: 'a' (seed 0), 'a' (seed 1), 'b' (seed 0), ...)"


def test_latents_move_to_a_device():
    assert make().to("meta")["text"].device.type == "meta"


def test_histories_side_by_side_are_filled_where_the_shorter_ended():
    short, long = {"a": torch.ones(2, 1), "b": torch.zeros(2, 1)}, {"a": torch.ones(3, 2), "b": torch.zeros(3, 2)}
    joined = join_histories([short, long])
    assert joined["a"].isnan().tolist() == [[False] * 3, [False] * 3, [True, False, False]]
    assert joined["b"][:2].eq(0).all()


def test_scores_that_only_some_parts_have_are_left_out_of_the_whole():
    first, second = make(), make()
    whole = Result.concatenate([replace(first, scores={**first.scores, "judge": torch.zeros(len(first))}), second])
    assert set(whole.scores) == set(second.scores)
    assert len(whole.scores["augclip"]) == len(first) + len(second)
