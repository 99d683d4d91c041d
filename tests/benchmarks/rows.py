"""What it costs that rows run alone on a CPU: a step of a row, alone and in batches, interleaved.

    python -m tests.benchmarks.rows [--models emoji] [--batches 2,4,8] [--rounds 5] [--threads 1]

Kernels round differently for another number of rows, so rows run alone there (`runtime.device.rows_alone`). For every
round each way does one step after the other; printed is the median over the rounds of the ratio to a row alone, per row.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median

import torch

import fusedream_sdk as fd
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.rows import each_with_each
from fusedream_sdk.run.task import Task, drawn
from tests.benchmarks.judging import machine


def course(dream: fd.FuseDream, rows: int) -> Iterator[State]:
    """The states of so many rows as one batch; no row is searched, as that is not what is measured."""
    settings = dream.settings.replace(samples=1, basis=1, check_every=10**6, steps=10**6)
    pairs = each_with_each("a red apple", list(range(rows)))
    task = Task(dream.engine, dream.engine.rows(pairs), settings)
    return fusedream().course(task, drawn(task))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="emoji")
    parser.add_argument("--batches", default="2,4,8", help="comma-separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dream = fd.FuseDream(args.models)
    sizes = [1, *map(int, args.batches.split(","))]
    runs = {size: course(dream, size) for size in sizes}
    for run in runs.values():
        for _ in range(2):  # the first step is slower, and the first state is judged
            next(run)
    ratios: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(args.rounds):
        seconds: dict[int, float] = {}
        for size, run in runs.items():
            begun = time.perf_counter()
            next(run)
            seconds[size] = (time.perf_counter() - begun) / size
        for size in sizes:
            ratios[size].append(seconds[size] / seconds[1])
    print(f"{args.models}, {dream.settings.views} views, {args.rounds} rounds; {machine()}\n")
    print("| rows at a time | time of a row's step, alone = 1 |\n| --- | --- |")
    for size in sizes:
        print(f"| {size} | {median(ratios[size]):.2f} |")


if __name__ == "__main__":
    main()
