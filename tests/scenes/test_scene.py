"""A scene is a generator like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pasting import paste_on_grid
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Box, Latents, LatentSpec, contains
from fusedream_sdk.protocols import Generator
from fusedream_sdk.scenes.layer import Still
from fusedream_sdk.scenes.placement import PLACES, Placement
from fusedream_sdk.scenes.scene import RIM, Scene, join, part, placed, placement_of
from fusedream_sdk.testing import ToyGenerator, check_generator, random_latents

CORNER = Placement.at("bottom-right", 0.5)


class Flat:
    """A plain picture of any size; its latent is its colour."""

    space = {"paint": LatentSpec((3,), Box(0.0, 1.0))}  # noqa: RUF012

    def __init__(self, height: int, width: int) -> None:
        self.resolution = (height, width)

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        return {"paint": torch.rand(n, 3, generator=rng)}

    def __call__(self, latents: Latents) -> Tensor:
        return latents["paint"][:, :, None, None].expand(-1, -1, *self.resolution)


def three(**options: Any) -> Scene:
    """A red ground, a green quarter in its corner, a blue sixteenth in the middle."""
    return Scene(Scene(Flat(32, 32), Flat(16, 16), CORNER, **options), Flat(16, 16), Placement(0.25), **options)


def colours(scene: Scene) -> Latents:
    latents = random_latents(scene, 1)
    names = ["background.background.paint", "background.foreground.paint", "foreground.paint"]
    return {**latents, **{name: torch.eye(3)[i : i + 1] for i, name in enumerate(names)}}


KINDS: dict[str, Callable[[], Generator]] = {
    "discrete": lambda: Scene(ToyGenerator(32), ToyGenerator(16), [Placement.at(p, 0.5) for p in PLACES]),
    "of one place": lambda: Scene(ToyGenerator(32), ToyGenerator(32)),
    "free": lambda: Scene(ToyGenerator(32), ToyGenerator(32), "free"),
    "feathered": lambda: Scene(ToyGenerator(32), ToyGenerator(16), CORNER, feather=0.3),
    "free and feathered": lambda: Scene(ToyGenerator(32), ToyGenerator(16), "free", feather=0.2),
    "not square": lambda: Scene(Flat(24, 40), Flat(30, 12), [Placement(0.4), CORNER]),
    "on a picture": lambda: Scene(Still(torch.rand(3, 24, 40)), ToyGenerator(32), CORNER),
    "of a picture": lambda: Scene(ToyGenerator(32), Still(torch.rand(3, 24, 40)), CORNER),
    "nested": three,
    "nested in front": lambda: Scene(ToyGenerator(32), three(), CORNER),
    "free on discrete": lambda: Scene(three(), ToyGenerator(16), "free"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_of_any_kind_keeps_the_contract_of_a_generator(kind: str):
    check_generator(KINDS[kind]())


def test_the_fused_picture_is_the_background_outside_and_the_foreground_inside():
    scene = Scene(ToyGenerator(32), ToyGenerator(16), CORNER)
    latents = random_latents(scene, 2)
    back, front = scene.layers(latents)
    images = scene(latents)
    assert torch.equal(images[:, :, 16:, 16:], front)
    assert torch.equal(images[:, :, :16], back[:, :, :16])
    assert torch.equal(images[:, :, :, :16], back[:, :, :, :16])


def test_the_latents_of_a_scene_are_those_of_its_parts():
    scene = Scene(ToyGenerator(32), Flat(16, 16), CORNER)
    latents = random_latents(scene, 2)
    assert set(scene.space) == {"background.z", "background.colour", "foreground.paint", "position", "scale"}
    assert torch.equal(scene.layers(latents)[0], ToyGenerator(32)(part(latents, "background")))
    again = join(part(latents, "background"), part(latents, "foreground"), placed([CORNER] * 2))
    assert all(torch.equal(again[name], latents[name]) for name in latents)


def test_a_discrete_placement_is_frozen_and_a_free_one_is_optimised_in_its_bounds():
    discrete, free = Scene(Flat(32, 32), Flat(16, 16)), Scene(Flat(32, 32), Flat(16, 16), "free", scales=(0.2, 0.6))
    assert (discrete.space["position"].frozen, discrete.space["scale"].frozen) == (True, True)
    assert (free.space["position"].frozen, free.space["scale"].frozen) == (False, False)
    drawn = random_latents(free, 50)
    assert contains(drawn, free.space)
    assert drawn["scale"].min() < 0.3
    assert drawn["scale"].max() > 0.5
    assert not contains({**drawn, "scale": torch.full((50, 1), 0.7)}, free.space)


def test_every_row_keeps_the_placement_that_it_was_given():
    spots = [Placement.at(p, s) for p in PLACES for s in (0.25, 0.5)]
    scene = Scene(Flat(32, 32), Flat(16, 16), spots)
    latents = {**random_latents(scene, len(spots)), **placed(spots)}
    images, (back, front) = scene(latents), scene.layers(latents)
    for row, spot in enumerate(spots):
        assert placement_of(latents, row) == spot
        one = slice(row, row + 1)
        alone = paste_on_grid(back[one], front[one], torch.tensor([[spot.x, spot.y]]), torch.tensor([[spot.scale]]))
        assert torch.equal(images[one], alone)


def test_a_sample_draws_from_all_placements():
    spots = [Placement.at(p) for p in PLACES]
    drawn = random_latents(Scene(Flat(32, 32), Flat(16, 16), spots), 200)
    assert {placement_of(drawn, row) for row in range(200)} == set(spots)


def test_three_layers_lie_over_each_other_from_back_to_front():
    scene = three()
    latents = colours(scene)
    images = scene(latents)[0]
    red, green, blue = torch.eye(3)
    assert torch.equal(images[:, 0, 0], red)
    assert torch.equal(images[:, 31, 31], green)
    assert torch.equal(images[:, 15, 15], blue)
    assert (images == blue[:, None, None]).all(dim=0).sum() == 8 * 8
    assert (images == green[:, None, None]).all(dim=0).sum() == 16 * 16 - 4 * 4
    layers = scene.layers(latents)
    assert [tuple(layer.shape[-2:]) for layer in layers] == [(32, 32), (16, 16), (16, 16)]
    assert torch.equal(torch.stack([layer[0, :, 0, 0] for layer in layers]), torch.eye(3))
    assert torch.equal(scene.fuse(layers, latents)[0], images)


def test_rims_pair_what_lies_behind_each_foreground_with_the_same_under_its_rim():
    scene = three()
    latents = colours(scene)
    (green_rim, red), (blue_rim, behind) = scene.rims(scene.layers(latents), latents)
    assert (red[0] == torch.eye(3)[0][:, None, None]).all()
    inner, outer = torch.eye(3)[0], torch.eye(3)[1]
    width = int(RIM * 16)
    assert torch.equal(green_rim[0, :, 16 + width, 16 + width], inner)
    assert torch.equal(green_rim[0, :, 16 + width - 1, 16 + width], outer)
    assert torch.equal(behind[0, :, 20, 20], outer)  # the scene of the first two
    assert torch.equal(blue_rim[0, :, 12, 12], torch.eye(3)[2])
    assert torch.equal(blue_rim[0, :, 14, 14], inner)
    assert torch.equal(blue_rim[0, :, 18, 18], outer)


def test_where_a_foreground_continues_its_background_its_rim_shows_nothing():
    scene = Scene(Flat(32, 32), Flat(16, 16), Placement(0.5))
    latents = random_latents(scene, 2)
    latents["foreground.paint"] = latents["background.paint"]
    ((rim, behind),) = scene.rims(scene.layers(latents), latents)
    torch.testing.assert_close(rim, behind)


def test_a_fixed_background_stays_as_it_is_outside_the_box():
    picture = torch.rand(3, 24, 40)
    scene = Scene(Still(picture), ToyGenerator(16), Placement.at("top-left", 0.5))
    images = scene(random_latents(scene, 3))
    assert torch.equal(images[:, :, 12:], picture[:, 12:].expand(3, -1, -1, -1))
    assert torch.equal(images[:, :, :, 12:], picture[:, :, 12:].expand(3, -1, -1, -1))
    assert not torch.equal(images[:, :, :12, :12], picture[:, :12, :12].expand(3, -1, -1, -1))


def test_a_free_scene_passes_gradients_to_place_and_scale():
    scene = Scene(ToyGenerator(32), ToyGenerator(32), "free")
    latents = {name: x.requires_grad_() for name, x in random_latents(scene, 2).items()}
    (scene(latents) * torch.linspace(0, 1, 32)).sum().backward()
    for name in ("position", "scale"):
        gradient = latents[name].grad
        assert gradient is not None
        assert (gradient.abs().sum(dim=1) > 0).all()


def test_a_free_scene_agrees_with_the_discrete_one_where_their_placements_do():
    spots = [Placement.at(p, 0.5) for p in PLACES]
    free = Scene(ToyGenerator(32), ToyGenerator(32), "free", scales=(0.25, 0.5))
    discrete = Scene(ToyGenerator(32), ToyGenerator(32), spots)
    latents = {**random_latents(discrete, 9), **placed(spots)}
    torch.testing.assert_close(free(latents), discrete(latents), atol=1e-5, rtol=0)


def test_the_fingerprint_names_the_layers_the_placement_and_the_feather():
    a, b = ToyGenerator(32), ToyGenerator(16)
    scenes = [Scene(a, b), Scene(b, a), Scene(a, b, CORNER), Scene(a, b, "free"), Scene(a, b, feather=0.1)]
    scenes.append(Scene(a, b, "free", scales=(0.1, 0.2)))
    assert len({scene.fingerprint for scene in scenes}) == len(scenes)
    assert Scene(ToyGenerator(32), ToyGenerator(16)).fingerprint == scenes[0].fingerprint


def test_a_scene_recommends_what_its_background_does():
    assert Scene(ToyGenerator(), Flat(16, 16)).recommended == ToyGenerator.recommended
    assert Scene(Flat(16, 16), ToyGenerator()).recommended == {}


class Elsewhere(Flat):
    device = torch.device("meta")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scene(Flat(32, 32), Flat(16, 16), feather=0.51), "feather: expected a number from 0 to 0.5, got 0.51"),
        (lambda: Scene(Flat(32, 32), Flat(16, 16), feather=-0.1), "feather: expected a number from 0 to 0.5, got -0.1"),
        (lambda: Scene(Flat(32, 32), Flat(16, 16), "free", scales=(0.6, 0.5)), "scales: expected the least and then the"),
        (lambda: Scene(Flat(32, 32), Flat(16, 16), "free", scales=(0.6, 1.5)), "scale: expected a number above 0 and at"),
        (lambda: Scene(Flat(32, 32), Flat(16, 16), "left"), "placement: expected a Placement, a list of them, or 'free'"),  # pyright: ignore[reportArgumentType]
        (lambda: Scene(Flat(32, 32), Flat(16, 16), []), r"placement: expected a Placement, a list of them, or .*, got \[\]"),
        (lambda: Scene(Flat(32, 32), Elsewhere(16, 16)), "foreground: expected both layers on one device, got cpu and meta"),
        (
            lambda: Scene(Flat(32, 32), Flat(16, 1600), Placement(0.5)),
            r"foreground: expected at least one pixel on the canvas, got \(16, 1600\) at scale 0.5 on \(32, 32\). Use a larger",
        ),
    ],
)
def test_layers_that_cannot_be_combined_are_refused(make: Callable[[], Scene], message: str):
    with pytest.raises(InvalidInput, match=message):
        make()


def test_a_foreground_of_another_resolution_covers_what_its_proportions_say():
    scene = Scene(Flat(24, 40), Flat(30, 12), Placement.at("right", 0.5))
    images = scene({**random_latents(scene, 1), "background.paint": torch.zeros(1, 3), "foreground.paint": torch.ones(1, 3)})
    assert images[0, 0].sum(dim=1).round().tolist() == [0] * 6 + [5] * 12 + [0] * 6  # 12 x 4.8, on whole pixels
    assert shrink(images, 16).shape == (1, 3, 16, 16)
