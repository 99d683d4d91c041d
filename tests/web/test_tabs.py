"""The tabs that draw, in a real browser: every button, and every kind of bad input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from fusedream_sdk.imaging.pictures import read_recipe
from tests.web.browsing import choose, draw, run, titles, turn_to, write

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_two_prompts_from_two_seeds_are_four_pictures(page: Page):
    assert draw(page, "red\ngreen", "0-1").startswith("Drawn: ")
    address = page.locator("#draw-picture img").get_attribute("src")
    assert address is not None
    assert address.startswith("data:image/png")
    assert titles(page, 4) == ["4: green, seed 1", "3: green, seed 0", "2: red, seed 1", "1: red, seed 0"]


def test_settings_and_a_method_with_options_are_heeded(page: Page):
    page.click("#settings button")
    write(page, "steps", "3")
    choose(page, "draw-method", "random-search?population=4")
    assert draw(page, "red").startswith("Drawn: ")
    turn_to(page, "Gallery")
    page.click("#recipe-fold button")
    for word in ("population", "random-search"):
        page.locator("#recipe", has_text=word).wait_for()


def test_every_bad_input_is_one_clear_sentence_and_the_page_goes_on(page: Page):
    assert draw(page, "", kind="wrong") == "Prompt: expected a sentence, got an empty one. Say what the picture should show."
    assert draw(page, "red", "two", "wrong").startswith("Seeds: expected integers from 0, as 7 or 0,1,2 or 0-3")
    assert draw(page, "red", "0-99", "wrong").startswith("Seeds: expected at most 8 pictures at a time on this page, got 100.")
    choose(page, "draw-method", "clip-adm")
    said = draw(page, "red", kind="wrong")
    assert said.startswith("Method: expected one of ")
    assert said.endswith("Did you mean 'clip-adam'?")
    choose(page, "draw-method", "fusedream")
    page.click("#settings button")
    write(page, "steps", "2000000")
    assert draw(page, "red", kind="wrong").startswith(
        "Steps: expected an integer of at least 1 and at most 1,000,000, got 2000000"
    )
    write(page, "steps", "")
    write(page, "lr", "-1")
    assert draw(page, "red", kind="wrong").startswith("Learning rate: expected a positive number")
    write(page, "lr", "")
    assert draw(page, "red").startswith("Drawn: ")


def wait_for_places(page: Page, count: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('#places input:checked').length === {count}")


def test_places_are_picked_and_the_best_candidate_is_kept(page: Page):
    turn_to(page, "Compose")
    page.click("#no-places")
    wait_for_places(page, 0)
    assert run(page, "compose", "wrong").startswith("Places: expected at least one, got none.")
    for place in ("top-left", "centre"):
        page.locator("#places label", has_text=re.compile(f"^\\s*{place}\\s*$")).click()
    wait_for_places(page, 2)
    write(page, "compose-prompt", "red")
    assert run(page, "compose").startswith("Composed: best of 2 is ")
    page.click("#all-places")
    wait_for_places(page, 9)
    (title,) = titles(page, 1)
    assert title.startswith("1: red, seed 0, ")


def test_the_nearest_to_an_upload_is_found_and_drawn_on(page: Page, tmp_path: Path):
    Image.new("RGB", (40, 30), "green").save(tmp_path / "mine.png")
    turn_to(page, "Invert")
    assert run(page, "invert", "wrong").startswith("Your picture: expected a picture, got nothing. Upload one first.")
    page.set_input_files("#upload input[type=file]", tmp_path / "mine.png")
    page.locator("#invert-picture img[alt='your picture']").wait_for()
    write(page, "invert-prompt", "red")
    assert run(page, "invert").startswith("Drawn: ")
    assert titles(page, 2) == ["2: red, seed 0", "1: nearest to your picture"]


def test_a_broken_upload_is_told_at_once_and_again_when_it_is_used(page: Page, tmp_path: Path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG and then nothing")
    turn_to(page, "Invert")
    page.set_input_files("#upload input[type=file]", tmp_path / "broken.png")
    said = page.locator("#invert-said .said.wrong").inner_text()
    assert said.startswith("Your picture: expected a readable picture, got broken.png (")
    assert run(page, "invert", "wrong") == said


def test_a_file_that_is_too_large_is_told(page: Page, tmp_path: Path):
    (tmp_path / "large.png").write_bytes(b"\0" * 2_000_000)
    turn_to(page, "Invert")
    page.set_input_files("#upload input[type=file]", tmp_path / "large.png")
    page.get_by_text("exceed the maximum allowed size").first.wait_for()


def test_two_methods_stand_side_by_side(page: Page):
    turn_to(page, "Compare")
    write(page, "compare-prompt", "red")
    choose(page, "second-method", "fusedream")
    assert run(page, "compare", "wrong").startswith("Method: expected two that differ, got fusedream twice.")
    choose(page, "second-method", "random-search?population=4")
    assert run(page, "compare") == "Drawn by both methods, from the same seeds."
    assert page.locator("#compare-table table tbody tr").count() == 2
    titles(page, 2)


def test_a_downloaded_picture_carries_its_recipe(page: Page, tmp_path: Path):
    draw(page, "red", "5")
    titles(page, 1)
    page.locator("#download:not([disabled])").wait_for()
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "mine.png")
    assert read_recipe(tmp_path / "mine.png")["seed"] == 5
