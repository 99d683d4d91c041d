"""The page as a whole, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fusedream_sdk.web.limits import Limits
from tests.web.browsing import draw, titles, turn_to

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_the_browser_asks_this_server_alone(browser: Browser, site: str):
    context = browser.new_context()
    context.set_default_timeout(120_000)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site)
    page.wait_for_selector("#draw-go")
    draw(page, "red")
    turn_to(page, "Gallery")
    page.locator("#gallery img").first.wait_for()
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(site).netloc}
    context.close()


def test_the_limits_are_shown(page: Page):
    limits = Limits(steps=1_000_000, upload_mb=1, at_once=2)
    assert page.locator("#limits").inner_text().strip() == str(limits)


def test_a_visit_that_is_over_leaves_nothing_for_the_next(page: Page):
    draw(page, "red")
    titles(page, 1)
    page.reload()
    page.wait_for_selector("#draw-go")
    assert titles(page, 0) == []


def test_the_page_fits_a_narrow_window(page: Page):
    page.set_viewport_size({"width": 390, "height": 800})
    for tab in ("Draw", "Compose"):
        turn_to(page, tab)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, tab
