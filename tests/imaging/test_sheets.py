"""Sheets with words on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging import sheets
from fusedream_sdk.imaging.sheets import BLANK, GAP, LINE, Group, fitted, numbered_sheet, save_sheet, table_sheet, wrapped


def plain(colour: str, side: int = 64) -> Image.Image:
    return Image.new("RGB", (side, side), colour)


def shades(sheet: Image.Image) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in np.asarray(sheet).reshape(-1, 3)}


def test_tiny_pictures_become_squares_and_large_ones_are_shrunk():
    tiny = Image.fromarray(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    assert np.array_equal(np.asarray(fitted(tiny))[::8, ::8], np.asarray(tiny))
    assert fitted(plain("red", 200)).size == (200, 200)
    assert fitted(Image.new("RGB", (1024, 512))).size == (256, 128)


def test_every_picture_of_a_group_stands_on_the_sheet_under_its_heading():
    colours = ["red", "lime", "blue", "yellow", "magenta", "cyan"]
    sheet = numbered_sheet([Group("a blue dog", [plain(c) for c in colours], [f"{i}" for i in range(6)], [""] * 6)], columns=5)
    top = GAP + LINE + GAP
    assert sheet.size == (GAP + 5 * (128 + GAP), top + 2 * (128 + LINE + GAP))
    assert sheet.getpixel((GAP + 64, top + 64)) == (255, 0, 0)
    assert sheet.getpixel((GAP + 64, top + 128 + LINE + GAP + 64)) == (0, 255, 255)
    assert np.asarray(sheet)[:top].min() < 128  # the heading
    assert np.asarray(sheet)[top + 128 : top + 128 + LINE].min() < 200  # the captions


def test_groups_stand_one_below_the_other():
    one, two = (Group("a", [plain("red")], ["0"], ["0.5"]), Group("b", [plain("blue")], ["0"], ["0.5"]))
    assert numbered_sheet([one, two]).height == 2 * numbered_sheet([one]).height - GAP
    assert {(255, 0, 0), (0, 0, 255)} <= shades(numbered_sheet([one, two]))


def test_a_table_has_a_line_for_each_row_and_a_column_for_each_name():
    cells = [[plain("red"), plain("lime")], [plain("blue"), None]]
    sheet = table_sheet(["fusedream", "clip-adam"], ["a red apple", "a blue dog"], cells)
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255), BLANK} <= shades(sheet)
    step = 128 + GAP
    left, top = GAP + step, GAP + LINE + GAP
    assert sheet.getpixel((left + 64, top + 64)) == (255, 0, 0)
    assert sheet.getpixel((left + step + 64, top + 64)) == (0, 0, 255)
    assert sheet.getpixel((left + 64, top + step + 64)) == (0, 255, 0)


def test_what_a_column_has_in_place_of_pictures_is_written_over_it():
    told = "starts: expected a generator with a class latent, got one without."
    with_words = table_sheet(["a"], ["b", "c"], [[told, None]])
    without = table_sheet(["a"], ["b", "c"], [[None, None]])
    assert np.asarray(with_words).min(initial=255) <= np.asarray(without).min()
    assert not np.array_equal(np.asarray(with_words), np.asarray(without))


@pytest.mark.parametrize("text", ["a short one", "a much longer sentence that has to be broken", "x" * 400, "", "two\nlines"])
def test_lines_fit_their_width_and_no_letter_is_lost(text: str):
    lines = wrapped(text, 100)
    assert lines
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    assert all(Image.new("RGB", (1, 1)) and sheets._font().getlength(line) <= 100 for line in lines)


def test_without_freetype_the_old_letters_serve(monkeypatch: pytest.MonkeyPatch):
    real = sheets.ImageFont.load_default

    def old(size: float | None = None) -> object:
        if size is not None:
            raise ImportError("no FreeType")
        return real()

    sheets._font.cache_clear()
    monkeypatch.setattr(sheets.ImageFont, "load_default", old)
    assert table_sheet(["a"], ["b"], [[plain("red")]]).width > 128
    sheets._font.cache_clear()


def test_a_sheet_is_saved_as_png_and_nothing_is_written_over(tmp_path: Path):
    path = save_sheet(plain("red"), tmp_path / "sheet.png", overwrite=False)
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(plain("red")))
    with pytest.raises(OutputError, match="path"):
        save_sheet(plain("blue"), path, overwrite=False)
    save_sheet(plain("blue"), path, overwrite=True)
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(plain("blue")))


def test_a_sheet_is_nothing_but_png(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"path: expected a file that ends in \.png"):
        save_sheet(plain("red"), tmp_path / "sheet.jpg", overwrite=False)
