"""Draw every picture of the gallery by the commands of one list, and write the page that shows them.

    python -m tests.benchmarks.gallery [--jobs 2] [--only red-apple.png --only film.gif]
    python -m tests.benchmarks.gallery --page

The list is `gallery.toml`, beside this file. Pictures go to `docs/images/gallery` as the last command of each writes them, byte
for byte, so a single picture there carries its recipe; the page is `docs/gallery.md`. `--page` draws nothing. Run it after
every change of weights. How long each picture took is printed, and how large the folder is.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from fusedream_sdk.cli import main as fusedream

DOCS = Path(__file__).parents[2] / "docs"
LIST, PAGE, PICTURES = Path(__file__).with_suffix(".toml"), DOCS / "gallery.md", DOCS / "images" / "gallery"
OTHERS = ("emoji-", "emoji?")  # models that the tests of the pages have no toys for: such commands are only read there
HEAD = """# Gallery

Every picture here was drawn in the [emoji world](emoji.md), whose models come with the package, on a CPU. Below each is the
command that draws it: copy it, and the same picture comes out. They are 64 pixels wide and shown enlarged; a single picture is
the very file that its command wrote, with its recipe in it, so `fusedream replay` draws it again.

The sentences were chosen, as ones that come out well. How often one comes out is on the page of [results](results.md), of
sentences that nobody chose, and what fails is there, too.

`python -m tests.benchmarks.gallery` runs all of these commands and writes this page.
"""


@dataclass(frozen=True)
class Picture:
    """A file, the words below it, and the commands that make it in an empty folder; a `wide` one takes the whole line."""

    file: str
    title: str
    commands: Sequence[str]
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """Pictures under a heading."""

    title: str
    text: str
    pictures: Sequence[Picture]


def sections(path: Path = LIST) -> list[Section]:
    """The list."""
    found = tomllib.loads(path.read_text())["section"]
    return [Section(one["title"], one["text"].strip(), [Picture(**each) for each in one["pictures"]]) for one in found]


def figure(picture: Picture) -> str:
    """A picture as the page shows it, its commands folded."""
    lines = "\n".join(picture.commands)
    mark = "<!-- internet -->\n" if any(other in lines for other in OTHERS) else ""
    kind = ' class="wide"' if picture.wide else ""
    image = f"![{picture.title}](images/gallery/{picture.file})"
    caption = f"<figcaption>{picture.title}</figcaption>"
    details = f"<details markdown><summary>command</summary>\n\n{mark}```sh\n{lines}\n```\n\n</details>"
    return f"<figure markdown{kind}>\n{image}\n{caption}\n{details}\n</figure>"


def page(shown: Sequence[Section]) -> str:
    """The page, as Markdown."""
    parts = [HEAD]
    for one in shown:
        figures = "\n\n".join(map(figure, one.pictures))
        parts.append(f'## {one.title}\n\n{one.text}\n\n<div class="pictures" markdown>\n\n{figures}\n\n</div>\n')
    return "\n".join(parts)


def draw(picture: Picture) -> tuple[str, float, str]:
    """Run the commands of a picture in a folder of their own and keep its file: its name, seconds, and what went wrong."""
    begun, said = time.perf_counter(), StringIO()
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(said), redirect_stderr(said):
        for command in picture.commands:
            if fusedream(shlex.split(command)[1:]):
                return picture.file, time.perf_counter() - begun, said.getvalue().splitlines()[-1]
        shutil.copyfile(picture.file, PICTURES / picture.file)
    return picture.file, time.perf_counter() - begun, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, of one thread each")
    parser.add_argument("--only", action="append", default=[], metavar="FILE", help="draw this one; may be repeated")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # before the processes begin, so that pictures do not follow from their number
    wanted = [
        one for section in sections() for one in section.pictures if not args.page and (not args.only or one.file in args.only)
    ]
    begun, failed = time.perf_counter(), 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(max(args.jobs, 1), get_context("spawn")) as pool:
        for file, seconds, wrong in pool.map(draw, wanted):
            print(f"{seconds:6.1f} s  {file}  {wrong}", flush=True)
            failed += bool(wrong)
    PAGE.write_text(page(sections()))
    size = sum(path.stat().st_size for path in PICTURES.iterdir())
    print(f"{len(wanted)} pictures, {time.perf_counter() - begun:.0f} s in all; the folder has {size / 1e6:.2f} MB")
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
