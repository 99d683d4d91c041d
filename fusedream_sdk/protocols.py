"""The parts and how they fit: every contract of the SDK on one page.

    sample or search -> parametrise -> generate -> view -> score -> direction -> step -> project

Rows never mix: row i of every tensor belongs to one (prompt, seed), and a row gives the same picture alone as in a
batch. A method that works on a population has a group of members for each row; groups never mix. Images are
(B, 3, H, W) in [0, 1], RGB. Scores are higher-is-better; losses are lower-is-better and have shape (B,), summed only where
the gradient is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, LatentSpec

Params: TypeAlias = dict[str, Tensor]
"""What the optimiser moves: name -> (B, ...)."""


@runtime_checkable
class Generator(Protocol):
    """An image generator: a differentiable map from latents to images.

    A generator may also have `fingerprint: str` (identity of its weights; derived when missing), `device`,
    `recommended: Mapping[str, object]` (settings of `fusedream_sdk.Settings` that suit it, such as `lr`), `compilable: bool`
    (False where torch.compile gains nothing: then `compile=True` leaves it as it is),
    `encode(images) -> Latents`, which makes (B, ...) latents of pictures (B, 3, H, W) in [0, 1] of its resolution, whose
    pictures are near them: where `invert` begins; and `realism(images) -> (B,)`, higher is better, what its discriminator makes
    of such pictures, in logits; rows independent: "clip-glass" weighs it against the score.
    """

    @property
    def space(self) -> Mapping[str, LatentSpec]:
        """Name -> spec of every latent."""
        ...

    @property
    def resolution(self) -> tuple[int, int]:
        """(H, W) of its images, in pixels."""
        ...

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        """Draw n rows inside the constraints, on the generator's device, from the CPU generator `rng` alone.

        A generator with a condition that depends on the prompt takes a further keyword, `prompts: Sequence[str]` of
        length n, and returns the condition as a frozen entry.
        """
        ...

    def __call__(self, latents: Latents) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] of (B, ...) latents; differentiable; rows independent."""
        ...


@runtime_checkable
class Reward(Protocol):
    """Anything that says how well an image fits a prompt: an aesthetic head, a detector, a preference model.

    A reward whose score is the same for every prompt may say so: `reads_prompt = False`.
    """

    @property
    def resolution(self) -> int:
        """Side of the square images that it reads, in pixels."""
        ...

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        """Images (B, 3, resolution, resolution) in about [0, 1] and B prompts to (B,), higher is better; differentiable.

        Views may leave [0, 1] a little: the public FuseDream code shifts brightness without clamping.
        """
        ...


@runtime_checkable
class Scorer(Protocol):
    """A dual encoder: its reward is the inner product of unit vectors (eq. 1), which is what a latent bank needs.

    A scorer may also have `layers(images) -> list[Tensor]`: what it makes of pictures (B, 3, resolution, resolution) in [0, 1]
    on its way, (B, N, D) or (B, D, h, w) each, differentiable, rows independent. The perceptual distance "scorer" compares
    pictures by them, as `invert` and `compose` do where LPIPS cannot be had; without layers it compares crops.
    """

    @property
    def resolution(self) -> int:
        """Side of the square images that it reads, in pixels."""
        ...

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """P prompts to (P, D), unit norm."""
        ...

    def encode_image(self, images: Tensor) -> Tensor:
        """(B, 3, resolution, resolution) in about [0, 1] to (B, D), unit norm; differentiable; rows independent."""
        ...


@runtime_checkable
class Perceptual(Protocol):
    """A perceptual distance of two pictures, such as LPIPS."""

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1], twice, to (B,) >= 0; 0 means the same; differentiable in both."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """One point, its picture and its losses, which cannot drift apart.

    Attributes:
        latents: the point, (B, ...) each.
        images: rendered from exactly these latents, (B, 3, H, W) in [0, 1].
        losses: name -> (B,), lower is better; the first entry is the primary loss.
    """

    latents: Latents
    images: Tensor
    losses: Mapping[str, Tensor]

    @property
    def primary(self) -> Tensor:
        """The first loss, (B,)."""
        return next(iter(self.losses.values()))


@runtime_checkable
class Objective(Protocol):
    """What is minimised."""

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        """Evaluate every row; `step` names the random views, so that the same step gives the same value."""
        ...


@runtime_checkable
class Parametrisation(Protocol):
    """How free parameters become latents."""

    def __call__(self, params: Params) -> Latents:
        """Parameters to latents, (B, ...) each; differentiable."""
        ...

    def project(self, params: Params) -> Params:
        """The parameters put back where their latents satisfy the constraints."""
        ...


@runtime_checkable
class Direction(Protocol):
    """How several losses become one descent direction, row by row."""

    def __call__(self, losses: Mapping[str, Tensor], params: Params) -> Params:
        """Losses (B,) each, still attached to `params`, to what the optimiser takes as the gradient, shaped as `params`."""
        ...
