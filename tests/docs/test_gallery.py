"""Every picture of the gallery, of the landing page and of the tutorials has the command that draws it."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from fusedream_sdk.cli import fusedream
from fusedream_sdk.imaging.pictures import read_recipe
from tests.benchmarks import tutorials
from tests.benchmarks.gallery import DOCS, PAGE, PICTURES, Picture, page, sections
from tests.docs.blocks import FENCE

ALL = [one for section in sections() for one in section.pictures]
LANDING = (DOCS / "index.md").read_text()


def words(command: str) -> list[str]:
    return shlex.split(command)


@pytest.mark.parametrize("picture", ALL, ids=lambda picture: picture.file)
def test_the_commands_of_a_picture_parse_and_the_last_one_writes_it(picture: Picture):
    assert picture.file in words(picture.commands[-1])
    for command in picture.commands:
        program, verb, *rest = words(command)
        assert program == "fusedream"
        found = fusedream.commands[verb]
        assert isinstance(found, click.Command)
        found.make_context(verb, rest)


@pytest.mark.parametrize("picture", ALL, ids=lambda picture: picture.file)
def test_a_single_picture_carries_the_sentence_of_its_command(picture: Picture):
    last = words(picture.commands[-1])
    if last[1] in ("generate", "compose") and last[last.index("--out") + 1] == picture.file:
        assert read_recipe(PICTURES / picture.file)["prompt"] == last[2]


def test_the_page_is_that_of_the_list():
    assert PAGE.read_text() == page(sections())


def test_the_folder_holds_what_the_list_names_and_stays_small():
    assert sorted(path.name for path in PICTURES.iterdir()) == sorted(one.file for one in ALL)
    assert len({one.file for one in ALL}) == len(ALL)
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1_500_000


def test_the_landing_page_shows_pictures_of_the_gallery_with_their_sentence():
    shown = re.findall(r"!\[([^\]]+)\]\(images/gallery/([\w.-]+)\)", LANDING)
    titles = {one.file: one.title for one in ALL}
    assert len(shown) >= 10
    assert {file for _, file in shown} <= set(titles)
    captioned = re.findall(r"!\[[^\]]+\]\(images/gallery/([\w.-]+)\)\n<figcaption>([^<]+)</figcaption>", LANDING)
    assert captioned
    assert [(file, titles[file]) for file, _ in captioned] == captioned


@pytest.mark.parametrize("name", tutorials.PAGES)
def test_every_picture_of_a_tutorial_is_written_by_a_block_of_it(name: str):
    done = "".join(block["text"] for block in FENCE.finditer((DOCS / name).read_text()) if not block["mark"])
    assert tutorials.shown(name)
    for picture in tutorials.shown(name):
        assert picture in re.split(r"[\s\"']", done)
        assert (tutorials.PICTURES / picture).is_file()
