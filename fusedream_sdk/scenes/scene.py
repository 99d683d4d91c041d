"""Composed scenes (section 3.3): one picture scaled and pasted over another is itself a generator.

So nothing that optimises has to know that it composes, and a scene can be a layer of another scene.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pasting import box_sizes, paste_on_grid, paste_warped
from fusedream_sdk.latents import Box, Latents, LatentSpec, concatenate
from fusedream_sdk.models.checks import device_of, identity
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.protocols import Generator
from fusedream_sdk.runtime.bounds import FEATHER
from fusedream_sdk.runtime.checks import check_kind
from fusedream_sdk.scenes.placement import Placement

FREE_SCALES = (0.25, 0.75)  # how far the scale of a free placement may go
RIM = 0.125  # width of a foreground's rim, as a share of its sides


class Scene:
    """A background with a foreground pasted over it.

    Its latents are those of its two generators, as `background.<name>` and `foreground.<name>`, and

    * `position` (2,), in [-1, 1]: x and y of `Placement`; `scale` (1,).

    With `placement="free"` these two are optimised like any other latent, through a bilinear warp (Kornia). Otherwise they
    are frozen: each row keeps the placement that it was given, so that a whole discrete set is one batch, and the
    foreground is shrunk without aliasing and lies on whole pixels.

    Args:
        background: any generator, also a `Scene`: three or more layers. Its resolution is the scene's.
        foreground: any other, of any resolution; it keeps its proportions.
        placement: one for all rows, several of which `sample` draws, or "free".
        feather: width of the soft edge, as a share of the foreground's shorter side, from 0 to 0.5. An edge that lies on the
            edge of the canvas stays hard.
        scales: least and greatest scale of a free placement.

    Raises:
        InvalidInput: a feather or scale outside its range; layers on different devices, or a foreground of under a pixel.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.3.
    """

    compilable = False  # two losses run its graph backward twice, and torch's compiler allows that on a CPU alone

    def __init__(
        self,
        background: Generator,
        foreground: Generator,
        placement: Placement | Sequence[Placement] | Literal["free"] = Placement(),
        *,
        feather: float = 0.0,
        scales: tuple[float, float] = FREE_SCALES,
    ) -> None:
        for name, layer in (("background", background), ("foreground", foreground)):
            check_kind(name, layer, Generator, "an object with the members of Generator", "Load one: fd.load_generator(name).")
        feather = FEATHER.check("feather", feather, "0 is a hard edge.")
        self.background, self.foreground, self.feather = background, foreground, feather
        self.free = placement == "free"
        self.placements = [Placement(scale=scales[0]), Placement(scale=scales[1])] if self.free else _listed(placement)
        if self.free and not scales[0] < scales[1]:
            raise InvalidInput("scales", expected="the least and then the greatest scale", got=scales)
        if device_of(background) != device_of(foreground):
            got = f"{device_of(background)} and {device_of(foreground)}"
            raise InvalidInput("foreground", expected="both layers on one device", got=got, fix="Move one of them.")
        least = min(p.scale for p in self.placements)
        if min(box_sizes(self.resolution, foreground.resolution, least)) < 1:
            got = f"{foreground.resolution} at scale {least:g} on {self.resolution}"
            raise InvalidInput("foreground", expected="at least one pixel on the canvas", got=got, fix="Use a larger scale.")
        spread = Box(scales[0], scales[1]) if self.free else Box(0.0, 1.0)
        self.space: Mapping[str, LatentSpec] = {
            **{f"background.{name}": spec for name, spec in background.space.items()},
            **{f"foreground.{name}": spec for name, spec in foreground.space.items()},
            "position": LatentSpec((2,), Box(-1.0, 1.0), frozen=not self.free),
            "scale": LatentSpec((1,), spread, frozen=not self.free),
        }

    @property
    def resolution(self) -> tuple[int, int]:
        """(H, W) of the background."""
        return self.background.resolution

    @property
    def device(self) -> torch.device:
        """Where the layers live."""
        return device_of(self.background)

    @property
    def recommended(self) -> Mapping[str, object]:
        """What the background recommends."""
        return getattr(self.background, "recommended", {})

    @property
    def fingerprint(self) -> str:
        """Identity of the layers and of the placement."""
        parts = (self.background, self.foreground)
        about = {"layers": [identity(part) for part in parts], "free": self.free, "feather": self.feather}
        return fingerprint_of({}, {**about, "placements": [repr(p) for p in self.placements]})

    def sample(self, n: int, *, rng: torch.Generator) -> Latents:
        """Both layers' samples, and a placement for each row: one of those given, or anywhere."""
        back, front = self.background.sample(n, rng=rng), self.foreground.sample(n, rng=rng)
        if self.free:
            low, high = (p.scale for p in self.placements)
            position = 2 * torch.rand(n, 2, generator=rng) - 1
            place = {"position": position, "scale": low + (high - low) * torch.rand(n, 1, generator=rng)}
        else:
            chosen = torch.randint(len(self.placements), (n,), generator=rng).tolist()
            place = placed([self.placements[i] for i in chosen])
        return join(back, front, {name: x.to(self.device) for name, x in place.items()})

    def __call__(self, latents: Latents) -> Tensor:
        """Fused pictures (B, 3, H, W) in [0, 1]; differentiable, in a free placement too; rows independent."""
        return self.fuse(self.layers(latents), latents)

    def layers(self, latents: Latents) -> tuple[Tensor, ...]:
        """The pictures that are fused, from back to front: (B, 3, h, w) in [0, 1] each, at its generator's resolution.

        Two layers of one generator are drawn by one call, which takes a fifth less.
        """
        back, front = part(latents, "background"), part(latents, "foreground")
        if self.background is self.foreground:
            return self.background(concatenate([back, front])).chunk(2)
        behind = self.background.layers(back) if isinstance(self.background, Scene) else (self.background(back),)
        return (*behind, self.foreground(front))

    def fuse(self, layers: Sequence[Tensor], latents: Latents) -> Tensor:
        """What `layers` returned, pasted over each other: (B, 3, H, W) in [0, 1]."""
        return self._paste(self._behind(layers, latents), layers[-1], latents)

    def rims(self, layers: Sequence[Tensor], latents: Latents) -> list[tuple[Tensor, Tensor]]:
        """For each foreground: what lies behind it with the foreground's rim alone pasted over it, and what lies behind it.

        Where the two of a pair look the same, there is no seam, whatever the foreground shows in its middle.
        """
        behind, scene = self._behind(layers, latents), self.background
        deeper = scene.rims(layers[:-1], part(latents, "background")) if isinstance(scene, Scene) else []
        return [*deeper, (self._paste(behind, layers[-1], latents, rim=RIM), behind)]

    def _behind(self, layers: Sequence[Tensor], latents: Latents) -> Tensor:
        scene = self.background
        return scene.fuse(layers[:-1], part(latents, "background")) if isinstance(scene, Scene) else layers[0].float()

    def _paste(self, canvas: Tensor, picture: Tensor, latents: Latents, *, rim: float | None = None) -> Tensor:
        inputs = (canvas, picture.float(), latents["position"], latents["scale"])
        if self.free:
            return paste_warped(*inputs, feather=self.feather, rim=rim, largest=self.placements[-1].scale)
        return paste_on_grid(*inputs, feather=self.feather, rim=rim)


def placed(rows: Sequence[Placement]) -> Latents:
    """Placements as the latents `position` (B, 2) and `scale` (B, 1)."""
    numbers = torch.tensor([(p.x, p.y, p.scale) for p in rows], dtype=torch.float32)
    return {"position": numbers[:, :2], "scale": numbers[:, 2:]}


def placement_of(latents: Latents, row: int) -> Placement:
    """The placement of one row of a scene's latents."""
    x, y = (round(min(max(v, -1.0), 1.0), 6) for v in latents["position"][row].tolist())
    return Placement(round(latents["scale"][row].item(), 6), x, y)


def join(background: Latents, foreground: Latents, place: Latents) -> Latents:
    """A scene's latents from those of its layers and `position` and `scale`."""
    named = {f"background.{name}": x for name, x in background.items()}
    return {**named, **{f"foreground.{name}": x for name, x in foreground.items()}, **place}


def part(latents: Latents, layer: str) -> Latents:
    """The latents of "background" or "foreground"."""
    return {name.removeprefix(f"{layer}."): x for name, x in latents.items() if name.startswith(f"{layer}.")}


def _listed(placement: Placement | Sequence[Placement] | str) -> list[Placement]:
    given = [placement] if isinstance(placement, Placement) else list(placement)
    listed = [p for p in given if isinstance(p, Placement)]
    if not listed or len(listed) < len(given):
        raise InvalidInput("placement", expected="a Placement, a list of them, or 'free'", got=placement)
    return listed
