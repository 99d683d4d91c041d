"""A saved picture, drawn again from its recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput, UnknownPlugin
from fusedream_sdk.imaging.pictures import read_recipe, save_png
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.result import Result
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator, ToyScorer

ENTRIES = """
    [fusedream_sdk.generators]
    toy-g = toy_models:generator
    [fusedream_sdk.scorers]
    toy-s = toy_models:scorer
    """
SOURCE = """
    from fusedream_sdk.testing import ToyGenerator, ToyScorer
    SIDE = 16
    def generator(device=None): return ToyGenerator(SIDE)
    def scorer(device=None): return ToyScorer(8)
    """
CHANGES = {"steps": 5, "views": 3, "bank": 96, "samples": 32, "basis": 3, "mix": "random", "noise": 0.02}


@pytest.fixture
def picture(install: Callable[..., Path], tmp_path: Path) -> Path:
    """Drawn by named toy models with settings of its own."""
    install("toy-models", ENTRIES, toy_models=SOURCE)
    dream = FuseDream(generator="toy-g", scorer="toy-s", dtype="float32")
    return dream.generate(["red", "blue"], seeds=[11, 2**62], progress=False, **CHANGES).save(tmp_path / "out")[3]


def test_a_replay_draws_the_same_picture_by_the_names_in_the_recipe(picture: Path):
    again = replay(picture, progress=False)
    assert isinstance(again, Result)
    assert (again.prompts, again.seeds) == (("blue",), (2**62,))
    assert again.pil[0].tobytes() == Image.open(picture).tobytes()
    ours, theirs = again.row_json(0), read_recipe(picture)
    scores = [r.pop("scores")["augclip"] for r in (ours, theirs)]
    assert ours == theirs
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_a_replay_can_be_watched_and_ended(picture: Path):
    steps: list[int] = []

    def watch(state: State, rows: Sequence[int]) -> None:
        steps.append(state.step)
        if state.step == 1:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="it came out otherwise"):
        again = replay(picture, progress=False, watch=watch)
    assert isinstance(again, Result)
    assert (steps, again.status) == ([0, 1], ("cancelled",))


def test_a_replay_with_other_weights_is_refused(picture: Path, monkeypatch: pytest.MonkeyPatch):
    import toy_models  # pyright: ignore[reportMissingImports]

    monkeypatch.setattr(toy_models, "SIDE", 32)
    with pytest.raises(FingerprintMismatch, match=r"generator: the picture was drawn with weights \w{12}, got \w{12}"):
        replay(picture, progress=False)
    with pytest.raises(FingerprintMismatch, match="scorer: the picture was drawn with weights"):
        replay(picture, generator=ToyGenerator(16), scorer=ToyScorer(16), progress=False)


def test_models_that_were_objects_must_be_handed_over_again(tmp_path: Path, make_dream: Callable[..., FuseDream]):
    result = make_dream().generate("red", progress=False)
    (path,) = result.save(tmp_path / "a.png")
    message = r"generator: expected the object that drew the picture, a fusedream_sdk.testing.ToyGenerator, got none. Pass it"
    with pytest.raises(InvalidInput, match=message):
        replay(path)
    again = replay(path, generator=ToyGenerator(16), scorer=ToyScorer(8), progress=False)
    assert isinstance(again, Result)
    torch.testing.assert_close(again.images, result.images)


def test_an_object_that_counts_as_false_is_taken(tmp_path: Path, make_dream: Callable[..., FuseDream]):
    class Empty(ToyGenerator):
        def __len__(self) -> int:
            return 0

    (path,) = make_dream(ToyGenerator(16)).generate("red", progress=False).save(tmp_path / "a.png")
    with pytest.raises(FingerprintMismatch):  # of another class, but it was tried
        replay(path, generator=Empty(16), scorer=ToyScorer(8), progress=False)


def test_models_that_are_not_installed_here_are_named(picture: Path, tmp_path: Path):
    recipe = read_recipe(picture)
    recipe["generator"]["name"] = "toy-gone"
    save_png(Image.open(picture), tmp_path / "b.png", recipe)
    with pytest.raises(UnknownPlugin, match=r"generators: expected one of .*; got 'toy-gone'"):
        replay(tmp_path / "b.png")


def test_another_version_is_warned_of(picture: Path, tmp_path: Path):
    save_png(Image.open(picture), tmp_path / "b.png", {**read_recipe(picture), "version": "0.0.0"})
    with pytest.warns(UserWarning, match="drawn by version 0.0.0, replayed by .*: it may differ"):
        replay(tmp_path / "b.png", progress=False)


@pytest.mark.parametrize("missing", ["prompt", "seed", "generator", "scorer", "settings", "dtype", "version"])
def test_a_recipe_that_lacks_a_part_is_refused(picture: Path, tmp_path: Path, missing: str):
    recipe = read_recipe(picture)
    del recipe[missing]
    save_png(Image.open(picture), tmp_path / "b.png", recipe)
    with pytest.raises(InvalidInput, match=f"picture: expected a whole recipe, got .*b.png without {missing!r}"):
        replay(tmp_path / "b.png", progress=False)


@pytest.mark.parametrize(
    ("part", "value"),
    [("settings", {"lr": 1}), ("settings", 3), ("generator", "toy-g"), ("settings", {"augment": {"hue": 1}}), ("scorer", {})],
)
def test_a_recipe_with_a_foreign_part_is_refused(picture: Path, tmp_path: Path, part: str, value: object):
    save_png(Image.open(picture), tmp_path / "b.png", {**read_recipe(picture), part: value})
    with pytest.raises(InvalidInput, match="picture: expected a whole recipe"):
        replay(tmp_path / "b.png", progress=False)


def test_a_picture_without_a_recipe_is_refused(tmp_path: Path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="picture: expected a PNG with a fusedream recipe"):
        replay(tmp_path / "a.png")


def test_a_prompt_with_weights_is_replayed_from_its_text(tmp_path: Path, make_dream: Callable[..., FuseDream]):
    dream = make_dream()
    path = dream.generate("red | blue:-0.5", progress=False).save(tmp_path / "a.png")[0]
    again = replay(path, generator=dream.generator, scorer=dream.scorer, progress=False)
    assert again.pil[0].tobytes() == Image.open(path).tobytes()


def test_a_picture_in_the_prompt_must_be_given_again(tmp_path: Path, make_dream: Callable[..., FuseDream]):
    dream, picture = make_dream(), torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0))
    prompt = Prompt("red") + 0.5 * Prompt(image=picture)
    path = dream.generate(prompt, progress=False).save(tmp_path / "a.png")[0]
    models = {"generator": dream.generator, "scorer": dream.scorer, "progress": False}
    again = replay(path, image_prompts=[1 - picture, picture], **models)
    assert again.pil[0].tobytes() == Image.open(path).tobytes()
    for pictures in ([], [1 - picture]):
        with pytest.raises(InvalidInput, match=r"prompts: expected the picture of image\(\w{12}\), .*image_prompts"):
            replay(path, image_prompts=pictures, **models)


def test_a_name_that_replay_does_not_know_is_refused(picture: Path):
    with pytest.raises(InvalidInput, match=r"judge: expected one of generator, scorer, .*, got an unknown name"):
        replay(picture, judge=3)  # pyright: ignore[reportCallIssue]


def test_pictures_for_a_prompt_without_any_are_refused(picture: Path):
    with pytest.raises(InvalidInput, match=r"image_prompts: expected nothing, as there is no picture in its prompt, got 1"):
        replay(picture, image_prompts=[torch.rand(3, 20, 20)])
    with pytest.raises(InvalidInput, match=r"image_prompts: expected a list of pictures, got a Tensor\. Put"):
        replay(picture, image_prompts=torch.rand(3, 20, 20))  # pyright: ignore[reportArgumentType]
