"""Batches whose workers are killed -9 in the midst, and batches that are ended themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome
from tests.cli.toys import add_distribution
from tests.run.toys import content

ROWS = 12
SLOW = """
import os, time
from pathlib import Path
from fusedream_sdk.models.loading import ModelPair
from fusedream_sdk.testing import ToyGenerator


class Slow(ToyGenerator):
    def __call__(self, latents):
        time.sleep(float(os.environ.get("PACE", "0.01")))
        return super().__call__(latents)


def generator(device="cpu"):
    folder = Path(os.environ["FUSEDREAM_CACHE"])
    (folder / f"loaded-{os.getpid()}").touch()
    while 1 < len(list(folder.glob("loaded-*"))) < 3:  # on a busy machine one could draw all before the other is ready
        time.sleep(0.02)
    return Slow()


def pair():
    quick = {"steps": 20, "views": 2, "samples": 32, "bank": 32, "report_views": 4, "check_views": 4, "check_every": 10}
    return ModelPair("slow", "toy", settings=quick)
"""
POINTS = """
[fusedream_sdk.generators]
slow = slow_models:generator
[fusedream_sdk.models]
slow = slow_models:pair
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def batch(toys: Path, process: Start, tmp_path: Path) -> Start:
    """`fusedream batch` as a process of its own, with a generator that tells who has loaded it."""
    add_distribution(toys, "slow-models", POINTS, {"slow_models": SLOW})
    (tmp_path / "cache").mkdir(exist_ok=True)
    Path("captions.txt").write_text("".join(f"a {colour} disc\n" for colour in ("red", "blue", "green") * (ROWS // 3)))
    return lambda out, *words: process(*words_of(out), *words)


def words_of(out: str) -> list[str]:
    return ["batch", "captions.txt", "--models", "slow", "--out", out, "--progress", "none"]


def loaded(tmp_path: Path) -> set[int]:
    return {int(path.name.split("-")[1]) for path in (tmp_path / "cache").glob("loaded-*")}


def wait_for(something: Callable[[], object], running: subprocess.Popen[str]) -> None:
    for _ in range(24_000):
        if something():
            return
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    raise AssertionError("it did not come")


def pictures(out: str) -> int:
    return len(list(Path(out).glob("[!.]*.png")))  # without a half-written one


@pytest.fixture
def here(
    batch: Start, fusedream: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """The same batch without a pause and in this process, where nothing is to be killed; its bank serves the others."""
    monkeypatch.delitem(sys.modules, "slow_models", raising=False)

    def run(out: str, *words: str) -> Outcome:
        with monkeypatch.context() as patched:
            patched.setenv("PACE", "0")
            patched.setenv("FUSEDREAM_CACHE", str(tmp_path / "cache"))
            return fusedream(*words_of(out), *words)

    return run


@pytest.fixture
def undisturbed(here: Callable[..., Outcome], tmp_path: Path) -> dict[str, bytes]:
    """What one process makes; who loaded models for it is forgotten."""
    code, _, err = here("whole")
    assert code == 0, err
    for path in (tmp_path / "cache").glob("loaded-*"):
        path.unlink()
    return content(Path("whole"))


@pytest.mark.parametrize("crew", [["--workers", "2"], ["--workers", "2", "--ray", "local"]], ids=["processes", "ray"])
def test_of_two_workers_one_is_killed_and_the_folder_is_that_of_one_process_to_the_byte(
    batch: Start, tmp_path: Path, undisturbed: dict[str, bytes], crew: list[str]
):
    if "--ray" in crew:
        pytest.importorskip("ray")
    running = batch("out", *crew)
    wait_for(lambda: pictures("out") and len(loaded(tmp_path)) == 3, running)
    killed = min(loaded(tmp_path) - {running.pid})
    os.kill(killed, signal.SIGKILL)
    out, err = running.communicate()
    assert (running.returncode, f"{ROWS} of {ROWS} pictures" in out) == (0, True), err
    assert content(Path("out")) == undisturbed  # by the other worker, and by a third where that was ready in time


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_ended_goes_on_with_other_workers(
    batch: Start, here: Callable[..., Outcome], tmp_path: Path, undisturbed: dict[str, bytes], end: signal.Signals
):
    running = batch("out", "--workers", "2")
    wait_for(lambda: pictures("out") > 1, running)
    running.send_signal(end)
    _, err = running.communicate()
    assert running.returncode == (0 if end == signal.SIGINT else -signal.SIGKILL)
    assert end == signal.SIGKILL or f"of {ROWS} pictures are saved in out. The same with --resume goes on." in err
    there = pictures("out")
    assert 0 < there < ROWS
    for worker in loaded(tmp_path) - {running.pid}:
        wait_until_gone(worker)
    assert (here("out", "--resume")[0], pictures("out")) == (0, ROWS)
    assert content(Path("out")) == undisturbed


def wait_until_gone(process: int) -> None:
    """Nobody goes on drawing for a run that is over."""
    for _ in range(1000):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"{process} is still there")
