"""Tables for notebooks: everything escaped, every picture inside, nothing without bound."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

import torch
from PIL import Image

from fusedream_sdk.imaging.cards import LARGEST, PICTURES, Cell, html_cards, html_film, html_picture, html_table, sheet_png

RED = Image.new("RGB", (8, 6), "red")


def pictures(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', html)
    return [Image.open(BytesIO(b64decode(data)), formats=[kind.upper()]) for kind, data in found]


def balanced(html: str) -> bool:
    """Whether every element that is opened is closed, in order."""
    stack: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("img", "br"):
                stack.append(tag)

        def handle_endtag(self, tag):
            assert stack.pop() == tag

    Reader().feed(html)
    return not stack


def test_words_are_escaped_and_pictures_are_inside():
    html = html_cards([[RED, "<script>alert('&')</script>", "seed 0"]], 1)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert pictures(html)[0].getpixel((0, 0)) == (255, 0, 0)
    assert balanced(html)


def test_a_name_cannot_leave_the_attribute_that_describes_its_picture():
    html = html_picture(RED, 'a" onerror="alert(1)')
    assert html.count('"') % 2 == 0
    assert 'onerror="' not in html


def test_a_tiny_picture_is_enlarged_and_a_large_one_is_shrunk():
    assert 'width="128" height="96"' in html_picture(RED)
    large = html_picture(Image.effect_noise((1024, 512), 90).convert("RGB"))
    assert pictures(large)[0].size == (256, 128)
    assert len(large) < 60_000


def test_of_many_cards_only_the_first_are_made_and_the_rest_is_counted():
    made: list[int] = []

    def cards():
        for number in range(1000):
            made.append(number)
            yield [RED, str(number)]

    html = html_cards(cards(), 1000)
    assert len(pictures(html)) == len(made) == PICTURES
    assert f"and {1000 - PICTURES} more" in html


def test_a_table_has_its_head_its_notes_and_an_end():
    lines: list[list[Cell]] = [["**left**", None, [RED, "below"]] for _ in range(PICTURES + 2)]
    html = html_table(["one", "", "three"], lines, notes=["a note"], bold=True)
    assert html.count("<th ") == 3
    assert "<b>left</b>" in html
    assert html.count("<tr>") == 1 + PICTURES
    assert "and 2 more" in html
    assert "a note" in html
    assert balanced(html)
    assert "**left**" in html_table((), [["**left**"]])


def test_words_without_end_are_cut():
    assert len(html_table((), [["x" * 10_000]])) < 1000


def test_a_film_plays_by_itself_and_has_at_most_48_frames():
    images = torch.linspace(0, 1, 100).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    (film,) = pictures(html_film(images))
    assert getattr(film, "n_frames", 0) == 34  # every third
    assert film.info["loop"] == 0


def test_a_sheet_that_is_too_large_is_shrunk():
    seen = Image.open(BytesIO(sheet_png(Image.new("RGB", (3000, 300)))))
    assert seen.size == (LARGEST, 205)
    assert Image.open(BytesIO(sheet_png(RED))).size == RED.size
