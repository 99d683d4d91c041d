"""Run the tutorials on the real models, block by block, and keep the pictures that they show.

    python -m tests.benchmarks.tutorials [--only first-picture.md]

Every picture of a tutorial lies in `docs/images/tutorials` under the name that a block of its page writes. Run it after every
change of weights.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import time
from contextlib import chdir
from tempfile import TemporaryDirectory
from typing import Any

from fusedream_sdk.cli import main as fusedream
from tests.benchmarks.gallery import DOCS
from tests.docs.blocks import FENCE

PAGES = ("first-picture.md", "your-own-gan.md", "swap-the-clip.md")
PICTURES = DOCS / "images" / "tutorials"


def shown(page: str) -> list[str]:
    """The pictures of a tutorial, by their names."""
    return re.findall(r"\]\(images/tutorials/([\w.-]+)\)", (DOCS / page).read_text())


def follow(page: str) -> None:
    """Do what a page says, in an empty folder, and copy what it shows."""
    names: dict[str, Any] = {}
    with TemporaryDirectory() as folder, chdir(folder):
        for block in FENCE.finditer((DOCS / page).read_text()):
            if block["mark"]:
                continue
            if block["language"] == "python":
                exec(compile(block["text"], page, "exec"), names)
            for line in block["text"].splitlines() if block["language"] == "sh" else ():
                if fusedream(shlex.split(line)[1:]):
                    raise SystemExit(f"{page}: {line}")
        for name in shown(page):
            shutil.copyfile(name, PICTURES / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PAGES, action="append", help="this page; may be repeated")
    args = parser.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for page in args.only or PAGES:
        begun = time.perf_counter()
        follow(page)
        print(f"{time.perf_counter() - begun:6.1f} s  {page}", flush=True)


if __name__ == "__main__":
    main()
