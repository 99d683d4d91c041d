"""Contact sheets with words on them: numbered pictures under a heading, and a table of pictures."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.paths import check_writable, user_path

SIDE = (128, 256)  # of a picture on a sheet, in pixels: smaller ones are enlarged, larger ones shrunk
GAP = 6
LETTERS = 13  # height of a line's letters, in pixels
LINE = 18  # from line to line
INK, FAINT, BLANK = "black", "dimgrey", (238, 238, 238)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Group:
    """Pictures under a heading, each with a caption below it on the left, and a note on the right."""

    heading: str
    pictures: Sequence[Image.Image]
    captions: Sequence[str]
    notes: Sequence[str]


def numbered_sheet(groups: Sequence[Group], *, columns: int = 5) -> Image.Image:
    """Groups of pictures one below the other, each with its heading, in lines of so many."""
    cells = [[fitted(picture) for picture in group.pictures] for group in groups]
    width, height = _largest([cell for group in cells for cell in group])
    lines = [-(-len(group) // columns) for group in cells]
    across = min(columns, max(map(len, cells)))
    step = width + GAP, height + LINE + GAP
    heads = [wrapped(group.heading, across * step[0] - GAP) for group in groups]
    tall = sum(LINE * len(head) + GAP + count * step[1] for head, count in zip(heads, lines, strict=True))
    sheet = Image.new("RGB", (across * step[0] + GAP, tall + GAP), "white")
    pen, top = ImageDraw.Draw(sheet), GAP
    for group, drawn, head, count in zip(groups, cells, heads, lines, strict=True):
        _write(pen, (GAP, top), head)
        top += LINE * len(head) + GAP
        for place, (picture, caption, note) in enumerate(zip(drawn, group.captions, group.notes, strict=True)):
            x, y = GAP + place % columns * step[0], top + place // columns * step[1]
            sheet.paste(picture, (x, y))
            _write(pen, (x, y + height), wrapped(caption, width)[:1])
            _write(pen, (x + width - round(_font().getlength(note)), y + height), [note], FAINT)
        top += count * step[1]
    return sheet


def table_sheet(
    columns: Sequence[str], rows: Sequence[str], cells: Sequence[Sequence[Image.Image | str | None]]
) -> Image.Image:
    """A table of pictures.

    Args:
        columns, rows: what stands above each column, and before each row.
        cells: of each column as many as rows: a picture, or None where there is none. A text in the first of them is
            written over the whole column.
    """
    drawn = [[fitted(cell) if isinstance(cell, Image.Image) else cell for cell in column] for column in cells]
    width, height = _largest([cell for column in drawn for cell in column if isinstance(cell, Image.Image)])
    left, heads = width + GAP, [wrapped(column, width) for column in columns]
    top = GAP + LINE * max(map(len, heads)) + GAP
    size = GAP + left + len(columns) * (width + GAP), top + len(rows) * (height + GAP)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for line, row in enumerate(rows):
        _write(pen, (GAP, top + line * (height + GAP)), wrapped(row, width)[: height // LINE])
    for place, (head, column) in enumerate(zip(heads, drawn, strict=True)):
        x = GAP + left + place * (width + GAP)
        _write(pen, (x, GAP), head)
        for line, cell in enumerate(column):
            y = top + line * (height + GAP)
            if isinstance(cell, Image.Image):
                sheet.paste(cell, (x, y))
            else:
                pen.rectangle((x, y, x + width - 1, y + height - 1), fill=BLANK)
        if column and isinstance(column[0], str):
            tall = len(rows) * (height + GAP) - GAP
            _write(pen, (x + GAP, top + GAP), wrapped(column[0], width - 2 * GAP)[: (tall - GAP) // LINE], FAINT)
    return sheet


def check_sheet(argument: str, path: object, *, overwrite: bool) -> Path:
    """Where a sheet can be written. Raises OutputError: it cannot. InvalidInput: it does not end in .png."""
    target = user_path(argument, path)
    if ".png" not in (target.suffix.lower(), target.name.lower()):
        raise InvalidInput(argument, expected="a file that ends in .png", got=str(path))
    check_writable(target, overwrite=overwrite, argument=argument)
    return target


def save_sheet(sheet: Image.Image, path: str | Path, *, overwrite: bool) -> Path:
    """Write a sheet, whole or not at all. Errors as of `check_sheet`, of the argument "path"."""
    target = check_sheet("path", path, overwrite=overwrite)
    with atomic_path(target, overwrite=overwrite, argument="path") as temporary:
        sheet.save(temporary, format="PNG")
    return target


def fitted(picture: Image.Image) -> Image.Image:
    """A picture of a size to look at: a tiny one with every pixel a square, a large one shrunk."""
    least, most = SIDE
    longer = max(picture.size)
    if longer > most:
        share = most / longer
        return picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.LANCZOS)
    times = max(1, -(-least // longer))
    return picture.resize((times * picture.width, times * picture.height), Image.Resampling.NEAREST)


def wrapped(text: str, width: int) -> list[str]:
    """A text as lines that fit a width in pixels; a word that does not is cut. At least one line."""
    lines, line = [], ""
    for word in " ".join(text.split()).split(" "):
        longer = f"{line} {word}".strip()
        if line and _font().getlength(longer) > width:
            lines.append(line)
            longer = word
        while len(longer) > 1 and _font().getlength(longer) > width:
            fits = max(1, bisect(range(1, len(longer)), width, key=lambda n, word=longer: _font().getlength(word[:n])))
            lines.append(longer[:fits])
            longer = longer[fits:]
        line = longer
    return [*lines, line]


def _largest(pictures: Sequence[Image.Image]) -> tuple[int, int]:
    """The width and height into which each of some pictures fits; of none the least."""
    widths, heights = [SIDE[0], *(p.width for p in pictures)], [SIDE[0], *(p.height for p in pictures)]
    return max(widths), max(heights)


def _write(pen: ImageDraw.ImageDraw, at: tuple[int, int], lines: Sequence[str], ink: str = INK) -> None:
    """Lines of text, one below the other."""
    for number, line in enumerate(lines):
        pen.text((at[0], at[1] + number * LINE), line, fill=ink, font=_font())


@lru_cache(maxsize=1)
def _font() -> Font:
    """Pillow's own letters, which come with it; without FreeType the old ones of one size."""
    try:
        return ImageFont.load_default(LETTERS)
    except (ImportError, OSError):
        return ImageFont.load_default()
