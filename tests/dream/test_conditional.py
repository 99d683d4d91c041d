"""Generators with a label that may not be mixed, all the way from a search to a film."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.latents import Latents
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.testing import ToyGenerator, ToyScorer, check_generator

COLOURS = torch.tensor([[2.0, -2.0, -2.0], [-2.0, 2.0, -2.0], [-2.0, -2.0, 2.0]])
MakeDream = Callable[..., fd.FuseDream]


class Labelled(ToyGenerator):
    """The toy disc, whose colour is that of its label."""

    def __init__(self, constraint: Any, side: int = 16) -> None:
        super().__init__(side)
        self.space = {"z": ToyGenerator.space["z"], "label": fd.LatentSpec((3,), constraint)}

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        z = super().sample(n, rng=rng)["z"]
        return {"z": z, "label": torch.eye(3)[torch.randint(3, (n,), generator=rng)]}

    def __call__(self, latents: Latents) -> Tensor:
        return super().__call__({"z": latents["z"], "colour": latents["label"] @ COLOURS})


@pytest.fixture
def labelled(make_dream: MakeDream) -> fd.FuseDream:
    return make_dream(Labelled(fd.OneHot()), settings={"noise": 0.1})


def test_it_keeps_the_contract():
    check_generator(Labelled(fd.OneHot()))
    check_generator(Labelled(fd.Simplex()))


@pytest.mark.parametrize("mix", ["best", "paper", "random"])
@pytest.mark.parametrize("method", ["fusedream", "random-search?population=4", "clip-adam"])
def test_no_point_of_a_run_has_a_label_in_between(labelled: fd.FuseDream, method: str, mix: str):
    changes: Any = {} if method != "fusedream" else {"mix": mix}
    for state in labelled.iterate(["red", "blue"], seeds=[0, 1], method=method, **changes):
        for latents in (state.evaluation.latents, state.best.latents):
            assert fd.OneHot().contains(latents["label"], atol=0)


def test_the_label_is_that_of_the_best_sample(labelled: fd.FuseDream):
    result = labelled.generate(["red", "green", "blue"], mix="paper", progress=False)
    assert result.latents["label"].argmax(dim=1).tolist() == [0, 1, 2]


def test_shares_of_labels_are_mixed_and_stay_shares(make_dream: MakeDream):
    dream = make_dream(Labelled(fd.Simplex()), settings={"noise": 0.0})
    states = list(dream.iterate("red", mix="paper", steps=4))
    assert all(fd.Simplex().contains(state.best.latents["label"]) for state in states)
    assert "weight.label" in states[0].params


def test_a_composition_keeps_whole_labels(labelled: fd.FuseDream):
    made = fd.FuseDream(
        generator=labelled.generator, scorer=ToyScorer(8), perceptual=lambda a, b: (a - b).square().mean(dim=(1, 2, 3))
    ).compose("red blue", places=["left", "top"], steps=2, views=2, samples=16, bank=16, progress=False)
    for name in ("background.label", "foreground.label"):
        assert fd.OneHot().contains(made.candidates.latents[name], atol=0)


def test_a_film_changes_the_label_half_way(labelled: fd.FuseDream):
    both = labelled.generate(["red", "blue"], progress=False)
    film = fd.interpolate(both[0], both[1], 5, generator=labelled.generator)
    assert film.latents["label"].argmax(dim=1).tolist() == [0, 0, 2, 2, 2]
    assert fd.OneHot().contains(film.latents["label"], atol=0)


def test_noise_is_left_out_of_what_may_not_be_mixed(labelled: fd.FuseDream):
    latents = labelled.generator.sample(2, rng=torch.Generator().manual_seed(0))
    target: Any = None
    noisy = AugCLIP(labelled.generator, target, [0, 1], noise=0.1).perturb(latents, step=0)
    assert torch.equal(noisy["label"], latents["label"])
    assert not torch.equal(noisy["z"], latents["z"])


class Silent:
    """One-hot, without saying that it may not be mixed."""

    project, contains = fd.OneHot().project, fd.OneHot().contains


def test_a_set_that_is_mixed_though_it_may_not_be_stops_the_first_run(make_dream: MakeDream):
    with pytest.raises(PluginContractError, match="'label' to stay inside its constraint when it is mixed"):
        make_dream(Labelled(Silent())).generate("red", progress=False)
