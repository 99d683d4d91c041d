"""The faults that real generators came with, each with an error of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.latents import Box, Free, Latents, LatentSpec, OneHot, Simplex
from fusedream_sdk.models.contract_generator import check_generator, draw_sample
from fusedream_sdk.testing import ToyConditioned, ToyGenerator

SIDE = 16


class Net:
    """A small network: z (8,) and a label (4,) to pictures; every part of it can be replaced by a faulty one."""

    resolution: Any = (SIDE, SIDE)

    def __init__(
        self,
        before: Callable[[Latents], Latents] = lambda latents: latents,
        after: Callable[[Tensor], Any] = lambda x: (x + 1) / 2,
        sample: Callable[[Latents], Any] = lambda latents: latents,
        label: LatentSpec | None = None,
    ) -> None:
        self.space: Any = {"z": LatentSpec((8,), Box(-2.0, 2.0)), "label": label or LatentSpec((4,), Simplex())}
        self.before, self.after, self.draws = before, after, sample
        rng = torch.Generator().manual_seed(0)
        self.weights = torch.randn(12, 3 * SIDE * SIDE, generator=rng) / 3

    def sample(self, n: int, *, rng: torch.Generator) -> Any:
        z, label = torch.randn(n, 8, generator=rng).clamp(-2, 2), torch.eye(4)[torch.randint(4, (n,), generator=rng)]
        return self.draws({"z": z, "label": label})

    def __call__(self, latents: Latents) -> Any:
        seen = self.before(latents)
        rows = torch.cat([seen["z"], seen["label"]], dim=1)
        return self.after(torch.tanh(rows @ self.weights).view(-1, 3, SIDE, SIDE))


def changed(**entries: Callable[[Tensor], Tensor]) -> Callable[[Latents], Latents]:
    return lambda latents: {**latents, **{name: change(latents[name]) for name, change in entries.items()}}


def in_place(latents: Latents) -> Latents:
    latents["z"].data.mul_(1.01)
    return latents


def replaced(latents: Latents) -> Latents:
    latents["z"] = latents["z"] * 1.01
    return latents


def half(z: Tensor) -> Tensor:
    return torch.cat([z[:, :4], torch.zeros_like(z[:, 4:])], dim=1)


def mixing_from(size: int) -> Callable[[Tensor], Tensor]:
    return lambda x: ((x + x.mean(dim=0)) / 2 + 1) / 2 if len(x) >= size else (x + 1) / 2


def normalised(x: Tensor) -> Tensor:
    """Batch statistics, for one row its own."""
    return torch.sigmoid((x - x.mean(dim=(0, 2, 3), keepdim=True)) / x.std(dim=(0, 2, 3), keepdim=True))


def root(z: Tensor) -> Tensor:
    """Of a product that is negative for a few latents only."""
    return z * (z[:, :1] + 1.9).sqrt()


def noisy(x: Tensor) -> Tensor:
    return (x + 0.1 * torch.randn_like(x)).clamp(-1, 1) / 2 + 0.5


def own_noise(x: Tensor) -> Tensor:
    noise = torch.from_numpy(np.random.default_rng().normal(size=tuple(x.shape))).to(x)
    return (0.9 * x + 0.02 * noise.clamp(-4, 4) + 1) / 2


def globally(latents: Latents) -> Latents:
    return {**latents, "z": torch.randn_like(latents["z"]).clamp(-2, 2)}


def by_numpy(latents: Latents) -> Latents:
    np.random.rand()
    return latents


FAULTS: dict[str, tuple[Any, str]] = {
    "clamped": (
        Net(after=lambda x: x.clamp(0, 1)),
        r"got \d+% of the values exactly 0, .* clamped to \[0, 1\]. Map them first",
    ),
    "half dead": (Net(changed(z=half)), r"a gradient to all of 'z', got zero in every row for 4 of 8 numbers \(first: \[4\]\)"),
    "detached": (Net(changed(z=Tensor.detach)), "expected a gradient to 'z', got none: it is detached or not used"),
    "rounded": (Net(changed(label=Tensor.round)), "a gradient to all of 'label', got zero in every row for 4 of 4 numbers"),
    "all detached": (Net(after=lambda x: (x.detach() + 1) / 2), "expected images with a gradient to the latents, got none"),
    "rows equal": (Net(after=lambda x: (x[:1].expand_as(x) + 1) / 2), "got the same one 8 times: it ignores them"),
    "mixing from 2": (Net(after=mixing_from(2)), "expected a row alone to equal the row in a batch.* no batch statistics"),
    "mixing from 4": (Net(after=mixing_from(4)), "expected a row alone to equal the row in a batch, got .* in a batch of 4"),
    "mixing from 8": (Net(after=mixing_from(8)), "expected a row alone to equal the row in a batch, got .* in a batch of 8"),
    "batch statistics": (Net(after=normalised), "expected a row alone to equal the row in a batch.* call eval"),
    "nan for some": (Net(changed(z=root)), "expected finite images, got some nan or infinite values. That is for some of"),
    "in place": (Net(in_place), "expected what it is given 'z' to stay as it was, got a change in place"),
    "replaced": (Net(replaced), "expected what it is given 'z' to stay as it was"),
    "noise": (Net(after=noisy), "generator: expected no use of torch's global random state"),
    "own noise": (Net(after=own_noise), "generator: expected the same answer twice, got two. Two calls differ"),
    "global sample": (Net(sample=globally), "generator.sample: expected no use of torch's global random state.*generator=rng"),
    "numpy sample": (Net(sample=by_numpy), "generator.sample: expected no use of numpy's global random state"),
    "attached": (Net(sample=lambda x: {**x, "z": x["z"].requires_grad_()}), "expected 'z' without a gradient"),
    "integers": (Net(sample=lambda x: {**x, "label": x["label"].long()}), "expected 'label' of floating-point numbers, got"),
    "bytes": (
        Net(after=lambda x: (127 * x).to(torch.uint8)),
        r"expected floating-point images in \[0, 1\], got torch.uint8. Divide by 255",
    ),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_found_and_has_an_error_of_its_own(fault: str):
    generator, message = FAULTS[fault]
    with pytest.raises(PluginContractError, match=message):
        check_generator(generator)


@pytest.mark.parametrize("label", [Simplex(), OneHot(), Box(0.0, 1.0), Free()])
def test_a_class_conditional_generator_keeps_the_contract(label: Any):
    check_generator(Net(label=LatentSpec((4,), label)))


class Vertices:
    """A stranger's one-hot, which does not say that it may not be mixed."""

    project, contains = OneHot().project, OneHot().contains


def test_a_constraint_that_a_mixture_breaks_is_found():
    with pytest.raises(PluginContractError, match=r"expected 'label' to stay inside .* when it is mixed.*mixable=False"):
        check_generator(Net(label=LatentSpec((4,), Vertices())))
    check_generator(Net(label=LatentSpec((4,), Vertices(), mixable=False)))


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        ({"resolution": 16}, r"generator.resolution: expected \(height, width\) in pixels, got 16"),
        ({"space": {}}, "generator.space: expected name -> LatentSpec"),
        ({"space": {"z": (8,)}}, "generator.space: expected name -> LatentSpec"),
        ({"sample": None}, "generator.sample: expected a method, got None"),
    ],
)
def test_members_of_the_wrong_kind_are_named(alter: Mapping[str, Any], message: str):
    generator = Net()
    for name, value in alter.items():
        setattr(generator, name, value)
    with pytest.raises(PluginContractError, match=message):
        check_generator(generator)


def test_what_the_code_of_a_plugin_raises_names_what_was_called_with_what():
    words = r"an answer to generator\(\{'z': \(8, 8\) float32, 'label': \(8, 4\) float32\}\), got RuntimeError: mat1"
    with pytest.raises(PluginContractError, match=words) as caught:
        check_generator(Net(changed(z=lambda z: z[:, :5])))
    assert isinstance(caught.value.__cause__, RuntimeError)

    class Other(Net):
        def sample(self, n: int, *, random: torch.Generator) -> Latents:  # pyright: ignore[reportIncompatibleMethodOverride]
            return {}

    with pytest.raises(PluginContractError, match=r"an answer to generator.sample\(8, rng=...\), got TypeError: .*'rng'"):
        check_generator(Other())


class Trained(Net):
    """A generator whose network was left in training mode."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.network = nn.Sequential(*layers)


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3), nn.Dropout(0.1)])
def test_a_network_in_training_mode_is_found_before_it_runs(layer: nn.Module):
    with pytest.raises(PluginContractError, match=f"eval mode, got {type(layer).__name__} in training mode.*eval"):
        check_generator(Trained(nn.Conv2d(3, 3, 1), layer.train()))
    check_generator(Trained(nn.Conv2d(3, 3, 1), layer.eval()))
    check_generator(Trained(nn.Dropout(0.0)))


class Told(ToyConditioned):
    """Prompts are required, as the protocol has it."""

    def sample(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, n: int, *, rng: torch.Generator, prompts: Sequence[str]
    ) -> Latents:
        return super().sample(n, rng=rng, prompts=prompts)


def test_a_generator_that_requires_prompts_is_given_some():
    check_generator(Told(SIDE))
    assert draw_sample(Told(SIDE), 6, 0)["tint"].shape == (6, 3)


class Encoding(ToyGenerator):
    """With an encoder that forgets a latent."""

    def encode(self, images: Tensor) -> Latents:
        return {"z": torch.zeros(len(images), 4)}


def test_an_encoder_makes_latents_of_the_space():
    with pytest.raises(PluginContractError, match=r"generator.encode: expected the entries \['colour', 'z'\], got \['z'\]"):
        check_generator(Encoding(SIDE))


class Critic(ToyGenerator):
    """With a discriminator, right or wrong."""

    def __init__(self, opinion: Callable[[Tensor], Any]) -> None:
        super().__init__(SIDE)
        self.opinion = opinion

    def realism(self, images: Tensor) -> Any:
        return self.opinion(images)


def test_a_discriminator_has_an_opinion_on_each_picture():
    check_generator(Critic(lambda images: images.mean(dim=(1, 2, 3))))


@pytest.mark.parametrize(
    ("opinion", "message"),
    [
        (lambda images: images.mean(), r"expected a finite number for each of 8 pictures, got \(\)"),
        (lambda images: 0.5, "got float"),
        (lambda images: images.mean(dim=(1, 2, 3)) / 0, r"expected a finite number"),
        (lambda images: images.mean(dim=(1, 2, 3)) - images.mean(), "the same of a picture whatever the others"),
    ],
    ids=["one", "a float", "infinite", "of the batch"],
)
def test_an_opinion_that_is_none_is_told(opinion: Any, message: str):
    with pytest.raises(PluginContractError, match=f"generator.realism: .*{message}"):
        check_generator(Critic(opinion))


class Digits(Net):
    """Something white in the middle of black pictures, with values of exactly 0 around it."""

    def __call__(self, latents: Latents) -> Tensor:
        frame = torch.zeros(SIDE, SIDE)
        frame[4:12, 4:12] = 1
        return super().__call__(latents) * frame


def test_pictures_that_are_meant_to_be_black_in_places_are_no_fault():
    check_generator(Digits())


def test_the_global_random_state_is_left_as_it_was():
    before = torch.get_rng_state()
    check_generator(Net())
    with pytest.raises(PluginContractError):
        check_generator(Net(sample=globally))
    assert torch.equal(before, torch.get_rng_state())
