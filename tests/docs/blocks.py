"""The code blocks of a page of documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.cli.toys import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<mark><!-- internet -->\n)?"
    r"```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n"
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: `title` is the file that it shows, if any; `internet` blocks can only be read here."""

    language: str
    text: str
    title: str | None
    internet: bool


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, with the emoji world replaced by the toy models, which are quick and have no weights."""
    return [
        Block(found["language"], on_toys(found["text"]), found["title"], bool(found["mark"]))
        for found in FENCE.finditer(with_files(page.read_text()))
    ]


def with_files(text: str) -> str:
    """A page with the files that it includes."""
    return re.sub(r'^--8<-- "(.+)"$\n?', lambda found: (ROOT / found[1]).read_text(), text, flags=re.MULTILINE)


def on_toys(text: str) -> str:
    """The same code on the toy models."""
    return text.replace('"emoji"', '"toy"').replace("--models emoji", "--models toy")


def commands(block: Block) -> list[str]:
    """The lines of a shell block."""
    return [line for line in block.text.splitlines() if line.strip()]
