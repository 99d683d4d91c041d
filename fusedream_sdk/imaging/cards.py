"""Results in a notebook: tables of words and small pictures, as HTML that needs nothing but itself.

Whatever comes in is escaped, pictures are part of the text (data URIs), and no table grows without bound.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from itertools import islice
from typing import TypeAlias

from PIL import Image
from torch import Tensor

from fusedream_sdk.errors import shown
from fusedream_sdk.imaging.pictures import png_bytes, to_pil

PICTURES, LINES, COLUMNS = 30, 100, 5  # of a table at most: pictures, lines of words; cards beside each other
SIDES = (128, 256)  # of a picture, in pixels: smaller ones are enlarged, larger ones shrunk
LETTERS = 200  # of a cell's words at most
LARGEST = 2048  # longer side of a sheet
FRAMES = 48  # of a film at most
BOLD = re.compile(r"\*\*(.+?)\*\*")

Piece: TypeAlias = str | Image.Image
Cell: TypeAlias = Piece | Sequence[Piece] | None
"""What stands in a cell, one below the other."""


def html_table(head: Sequence[str], lines: Sequence[Sequence[Cell]], *, notes: Sequence[str] = (), bold: bool = False) -> str:
    """A table.

    Args:
        head: above the columns; none where it is empty.
        lines: from the top. Those after 30 pictures, or after the hundredth, are left out, with a note that says how many.
        notes: below it.
        bold: whether `**words**` are bold, as in Markdown.
    """
    kept, pictures = [], 0
    for line in lines[:LINES]:
        pictures += sum(isinstance(piece, Image.Image) for cell in line for piece in _pieces(cell))
        if kept and pictures > PICTURES:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    return _table(head, kept, [*_left_out(left), *notes], bold=bold)


def html_cards(cards: Iterable[Cell], count: int, *, notes: Sequence[str] = ()) -> str:
    """Cards in lines of five; of more than 30 the first ones, with a note that says how many are left out.

    Args:
        cards: made one by one, and no more of them than are shown.
        count: how many there are.
        notes: below them.
    """
    made = list(islice(cards, PICTURES))
    lines = [made[first : first + COLUMNS] for first in range(0, len(made), COLUMNS)]
    return _table((), lines, [*_left_out(count - len(made)), *notes])


def html_film(images: Tensor, *, fps: int = 12) -> str:
    """Frames (T, 3, H, W) in [0, 1] as a film that plays by itself; at most 48 of them."""
    step = -(-len(images) // FRAMES)
    first, *rest = [small(to_pil(image)) for image in images[::step]]
    buffer = BytesIO()
    first.save(buffer, format="GIF", save_all=True, append_images=rest, duration=1000 * step // fps, loop=0)
    return _image(buffer.getvalue(), "gif", first.size, f"a film of {len(images)} frames")


def sheet_png(sheet: Image.Image) -> bytes:
    """A sheet as PNG, shrunk where a side has more than 2,048 pixels."""
    if max(sheet.size) > LARGEST:
        sheet = sheet.copy()
        sheet.thumbnail((LARGEST, LARGEST))
    return png_bytes(sheet)


def small(picture: Image.Image) -> Image.Image:
    """A picture with sides of at most 256 pixels."""
    if max(picture.size) <= SIDES[1]:
        return picture
    shrunk = picture.copy()
    shrunk.thumbnail((SIDES[1], SIDES[1]), Image.Resampling.LANCZOS)
    return shrunk


def html_picture(picture: Image.Image, words: str = "") -> str:
    """A picture as an element; a tiny one is shown with every pixel as a square. Of larger ones a JPEG is smaller."""
    seen, buffer = small(picture), BytesIO()
    kind = "png" if max(seen.size) <= SIDES[0] else "jpeg"
    seen.convert("RGB").save(buffer, format=kind.upper(), quality=88)
    return _image(buffer.getvalue(), kind, seen.size, words)


def _image(data: bytes, kind: str, size: tuple[int, int], words: str) -> str:
    times = max(1, SIDES[0] // max(size))
    style = "image-rendering:pixelated;max-width:none;margin:0"
    return (
        f'<img src="data:image/{kind};base64,{b64encode(data).decode()}" width="{times * size[0]}" '
        f'height="{times * size[1]}" alt="{escape(shown(words, LETTERS))}" style="{style}">'
    )


def _table(head: Sequence[str], lines: Sequence[Sequence[Cell]], notes: Sequence[str], *, bold: bool = False) -> str:
    style = 'style="text-align:left;vertical-align:top"'
    above = f"<thead><tr>{''.join(f'<th {style}>{_words(name)}</th>' for name in head)}</tr></thead>" if head else ""
    rows = "".join(f"<tr>{''.join(f'<td {style}>{_cell(cell, bold)}</td>' for cell in line)}</tr>" for line in lines)
    below = "".join(f"<p><small>{_words(note, most=2 * LETTERS)}</small></p>" for note in notes)
    return f"<div><table>{above}<tbody>{rows}</tbody></table>{below}</div>"


def _cell(cell: Cell, bold: bool) -> str:
    pieces = _pieces(cell)
    words = next((piece for piece in pieces if isinstance(piece, str)), "")
    return "<br>".join(
        html_picture(piece, words) if isinstance(piece, Image.Image) else _words(piece, bold=bold) for piece in pieces
    )


def _pieces(cell: Cell) -> Sequence[Piece]:
    if cell is None:
        return ()
    return (cell,) if isinstance(cell, (str, Image.Image)) else cell


def _words(text: str, *, bold: bool = False, most: int = LETTERS) -> str:
    safe = escape(shown(text, most)).replace("\n", "<br>")
    return BOLD.sub(r"<b>\1</b>", safe) if bold else safe


def _left_out(count: int) -> list[str]:
    return [f"and {count:,} more"] if count > 0 else []
