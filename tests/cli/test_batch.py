"""`fusedream batch`: from a file of captions to a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_sdk.dream import many
from fusedream_sdk.dream.workers import Workers
from fusedream_sdk.run.recipe import Recipe


@pytest.fixture
def captions(toys: Path) -> Path:
    Path("captions.txt").write_text("a red disc\n\na blue disc\n")
    return Path("captions.txt")


def test_every_caption_is_drawn_from_every_seed_and_one_line_says_so(fusedream, captions):
    code, out, err = fusedream("batch", "captions.txt", "--models", "toy", "--seeds", "0-1", "--out", "runs")
    assert code == 0
    assert out.startswith("runs  4 of 4 pictures  mean augclip ")
    assert "captions.txt: 1 empty line is left out." in err
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        "00-a-red-disc-seed0.png",
        "01-a-red-disc-seed1.png",
        "02-a-blue-disc-seed0.png",
        "03-a-blue-disc-seed1.png",
        "manifest.json",
        "rows.csv",
        "tensors",
    ]


def test_without_out_the_folder_is_named_as_the_file(fusedream, captions):
    assert fusedream("batch", "captions.txt", "-m", "toy", "--limit", "1", "--progress", "none")[0] == 0
    assert Path("captions/00-a-red-disc-seed0.png").is_file()


def test_settings_of_the_command_line_hold_where_a_line_says_nothing(fusedream, toys):
    Path("c.csv").write_text("text,steps,seed\na red disc,2,\na blue disc,,7\n")
    words = ("--column", "text", "--steps", "3", "--method", "clip-adam", "--no-judge", "--progress", "none")
    assert fusedream("batch", "c.csv", "-m", "toy", "-o", "runs", *words)[0] == 0
    first, second = (Recipe.read(path) for path in sorted(Path("runs").glob("*.png")))
    assert (first.settings.steps, first.seed, second.settings.steps, second.seed) == (2, 0, 3, 7)
    assert first.method.name == "clip-adam"


def test_workers_threads_and_cluster_reach_the_run(fusedream, captions, monkeypatch):
    given = []

    def stop(*words: object, workers: Workers, **options: object) -> None:
        given.append(workers)
        raise KeyboardInterrupt

    monkeypatch.setattr(many, "run_batch", stop)
    words = ("--workers", "2", "--threads", "3", "--ray", "auto")
    assert fusedream("batch", "captions.txt", "-m", "toy", *words)[0] == 130
    assert given == [Workers(2, 3, "auto")]


def test_a_row_that_cannot_be_drawn_is_told_and_the_code_is_1(fusedream, captions, monkeypatch):
    from fusedream_sdk.dream.stream import Drawer

    draw = Drawer.__call__

    def faulty(self: Drawer, jobs):
        if jobs[0].number == 0:
            raise ZeroDivisionError("no picture")
        return draw(self, jobs)

    monkeypatch.setattr(Drawer, "__call__", faulty)
    code, out, err = fusedream("batch", "captions.txt", "-m", "toy", "-o", "runs")
    assert code == 1
    assert "1 of 2 pictures" in out
    assert "row 0 (a red disc, seed 0) was left out: ZeroDivisionError: no picture" in err
    monkeypatch.setattr(Drawer, "__call__", draw)
    code, out, _ = fusedream("batch", "captions.txt", "-m", "toy", "-o", "runs", "--resume")
    assert (code, "2 of 2 pictures" in out) == (0, True)


def test_where_no_row_can_be_drawn_the_reason_is_one_sentence(fusedream, toys, monkeypatch):
    from fusedream_sdk.dream.stream import Drawer

    def faulty(self: Drawer, jobs):
        raise ZeroDivisionError("no picture")

    Path("many.txt").write_text("a red disc\n" * 12)
    monkeypatch.setattr(Drawer, "__call__", faulty)
    code, _, err = fusedream("batch", "many.txt", "-m", "toy", "-o", "runs", "--progress", "none")
    assert code == 2
    assert err.count("\n") == 1
    assert "none of the first 10 rows could be drawn. The last one said: ZeroDivisionError: no picture" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.txt"], "captions: expected an existing file of captions"),
        (["captions.txt", "--column", "text"], "--column: expected nothing"),
        (["captions.txt", "--encoding", "klingon"], "--encoding: expected the name of an encoding"),
        (["captions.txt", "--limit", "0"], "--limit"),
        (["captions.txt", "--workers", "0"], "--workers"),
        (["captions.txt", "--out", "a.png"], "--out: expected a folder for the pictures of a batch"),
        (["captions.txt", "--ray", "127.0.0.1:1"], "--ray: expected the address of a Ray cluster that answers"),
        (["captions.txt", "--method", "tony"], "tony"),
        (["captions.txt", "--method", "clip-adam", "--basis", "3"], "--basis: expected nothing"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_writes_nothing(words, said, fusedream, captions):
    if "--ray" in words:
        pytest.importorskip("ray")
    code, out, err = fusedream("batch", *words, "-m", "toy", "--progress", "none")
    assert (code, out) == (2, "")
    assert said in err
    assert not Path("captions").exists()


def test_a_folder_that_is_there_is_left_alone_unless_it_is_said(fusedream, captions):
    run = ("batch", "captions.txt", "-m", "toy", "-o", "runs", "--progress", "none")
    assert fusedream(*run)[0] == 0
    code, _, err = fusedream(*run)
    assert (code, "exists" in err) == (2, True)
    assert fusedream(*run, "--overwrite")[0] == 0
    code, _, err = fusedream(*run, "--resume", "--steps", "2")
    assert (code, "--resume: expected what" in err) == (2, True)
