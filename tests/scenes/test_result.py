"""What a composition gives back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.errors import OutputError
from fusedream_sdk.imaging.pictures import read_recipe, to_pil
from fusedream_sdk.optim.state import Status
from fusedream_sdk.run.recipe import ModelRecord, Recipe, Verb
from fusedream_sdk.run.result import FILE, Result
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.result import CANDIDATES, SHEET, WON, Composed
from fusedream_sdk.scenes.scene import Scene, placed
from fusedream_sdk.testing import ToyGenerator, random_latents

SPOTS = [Placement.at("left", 0.5), Placement(0.3, 0.25, -1.0)]
HELD_OUT = torch.tensor([0.1, 0.4, 0.9, float("nan")])


def make() -> Composed:
    scene = Scene(ToyGenerator(24), ToyGenerator(16), SPOTS)
    latents = {**random_latents(scene, 4), **placed(SPOTS * 2)}
    result = Result(
        prompts=("a", "a", "b", "b"),
        seeds=(0, 0, 0, 0),
        images=scene(latents),
        latents=latents,
        scores={"augclip": torch.tensor([0.9, 0.1, 0.2, 0.3])},
        best_step=torch.arange(4),
        status=(Status.DROPPED, Status.DONE, Status.DONE, Status.FAILED),
        history={"augclip": torch.zeros(3, 4)},
        recipe=Recipe(Verb.COMPOSE, scene={}, layers=[], perceptual=ModelRecord()),
    )
    return Composed.choose(result, HELD_OUT, starts=SPOTS * 2, groups=[[0, 1], [2, 3]], scene=scene)


def test_the_best_on_held_out_views_wins_whatever_the_reported_score():
    made = make()
    assert made.winner == (1, 2)
    assert made.result.prompts == ("a", "b")
    assert len(made) == 2
    assert repr(made) == "Composed(2 of 4 candidates: 'a' (seed 0): (+0.25, -1.00) at 0.3, 'b' (seed 0): left at 0.5)"


def test_its_images_are_those_of_the_winners():
    made = make()
    assert torch.equal(made.images, made.candidates.images[[1, 2]])


def test_the_placements_are_those_of_the_latents():
    assert make().placements == tuple(SPOTS * 2)


def test_the_layers_are_whole_pictures_from_back_to_front():
    made = make()
    layers = made.layers()
    assert [[picture.size for picture in row] for row in layers] == [[(24, 24), (16, 16)]] * 2
    back, front = made.scene.layers(made.result.latents)
    assert layers[1][0].tobytes() == to_pil(back[1]).tobytes()
    assert layers[1][1].tobytes() == to_pil(front[1]).tobytes()


def test_the_sheet_shows_every_candidate_and_frames_the_winners():
    made = make()
    sheet = made.sheet()
    width, height = sheet.size[0] // 2, sheet.size[1] // 2
    for row in range(4):
        x, y = row % 2 * width, row // 2 * height
        assert sheet.crop((x + 3, y + 3, x + 27, y + 27)).tobytes() == to_pil(made.candidates.images[row]).tobytes()
        assert (sheet.getpixel((x, y)) == WON) == (row in made.winner)


def test_a_folder_takes_the_winners_all_candidates_and_the_tensors(tmp_path: Path):
    made = make()
    paths = made.save(tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["00-a-seed0.png", "01-b-seed0.png", SHEET, CANDIDATES, FILE]
    assert Image.open(paths[0]).tobytes() == made.pil[0].tobytes()
    recipe = read_recipe(paths[0])
    assert recipe["placement"] == {"scale": 0.3, "x": 0.25, "y": -1.0}
    assert (recipe["prompt"], recipe["scores"]) == ("a", {"augclip": 0.1})
    assert Result.load(tmp_path / "out").prompts == ("a", "b")


@pytest.mark.parametrize("existing", [SHEET, CANDIDATES, FILE, "01-b-seed0.png"])
def test_nothing_is_written_where_something_exists(tmp_path: Path, existing: str):
    (tmp_path / existing).write_bytes(b"mine")
    with pytest.raises(OutputError, match="expected a new file"):
        make().save(tmp_path)
    assert os.listdir(tmp_path) == [existing]
    make().save(tmp_path, overwrite=True)
    assert len(os.listdir(tmp_path)) == 5


def test_two_winners_do_not_fit_into_one_file(tmp_path: Path):
    with pytest.raises(OutputError, match="expected a folder for 2 pictures"):
        make().save(tmp_path / "a.png")


def test_a_notebook_shows_the_winners_with_their_places_and_a_plot_both_losses():
    html = make()._repr_html_()
    assert html.count("data:image/") == 2
    assert str(make().placements[make().winner[0]]) in html
    assert "the best of 4 candidates" in html
    pytest.importorskip("matplotlib")
    assert len(make().plot().axes[0].lines) == 2
