"""The loop of the public FuseDream code, restated for any generator and scorer: what speeds are measured against.

Facts of github.com/gnobitab/FuseDream at commit 1b7c7c5: search, loop and report of `fusedream_utils.py`, the views of
`DiffAugment_pytorch.py`, the numbers of `fusedream_generator.py`. One picture at a time, and the text is encoded again in
every step. The text has no padding (there it is padded to CLIP's 77 tokens), and the number format is the caller's (there it
is float16 for CLIP on CUDA).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.imaging.resize import centre_square
from fusedream_sdk.latents import Latents, Space, concatenate, map_latents, select
from fusedream_sdk.models.checks import draw_rows
from fusedream_sdk.protocols import Generator, Reward, Scorer
from fusedream_sdk.runtime.device import Precision

LR, NOISE = 5e-3, 0.01  # Adam's step, the noise on mixed latents
Numbers: TypeAlias = tuple[Tensor, Latents]
"""Of the views, (V, 8) in [0, 1), and of the noise, (1, ...) of a normal distribution each."""


class Course:
    """What Adam moves, without decay or schedule: k basis latents and their weights, (k, ...) each. It changes in every step.

    An entry that may not be mixed is that of the first basis latent, and has no weights; a frozen one stays as it is.

    Args:
        space: of the generator.
        start: k latents, best first.
        rng: of the weights, which begin at a normal distribution.
    """

    def __init__(self, space: Space, start: Latents, rng: torch.Generator) -> None:
        self.space = space
        self.frozen = {name: x[:1] for name, x in start.items() if space[name].frozen}
        free = {name: x if space[name].mixes else x[:1] for name, x in start.items() if name not in self.frozen}
        self.basis = map_latents(lambda x: x.detach().clone().requires_grad_(), free)
        mixing = {name: x for name, x in free.items() if space[name].mixes}
        self.weights = map_latents(lambda x: normal(x, rng).requires_grad_(), mixing)
        self.optimiser = torch.optim.Adam([*self.weights.values(), *self.basis.values()], lr=LR)

    def point(self) -> Latents:
        """The mixture, (1, ...) each: a softmax over the basis, for each coordinate by itself."""
        mixed = {name: (w.softmax(dim=0) * self.basis[name]).sum(dim=0, keepdim=True) for name, w in self.weights.items()}
        return {**self.frozen, **self.basis, **mixed}

    def numbers(self, views: int, rng: torch.Generator) -> Numbers:
        """What is random in a step."""
        return torch.rand(views, 8, generator=rng), map_latents(lambda x: normal(x[:1], rng), self.weights)

    @torch.no_grad()
    def project(self) -> None:
        """Put every basis latent back where its constraint holds."""
        for name, x in self.basis.items():
            x.copy_(self.space[name].constraint.project(x))


@dataclass(frozen=True)
class Reference:
    """The public procedure for one prompt.

    Args:
        generator, scorer: as they are; of a scorer without embeddings the reward is asked for.
        prompt: a text.
        precision: context in which the models run.
    """

    generator: Generator
    scorer: Scorer | Reward
    prompt: str
    precision: Precision = nullcontext

    def picture(self, latents: Latents) -> Tensor:
        """(B, 3, R, R) in [-1, 1]; of a picture that is not square the middle."""
        return 2 * centre_square(self.generator(latents)).float() - 1

    def scores(self, seen: Tensor) -> Tensor:
        """Of what is in [-1, 1]: to [0, 1], bilinear to the scorer's side; the text is encoded again each time."""
        side = self.scorer.resolution
        small = F.interpolate((seen + 1) / 2, size=(side, side), mode="bilinear", align_corners=False)
        if isinstance(self.scorer, Scorer):
            return self.scorer.encode_image(small).float() @ self.scorer.encode_text([self.prompt])[0].float()
        return self.scorer.score(small, [self.prompt] * len(small)).float()

    def loss(self, latents: Latents, u: Tensor) -> Tensor:
        """Minus the mean score over the views of one picture."""
        with self.precision():
            return -self.scores(altered(self.picture(latents), u)).mean()

    @torch.no_grad()
    def search_batch(
        self, kept: Sequence[tuple[Latents, Tensor]], rng: torch.Generator, *, size: int = 10, k: int = 5
    ) -> list[tuple[Latents, Tensor]]:
        """The k best of what was kept and of so many draws more, by the score of the picture itself."""
        latents = draw_rows(self.generator, size, rng, self.prompt)
        with self.precision():
            drawn = [*kept, (latents, self.scores(self.picture(latents)))]
        every, scores = concatenate([known for known, _ in drawn]), torch.cat([known for _, known in drawn])
        order = scores.argsort(descending=True)[:k]
        return [(select(every, order), scores[order])]

    def search(self, rng: torch.Generator, *, batches: int = 1000, size: int = 10, k: int = 5) -> Latents:
        """The k best of batches x size draws, sorted again after every batch."""
        kept: list[tuple[Latents, Tensor]] = []
        for _ in range(batches):
            kept = self.search_batch(kept, rng, size=size, k=k)
        return kept[0][0]

    def step(self, course: Course, random: Numbers) -> Latents:
        """One step: of the mixture with noise the gradient, Adam, the bounds. Returns the mixture before it, without noise."""
        course.optimiser.zero_grad()
        point, (u, noise) = course.point(), random
        self.loss({name: x + NOISE * noise[name] if name in noise else x for name, x in point.items()}, u).backward()
        course.optimiser.step()
        course.project()
        return map_latents(Tensor.detach, point)

    def optimise(self, start: Latents, rng: torch.Generator, *, steps: int = 1000, views: int = 50) -> Latents:
        """So many steps from k latents. What is returned is the point before the last update; no other is kept."""
        course = Course(self.generator.space, start, rng)
        for _ in range(steps - 1):
            self.step(course, course.numbers(views, rng))
        return map_latents(torch.clone, self.step(course, course.numbers(views, rng)))

    @torch.no_grad()
    def report(self, latents: Latents, rng: torch.Generator, *, rounds: int = 20, views: int = 50) -> float:
        """The score over rounds x views by the scorer that was optimised; the picture is drawn again in every round."""
        return -sum(float(self.loss(latents, torch.rand(views, 8, generator=rng))) for _ in range(rounds)) / rounds


def normal(like: Tensor, rng: torch.Generator) -> Tensor:
    """A normal distribution, drawn on the CPU."""
    return torch.randn(like.shape, generator=rng).to(like.device)


def altered(picture: Tensor, u: Tensor) -> Tensor:
    """Copies of (1, 3, R, R) in [-1, 1] at full resolution, each changed in the code's order: (V, 3, R, R).

    The numbers of each are of brightness + U(-.5, .5), saturation x U(0, 2), contrast x U(.5, 1.5), the moves right and down,
    the ratio (the first view's is that of all), column and row of the cut square.
    """
    x, ratio, u = picture.repeat(len(u), 1, 1, 1), float(u[0, 5]), u.to(picture.device)
    brightness, saturation, contrast = (u[:, i, None, None, None] for i in range(3))
    x = x + (brightness - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = (x - grey) * (2 * saturation) + grey
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * (contrast + 0.5) + mean
    return holed(scaled(moved(x, u[:, 3:5]), ratio), u[:, 6:8])


def moved(x: Tensor, u: Tensor) -> Tensor:
    """By whole pixels, up to an eighth of the side; 0 where nothing comes from inside."""
    side = x.shape[-1]
    most = int(side / 8 + 0.5)
    shift = (u.double() * (2 * most + 1)).long() - most
    source = (torch.arange(side, device=x.device) - shift[..., None] + 1).clamp(0, side + 1)  # (V, 2, R), in the padded
    view, column, row = torch.arange(len(x), device=x.device)[:, None, None], source[:, 0, None, :], source[:, 1, :, None]
    return F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1).contiguous()[view, row, column].permute(0, 3, 1, 2).contiguous()


def scaled(x: Tensor, u: float) -> Tensor:
    """All by one ratio of U(.8, 1.2), bilinear, then padded with 0 or cropped to the old side."""
    side = x.shape[-1]
    new = int(side * (0.8 + 0.4 * u))
    sized = F.interpolate(x, size=(new, new), mode="bilinear", align_corners=False)
    before = abs(side - new) // 2
    if new < side:
        return F.pad(sized, (before, side - new - before, before, side - new - before))
    return sized[:, :, before : before + side, before : before + side]


def holed(x: Tensor, u: Tensor) -> Tensor:
    """A square of half the side is 0, clipped at the border."""
    side = x.shape[-1]
    size = int(side / 2 + 0.5)
    first = (u.double() * (side + 1 - size % 2)).long() - size // 2
    past = torch.arange(side, device=x.device) - first[..., None]  # (V, 2, R)
    inside = (past >= 0) & (past < size)
    return x * ~(inside[:, 1, :, None] & inside[:, 0, None, :])[:, None]
