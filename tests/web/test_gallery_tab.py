"""The gallery in a real browser: replay, recipe and film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusedream_sdk.web.drawing import EQUAL
from tests.web.browsing import choose, draw, run, titles, turn_to, write

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_an_empty_gallery_says_so_where_something_is_asked_of_it(page: Page):
    turn_to(page, "Gallery")
    assert run(page, "replay", "wrong") == "Picture: expected a picture of the gallery, got nothing. Draw one first."
    assert run(page, "film", "wrong") == "From: expected a picture of the gallery, got nothing. Draw one first."


def test_a_picture_is_chosen_by_a_click_and_drawn_again_to_the_last_pixel(page: Page):
    draw(page, "red\ngreen")
    assert titles(page, 2) == ["2: green, seed 0", "1: red, seed 0"]
    page.locator("#gallery button.thumbnail-item").nth(1).click()
    page.wait_for_function("document.querySelector('#picked input').value === '1: red, seed 0'")
    assert run(page, "replay") == EQUAL
    assert page.locator("#replay-picture img").count() == 1


def test_a_film_leads_from_one_picture_to_another(page: Page):
    draw(page, "red\ngreen")
    assert titles(page, 2) == ["2: green, seed 0", "1: red, seed 0"]
    choose(page, "film-from", "1: red, seed 0")
    choose(page, "film-to", "2: green, seed 0")
    write(page, "frames", "1")
    assert run(page, "film", "wrong").startswith("Frames: expected an integer of at least 2")
    write(page, "frames", "6")
    assert run(page, "film") == "Filmed: 6 frames at 12 a second."
    address = page.locator("#film-film img").get_attribute("src")
    assert address is not None
    assert page.request.get(address).body().startswith(b"GIF8")
