"""What an inversion gives back."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.errors import InvalidInput, OutputError, WeightsError
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.inversion.result import FILE, Inversion, measure_psnr
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.recipe import ModelRecord, Recipe, Verb
from fusedream_sdk.runtime.files import read_bundle, save_bundle
from tests.inversion.toys import drawn, found


def make(count: int = 2) -> Inversion:
    """Made up, so that every part is told from every other."""
    rng = torch.Generator().manual_seed(count)
    status = (Status.DONE, Status.PLATEAU, Status.FAILED, Status.CANCELLED)
    return Inversion(
        targets=torch.rand(count, 3, 20, 24, generator=rng),
        images=torch.rand(count, 3, 20, 24, generator=rng),
        latents={"z.free": torch.randn(count, 4, generator=rng), "text": torch.randn(count, 2, 2, generator=rng)},
        psnr=torch.arange(count) + 20.256,
        perceptual=torch.arange(count) / 8 + 0.1,
        status=tuple(status[row % 4] for row in range(count)),
        history={"likeness": torch.rand(3, count, generator=rng)},
        recipe=Recipe(Verb.INVERT, "1", ModelRecord("toy"), perceptual=ModelRecord("eye"), inversion={"steps": 2}),
    )


def test_a_folder_is_read_back(tmp_path: Path):
    inversion = found(drawn())
    paths = inversion.save(tmp_path / "out")
    assert [path.name for path in paths] == ["00.png", "01.png"]
    again = Inversion.load(tmp_path / "out")
    assert torch.equal(again.images, inversion.images)
    assert torch.equal(again.latents["z"], inversion.latents["z"])
    assert (again.status, again.history.keys()) == (inversion.status, inversion.history.keys())
    (tmp_path / "out" / FILE).write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"inversion .*: expected a folder that Inversion.save wrote"):
        Inversion.load(tmp_path / "out")


def test_places_that_cannot_be_written_are_refused(tmp_path: Path):
    inversion = found(drawn())
    with pytest.raises(OutputError, match="expected a folder for 2 pictures"):
        inversion.save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match=r"out: expected a folder or a file that ends in \.png"):
        inversion.save(tmp_path / "a.jpg")
    inversion.save(tmp_path / "out")
    with pytest.raises(OutputError, match="expected a new file"):
        inversion.save(tmp_path / "out")
    assert inversion.save(tmp_path / "out", overwrite=True)


def test_the_sheet_shows_targets_above_the_pictures_found():
    inversion = found(drawn())
    sheet = inversion.sheet()
    assert (
        sheet.crop((0, 0, 32, 32)).tobytes()
        == Image.fromarray((inversion.targets[0] * 255).round().byte().permute(1, 2, 0).numpy()).tobytes()
    )
    assert sheet.crop((0, 36, 32, 68)).tobytes() == inversion.pil[0].tobytes()
    assert "Inversion(2 pictures: PSNR" in repr(inversion)


def test_every_part_comes_back_from_a_folder(tmp_path: Path):
    made = make(4)
    made.save(tmp_path / "out")
    again = Inversion.load(tmp_path / "out")
    for name in ("targets", "images", "psnr", "perceptual"):
        assert torch.equal(getattr(again, name), getattr(made, name))
    for ours, theirs in ((again.latents, made.latents), (again.history, made.history)):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (again.status, again.recipe) == (made.status, made.recipe)


@pytest.mark.parametrize("change", [{"recipe": []}, {"recipe": {}}, {"status": ["stopped"] * 2}, {"status": None}])
def test_a_folder_with_a_damaged_part_is_refused(tmp_path: Path, change: dict[str, object]):
    make().save(tmp_path)
    about, tensors = read_bundle(tmp_path / FILE)
    save_bundle(tmp_path / FILE, tensors, {**about, **change})
    with pytest.raises(WeightsError, match=r"inversion .*: expected a folder that Inversion.save wrote"):
        Inversion.load(tmp_path)


@pytest.mark.parametrize("missing", ["targets", "images", "psnr", "perceptual"])
def test_a_folder_without_a_tensor_is_refused(tmp_path: Path, missing: str):
    make().save(tmp_path)
    about, tensors = read_bundle(tmp_path / FILE)
    del tensors[missing]
    save_bundle(tmp_path / FILE, tensors, about)
    with pytest.raises(WeightsError, match=missing):
        Inversion.load(tmp_path)


def test_every_picture_says_how_it_was_found_and_how_near_it_is(tmp_path: Path):
    made = make()
    paths = made.save(tmp_path / "out")
    recipe = read_recipe(paths[1])
    assert (recipe["method"], recipe["inversion"]) == ("invert", {"steps": 2})
    assert recipe["found"] == {"psnr": 21.26, "perceptual": 0.225}
    assert Recipe.from_json(recipe) == made.row_recipe(1)
    assert made.recipe.found is None
    assert Image.open(paths[1]).tobytes() == made.pil[1].tobytes()


def test_a_single_picture_is_saved_as_a_file(tmp_path: Path):
    assert make(1).save(tmp_path / "a.png") == [tmp_path / "a.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_notebook_shows_the_sheet_with_ten_pictures_in_a_line():
    one, eleven = make(1).sheet(), make(11).sheet()
    assert eleven.width == 10 * (one.width + 4) - 4
    assert eleven.height == 2 * one.height
    assert make(1)._repr_png_().startswith(b"\x89PNG")


def test_the_repr_is_one_short_line():
    line = "Inversion(2 pictures: PSNR 20.3 dB, distance 0.100, PSNR 21.3 dB, distance 0.225)"
    assert repr(make()) == line
    assert repr(make(5)).endswith(", distance 0.350, ...)")


def test_the_ratio_of_signal_to_noise_is_in_decibels_and_infinite_for_the_same():
    a = torch.full((3, 3, 4, 4), 0.5)
    b = a + torch.tensor([0.1, 0.01, 0.0])[:, None, None, None]
    found_ratio = measure_psnr(a, b)
    torch.testing.assert_close(found_ratio[:2], torch.tensor([20.0, 40.0]), atol=1e-3, rtol=0)
    assert found_ratio[2] == torch.inf


def test_an_inversion_is_changed_only_as_a_copy():
    made = make()
    with pytest.raises(FrozenInstanceError):
        made.status = ()  # pyright: ignore[reportAttributeAccessIssue]
    assert replace(made, status=(Status.FAILED,) * 2).status == ("failed", "failed")
    assert made.status == ("done", "plateau")


def test_a_folder_of_version_0_2_that_names_no_models_is_read_back(tmp_path: Path):
    make().save(tmp_path / "near")
    about, tensors = read_bundle(tmp_path / "near" / FILE)
    save_bundle(tmp_path / "near" / FILE, tensors, {**about, "recipe": {"method": "invert", "settings": {"steps": 7}}})
    assert Inversion.load(tmp_path / "near").recipe == Recipe(Verb.INVERT, inversion={"steps": 7})


def test_a_notebook_shows_each_target_above_the_picture_found_and_a_plot_the_descent():
    html = make(2)._repr_html_()
    assert html.count("data:image/png") == 4
    assert "PSNR 20.3 dB, distance 0.100" in html
    pytest.importorskip("matplotlib")
    axes = make(2).plot().axes[0]
    assert len(axes.lines) == 2
    assert axes.get_title(loc="left") == "likeness, lower is better"
