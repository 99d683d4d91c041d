"""The pictures of docs/web.md: the page in a wide and in a narrow window, drawing in the emoji world.

python -m tests.web.screenshots --out docs/images
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from PIL import Image

from fusedream_sdk.cli.options import ModelChoice
from fusedream_sdk.cli.web import shelf_of
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.serve import Address, served
from tests.web.browsing import run, write
from tests.web.conftest import CHROMIUM, QUIET, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COLOURS = 128  # of a screenshot: enough for flat colours, and a third of the bytes
LONG = 600_000  # milliseconds


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/images"), show_default=True, help="The folder.")
def main(out: Path) -> None:
    """Take both screenshots."""
    from playwright.sync_api import sync_playwright

    shelf = shelf_of(ModelChoice("emoji", None, (), "auto", "auto", None), fixed=True)
    with served(shelf, Address(), Limits()) as links, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        shoot(browser, links[0], out / "web-wide.png", (1280, 980))
        shoot(browser, links[0], out / "web-narrow.png", (390, 1260))
        browser.close()


def shoot(browser: Browser, site: str, path: Path, size: tuple[int, int]) -> None:
    """One window, after a picture was drawn in it."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.set_default_timeout(LONG)
    page = opened(context.new_page(), site)
    write(page, "draw-prompt", "a blue dog")
    write(page, "draw-seeds", "1")
    run(page, "draw")
    page.wait_for_timeout(1500)  # the plot is drawn a moment later
    page.screenshot(path=path)
    small = Image.open(path).convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)
    context.close()


if __name__ == "__main__":
    main()
