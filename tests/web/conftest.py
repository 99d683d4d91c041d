"""A studio of toy models, and a page of them in a real browser."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from torch import Tensor

from fusedream_sdk.web.shelf import Choice, Shelf
from fusedream_sdk.web.studio import Studio
from fusedream_sdk.web.visitors import Visitor, Visitors
from tests.cli.toys import add_toys, environment
from tests.conftest import toy_dream

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"]
PATIENCE = 90_000  # milliseconds: a busy machine is slow, and nothing here asserts a time


def far(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean(dim=(1, 2, 3))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Toy models, quick settings."""
    dream = toy_dream(perceptual=far)
    return Studio(Shelf(Choice("toy"), lambda choice: dream), Visitors(tmp_path))


@pytest.fixture
def visitor(studio: Studio) -> Visitor:
    return studio.visitors.visitor("somebody")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page of toy models, served by a process of its own: `fusedream web`, with two runs at once."""
    if importlib.util.find_spec("gradio") is None:
        pytest.skip('needs pip install "fusedream-sdk[web]"')
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["web", "--models", "toy", "--port", str(port), "--at-once", "2", "--max-steps", "1000000", "--max-upload", "1"]
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # also where a shell had it ignored
    begin = "import sys; from fusedream_sdk.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", f"{heed}; {begin}", *words, "--out", str(folder / "out")]
    env = environment(add_toys(folder / "packages"), folder / "cache")
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log) as server:
        address = server.stdout.readline().decode().strip() if server.stdout else ""
        assert address.startswith("http://127.0.0.1"), (folder / "log").read_text()
        yield address
        server.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it."""
    pytest.importorskip("playwright", reason="needs pip install playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """The page as a new visitor sees it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield opened(context.new_page(), site)
    context.close()


def opened(page: Page, site: str) -> Page:
    page.goto(site)
    page.wait_for_selector("#draw-go")
    return page


@pytest.fixture
def never() -> threading.Event:
    """What ends no run."""
    return threading.Event()
