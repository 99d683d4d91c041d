"""`fusedream web`: a page in a browser for everything that draws."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.exits import DONE, say
from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import ModelChoice, chosen, grouped, model_options
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import Bounds

if TYPE_CHECKING:
    from fusedream_sdk.dream.fusedream import FuseDream
    from fusedream_sdk.web.limits import Limits
    from fusedream_sdk.web.shelf import Shelf

PAIR = "emoji"  # which is shipped: the page works at once, without a network
MANY = Bounds(1, 10_000, whole=True)


@dataclass(frozen=True)
class LimitChoice:
    """Limits that were given; None leaves the default of `Limits`."""

    steps: int | None
    pictures: int | None
    views: int | None
    upload_mb: int | None
    queue: int | None
    at_once: int | None

    def limits(self) -> Limits:
        """What the page takes at most."""
        from fusedream_sdk.web.limits import Limits

        return Limits(**chosen(self))


limit_options = grouped(
    "limited",
    LimitChoice,
    click.option("--max-steps", "steps", type=Number(bounds.STEPS), help="Of a run. [default: 500]"),
    click.option("--max-pictures", "pictures", type=Number(MANY), help="Of a run: prompts times seeds. [default: 8]"),
    click.option("--max-views", "views", type=Number(bounds.VIEWS), help="Of a picture in a step. [default: 1000]"),
    click.option("--max-upload", "upload_mb", type=Number(MANY), help="Size of an uploaded file in megabytes. [default: 10]"),
    click.option("--queue", type=Number(Bounds(0, 10_000, whole=True)), help="Visitors that may wait. [default: 16]"),
    click.option("--at-once", type=Number(MANY), help="Runs that go on at one time. [default: 1]"),
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it can be reached; 0.0.0.0: from every network.")
@click.option("--port", type=Number(Bounds(1, 65_535, whole=True)), help="By default the first free one from 7860.")
@click.option("--share", is_flag=True, help="Also a public link, through a server of Gradio's; off by default.")
@click.option("-o", "--out", type=PATH, help="A folder that takes a copy of every picture; without it they are temporary.")
@click.option("--fixed-models", is_flag=True, help="Visitors choose no other models than those named here.")
@limit_options
@model_options
def web(
    host: str, port: int | None, share: bool, out: Path | None, fixed_models: bool, limited: LimitChoice, choice: ModelChoice
) -> int:
    """Serve a page that draws, in a browser, until Ctrl-C.

    \b
    fusedream web
    fusedream web --models emoji --port 8000 --out dreams

    Draw, compose, invert, compare; watch the picture while it is drawn; a gallery with recipes, replay and films. Reached from
    this machine alone unless --host or --share say otherwise. Needs an extra: pip install "fusedream-sdk[web]"
    """
    from fusedream_sdk.runtime.paths import check_folder, user_path
    from fusedream_sdk.web.serve import Address, check_extra, served

    check_extra()
    limits, folder = limited.limits(), None if out is None else user_path("out", out)
    if folder is not None:
        check_folder(folder)
    shelf = shelf_of(choice, fixed=fixed_models)
    say("loading the models ...")
    shelf.dream(shelf.first)
    with served(shelf, Address(host, port, share), limits, folder) as links:
        for link in links:
            click.echo(link)
        say("the page is there; Ctrl-C ends it.")
        wait()
    return DONE


def shelf_of(choice: ModelChoice, *, fixed: bool) -> Shelf:
    """The models that the page begins with, and how others are loaded. Raises InvalidInput for several scorers."""
    from fusedream_sdk.dream.fusedream import FuseDream
    from fusedream_sdk.dream.machine import Machine
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.web.shelf import Choice, Shelf

    if len(choice.scorer) > 1:
        raise InvalidInput("scorer", expected="one scorer for the page", got=f"{len(choice.scorer)}", fix="Name one.")
    first = Choice(choice.models, choice.generator, choice.scorer[0] if choice.scorer else None)

    def load(wanted: Choice) -> FuseDream:
        machine: Machine = {"device": choice.device, "dtype": choice.dtype, "memory_gb": choice.memory_gb}
        return FuseDream(wanted.models, generator=wanted.generator, scorer=wanted.scorer, **machine)

    return Shelf(first if first else Choice(PAIR), load, fixed=fixed)


def wait() -> None:
    """Until Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("the page is closed.")
