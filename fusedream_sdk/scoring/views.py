"""The random views of AugCLIP (section 3.1): colour, translation, resize, cutout, in two variants; and those of other methods.

The families and strengths are DiffAugment's (Zhao et al., 2020) as the public FuseDream code sets them, on pictures in
[-1, 1]: brightness + U(-.5, .5), saturation x U(0, 2), contrast x U(.5, 1.5), translation by up to 1/8 of a side, resize
x U(.8, 1.2), a cut square of half a side. "public" makes views as that code does (see `public_views`), "ours" otherwise:

* One shrink of the picture to the scorer's resolution, bicubic, antialiased and clamped, from which all views are drawn; the
  public code makes them at the generator's resolution and shrinks each of them, bilinear and not antialiased. The cost
  of a view no longer depends on the generator, and detail finer than the scorer's pixels is averaged, not skipped.
* Zoom about the centre first and translation after it, as one continuous warp, so that only what is outside the view is
  lost. The public code moves first, by whole pixels, loses what was pushed out, and then resizes what is left.
* A ratio of its own for each view; there one for a whole batch of 50. Both change the size of things: smaller ones are
  padded, larger ones cropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.resize import centre_square, plain_bilinear, shrink
from fusedream_sdk.runtime.checks import check_choice, check_flag, is_number
from fusedream_sdk.runtime.randomness import keyed
from fusedream_sdk.scoring.cutouts import CUTOUTS
from fusedream_sdk.scoring.public_views import batches, cut_out, resize, translate

Variant = Literal["ours", "public", "big-sleep", "vqgan-clip"]

UNIFORMS = 9  # random numbers behind one view; a switched-off family leaves the others' numbers as they were


class Stream(IntEnum):
    """What views are drawn for. Two streams never share a view."""

    OPTIMISE = 0
    SELECT = 1
    REPORT = 2
    BANK = 3


@dataclass(frozen=True)
class Views:
    """A distribution of views, every one of them named by (row seed, stream, step, index) and by nothing else.

    Args:
        colour, translation, resize, cutout: whether the family is used.
        brightness: largest shift, in units of the [0, 1] range (0.25 here is the 0.5 of [-1, 1]).
        saturation: factor drawn from U(1 - saturation, 1 + saturation).
        contrast: factor drawn from U(1 - contrast, 1 + contrast).
        shift: largest translation, as a part of the side.
        zoom: size factor drawn from U(1 - zoom, 1 + zoom).
        hole: side of the cut square, as a part of the side.
        variant: "ours", or "public": made as the public FuseDream code makes them; "big-sleep" or "vqgan-clip": the cutouts of
            these methods (see `cutouts`), which have no other parameter.

    References:
        Liu et al. (2021). FuseDream: training-free text-to-image generation with improved CLIP+GAN space optimization.
        arXiv:2112.01573, section 3.1.
        Zhao et al. (2020). Differentiable augmentation for data-efficient GAN training. arXiv:2006.10738.
    """

    colour: bool = True
    translation: bool = True
    resize: bool = True
    cutout: bool = True
    brightness: float = 0.25
    saturation: float = 1.0
    contrast: float = 0.5
    shift: float = 0.125
    zoom: float = 0.2
    hole: float = 0.5
    variant: Variant = "ours"

    def __post_init__(self) -> None:
        for name in ("brightness", "saturation", "contrast", "shift", "zoom", "hole"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= 1 or (name == "zoom" and value == 1):
                fix = "Leave it out for the paper's."
                raise InvalidInput(f"Views.{name}", expected="a strength from 0 to 1", got=value, fix=fix)
        for name in ("colour", "translation", "resize", "cutout"):
            check_flag(f"Views.{name}", getattr(self, name))
        check_choice("Views.variant", self.variant, get_args(Variant))
        for field in fields(self) if self.variant in CUTOUTS else ():
            value = getattr(self, field.name)
            if field.name != "variant" and value != field.default:
                expected = f"nothing, as the views of {self.variant!r} are as they were published"
                raise InvalidInput(f"Views.{field.name}", expected=expected, got=value, fix="Leave it out.")

    @property
    def at_full_resolution(self) -> bool:
        """Whether views are made of the picture as it was drawn, and each of them is shrunk."""
        return self.variant != "ours"

    @property
    def random(self) -> bool:
        """Whether views differ from the picture itself; without any family AugCLIP is plain CLIP (eq. 1)."""
        return self.colour or self.translation or self.resize or self.cutout

    @property
    def fingerprint(self) -> str:
        """The settings as text."""
        return ",".join(f"{name}={value}" for name, value in self.to_json().items())

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a recipe; the variant only where it is not ours, as the first recipes knew no other."""
        if self.variant in CUTOUTS:
            return {"variant": self.variant}
        return {name: value for name, value in asdict(self).items() if (name, value) != ("variant", "ours")}

    def numbers(self, seeds: Sequence[int], *, step: int, count: int, stream: Stream) -> Tensor:
        """The random numbers behind the views of each row, (B, count, 9) in [0, 1), on the CPU; of cutouts another number."""
        each = CUTOUTS[self.variant][0] if self.variant in CUTOUTS else UNIFORMS
        return uniforms(seeds, step=step, count=count, stream=stream, each=each)

    def seen(
        self,
        images: Tensor,
        resolution: int,
        *,
        seeds: Sequence[int],
        step: int,
        count: int,
        stream: Stream = Stream.OPTIMISE,
        part: slice = slice(None),
    ) -> Tensor:
        """Views of pictures of any size, as a scorer reads them.

        Args:
            images: (B, 3, H, W) in [0, 1]; of those that are not square the middle is taken.
            resolution: the scorer's.
            seeds, step, count, stream, part: as of a call.

        Returns:
            (B * V, 3, resolution, resolution) of the V views in `part`, row by row, unclamped.
        """
        named: dict[str, Any] = {"seeds": seeds, "step": step, "count": count, "stream": stream, "part": part}
        if self.variant in CUTOUTS:
            return self._cut(images, resolution, **named)
        if self.at_full_resolution:
            return plain_bilinear(self(centre_square(images), **named), resolution)
        return self(shrink(images, resolution), **named)

    def __call__(
        self,
        images: Tensor,
        *,
        seeds: Sequence[int],
        step: int,
        count: int,
        stream: Stream = Stream.OPTIMISE,
        part: slice = slice(None),
    ) -> Tensor:
        """Draw views.

        Args:
            images: (B, 3, R, R) in [0, 1], at the resolution at which views are made; see `seen`.
            seeds: one per row.
            step: the optimisation step, from 0; another step gives other views.
            count: views per row; the first n of them do not depend on `count`.
            stream: what the views are for.
            part: which of them are drawn; all by default.

        Returns:
            (B * V, 3, R, R) of the V views in `part`, row by row; about [0, 1], unclamped as in the public code. Zero padding
            in [-1, 1] is mid-grey here.

        Raises:
            InvalidInput: not one seed for each row.
        """
        check_seed_of_each(seeds, images)
        chosen = range(count)[part]
        if self.variant in CUTOUTS:
            named: dict[str, Any] = {"seeds": seeds, "step": step, "count": count, "stream": stream, "part": part}
            return self._cut(images, images.shape[-1], **named)
        if not self.random:
            return images.repeat_interleave(len(chosen), dim=0)
        numbers = self.numbers(seeds, step=step, count=count, stream=stream)
        u = numbers[:, part].to(images.device, images.dtype)
        views = images.unsqueeze(1) - 0.5  # from here on 0 is mid-grey, the padding
        views = self._recolour(views[:, 0], u[..., :3]) if self.colour else views.expand(-1, len(chosen), -1, -1, -1)
        if self.variant == "public":
            return torch.cat([self._public(*row, chosen) for row in zip(views, numbers, strict=True)]) + 0.5
        views = views.flatten(0, 1)
        if self.translation or self.resize:
            views = self._move(views, u[..., 3:6].flatten(0, 1))
        if not self.cutout:
            return views + 0.5
        return torch.addcmul(views.new_tensor(0.5), views, self._kept(views, u[..., 6:8].flatten(0, 1)))

    def _cut(self, images: Tensor, resolution: int, *, seeds: Sequence[int], part: slice, **named: Any) -> Tensor:
        """The chosen cutouts of each row: (B, 3, H, W) to (B * V, 3, resolution, resolution)."""
        check_seed_of_each(seeds, images)
        _, cut = CUTOUTS[self.variant]
        chosen, place = range(named["count"])[part], place_of(named["stream"], named["step"])
        numbers = self.numbers(seeds, **named)
        rows = zip(images, numbers, seeds, strict=True)
        return torch.cat([cut(picture, u, chosen, resolution, (seed, place)) for picture, u, seed in rows])

    def _public(self, x: Tensor, u: Tensor, chosen: range) -> Tensor:
        """The rest of a row's chosen views, (V, 3, R, R), as the public code makes it; its numbers are (count, 9)."""
        own = u[chosen.start : chosen.stop]
        if self.translation:
            x = translate(x, own[:, 3:5], self.shift)
        if self.resize:
            x = torch.cat([resize(x[part], float(u[first, 5]), self.zoom) for first, part in batches(chosen)])
        return cut_out(x, own[:, 6:8], self.hole) if self.cutout else x

    def _recolour(self, x: Tensor, u: Tensor) -> Tensor:
        """Brightness, saturation, contrast, (B, 3, R, R) to (B, V, 3, R, R): one product of channels for all views.

        They are one affine map of a pixel, its grey and the picture's mean.
        """
        count, signed = u.shape[1], 2 * u - 1
        saturate = 1 + self.saturation * signed[..., 1]
        contrast = 1 + self.contrast * signed[..., 2]
        level = (1 - contrast) * x.mean(dim=(1, 2, 3)).unsqueeze(1) + self.brightness * signed[..., 0]
        own, grey = contrast * saturate, contrast * (1 - saturate) / 3
        mix = own[..., None, None] * torch.eye(3, device=x.device, dtype=x.dtype) + grey[..., None, None]
        affine = torch.cat([mix, level[..., None, None].expand(-1, -1, 3, 1)], dim=3).flatten(1, 2)  # (B, 3 V, 4)
        with torch.autocast(x.device.type, enabled=False):
            views = affine @ torch.cat([x, torch.ones_like(x[:, :1])], dim=1).flatten(2)
        return views.view(len(x), count, *x.shape[1:])

    def _move(self, x: Tensor, u: Tensor) -> Tensor:
        """Zoom about the centre and translate, in one bilinear warp: (N, 3, R, R). Outside the picture there is 0."""
        side, signed = x.shape[-1], 2 * u.float() - 1
        centre = (side - 1) / 2
        moved = signed[:, :2] * (self.shift * side if self.translation else 0.0)
        scale = 1 + signed[:, 2:] * (self.zoom if self.resize else 0.0)
        pixel = torch.arange(side, device=x.device) - centre
        source = ((pixel - moved[..., None]) / scale[..., None] / centre).to(
            x.dtype
        )  # (N, 2, R) of columns and rows, in [-1, 1]
        columns, rows = source[:, 0, None, :].expand(-1, side, -1), source[:, 1, :, None].expand(-1, -1, side)
        with torch.autocast(x.device.type, enabled=False):  # places of pixels need more digits
            return F.grid_sample(x, torch.stack([columns, rows], dim=3), align_corners=True)

    def _kept(self, x: Tensor, u: Tensor) -> Tensor:
        """0 in a square whose centre is uniform over the picture, 1 elsewhere: (N, 1, R, R)."""
        side = x.shape[-1]
        pixel = torch.arange(side, device=x.device) + 0.5
        offset = pixel - u[:, :, None].float() * side  # (N, 2, R): of each column and row from the centre
        half = self.hole * side / 2
        outside = (offset < -half) | (offset >= half)  # half open, so that a hole is never a pixel too wide
        return (outside[:, 1, :, None] | outside[:, 0, None, :]).unsqueeze(1).to(x.dtype)


NO_VIEWS = Views(colour=False, translation=False, resize=False, cutout=False)
"""The picture itself: with it AugCLIP is plain CLIP."""

PUBLIC_VIEWS = Views(variant="public")
"""The views of the public FuseDream code."""

PUBLIC_PICTURE = Views(colour=False, translation=False, resize=False, cutout=False, variant="public")
"""The picture itself, shrunk as the public code shrinks it: what its search looks at."""

BIG_SLEEP_CUTOUTS = Views(variant="big-sleep")
"""The cutouts of Big Sleep."""

VQGAN_CLIP_CUTOUTS = Views(variant="vqgan-clip")
"""The cutouts of VQGAN-CLIP."""

NAMED_VIEWS = {"ours": Views(), "public": PUBLIC_VIEWS, "none": NO_VIEWS}
"""What the command line calls them."""


def check_seed_of_each(seeds: Sequence[int], images: Tensor) -> None:
    """One seed for each row. Raises InvalidInput otherwise."""
    if len(seeds) != len(images):
        raise InvalidInput("seeds", expected=f"one for each of {len(images)} rows", got=f"{len(seeds)} seeds")


def place_of(stream: Stream, step: int) -> int:
    """What names a stream and a step beside a row's seed."""
    return (int(stream) << 48) + step


def uniforms(seeds: Sequence[int], *, step: int, count: int, stream: Stream, each: int = UNIFORMS) -> Tensor:
    """The random numbers behind the views of each row: (B, count, each) in [0, 1), float32, on the CPU."""
    rows = [keyed(seed, place_of(stream, step)).random((count, each), dtype=np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(rows))
