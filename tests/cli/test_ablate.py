"""Ablations on the command line, in this process and killed in another."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

WORDS = ("ablate", "a red disc", "a blue disc", "-m", "toy", "--techniques", "views,mixture,steps", "-o", "out")


def test_a_table_on_the_terminal_and_everything_in_the_folder(fusedream):
    code, out, err = fusedream(*WORDS, "-s", "0,1", "--progress", "none")
    assert code == 0
    names = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("| ")][2:]
    assert names[:3] == ["default", "no-views", "no-colour"]
    assert Path("out/ablation.md").read_text() == out
    with Path("out/ablation.csv").open() as file:
        assert [row["pictures"] for row in csv.DictReader(file)] == ["4"] * 10
    assert json.loads(Path("out/ablation.json").read_text())["judge"] == "toy"
    for name in ("ablation.png", "differences.png"):
        with Image.open(f"out/{name}") as picture:
            assert min(picture.size) > 300
    assert len(list(Path("out/no-mixture/fusedream").glob("*.png"))) == 4
    assert "pictures, tables and plots: out" in err


def test_prompts_may_be_in_a_file_and_settings_are_for_all(fusedream):
    Path("captions.txt").write_text("a red disc\na blue disc\n\na disc\n")
    words = ("ablate", "--captions", "captions.txt", "-m", "toy", "--techniques", "mixture", "-o", "out", "--steps", "2")
    code, _, _ = fusedream(*words, "--judged-by", "toy", "--others", "captions.txt", "--progress", "none")
    assert code == 0
    told = json.loads(Path("out/ablation.json").read_text())
    assert (len(told["prompts"]), told["candidates"]) == (3, 3)


def finished() -> list[Path]:
    """The pictures of all variants, without those that a kill left half-written."""
    return list(Path("out").glob("*/fusedream/[!.]*.png"))


def test_one_that_was_killed_goes_on_and_is_the_same_as_one_that_was_not(fusedream, process):
    long = ("--techniques", "mixture", "--steps", "40", "--progress", "none", "-s", "0,1")
    run = process(*WORDS, *long)
    deadline = time.monotonic() + 120
    while len(finished()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert not Path("out/ablation.md").exists()
    before = {path: path.stat().st_mtime_ns for path in finished()}
    code, _, _ = fusedream(*WORDS, *long, "--resume")
    assert code == 0
    assert 2 <= len(before) < 8
    assert [path for path, stamp in before.items() if path.stat().st_mtime_ns == stamp] == list(before)
    assert fusedream(*WORDS, *long, "-o", "whole")[0] == 0
    one, two = (json.loads(Path(f"{name}/ablation.json").read_text())["variants"] for name in ("out", "whole"))
    for resumed, undisturbed in zip(one, two, strict=True):
        assert resumed["courses"] == undisturbed["courses"]
        assert resumed["values"] == undisturbed["values"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--techniques", "vews"), "--techniques: expected some of views, search"),
        (("--steps", "0"), "expected an integer of at least 1; got '0'."),
        (("--captions", "none.txt"), "--captions: expected an existing file of captions"),
        (("--others", "none.txt"), "--others: expected an existing file of captions"),
        (("--judged-by", "toyy"), "Did you mean 'toy'?"),
        (("-o", "nowhere/out"), "--out: expected an existing folder, got nowhere."),
    ],
)
def test_a_mistake_is_refused_in_one_sentence_and_nothing_is_written(fusedream, words, message):
    code, out, err = fusedream(*WORDS, *words)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not list(Path().iterdir())


def test_what_exists_is_kept_unless_it_is_gone_on_with_or_replaced(fusedream):
    words = ("ablate", "a red disc", "-m", "toy", "--techniques", "mixture", "-o", "out", "--progress", "none")
    assert fusedream(*words)[0] == 0
    code, _, err = fusedream(*words)
    assert code == 2
    assert "expected a new file, but out/ablation.md exists" in err
    assert fusedream(*words, "--resume")[0] == fusedream(*words, "--overwrite")[0] == 0


def test_prompts_are_needed(fusedream):
    code, _, err = fusedream("ablate", "-m", "toy", "-o", "out")
    assert code == 2
    assert "Missing argument 'PROMPT...'" in err
