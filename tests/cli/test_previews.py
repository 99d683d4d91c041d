"""The pictures so far."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from fusedream_sdk.cli.previews import PicturesSoFar
from fusedream_sdk.errors import OutputError
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.optim.state import Best, State
from fusedream_sdk.optim.status import Status
from fusedream_sdk.protocols import Evaluation


def state(step: int, images: Tensor) -> State:
    rows, zeros = len(images), torch.zeros(len(images))
    latents = {"z": torch.zeros(rows, 1)}
    evaluation = Evaluation(latents, images, {"augclip": zeros})
    return State(step, evaluation, latents, Best.begin(latents, zeros), (Status.RUNNING,) * rows)


def colours(*shades: float) -> Tensor:
    return torch.tensor(shades).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))


def so_far(out: Path, targets: Sequence[Path], *, every: int = 1, overwrite: bool = False) -> PicturesSoFar:
    return PicturesSoFar(out, list(targets), every=every, overwrite=overwrite)


def test_of_a_single_picture_they_lie_beside_it(tmp_path: Path):
    watch = so_far(tmp_path / "car.png", [tmp_path / "car.png"])
    watch(state(0, colours(0.5)), range(1))
    assert written(tmp_path) == ["car-steps/step-0000.png"]


def test_of_a_folder_they_lie_in_it_with_a_folder_for_each_picture(tmp_path: Path):
    watch = so_far(tmp_path / "dreams", [tmp_path / "dreams" / f"{name}.png" for name in ("a", "b", "c")])
    watch(state(0, colours(0.1)), range(1))
    watch(state(12, colours(0.6, 0.9)), range(1, 3))
    steps = tmp_path / "dreams" / "steps"
    assert written(steps) == ["a/step-0000.png", "b/step-0012.png", "c/step-0012.png"]
    with Image.open(steps / "c" / "step-0012.png") as picture:
        assert picture.tobytes() == to_pil(colours(0.9)[0]).tobytes()


def test_only_every_so_many_steps_are_written(tmp_path: Path):
    watch = so_far(tmp_path / "car.png", [tmp_path / "car.png"], every=3)
    for step in range(8):
        watch(state(step, colours(0.5)), range(1))
    assert written(tmp_path / "car-steps") == ["step-0000.png", "step-0003.png", "step-0006.png"]


def test_nothing_is_made_before_the_first_picture(tmp_path: Path):
    so_far(tmp_path / "car.png", [tmp_path / "car.png"])
    assert os.listdir(tmp_path) == []


def test_a_folder_with_files_is_refused_unless_overwriting_is_allowed(tmp_path: Path):
    (tmp_path / "car-steps").mkdir()
    so_far(tmp_path / "car.png", [tmp_path / "car.png"])  # an empty one is welcome
    (tmp_path / "car-steps" / "step-0000.png").write_text("mine")
    with pytest.raises(OutputError, match=r"progress: expected an empty folder, but .*car-steps has files. Remove it, or"):
        so_far(tmp_path / "car.png", [tmp_path / "car.png"])
    watch = so_far(tmp_path / "car.png", [tmp_path / "car.png"], overwrite=True)
    watch(state(0, colours(0.5)), range(1))
    with Image.open(tmp_path / "car-steps" / "step-0000.png") as picture:
        assert picture.size == (8, 8)


def test_a_file_of_the_folders_name_is_refused(tmp_path: Path):
    (tmp_path / "car-steps").write_text("mine")
    with pytest.raises(OutputError, match=r"progress: expected a folder to write pictures into, got the file .*car-steps"):
        so_far(tmp_path / "car.png", [tmp_path / "car.png"], overwrite=True)


def test_pictures_so_far_lie_beside_a_single_picture(fusedream):
    words = ("-m", "toy", "-o", "red.png", "--progress", "pictures", "--every", "2")
    _, _, err = fusedream("generate", "a red disc", *words)
    assert sorted(path.name for path in Path("red-steps").iterdir()) == ["step-0000.png", "step-0002.png", "step-0004.png"]
    assert "pictures so far: red-steps" in err


def test_pictures_so_far_of_several_pictures_have_a_folder_each(fusedream):
    words = ("-m", "toy", "-s", "0,1", "-o", "dreams", "--progress", "pictures", "--every", "4", "--memory-gb", "0.000001")
    fusedream("generate", "a red disc", *words)
    found = sorted(str(path) for path in Path("dreams/steps").rglob("*.png"))
    assert found == [f"dreams/steps/0{i}-a-red-disc-seed{i}/step-000{s}.png" for i in (0, 1) for s in (0, 4)]
