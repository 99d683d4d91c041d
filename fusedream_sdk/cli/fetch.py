"""`fusedream models fetch`: weights ahead, for later or for a machine without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.completion import names_of
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import say, tell, told_options
from fusedream_sdk.errors import InvalidInput

if TYPE_CHECKING:
    from fusedream_sdk.models.fetching import Fetched
    from fusedream_sdk.models.sources import Sources

KINDS = ("models", "generators", "scorers", "perceptual")
ROLES = {"generators": "--generator", "scorers": "--scorer", "perceptual": "--perceptual"}


@click.command()
@click.argument("name", shell_complete=names_of(*KINDS))
@click.option("--kind", type=click.Choice(KINDS), help="Which group, where the name is in several. [default: all]")
@click.option("--to", type=PATH, help="Gather the files in this folder, to be taken to another machine. [default: the caches]")
@click.option("--sha256", default="", help="What the file of weights hashes to, where nobody has published that.")
@told_options
def fetch(name: str, kind: str | None, to: Path | None, sha256: str) -> None:
    """Fetch the weights of the model NAME, unless they are here, and check them.

    \b
    fusedream models fetch sd-turbo
    fusedream models fetch pickscore --to pickscore
    fusedream models fetch clip:openai/clip-vit-large-patch14

    NAME is a pair, or what --generator, --scorer or --perceptual take, also with weights and options. What was begun goes
    on. Prints of each file its path, its size, its SHA-256 with what that was compared with, and its licence.
    """
    from fusedream_sdk.models.sources import sources_of
    from fusedream_sdk.runtime.paths import check_folder

    found: dict[tuple[str, str], Sources] = {}
    for one, sources in sources_of(name, kind).items():
        if sources is None:
            say(f"{one[1]} of {one[0]}: nothing to fetch: its weights come with it, or its plugin does not say where they are.")
        else:
            found[one] = sources
    check_digits(sha256, found)
    if to is not None and found:
        check_folder(to, "to")
    for (group, one), sources in found.items():
        folder = to if to is None or len(found) == 1 else to / f"{group}-{re.sub(r'[^A-Za-z0-9.-]+', '-', one)}"
        files = _fetched(one, sources, folder, sha256)
        if folder is not None:
            say(f"with these files: {ROLES[group]} {used(sources, folder, files)}")


def check_digits(sha256: str, found: Mapping[tuple[str, str], Sources]) -> None:
    """A hash that was given is one, and there is one file that it is of. Raises InvalidInput, or click's error."""
    from fusedream_sdk.models.sources import WebFile

    if not sha256:
        return
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidInput("sha256", expected="64 hexadecimal digits", got=sha256)
    first = [sources.parts[0] for sources in found.values()]
    if len(first) != 1 or not isinstance(first[0], WebFile) or first[0].sha256:
        raise InvalidInput("sha256", expected="nothing, as these files have published hashes", got=sha256, fix="Leave it out.")


def used(sources: Sources, folder: Path, files: list[Fetched]) -> str:
    """The name by which what was gathered in a folder is loaded."""
    return sources.use.format(folder=folder, file=files[0].path)


def _fetched(name: str, sources: Sources, folder: Path | None, sha256: str) -> list[Fetched]:
    """Fetch the parts of a model and tell of each file."""
    from fusedream_sdk.models.fetching import fetch_part

    files: list[Fetched] = []
    for place, part in enumerate(sources.parts):
        for file in fetch_part(part, folder, say, sha256="" if place else sha256):
            files.append(file)
            against = f"as {file.checked} said" if file.checked else "which nobody has published"
            line = f"{file.path}  {file.size / 1e6:,.3g} MB  sha256 {file.sha256}, {against}  licence: {file.licence}"
            about = {"model": name, "path": file.path, "source": file.source, "bytes": file.size, "sha256": file.sha256}
            tell(line, "file", {**about, "checked": file.checked or None, "licence": file.licence})
    return files
