"""The two losses of composed generation (section 3.3): AugCLIP of the fused picture, and the layers' consistency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents
from fusedream_sdk.optim.directions import Descent, DynamicBarrier, WeightedSum
from fusedream_sdk.protocols import Direction, Evaluation, Perceptual
from fusedream_sdk.runtime.checks import check_choice, check_function, check_kind, positive
from fusedream_sdk.scenes.scene import Scene
from fusedream_sdk.scoring.augclip import AugCLIP

Reading: TypeAlias = Literal["parts", "fused", "border"]
Problem: TypeAlias = Literal["bi-level", "linear", "inverse", "augclip"]
"""How the two losses are weighed against each other; see `make_direction`."""

AUGCLIP, CONSISTENCY = "augclip", "consistency"


class Composition:
    """Both losses of a scene, from one rendering of its layers.

    * `augclip`, the primary g: minus AugCLIP (eq. 3) of the fused picture.
    * `consistency`, the secondary f, is a perceptual distance. The paper's formula does not survive in its text version
      ("enforces the perceptual consistency between" the two pictures, by LPIPS), so there are three readings:
      "parts" compares each foreground with the background, as whole pictures; "fused" compares the fused picture with its
      background; "border", ours, compares what lies behind a foreground with the same under the foreground's rim, so that
      it asks for no seam and for nothing else.

    What is minimised is both, as the direction says; which step is kept is chosen by AugCLIP alone (`Settings.keep`).

    Args:
        scene: of any number of layers.
        augclip: AugCLIP with that scene as its generator; its views, noise, penalties and precision are used.
        perceptual: the distance.
        reading: one of the three.
    """

    def __init__(self, scene: Scene, augclip: AugCLIP, perceptual: Perceptual, *, reading: Reading = "parts") -> None:
        check_kind("scene", scene, Scene, "a Scene")
        check_kind("augclip", augclip, AugCLIP, "AugCLIP of the scene")
        check_function("perceptual", perceptual, "a function of two pictures")
        check_choice("reading", reading, get_args(Reading))
        self.scene, self.augclip, self.perceptual, self.reading = scene, augclip, perceptual, reading

    def __call__(self, latents: Latents, *, step: int) -> Evaluation:
        noisy = self.augclip.perturb(latents, step=step)
        with self.augclip.precision():
            layers = [layer.float() for layer in self.scene.layers(noisy)]
            images = self.scene.fuse(layers, noisy)
            loss = -self.augclip.score(images, step=step)
            consistency = self.distance(layers, images, noisy)
        for penalty in self.augclip.penalties.values():
            loss = loss + penalty(noisy)
        return Evaluation(latents=noisy, images=images, losses={AUGCLIP: loss, CONSISTENCY: consistency})

    def distance(self, layers: Sequence[Tensor], images: Tensor, latents: Latents) -> Tensor:
        """The consistency loss of rendered layers and their fused pictures: (B,), 0 where they look the same."""
        if self.reading == "border":
            compared = self.scene.rims(layers, latents)
        else:
            others = layers[1:] if self.reading == "parts" else [images]
            compared = [(other, layers[0]) for other in others]
        side = max(x.shape[-1] for pair in compared for x in pair)
        found = [self.perceptual(shrink(a, side), shrink(b, side)).float() for a, b in compared]
        for x in found:
            if tuple(x.shape) != (len(images),):
                got = tuple(x.shape)
                raise PluginContractError(f"perceptual: expected distances of shape ({len(images)},), got {got}.")
        return torch.stack(found).mean(dim=0)


def make_direction(problem: Problem | Direction, *, alpha: float = 1.0, coefficient: float = 10.0) -> Direction:
    """How the two losses are combined.

    Args:
        problem: "bi-level" (eq. 5 and 6), "linear" (eq. 7), "inverse" (eq. 8), "augclip" (g alone), or any direction.
        alpha: of the barrier in the bi-level and inverse problems, positive.
        coefficient: c of f + c g in the linear one, positive.

    Raises:
        InvalidInput: an unknown problem, or a number that is not positive.
    """
    alpha, coefficient = positive("alpha", alpha), positive("coefficient", coefficient)
    made: Mapping[str, Callable[[], Direction]] = {
        "bi-level": lambda: DynamicBarrier(AUGCLIP, CONSISTENCY, alpha=alpha),
        "linear": lambda: WeightedSum({CONSISTENCY: 1.0, AUGCLIP: coefficient}),
        "inverse": lambda: DynamicBarrier(CONSISTENCY, AUGCLIP, alpha=alpha),
        "augclip": Descent,
    }
    if isinstance(problem, str) and problem in made:
        return made[problem]()
    if isinstance(problem, str) or not callable(problem):
        raise InvalidInput("direction", expected=f"one of {', '.join(map(repr, made))}, or a Direction", got=problem)
    return problem
