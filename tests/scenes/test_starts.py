"""Where the layers of a scene begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.latents import Latents
from fusedream_sdk.run.rows import Rows
from fusedream_sdk.scenes.request import layer_engines
from fusedream_sdk.scenes.scene import part
from fusedream_sdk.scenes.starts import layer_starts
from fusedream_sdk.scoring.target import embed
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer
from tests.scenes.toys import PROMPT, QUIET, asked, composer

GROUND = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))


def starts(dream: FuseDream | None = None, **wanted: Any) -> Latents:
    dream = dream or composer()
    request = asked(dream, **wanted)
    rows = Rows.of(dream.scorer, request.pairs)
    return layer_starts(layer_engines(dream.engine, request.layers), request, rows, progress=False)


def test_each_row_has_a_basis_for_both_layers():
    found = starts(prompts=["red", "blue"], seeds=[0, 1], basis=4)
    assert {name: tuple(x.shape) for name, x in found.items()} == {
        "background.z": (4, 4, 4),
        "background.colour": (4, 4, 3),
        "foreground.z": (4, 4, 4),
        "foreground.colour": (4, 4, 3),
    }


def test_a_pair_fits_the_prompt_together_better_than_any_picture_twice():
    dream, words = composer(), "a dog near a boat"
    text = embed(ToyScorer(8), [words])[0]

    def worth(found: Latents) -> Tensor:
        images = [
            dream.generator({n: x[0, :1] for n, x in part(found, layer).items()}) for layer in ("background", "foreground")
        ]
        both = ToyScorer(8).encode_image(torch.cat(images).detach()).sum(dim=0)
        return both @ text / both.norm()

    # the bank's means of views and the picture itself differ a little
    assert worth(starts(dream, prompts=words)) > worth(starts(dream, prompts=words, pairs=False)) + 0.02


def test_without_pairs_both_layers_begin_at_the_best_for_the_whole_prompt():
    found = starts(pairs=False)
    for name in ("z", "colour"):
        assert torch.equal(found[f"background.{name}"], found[f"foreground.{name}"])


def test_seeds_see_other_latents_and_so_begin_elsewhere():
    found = starts(seeds=[0, 1])
    assert not torch.equal(found["background.z"][0], found["background.z"][1])


def test_a_row_alone_begins_where_it_begins_among_others():
    together, alone = starts(prompts=["red", PROMPT], seeds=[4, 5]), starts(seeds=5)
    for name, x in alone.items():
        assert torch.equal(x[0], together[name][3])


def test_single_draws_of_the_two_layers_are_two_draws():
    found = starts(samples=1, basis=1)
    assert not torch.equal(found["background.z"], found["foreground.z"])


def test_a_fixed_picture_is_the_same_for_every_row_without_a_copy():
    for pairs in (True, False):
        pixels = starts(layers=(GROUND, None), seeds=[0, 1], pairs=pairs)["background.pixels"]
        assert pixels.shape == (2, 3, 3, 20, 30)
        assert torch.equal(pixels[1, 2], GROUND)
        assert pixels.stride()[:2] == (0, 0)


def test_the_foreground_is_chosen_to_complete_a_fixed_background():
    red, blue = (torch.zeros(3, 16, 16), torch.zeros(3, 16, 16))
    red[0], blue[2] = 1, 1
    on_red, on_blue = (starts(layers=(ground, None), prompts="a dog near a boat") for ground in (red, blue))
    assert not torch.equal(on_red["foreground.z"], on_blue["foreground.z"])


def test_a_reward_and_a_generator_of_its_own_have_starts_too():
    found = starts(composer(scorer=ToyReward()), prompts="red", samples=20, bank=20)
    assert found["foreground.z"].shape == (1, 3, 4)
    found = starts(layers=(None, ToyGenerator(24)))
    assert not torch.equal(found["background.z"], found["foreground.z"])


def test_a_prompt_that_both_layers_share_is_read_by_the_scorer_no_second_time():
    class Reading(ToyScorer):
        read: list[str] = []  # noqa: RUF012

        def encode_text(self, prompts: Sequence[str]) -> Tensor:
            self.read.extend(prompts)
            return super().encode_text(prompts)

    for changes in ({}, {"pairs": False}, {"samples": 1, "basis": 1}):
        Reading.read.clear()
        starts(composer(scorer=Reading(8)), **changes)
        assert Reading.read.count(PROMPT) == 1


def test_both_layers_begin_with_different_pictures():
    for changes in ({}, {"samples": 1, "basis": 1}):
        made = composer().compose(PROMPT, places="left", steps=1, lr=1e-9, **changes, **QUIET)
        back, front = made.scene.layers(made.candidates.latents)
        assert (back - front).abs().mean() > 0.02


def test_a_layer_may_have_its_own_prompt():
    options = {"places": "left", "steps": 1, "lr": 1e-9, "mix": "best", **QUIET}
    made = composer().compose(PROMPT, background="red", foreground="blue", **options)
    back, front = (layer[0].mean(dim=(1, 2)) for layer in made.scene.layers(made.candidates.latents))
    assert back[0] - back[2] > front[0] - front[2] + 0.2
    assert made.candidates.prompts == (PROMPT,)
    assert [layer["prompt"] for layer in made.candidates.recipe.to_json()["layers"]] == ["red", "blue"]
