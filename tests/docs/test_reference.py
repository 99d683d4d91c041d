"""What `tests.benchmarks.reference` times is the same twice: as the public code would run it, and as our plugins do."""

from __future__ import annotations

import pytest
import torch

from tests.benchmarks.reference import Pair, models, random_clips, timed


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, Pair]:
    return models("emoji")


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_both_generators_draw_the_same_pictures_once_folded_and_once_as_the_package_does(pairs: tuple[Pair, Pair]):
    theirs, ours = (pair.generator for pair in pairs)
    latents = ours.sample(2, rng=rng())
    with torch.no_grad():
        torch.testing.assert_close(theirs(latents), ours(latents), atol=1e-4, rtol=0)


def test_both_scorers_embed_alike_once_in_the_plugin_and_once_as_transformers_does(pairs: tuple[Pair, Pair]):
    for plain, ours in ([pair.scorer for pair in pairs], random_clips()):
        images = torch.rand(2, 3, ours.resolution, ours.resolution, generator=rng())
        assert plain.resolution == ours.resolution
        with torch.no_grad():
            torch.testing.assert_close(plain.encode_image(images), ours.encode_image(images), atol=1e-4, rtol=0)
            for text in ("a cat", "a red apple on the sea"):
                torch.testing.assert_close(plain.encode_text([text]), ours.encode_text([text]), atol=1e-4, rtol=0)


def test_a_round_times_a_step_of_each_and_a_look():
    times, share = timed("emoji", 2, 1, torch.device("cpu"))
    assert share == 0.1
    assert [len(one) for one in times] == [3]
    assert all(seconds > 0 for seconds in times[0])
