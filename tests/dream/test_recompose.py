"""A composed picture, composed again from its recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.errors import FingerprintMismatch, InvalidInput
from fusedream_sdk.imaging.pictures import read_recipe, save_png
from fusedream_sdk.scenes.placement import Placement
from fusedream_sdk.scenes.result import Composed
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.scenes.toys import QUIET, SquareDistance, composer

ENTRIES = """
    [fusedream_sdk.generators]
    toy-g = recomposed_toys:generator
    toy-big = recomposed_toys:big
    [fusedream_sdk.scorers]
    toy-s = recomposed_toys:scorer
    [fusedream_sdk.perceptual]
    toy-p = recomposed_toys:perceptual
    """
SOURCE = """
    from fusedream_sdk.testing import ToyGenerator, ToyScorer
    def generator(device=None): return ToyGenerator(16)
    def big(device=None): return ToyGenerator(24)
    def scorer(device=None): return ToyScorer(8)
    def perceptual(device=None): return lambda a, b: (a - b).square().mean(dim=(1, 2, 3))
    """
QUICK: dict[str, Any] = {"steps": 4, "views": 2, "bank": 64, "samples": 32, "basis": 2, "check_every": 2, "noise": 0.02}
QUICK["mix"] = "random"
OBJECTS: dict[str, Any] = {"generator": ToyGenerator(16), "scorer": ToyScorer(8), "perceptual": SquareDistance()}


def compose_to(path: Path, dream: FuseDream | None = None, **changes: Any) -> Composed:
    dream = dream or composer(settings=QUICK)
    made = dream.compose("red and blue", **{"places": ["left", "top"], **QUIET, **changes})
    made.save(path)
    return made


def again(path: Path, **options: Any) -> Composed:
    made = replay(path, **{**OBJECTS, **QUIET, **options})
    assert isinstance(made, Composed)
    return made


@pytest.mark.parametrize(
    "changes",
    [
        {"halving": 2, "scales": [0.3, 0.6]},
        {"free": True, "scales": [0.3, 0.6]},
        {"places": [Placement(0.37, 0.123456789, -0.5)], "feather": 0.2, "direction": "linear", "background": "red"},
    ],
    ids=["halving", "free", "prompted"],
)
def test_a_replay_composes_the_winner_alone_and_draws_the_same_picture(tmp_path: Path, changes: dict):
    made = compose_to(tmp_path / "a.png", **changes)
    replayed = again(tmp_path / "a.png")
    assert len(replayed.candidates) == 1
    assert replayed.starts == (made.starts[made.winner[0]],)
    torch.testing.assert_close(replayed.result.images, made.result.images, atol=2e-3, rtol=0)
    ours, theirs = replayed.row_json(0), read_recipe(tmp_path / "a.png")
    for recipe in (ours, theirs):
        recipe["scene"]["halving"] = None
        del recipe["scores"]
    assert ours == theirs


def test_named_models_and_layers_are_loaded_by_their_names(tmp_path: Path, install: Callable[..., Path]):
    install("recomposed-toys", ENTRIES, recomposed_toys=SOURCE)
    dream = FuseDream(generator="toy-g", scorer="toy-s", perceptual="toy-p", dtype="float32", settings=QUICK)
    from fusedream_sdk.scenes.layer import Layer

    made = compose_to(tmp_path / "a.png", dream, background=Layer(generator="toy-big"))
    replayed = replay(tmp_path / "a.png", progress=False)
    assert isinstance(replayed, Composed)
    torch.testing.assert_close(replayed.result.images, made.result.images, atol=2e-3, rtol=0)
    assert replayed.candidates.recipe.to_json()["layers"][0]["generator"]["name"] == "toy-big"


def test_a_picture_that_was_a_layer_must_be_given_again_and_be_the_same(tmp_path: Path):
    ground = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    made = compose_to(tmp_path / "a.png", background=ground)
    message = r"background: expected the picture of this layer, got {}. Pass it: replay\(picture, background=...\)"
    with pytest.raises(InvalidInput, match=message.format("none")):
        again(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match=message.format("a ToyGenerator")):
        again(tmp_path / "a.png", background=ToyGenerator(16))
    with pytest.raises(FingerprintMismatch, match=r"background: the picture was drawn with pixels \w{12}, got \w{12}"):
        again(tmp_path / "a.png", background=ground.flip(0))
    replayed = again(tmp_path / "a.png", background=ground)
    torch.testing.assert_close(replayed.result.images, made.result.images, atol=2e-3, rtol=0)


def test_an_object_that_was_a_layer_must_be_given_again_and_be_the_same(tmp_path: Path):
    made = compose_to(tmp_path / "a.png", foreground=ToyGenerator(24))
    with pytest.raises(InvalidInput, match=r"foreground: expected the object .*, a fusedream_sdk.testing.ToyGen"):
        again(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="foreground: expected the generator of this layer, got a Tensor"):
        again(tmp_path / "a.png", foreground=torch.rand(3, 20, 20))
    with pytest.raises(FingerprintMismatch, match="foreground: the picture was drawn with weights"):
        again(tmp_path / "a.png", foreground=ToyGenerator(20))
    replayed = again(tmp_path / "a.png", foreground=ToyGenerator(24))
    torch.testing.assert_close(replayed.result.images, made.result.images, atol=2e-3, rtol=0)


def test_a_layer_of_the_same_generator_is_not_given(tmp_path: Path):
    compose_to(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="background: expected nothing, as the generator drew this layer too, got a Tensor"):
        again(tmp_path / "a.png", background=torch.rand(3, 20, 20))


def test_the_distance_must_be_given_again_and_be_the_same(tmp_path: Path):
    compose_to(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match=r"perceptual: expected the object that drew the picture, a tests.scenes.toys.Sq"):
        again(tmp_path / "a.png", perceptual=None)
    with pytest.raises(FingerprintMismatch, match="perceptual: the picture was drawn with weights"):
        again(tmp_path / "a.png", perceptual=lambda a, b: (a - b).abs().mean(dim=(1, 2, 3)))


def test_layers_of_a_picture_that_was_not_composed_are_refused(tmp_path: Path):
    composer(settings=QUICK).generate("red", **QUIET).save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="background: expected nothing, as the picture was not composed, got a Tensor"):
        replay(tmp_path / "a.png", background=torch.rand(3, 20, 20), generator=ToyGenerator(16), scorer=ToyScorer(8))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *[(part, None) for part in ("scene", "layers", "perceptual", "placement")],
        *[("scene", {"alpha": 0}), ("scene", {"colour": 1}), ("placement", {"scale": 2}), ("placement", {"where": 1})],
        *[("layers", []), ("layers", [{}, {}]), ("perceptual", {"name": "toy"})],
    ],
)
def test_a_recipe_with_a_part_missing_or_foreign_is_refused(tmp_path: Path, part: str, value: object):
    recipe = {
        "method": "compose",
        "version": "0",
        "prompt": "red",
        "seed": 0,
        "dtype": "float32",
        "settings": {"augment": {}},
        **{role: {"name": None, "class": "c", "fingerprint": "f"} for role in ("generator", "scorer", "perceptual")},
        "scene": {},
        "placement": {},
        "layers": [{"prompt": None, "generator": None, "picture": False}] * 2,
    }
    save_png(Image.new("RGB", (4, 4)), tmp_path / "a.png", recipe)
    with pytest.raises(FingerprintMismatch):  # whole, so far
        again(tmp_path / "a.png")
    save_png(Image.new("RGB", (4, 4)), tmp_path / "a.png", {**recipe, part: value})
    with pytest.raises(InvalidInput, match=r"picture: expected a whole recipe, got .*a.png with"):
        again(tmp_path / "a.png")


def test_pictures_in_the_prompts_must_be_given_again(tmp_path: Path):
    picture, path = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0)), tmp_path / "a.png"
    like = Prompt("red") + Prompt(image=picture)
    composer(settings=QUICK).compose(like, places="left", foreground=like, **QUIET).save(path)
    with pytest.raises(InvalidInput, match="prompt: expected the picture of image"):
        again(path)
    composer(settings=QUICK).compose(like, places="left", **QUIET).save(tmp_path / "b.png")
    with pytest.raises(InvalidInput, match=r"prompts: expected the picture of image\(\w{12}\), .*image_prompts"):
        again(tmp_path / "b.png")
    assert again(path, image_prompts=[picture]).result.pil[0].tobytes() == Image.open(path).tobytes()
