"""Films on the command line; the pictures so far are in `test_previews`."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream


def count(path: str) -> int:
    with Image.open(path) as film:
        return getattr(film, "n_frames", 1)


def test_a_film_is_written_beside_the_picture(fusedream):
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "-o", "a.png", "--film", "a.gif", "--every", "2")
    assert (code, err.count("warning")) == (0, 0)
    assert out.startswith("a.png  ")
    assert count("a.gif") >= 3  # 0, 2 and 4
    assert sorted(path.name for path in Path().iterdir()) == ["a.gif", "a.png"]


def test_frames_and_pictures_so_far_come_together(fusedream):
    words = ("--progress", "pictures", "--every", "2", "--film", "a.gif", "--fps", "10")
    assert fusedream("generate", "a red disc", "-m", "toy", "-o", "a.png", *words)[0] == 0
    assert len(list(Path("a-steps").iterdir())) == 3
    with Image.open("a.gif") as film:
        assert film.info["duration"] == 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--film", "a.avi"), "--film: expected a file that ends in .gif or .mp4, got a.avi."),
        (("--every", "3"), "--every: expected nothing, as there are no pictures so far."),
        (("--fps", "3"), "--fps: expected nothing, as there is no film."),
        (("--film", "a.gif", "--fps", "0"), "expected an integer of at least 1; got '0'."),
        (("--film", "none/a.gif"), "--film: expected an existing folder, got none."),
    ],
)
def test_a_film_that_cannot_be_made_is_refused_before_the_models_are_loaded(fusedream, words, message, monkeypatch):
    monkeypatch.setattr(FuseDream, "__init__", lambda *_args, **_options: pytest.fail("it loaded the models"))
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "-o", "a.png", *words)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not list(Path().iterdir())


def test_a_film_that_is_there_is_replaced_only_where_that_is_allowed(fusedream):
    Path("a.gif").write_text("mine")
    words = ("generate", "a red disc", "-m", "toy", "-o", "a.png", "--film", "a.gif")
    assert fusedream(*words)[0] == 2
    assert Path("a.gif").read_text() == "mine"
    assert fusedream(*words, "--overwrite")[0] == 0
    assert count("a.gif") > 1


def test_ctrl_c_leaves_a_whole_film_of_what_there_was(process):
    words = ("generate", "a red disc", "-m", "toy", "--steps", "100000", "-o", "a.png")
    running = process(*words, "--film", "a.gif", "--progress", "pictures", "--every", "1")
    waited = time.monotonic() + 60
    while not Path("a-steps/step-0003.png").exists():
        assert time.monotonic() < waited
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert count("a.gif") >= 4
