"""A page whose figures come from commands: what stands between a claim's markers is replaced, the rest is prose."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.evidence import markdown_table
from fusedream_sdk.run.plot import save_figure
from fusedream_sdk.runtime.files import atomic_path
from tests.benchmarks.claims.archive import beside
from tests.benchmarks.claims.verdict import Outcome

IMAGES = "images"  # beside the page
SUMMARY = ("<!-- verdicts: written with every claim -->", "<!-- verdicts: end -->")
HEADING = re.compile(r"^## (\d)\. (.+)$", re.MULTILINE)  # of a claim
VERDICT = re.compile(r"\*\*Verdict: (.+?)\.\*\*(?: Its \d+ statements: (.+)\.)?")


def markers(number: int) -> tuple[str, str]:
    """The lines before and after what a command writes."""
    return f"<!-- claim {number}: written by its command -->", f"<!-- claim {number}: end -->"


def between(text: str, number: int) -> str:
    """What stands between the markers of a claim. Raises InvalidInput: they are not there, or not once, or not in order."""
    first, last = _places(text, number)
    return text[first:last].strip("\n")


def replaced(text: str, number: int, body: str) -> str:
    """The page with another body between the markers of a claim, and its table of verdicts anew. Errors as of `between`."""
    first, last = _places(text, number)
    return summed_up(f"{text[:first]}\n{body.strip()}\n{text[last:]}")


def summed_up(text: str) -> str:
    """The page with the verdicts that stand on it, between their own markers, if it has these."""
    begin, end = SUMMARY
    if text.count(begin) != 1 or begin not in text.partition(end)[0]:
        return text
    lines = [("", "claim", "verdict", "its statements")]
    for heading in HEADING.finditer(text):
        found = VERDICT.match(between(text, int(heading[1])))
        lines += [(heading[1], heading[2], found[1], found[2] or "")] if found else []
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{markdown_table(lines)}\n\n{end}{rest.partition(end)[2]}"


def write(page: Path, found: Outcome, made_by: str) -> list[Path]:
    """Put what was found into a page, and its plot and sheets into the folder of images beside it.

    Args:
        made_by: the command and the machine, which the page names.

    Returns:
        The files that were written.

    Raises:
        InvalidInput: the page cannot be read, or has no such markers. OutputError: a file cannot be written.
    """
    number, text = found.claim.number, read(page)
    _places(text, number)  # before anything is written
    (page.parent / IMAGES).mkdir(exist_ok=True)
    plot, *sheets = drawn(found, page.parent / IMAGES)
    links = [f"![{found.claim.title}: figures and effects with their intervals]({IMAGES}/{plot.name})"]
    for path, sheet in zip(sheets, found.sheets, strict=True):
        links += [f"![{sheet.title}]({IMAGES}/{path.name})", f"*{sheet.says}*"]
    body = "\n\n".join([found.to_markdown(), *links, f"Made by {made_by}."])
    rows = beside(page, number)
    if rows.exists():
        body += f" [Its rows]({rows.relative_to(page.parent).as_posix()})."
    with atomic_path(page) as temporary:
        temporary.write_text(replaced(text, number, body), encoding="utf-8")
    return [page, plot, *sheets]


def drawn(found: Outcome, folder: Path) -> list[Path]:
    """Save the plot and the sheets, whole or not at all, and return where they are, the plot first."""
    paths = [folder / f"claim-{found.claim.number}{name}.png" for name in ("", *(f"-{one.name}" for one in found.sheets))]
    with atomic_path(paths[0]) as temporary:
        save_figure(found.plot(), temporary)
    for path, sheet in zip(paths[1:], found.sheets, strict=True):
        with atomic_path(path) as temporary:
            sheet.picture.save(temporary, "PNG")
    return paths


def read(page: Path) -> str:
    """The text of a page. Raises InvalidInput."""
    try:
        return page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        expected, fix = "a page in UTF-8 that can be read", "Give docs/evidence.md."
        raise InvalidInput("write", expected=expected, got=f"{os.fspath(page)} ({error})", fix=fix) from error


def _places(text: str, number: int) -> tuple[int, int]:
    """Where what is between the markers begins, and where it ends."""
    begin, end = markers(number)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        counts = f"{text.count(begin)} of the first, {text.count(end)} of the second"
        raise InvalidInput("write", expected=f"a page with {begin!r}, then {end!r}, each once", got=counts)
    return text.index(begin) + len(begin), text.index(end)
