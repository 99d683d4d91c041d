"""The page served, for as long as a block lasts. With Gradio."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fusedream_sdk.errors import InvalidInput, PluginImportError
from fusedream_sdk.web.limits import Limits
from fusedream_sdk.web.look import CSS, theme
from fusedream_sdk.web.page import build_page
from fusedream_sdk.web.policy import OwnOnly
from fusedream_sdk.web.shelf import Shelf
from fusedream_sdk.web.studio import Studio
from fusedream_sdk.web.visitors import Visitors

SPARE = 40  # threads beside those of runs


@dataclass(frozen=True)
class Address:
    """Where the page is served.

    Args:
        host: 127.0.0.1 is this machine alone; 0.0.0.0 is every network that it is in.
        port: None takes the first free one from 7860.
        share: whether a public link is made, through a server of Gradio's.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    share: bool = False


def check_extra() -> None:
    """The extra is installed. Raises PluginImportError, which says how to."""
    if importlib.util.find_spec("gradio") is None:
        raise PluginImportError('web: the page needs the package gradio. Install it: pip install "fusedream-sdk[web]"')


@contextmanager
def served(shelf: Shelf, address: Address, limits: Limits, out: Path | None = None) -> Iterator[list[str]]:
    """Serve the page; when the block ends, runs end, and temporary pictures go.

    Args:
        shelf: the models. limits: of each visitor.
        address: where.
        out: a folder, made if it is missing, that takes a copy of every picture; None keeps them no longer than visits last.

    Yields:
        The links: the local one, and the public one where there is one.

    Raises:
        InvalidInput: the place is taken, or not this machine's.
    """
    if out is not None:
        out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fusedream-web-", ignore_cleanup_errors=True) as folder, _quiet(folder):
        visitors = Visitors(Path(folder), out)
        page = build_page(Studio(shelf, visitors, limits))
        page.queue(default_concurrency_limit=None, api_open=False)
        try:
            yield _launch(page.launch, address, limits)
        finally:
            visitors.leave_all()
            page.close(verbose=False)


def _launch(launch: Callable[..., tuple[object, str, str | None]], address: Address, limits: Limits) -> list[str]:
    from starlette.middleware import Middleware

    try:
        _, local, public = launch(
            server_name=address.host,
            server_port=address.port,
            share=address.share,
            prevent_thread_lock=True,
            quiet=True,
            inbrowser=False,
            ssr_mode=False,
            pwa=False,
            enable_monitoring=False,
            footer_links=[],
            max_file_size=f"{limits.upload_mb}mb",
            max_threads=SPARE + limits.queue + limits.at_once,
            theme=theme(),
            css=CSS,
            app_kwargs={"middleware": [Middleware(OwnOnly)]},
        )
    except OSError as error:
        got = f"{address.host}:{address.port or '7860-7959'}"
        fix = "Choose another: --port 8000, or leave --host out."
        raise InvalidInput("port", expected="a free one of this machine", got=got, fix=fix) from error
    return [local, *([public] if public else [])]


@contextmanager
def _quiet(folder: str) -> Iterator[None]:
    """Gradio reports to nobody, and keeps its files in this folder."""
    wanted = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "GRADIO_TEMP_DIR": f"{folder}/sent"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})
