"""What a visitor does on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


def turn_to(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()


def write(page: Page, name: str, text: str) -> None:
    """Into a text box or a number."""
    page.locator(f"#{name} textarea, #{name} input").first.fill(text)


def choose(page: Page, name: str, option: str) -> None:
    """From a list, or write what is not in it."""
    box = page.locator(f"#{name} input")
    box.fill(option)
    box.press("Enter")


def ended(page: Page, name: str, kind: str = "over") -> str:
    """What a tab says once its run is over, or has gone wrong."""
    return page.locator(f"#{name}-said .said.{kind}").inner_text()


def run(page: Page, name: str, kind: str = "over") -> str:
    """Press the button of a tab, and wait for what it says in the end; what it said before does not count."""
    page.evaluate(f"document.querySelectorAll('#{name}-said .said').forEach(said => said.classList.remove('over', 'wrong'))")
    page.click(f"#{name}-go")
    return ended(page, name, kind)


def draw(page: Page, prompt: str, seeds: str = "0", kind: str = "over") -> str:
    write(page, "draw-prompt", prompt)
    write(page, "draw-seeds", seeds)
    return run(page, "draw", kind)


def titles(page: Page, count: int) -> list[str]:
    """Of the pictures in the gallery, once there are so many: it is brought up to date a moment after a run."""
    turn_to(page, "Gallery")
    page.wait_for_function(f"document.querySelectorAll('#gallery .caption-label').length === {count}")
    return page.locator("#gallery .caption-label").all_inner_texts()
