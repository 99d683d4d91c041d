"""Line plots as SVG, without a plotting library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 260, 58, 12, 30, 40
COLOURS = ("#1f6f4a", "#c2532d", "#3465a4", "#8a6d00", "#7a3e9d")


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Attributes:
        title, across, up: words at the top, under and beside the axes.
        lines: name -> values at 0, 1, 2, ...; or at `every` steps.
        low, high: bounds of the vertical axis; values outside are cut off.
        every: steps between two values.
        mark: a height at which a dashed line is drawn.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Sequence[float]]
    low: float
    high: float
    every: int = 1
    mark: float | None = None

    def svg(self, x: int) -> str:
        """The panel, moved right by x."""
        longest = max(len(values) for values in self.lines.values())
        wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

        def point(i: float, value: float) -> str:
            cut = min(max(value, self.low), self.high)
            share = (cut - self.low) / (self.high - self.low)
            return f"{LEFT + wide * i / max(longest - 1, 1):.1f},{TOP + tall * (1 - share):.1f}"

        parts = [f'<rect x="{LEFT}" y="{TOP}" width="{wide}" height="{tall}" fill="none" stroke="#999"/>']
        parts += [_text(LEFT + wide / 2, 18, self.title, size=13), _text(LEFT + wide / 2, HEIGHT - 8, self.across)]
        parts.append(f'<g transform="rotate(-90 14 {TOP + tall / 2})">{_text(14, TOP + tall / 2, self.up)}</g>')
        for i in range(5):
            value = self.low + (self.high - self.low) * i / 4
            parts.append(_text(LEFT - 5, TOP + tall * (1 - i / 4) + 4, f"{value:.3g}", anchor="end"))
            step = (longest - 1) * self.every * i / 4
            parts.append(_text(LEFT + wide * i / 4, HEIGHT - BOTTOM + 15, f"{step:.0f}"))
        if self.mark is not None:
            ends = f"{point(0, self.mark)} {point(longest - 1, self.mark)}"
            parts.append(f'<polyline points="{ends}" stroke="#999" stroke-dasharray="4"/>')
        for number, (name, values) in enumerate(self.lines.items()):
            colour = COLOURS[number % len(COLOURS)]
            path = " ".join(point(i, value) for i, value in enumerate(values))
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
            parts.append(_text(LEFT + 8, TOP + 16 + 14 * number, name, anchor="start", colour=colour))
        return f'<g transform="translate({x} 0)">{"".join(parts)}</g>'


def plot(panels: Sequence[Panel]) -> str:
    """Panels side by side, as an SVG document on white."""
    width = WIDTH * len(panels)
    drawn = "".join(panel.svg(WIDTH * i) for i, panel in enumerate(panels))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" font-size="11">'
    return f'{head}<rect width="{width}" height="{HEIGHT}" fill="white"/>{drawn}</svg>\n'


def _text(x: float, y: float, words: str, *, anchor: str = "middle", size: int = 11, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
