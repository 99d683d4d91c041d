"""Rows without models, and workers that load at once, some of which die."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from fusedream_sdk.batch.executor import Draw, Drawn, Executor, Here
from fusedream_sdk.batch.plan import Job, Unit
from fusedream_sdk.optim.status import Status
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.search.bank import LatentBank

SETTINGS = Settings(steps=3)
DEADLY, FAULTY, SLOW = "deadly", "faulty", "slow"


def jobs(*prompts: str) -> list[Job]:
    return [Job(number, prompt, number, SETTINGS) for number, prompt in enumerate(prompts)]


def alone(*prompts: str) -> list[Unit]:
    return [(job,) for job in jobs(*prompts)]


def painted(some: Sequence[Job]) -> Result:
    """A result whose pictures tell their seeds."""
    seeds = [job.seed for job in some]
    return Result(
        prompts=tuple(str(job.prompt) for job in some),
        seeds=tuple(seeds),
        images=torch.stack([torch.full((3, 16, 16), seed / 100) for seed in seeds]),
        latents={"z": torch.tensor(seeds, dtype=torch.float32)[:, None]},
        scores={"augclip": torch.tensor(seeds, dtype=torch.float32) / 10},
        best_step=torch.tensor([3 for _ in seeds]),
        status=tuple(Status.DONE for _ in seeds),
        history={"augclip": torch.zeros(4, len(seeds))},
    )


@dataclass(frozen=True)
class ToyLoad:
    """A `Load` whose workers leave a file `<row>-<process>` in a folder for each row that they begin.

    A row of the prompt DEADLY kills its process, one of FAULTY raises, and one of SLOW takes a minute where it is begun for the
    first time.
    """

    folder: Path

    def __call__(self, place: int, banks: Sequence[LatentBank]) -> Draw:
        return self.draw

    def draw(self, some: Sequence[Job]) -> Result:
        for job in some:
            first = not list(self.folder.glob(f"{job.number}-*"))
            (self.folder / f"{job.number}-{os.getpid()}").touch()
            if job.prompt == DEADLY:
                os.kill(os.getpid(), signal.SIGKILL)
            if job.prompt == FAULTY:
                raise ZeroDivisionError("no picture")
            if job.prompt == SLOW and first:
                time.sleep(60)
        return painted(some)

    def begun(self, row: int) -> list[int]:
        """The processes that have begun a row."""
        return [int(path.name.split("-")[1]) for path in self.folder.glob(f"{row}-*")]

    def kill_at(self, row: int) -> threading.Thread:
        """Kill the first process that begins a row, from outside, as `kill -9` does."""

        def watch() -> None:
            while not self.begun(row):
                time.sleep(0.01)
            time.sleep(0.1)
            os.kill(self.begun(row)[0], signal.SIGKILL)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        return thread


@dataclass(frozen=True)
class BadLoad:
    """A `Load` that fails, or dies."""

    dies: bool = False

    def __call__(self, place: int, banks: Sequence[LatentBank]) -> Draw:
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        raise FileNotFoundError("no weights")


def found(executor: Executor, units: Sequence[Unit]) -> dict[int, Drawn]:
    return {outcome.number: outcome for outcome in executor.run(units)}


def same(a: dict[int, Drawn], units: Sequence[Unit]) -> bool:
    """Whether every row came out as here, to the bit."""
    here = found(Here(painted), units)
    made = [(a[number].made, here[number].made) for number in here]
    return a.keys() == here.keys() and all(
        x is not None and y is not None and torch.equal(x.images, y.images) and x.prompts == y.prompts for x, y in made
    )


def numbers(outcomes: Iterator[Drawn]) -> list[int]:
    return [outcome.number for outcome in outcomes]
