"""Runs that are ended in their midst by whatever, and go on: real processes, real kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.toys import environment

ASKED = ["a red disc", "a blue disc", "--models", "toy", "--seed", "0-3", "--steps", "12", "--progress", "none"]

# Forks of one process that has imported everything: each is the command line, and all but the last are killed.
KILLS = """
import os, random, signal, sys, time
import torch
from fusedream_sdk.cli import main
import fusedream_sdk.dream.fusedream, fusedream_sdk.dream.film

def run(*words):
    child = os.fork()
    if not child:
        os._exit(main(list(words)))
    return child

def seconds(*words):
    begun = time.monotonic()
    os.waitpid(run(*words), 0)
    return time.monotonic() - begun

asked, rng = sys.argv[1:], random.Random(0)
whole = seconds("generate", *asked, "--out", "undisturbed")
killed = 0
for _ in range(20):
    child = run("generate", *asked, "--out", "killed", "--resume")
    time.sleep(rng.uniform(0, whole / 6))
    os.kill(child, signal.SIGKILL)
    killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
last = run("generate", *asked, "--out", "killed", "--resume")
print(killed, os.waitstatus_to_exitcode(os.waitpid(last, 0)[1]))
"""


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(script: str, *words: str, cache: Path, toys: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, env=environment(toys, cache), capture_output=True, text=True, check=False)


def test_after_twenty_kills_one_resume_makes_the_very_same_folder(toys: Path, tmp_path: Path):
    done = run(KILLS, *ASKED, cache=tmp_path / "cache", toys=toys)
    killed, code = map(int, done.stdout.split()[-2:])
    assert (code, done.stderr) == (0, "")
    assert killed > 10
    assert content(Path("killed")) == content(Path("undisturbed"))
    assert len(list(Path("killed").glob("*.png"))) == 8


# No file may grow beyond what the bank and the small files need: what a full disk does to the rest.
SMALL = """
import resource, signal, sys
from fusedream_sdk.cli import main
import fusedream_sdk.dream.fusedream
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
main(["bank", "build", "--models", "toy"])
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("most", "out", "told"),
    [
        (600, "red.png", "red.png could not be written (File too large). It could not be kept anywhere. 0 of 1 pictures are"),
        (600, "dreams", "dreams could not be written (File too large). Choose another folder."),
        (3500, "dreams", "dreams/00-a-blue-disc-seed0.png could not be written ("),
    ],
)
def test_a_disk_without_room_is_one_sentence_that_names_the_path(toys: Path, tmp_path: Path, most: int, out: str, told: str):
    words = ["generate", *ASKED[1:4], "--seed", "0" if out == "red.png" else "0-1", "--out", out, "--progress", "none"]
    done = run(SMALL, str(most), *words, cache=tmp_path / "cache", toys=toys)
    *_, said = done.stderr.splitlines()
    assert done.returncode == 2
    assert said.startswith(f"fusedream: --out: {told}")
    assert "Traceback" not in done.stderr
    assert not list(Path().rglob(".*-writing-*"))


def test_the_option_resume_goes_on_and_says_so_after_a_stop(fusedream, monkeypatch: pytest.MonkeyPatch):
    from fusedream_sdk.run.folder import Folder

    add, rows = Folder.add, []

    def interrupted(self: Folder, row: int, part: object) -> None:
        add(self, row, part)  # pyright: ignore[reportArgumentType]
        rows.append(row)
        if len(rows) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "add", interrupted)
        code, out, told = fusedream("generate", *ASKED, "--out", "dreams")
    assert (code, len(out.splitlines())) == (0, 2)
    assert "stopped early: the best so far is saved; 6 of 8 pictures were not begun. The same with --resume goes on." in told
    code, out, told = fusedream("generate", *ASKED, "--out", "dreams", "--resume", "--sheet", "sheet.png")
    assert (code, len(out.splitlines())) == (0, 8)
    assert Path("sheet.png").is_file()


def test_a_stop_in_the_last_files_says_what_is_saved(fusedream, monkeypatch: pytest.MonkeyPatch):
    from fusedream_sdk.run.folder import Folder

    def interrupted(self: Folder, whole: object, *, done: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Folder, "finish", interrupted)
    code, _, told = fusedream("generate", *ASKED, "--out", "dreams")
    assert code == 0
    assert "interrupted: 8 of 8 pictures are saved in dreams. The same with --resume goes on." in told
