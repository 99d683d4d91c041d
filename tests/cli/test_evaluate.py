"""Figures of a folder, on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.evaluation.toys import CAPTIONS, discs

QUICK = ("--judge", "toy", "--features", "toy", "--resamples", "50")


@pytest.fixture
def theirs(toys: Path) -> str:
    Path("captions.txt").write_text("\n".join(CAPTIONS))
    return str(discs(Path("theirs")))


def test_a_table_on_the_terminal_and_in_files_and_a_plot(fusedream, theirs):
    outputs = [word for name in ("a.md", "a.csv", "a.json", "a.png") for word in ("-o", name)]
    metrics = ("--metrics", "r-precision,fid,is,kid", "--reference", theirs)
    code, out, err = fusedream("evaluate", theirs, "--captions", "captions.txt", *metrics, *QUICK, *outputs)
    assert (code, err) == (0, "")
    assert [line.split("|")[2].strip().split()[0] for line in out.splitlines()[2:]] == ["R-precision", "FID", "IS", "KID"]
    assert Path("a.md").read_text() == out
    with Path("a.csv").open() as file:
        assert [row["metric"] for row in csv.DictReader(file)] == ["r-precision", "fid", "is", "kid"]
    assert json.loads(Path("a.json").read_text())["level"] == 0.95
    with Image.open("a.png") as picture:
        picture.verify()


def test_a_folder_of_ours_needs_neither_captions_nor_a_judge(fusedream, toys):
    assert fusedream("generate", "a red ball", "a cat", "-m", "toy", "-s", "0,1", "-o", "ours")[0] == 0
    code, out, _ = fusedream("evaluate", "ours", "--level", "0.9", "--candidates", "2", "--repeats", "1")
    assert code == 0
    assert "90 % interval" in out
    assert "toy is the scorer that was optimised" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--metrics", "fid,fud"), "--metrics: expected some of r-precision, clip-r-precision, fid, is, kid, got fud."),
        (("--metrics", "fid"), "--reference: expected a folder of pictures that fid compares with, got none."),
        (("--captions", "none.txt"), "--captions: expected an existing file of captions"),
        (("-o", "a.doc"), "--out: expected a file that ends in one of .md, .csv, .json, .png, .svg, .pdf, got a.doc."),
        (("-o", "captions.txt"), "--out: expected a file that ends in one of"),
        (("--judge", "toyy"), "Did you mean 'toy'?"),
        (("--level", "2"), "expected a number from 0.5 to 0.999; got '2'."),
        (("--metrics", "is", "--features", "inception:none.pth"), "expected an existing file, got none.pth"),
    ],
)
def test_a_mistake_is_refused_in_one_sentence_and_nothing_is_written(fusedream, theirs, words, message):
    code, out, err = fusedream("evaluate", theirs, "--captions", "captions.txt", *QUICK, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in Path().iterdir()) == ["captions.txt", "theirs"]


def test_a_folder_is_needed(fusedream):
    code, _, err = fusedream("evaluate")
    assert code == 2
    assert "Missing argument 'FOLDER...'" in err


def test_a_file_that_exists_is_kept_unless_it_may_be_replaced(fusedream, theirs):
    Path("a.md").write_text("mine")
    words = ("evaluate", theirs, "--captions", "captions.txt", *QUICK, "-o", "a.md")
    assert fusedream(*words)[0] == 2
    assert Path("a.md").read_text() == "mine"
    assert fusedream(*words, "--overwrite")[0] == 0
    assert Path("a.md").read_text().startswith("| pictures of |")
