"""How the page looks."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fusedream_sdk.web.look import CSS, HEAVY, data_uri, hint_html, picture_html, said_html, theme


def test_a_tiny_picture_is_enlarged_to_squares_and_a_large_one_is_not():
    assert "max-width: 384px" in picture_html(Image.new("RGB", (64, 64)), "a dog")
    assert 'class="tiny"' in picture_html(Image.new("RGB", (64, 64)), "a dog")
    assert "max-width: 1024px" in picture_html(Image.new("RGB", (1024, 512)), "a dog")
    assert 'class="tiny"' not in picture_html(Image.new("RGB", (1024, 512)), "a dog")


def test_what_visitors_write_is_text_and_no_markup():
    for shown in (said_html("<b>"), hint_html("<b>"), picture_html(Image.new("RGB", (8, 8)), '"><b>')):
        assert "<b>" not in shown


def test_a_sentence_says_aloud_what_went_wrong():
    assert 'role="alert"' in said_html("no", wrong=True, over=True)
    assert 'class="said over"' in said_html("done", over=True)
    assert said_html("again") != said_html("again")
    assert said_html("") == ""


def test_a_picture_is_held_by_its_address_and_a_heavy_one_is_packed():
    kind, _, packed = data_uri(Image.new("RGB", (8, 8), "red")).partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(BytesIO(base64.b64decode(packed))).getpixel((0, 0)) == (255, 0, 0)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8))
    assert len(noise.tobytes()) > HEAVY
    assert data_uri(noise).startswith("data:image/jpeg;base64,")


def test_nothing_of_the_look_comes_from_another_place():
    pytest.importorskip("gradio")
    assert "http" not in CSS
    assert "@import" not in CSS
    made = theme()
    assert not [word for word in made._get_theme_css().split() if "http" in word and "www.w3.org" not in word]
