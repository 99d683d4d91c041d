"""For plugin authors: contract checks to call from a test, and toy models to try a plugin against.

from fusedream_sdk.testing import check_generator

def test_my_generator_keeps_the_contract():
    check_generator(my_package.load())
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Box, Free, Latents, LatentSpec, map_latents
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.checks import check_method_on
from fusedream_sdk.models.contract_generator import check_generator
from fusedream_sdk.models.contract_scorer import check_perceptual, check_reward, check_scorer
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.protocols import Generator
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import check_count

__all__ = [
    "ToyConditioned",
    "ToyGenerator",
    "ToyReward",
    "ToyScorer",
    "check_generator",
    "check_method",
    "check_perceptual",
    "check_reward",
    "check_scorer",
    "random_latents",
]


def check_method(method: Method, *, steps: int = 3) -> None:
    """Every promise of a `Method`, tried out on two pairs of toy models.

    In one pair the generator depends on the prompt, by a frozen latent; in the other the score is a reward, without
    embeddings. So neither has a bank. Three rows are drawn together, again, from other seeds, and each alone. The promises:

    * Its settings are ones that `Settings` takes.
    * Starts have the entries of the generator's space, (B, k, *shape) each, inside the constraints.
    * There is one `State` for each of `steps + 1` points, fewer only where every row is on its plateau; its losses are (B,)
      and finite.
    * The best point of each row has the shapes of the space, inside the constraints, and so have the latents of a step,
      short of noise. A frozen entry stays as it was.
    * A row alone comes out as in a batch, of a population too: groups never mix.
    * The same seed gives the same outcome, another seed another, and no global random state is touched.

    Args:
        method: to check, as `load_method(name)` or a plugin's own function makes it.
        steps: of each run, at least 1.

    Raises:
        PluginContractError: naming the broken promise, or what a part of the method raised.
        InvalidInput: `steps` is no number of steps.
    """
    check_count("steps", steps)
    settings = Settings(steps=steps, views=3, samples=16, basis=2, lr=0.05, noise=0.0, check_every=1, check_views=3)
    for generator, scorer in ((ToyConditioned(16), ToyScorer(8)), (ToyGenerator(16), ToyReward())):
        engine = Engine(Loaded(generator, None), Loaded(scorer, None), dtype=torch.float32)
        check_method_on(method, engine, settings, steps=steps)


class ToyGenerator:
    """A soft coloured disc on a coloured ground: every pixel is a smooth function of seven numbers.

    Latents: `z` (4,), in [-2, 2]: x, y, radius and ground; `colour` (3,), free.
    """

    space: Mapping[str, LatentSpec] = {"z": LatentSpec((4,), Box(-2.0, 2.0)), "colour": LatentSpec((3,), Free())}
    recommended: Mapping[str, object] = {"lr": 0.05, "noise": 0.0, "bank": 256, "samples": 128, "steps": 40, "views": 8}

    def __init__(self, side: int = 32) -> None:
        self.resolution = (side, side)

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        z = torch.randn(n, 4, generator=rng).clamp(-2, 2)
        return {"z": z, "colour": torch.randn(n, 3, generator=rng)}

    def __call__(self, latents: Latents) -> Tensor:
        z, colour = latents["z"], latents["colour"]
        axis = torch.linspace(-1, 1, self.resolution[0], device=z.device)
        dx = axis[None, None, :] - z[:, 0, None, None] / 3
        dy = axis[None, :, None] - z[:, 1, None, None] / 3
        radius = 0.5 + 0.1 * z[:, 2, None, None]
        disc = torch.sigmoid(12 * (radius - torch.sqrt(dx.square() + dy.square() + 1e-6)))[:, None]
        paint = torch.sigmoid(2 * colour)[:, :, None, None]
        return disc * paint + (1 - disc) * torch.sigmoid(z[:, 3])[:, None, None, None]


class ToyConditioned(ToyGenerator):
    """The disc with a tint that depends on the prompt: how often it says a, e and o.

    Latents: `z` (4,), in [-0.5, 0.5], so narrow that most draws lie on the edge; `colour` (3,), free; `tint` (3,), frozen.
    """

    space: Mapping[str, LatentSpec] = {
        "z": LatentSpec((4,), Box(-0.5, 0.5)),
        "colour": LatentSpec((3,), Free()),
        "tint": LatentSpec((3,), frozen=True),
    }

    def sample(self, n: int, *, rng: torch.Generator, prompts: Sequence[str] = ()) -> Latents:
        tint = torch.tensor([[float(prompt.count(vowel)) for vowel in "aeo"] for prompt in prompts])
        drawn = super().sample(n, rng=rng)
        return {"z": drawn["z"].clamp(-0.5, 0.5), "colour": drawn["colour"], "tint": tint}

    def __call__(self, latents: Latents) -> Tensor:
        return super().__call__({"z": latents["z"], "colour": latents["colour"] + latents["tint"]})


class ToyScorer:
    """Knows the words red, green, blue, yellow and white: pictures are compared with a plain one of that colour."""

    WORDS: Mapping[str, tuple[float, float, float]] = {
        "red": (1, 0, 0),
        "green": (0, 1, 0),
        "blue": (0, 0, 1),
        "yellow": (1, 1, 0),
        "white": (1, 1, 1),
    }

    def __init__(self, resolution: int = 16, dim: int = 24) -> None:
        self.resolution = resolution
        self._project = torch.randn(48, dim, generator=torch.Generator().manual_seed(5)) / 7

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        return torch.cat([self._encode_word(prompt) for prompt in prompts])

    def encode_image(self, images: Tensor) -> Tensor:
        features = F.adaptive_avg_pool2d(images - 0.5, 4).flatten(1)
        return F.normalize(torch.tanh(features @ self._project.to(images.device, images.dtype)), dim=1)

    def _encode_word(self, prompt: str) -> Tensor:
        known = [rgb for word, rgb in self.WORDS.items() if word in prompt.split()]
        if known:
            plain = torch.tensor(known[0], dtype=torch.float32).view(1, 3, 1, 1)
            return self.encode_image(plain.expand(1, 3, self.resolution, self.resolution))
        seed = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:7])
        noise = torch.randn(1, self._project.shape[1], generator=torch.Generator().manual_seed(seed))
        return F.normalize(noise, dim=1)


class ToyReward:
    """A reward that is no inner product: minus the distance of the picture's mean colour to the word's."""

    resolution = 16

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        wanted = torch.tensor([next((c for w, c in ToyScorer.WORDS.items() if w in p.split()), (0.5,) * 3) for p in prompts])
        return -(shrink(images, self.resolution).mean(dim=(2, 3)) - wanted.to(images)).square().sum(dim=1)


def random_latents(generator: Generator, n: int, seed: int = 0) -> Latents:
    """A seeded sample, detached."""
    return map_latents(Tensor.detach, generator.sample(n, rng=torch.Generator().manual_seed(seed)))
