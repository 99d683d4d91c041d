"""What a plugin promises, checked once, and the identity of a model without weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.checks import check_first_use, check_types, conditioned, device_of, identity
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer

MakeDream = Callable[..., FuseDream]


class Altered(ToyGenerator):
    """A toy whose pictures are altered."""

    def __init__(self, alter: Callable[[Tensor], object]) -> None:
        super().__init__(16)
        self.alter = alter

    def __call__(self, latents: Latents) -> Tensor:
        return self.alter(super().__call__(latents))  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda x: x[:, :1], r"generator: expected images of shape \(1, 3, 16, 16\), got \(1, 1, 16, 16\)"),
        (lambda x: x[..., :8], r"generator: expected images of shape \(1, 3, 16, 16\), got \(1, 3, 16, 8\)"),
        (lambda x: 2 * x - 1, r"expected images in \[0, 1\], got values from .* Map \[-1, 1\] with \(x \+ 1\) / 2"),
        (lambda x: 255 * x, r"expected images in \[0, 1\], got values from .*"),
        (lambda x: x + torch.where(x == x.max(), torch.nan, 0.0), "generator: expected finite images"),
        (lambda x: x.detach(), "expected images with a gradient to the latents, got none"),
        (lambda x: x.detach() + 0 * x, "expected a gradient to some latent, got zero everywhere"),
        (lambda x: x.detach().numpy(), "expected a tensor of images, got ndarray"),
    ],
)
def test_the_first_picture_that_breaks_a_promise_stops_the_run(alter: Callable, message: str, make_dream: MakeDream):
    with pytest.raises(PluginContractError, match=message):
        make_dream(Altered(alter)).generate("red", progress=False)


def test_a_picture_that_leaves_the_range_by_a_rounding_is_accepted(make_dream: MakeDream):
    make_dream(Altered(lambda x: x * 1.0001)).generate("red", progress=False, samples=1, basis=1, steps=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sample: {"z": sample["z"]}, r"generator.sample: expected the entries \['colour', 'z'\], got \['z'\]"),
        (lambda sample: {**sample, "z": sample["z"][:, :3]}, r"generator.sample: expected 'z' of shape \(\d+, 4\)"),
        (lambda sample: {**sample, "z": sample["z"] + 9}, "generator.sample: expected latents inside the constraints"),
        (lambda sample: {name: x[:1] for name, x in sample.items()}, r"generator.sample: expected 'z' of shape \(\d+, 4\)"),
        (lambda sample: sample["z"], "generator.sample: expected a dictionary of tensors, got Tensor"),
    ],
)
def test_a_sample_that_breaks_a_promise_stops_the_run(change: Callable, message: str, make_dream: MakeDream):
    class Sampling(ToyGenerator):
        def sample(self, n: int, *, rng: torch.Generator) -> Latents:
            return change(super().sample(n, rng=rng))

    with pytest.raises(PluginContractError, match=message):
        make_dream(Sampling(16)).generate("red", progress=False)


@pytest.mark.parametrize(
    ("text", "image", "message"),
    [
        (lambda x: 3 * x, lambda x: x, "scorer.encode_text: expected unit norms, got 3 to 3"),
        (lambda x: x, lambda x: 0.5 * x, "scorer.encode_image: expected unit norms, got 0.5 to 0.5"),
        (lambda x: x[0], lambda x: x, r"scorer.encode_text: expected shape \(1, D\), got \(24,\)"),
        (lambda x: x, lambda x: x.mean(), r"scorer.encode_image: expected shape \(1, D\), got \(\)"),
        (lambda x: torch.nan * x, lambda x: x, "scorer.encode_text: expected unit norms, got nan"),
        (lambda x: x[:, :7] / x[:, :7].norm(), lambda x: x, "scorer: expected one size of embedding, got 7 and 24"),
    ],
)
def test_embeddings_that_break_a_promise_stop_the_run(text: Callable, image: Callable, message: str, make_dream: MakeDream):
    class Scoring(ToyScorer):
        def encode_text(self, prompts: Sequence[str]) -> Tensor:
            return text(super().encode_text(prompts))

        def encode_image(self, images: Tensor) -> Tensor:
            return image(super().encode_image(images))

        def _encode_word(self, prompt: str) -> Tensor:
            return ToyScorer(8)._encode_word(prompt)

    with pytest.raises(PluginContractError, match=message):
        make_dream(scorer=Scoring(8)).generate("red", progress=False)


@pytest.mark.parametrize(("toy", "method"), [(ToyScorer, "encode_image"), (ToyReward, "score")])
def test_a_scorer_that_loses_the_gradient_stops_the_run(toy: type, method: str, make_dream: MakeDream):
    class Detached(toy):
        pass

    setattr(Detached, method, torch.no_grad()(getattr(toy, method)))
    with pytest.raises(PluginContractError, match=rf"scorer.{method}: expected a gradient to the images, got none. Call it"):
        make_dream(scorer=Detached()).generate("red", progress=False)


def test_a_reward_that_sums_over_its_rows_stops_the_run(make_dream: MakeDream):
    class Summing(ToyReward):
        def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
            return super().score(images, prompts).sum()

    with pytest.raises(PluginContractError, match=r"scorer.score: expected shape \(1,\), got \(\)"):
        make_dream(scorer=Summing()).generate("red", progress=False)


def test_objects_that_lack_a_member_are_refused_when_they_are_handed_over(make_dream: MakeDream):
    with pytest.raises(PluginContractError, match=r"generator: expected the members space, resolution, sample; object lacks"):
        make_dream(object())
    with pytest.raises(PluginContractError, match=r"scorer: expected resolution, encode_text .* object\s+lacks them"):
        make_dream(scorer=object())


def test_a_generator_that_cannot_be_called_or_has_no_space_is_refused():
    class Still:
        space, resolution = ToyGenerator.space, (16, 16)
        sample = ToyGenerator.sample

    class Bare(ToyGenerator):
        space = {}  # noqa: RUF012

    class Wrong(ToyGenerator):
        space = {"z": (4,)}  # noqa: RUF012  # pyright: ignore[reportAssignmentType]

    with pytest.raises(PluginContractError, match="generator: expected a callable object, got Still"):
        check_types(Still(), ToyScorer())
    for generator in (Bare(), Wrong()):
        with pytest.raises(PluginContractError, match=r"generator.space: expected name -> LatentSpec"):
            check_types(generator, ToyScorer())


def test_a_generator_and_a_scorer_on_different_devices_are_refused(make_dream: MakeDream):
    generator = ToyGenerator(16)
    generator.device = "meta"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(InvalidInput, match=r"device: expected generator and scorer on one device, got meta and cpu. Move one"):
        make_dream(generator)


def test_a_model_lives_where_it_says_or_where_its_weights_are_or_on_the_cpu():
    assert device_of(nn.Linear(1, 1, device="meta")) == torch.device("meta")
    assert device_of(nn.ReLU()) == device_of(object()) == torch.device("cpu")


def test_a_model_names_its_own_identity_or_is_known_by_its_weights():
    class Named:
        fingerprint = "mine"

    layer = nn.Linear(2, 2)
    assert identity(Named()) == "mine"
    assert identity(layer) == identity(layer)
    assert identity(layer) != identity(nn.Linear(2, 2))


def test_a_model_without_weights_is_known_by_what_it_does():
    class OtherEyes(ToyScorer):
        pass

    other = OtherEyes(8)
    other._project = other._project.flip(0)
    assert identity(ToyGenerator(16)) == identity(ToyGenerator(16)) != identity(ToyGenerator(32))
    assert identity(ToyScorer(8)) == identity(ToyScorer(8)) != identity(ToyScorer(16))
    assert identity(other) != identity(OtherEyes(8))
    assert identity(ToyReward()) == identity(ToyReward()) != identity(object())


def test_a_generator_that_takes_prompts_is_told_from_one_that_does_not():
    class Prompted(ToyGenerator):
        def sample(self, n: int, *, rng: torch.Generator, prompts: Sequence[str] = ()) -> Latents:
            return super().sample(n, rng=rng)

    assert conditioned(Prompted())
    assert not conditioned(ToyGenerator())


@pytest.mark.parametrize("scorer", [ToyScorer(8), ToyReward()])
def test_models_that_keep_their_promises_pass(scorer: ToyScorer | ToyReward):
    generator = ToyGenerator(16)
    check_types(generator, scorer)
    check_first_use(generator, scorer)
