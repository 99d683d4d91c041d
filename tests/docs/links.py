"""The links of the pages: where those inside the project lead, and a list of those that leave it.

python -m tests.docs.links
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from tests.cli.toys import ROOT
from tests.docs.blocks import PAGES, with_files

READ = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md"]
LINK = re.compile(
    r"\]\((?P<target>[^()\s]+(?:\([^()]*\)[^()\s]*)?)\)|(?:src|href)=\"(?P<raw>[^\"]+)\"|<(?P<bare>https?://[^>\s]+)>"
)


def without_blocks(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """A page without its blocks and quoted code."""
    return re.sub(r"`[^`\n]*`", "code", without_blocks(with_files(page.read_text())))


def links(page: Path) -> list[str]:
    """The targets of its links and pictures."""
    return [next(filter(None, found.groups())) for found in LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """What may stand behind a # after the name of a page: its headings, as mkdocs writes them."""
    titles = re.findall(r"^#+ +(.+?) *$", without_blocks(page.read_text()), re.MULTILINE)
    found: set[str] = set()
    for title in titles:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        letters = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", letters).strip().lower())
        number = 0
        while (name := f"{slug}_{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def outside() -> dict[str, list[str]]:
    """Every link that leaves the project, with the pages that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for page in READ:
        for target in links(page):
            if "://" in target:
                found[target].append(str(page.relative_to(ROOT)))
    return dict(sorted(found.items()))


if __name__ == "__main__":
    for target, pages in outside().items():
        print(target, *sorted(set(pages)))
