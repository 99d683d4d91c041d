"""Scenes as numbers, and their pictures: all scenes of a batch at once, on the device of the sprites."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fusedream_emoji.render import over, recolour, warp
from fusedream_emoji.scenes import Scene, Thing


@dataclass(frozen=True)
class Layer:
    """One thing in each of L scenes: what `Thing` says, a row each.

    Args:
        rows: of the scenes, (L,).
        drawn: style and concept, (L, 2).
        tint: (L, 3) in [0, 1].
        strength: of the tint, (L,) in [0, 1].
        patch: colour of a background of its own, (L, 3) in [0, 1], below 0 where it has none.
        place: x, y, scale, turn, (L, 4).
    """

    rows: Tensor
    drawn: Tensor
    tint: Tensor
    strength: Tensor
    patch: Tensor
    place: Tensor

    @classmethod
    def of(cls, rows: list[int], things: list[Thing]) -> Layer:
        """Things, and the rows of their scenes."""
        return cls(
            torch.tensor(rows),
            torch.tensor([(t.style, t.concept) for t in things]),
            torch.tensor([t.tint for t in things]),
            torch.tensor([t.strength for t in things]),
            torch.tensor([t.patch or (-1.0,) * 3 for t in things]),
            torch.tensor([(t.x, t.y, t.scale, t.turn) for t in things]),
        )

    def paint(self, sprites: Tensor) -> Tensor:
        """One premultiplied RGBA canvas (L, 4, side, side) for each thing."""
        side = sprites.shape[-1]
        chosen = sprites[self.drawn[:, 0], self.drawn[:, 1]]
        tinted = self.strength.nonzero().flatten()
        if len(tinted):
            chosen[tinted] = recolour(chosen[tinted], self.tint[tinted], self.strength[tinted])
        framed = (self.patch[:, 0] >= 0).nonzero().flatten()
        if len(framed):
            still = self.patch.new_zeros(len(framed))
            inner = warp(chosen[framed], still[:, None].expand(-1, 2), still + 0.8, still, side)
            patch = self.patch[framed][:, :, None, None].expand(-1, -1, side, side)
            chosen[framed] = torch.cat([over(inner, patch), torch.ones_like(inner[:, 3:])], dim=1)
        return warp(chosen, self.place[:, :2], self.place[:, 2], self.place[:, 3], side)


@dataclass(frozen=True)
class Drawing:
    """B scenes: their backgrounds, and their things from back to front.

    Args:
        back: (B, 3) in [0, 1].
        fade: the colour that it runs to, (B, 3) in [0, 1]; `back` itself where it is plain.
        along: cosine and sine of the direction in which it runs, (B, 2).
        grain: (B,).
        layers: the first things of all scenes, the second of those that have them.
    """

    back: Tensor
    fade: Tensor
    along: Tensor
    grain: Tensor
    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, scenes: Sequence[Scene]) -> Drawing:
        """Scenes as numbers."""
        depths = range(max(len(scene.things) for scene in scenes))
        deep = [[i for i, scene in enumerate(scenes) if depth < len(scene.things)] for depth in depths]
        return cls(
            torch.tensor([scene.back for scene in scenes]),
            torch.tensor([scene.fade or scene.back for scene in scenes]),
            torch.tensor([(math.cos(scene.angle), math.sin(scene.angle)) for scene in scenes]),
            torch.tensor([scene.grain for scene in scenes]),
            tuple(Layer.of(rows, [scenes[i].things[depth] for i in rows]) for depth, rows in zip(depths, deep, strict=True)),
        )

    def paint(self, sprites: Tensor, rng: torch.Generator) -> Tensor:
        """The pictures.

        Args:
            sprites: (3, N, 4, h, w) from `load_sprites`, on the device of the numbers; the side of the pictures is h.
            rng: draws the grain of grainy backgrounds, on that device.

        Returns:
            (B, 3, h, h) in [0, 1].
        """
        canvas = self.backgrounds(sprites.shape[-1], rng)
        for layer in self.layers:
            canvas[layer.rows] = over(layer.paint(sprites), canvas[layer.rows])
        return canvas

    def backgrounds(self, side: int, rng: torch.Generator) -> Tensor:
        """What is behind everything, (B, 3, side, side) in [0, 1]."""
        canvas = self.back[:, :, None, None].expand(-1, -1, side, side).clone()
        fading, grainy = ((x > 0).nonzero().flatten() for x in ((self.fade != self.back).any(dim=1), self.grain))
        if len(fading):
            ticks = torch.linspace(-0.7, 0.7, side, device=canvas.device)
            across, down = self.along[fading].T[:, :, None, None]
            share = (ticks * across + ticks[:, None] * down + 0.5).clamp(0, 1)
            canvas[fading] = torch.lerp(canvas[fading], self.fade[fading][:, :, None, None], share[:, None])
        if len(grainy):
            noise = torch.randn(len(grainy), 3, side, side, generator=rng, device=canvas.device)
            canvas[grainy] += self.grain[grainy][:, None, None, None] * noise
        return canvas.clamp(0, 1)


def paint(scenes: Sequence[Scene], sprites: Tensor, rng: torch.Generator) -> Tensor:
    """Scenes to pictures: `Drawing.paint` of them."""
    return Drawing.of(scenes).paint(sprites, rng)
