"""How near to linear several workers come: rows of a batch by one process and by several, in turns, in one run.

    python -m tests.benchmarks.batch [--models emoji] [--workers 2] [--rows 8] [--rounds 3] [--steps 20] [--ray]

For every round one worker draws its rows and then several draw as many each, with one thread of torch per worker. Counted is
from the moment at which every worker has drawn one row, so loading models is not in it. Printed are medians over the rounds:
rows a second, that ratio to one worker's over the number of workers (1 is linear), and the same of the processor's time that a
row takes, which is what a machine that is busy with other things still tells.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch

from fusedream_sdk.batch.dispatch import Dispatch
from fusedream_sdk.batch.executor import Draw, Drawn, Load
from fusedream_sdk.batch.on_ray import Actors, Cluster
from fusedream_sdk.batch.plan import Job, in_units, wanted_rows
from fusedream_sdk.batch.processes import Processes
from fusedream_sdk.dream.stream import as_captions, jobs_of
from fusedream_sdk.dream.workers import Loader, NamedModels, banks_for
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.run.recipe import MethodRecord
from fusedream_sdk.run.result import Result
from fusedream_sdk.search.bank import LatentBank
from tests.benchmarks.judging import machine


@dataclass(frozen=True)
class Timed:
    """A `Load` whose results say among their scores how long the processor was at work."""

    load: Load

    def __call__(self, place: int, banks: Sequence[LatentBank]) -> Draw:
        draw = self.load(place, banks)

        def timed(jobs: Sequence[Job]) -> Result:
            begun = time.process_time()
            made = draw(jobs)
            seconds = torch.full((len(jobs),), (time.process_time() - begun) / len(jobs))
            return replace(made, scores={**made.scores, "seconds": seconds})

        return timed


def paced(outcomes: Iterator[Drawn], workers: int) -> tuple[float, float]:
    """Rows a second once every worker has drawn one, and the processor's seconds of a row after that."""
    times, seconds = [], []
    for outcome in outcomes:
        times.append(time.perf_counter())
        if outcome.made is None:
            raise RuntimeError(outcome.why)
        seconds.append(float(outcome.made.scores["seconds"][0]))
    return (len(times) - workers) / (times[-1] - times[workers - 1]), median(seconds[workers:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="emoji")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=8, help="of each worker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--ray", action="store_true", help="actors of a Ray on this machine in place of processes")
    args = parser.parse_args()
    torch.set_num_threads(1)
    named, method = NamedModels(args.models), load_method("fusedream")
    dream, cluster = named.load(), Cluster("local", args.workers) if args.ray else None
    fingerprints = dream.engine.generator.fingerprint, dream.engine.scorer.fingerprint
    load = Timed(Loader(named, MethodRecord(), fingerprints))
    found: dict[int, list[tuple[float, float]]] = {1: [], args.workers: []}
    for _ in range(args.rounds):
        for workers, measured in found.items():
            rows = wanted_rows(as_captions("a red apple"), range(args.rows * workers))
            jobs = jobs_of(dream.settings, method, rows, {"steps": args.steps})
            banks = banks_for(dream, method, jobs, progress=False)
            crew = Processes(load, 1) if cluster is None else Actors(cluster, load, 1, banks)
            measured.append(paced(Dispatch(crew, workers).run(list(in_units(jobs, 1))), workers))
    kind = "actors of Ray" if args.ray else "processes"
    print(f"{args.models}, {args.steps} steps, {args.rows} rows for each of the {kind}, {args.rounds} rounds; {machine()}\n")
    print("| workers | rows a second | of linear | processor's seconds of a row | of linear |\n| --- | --- | --- | --- | --- |")
    for workers, measured in found.items():
        pairs = list(zip(found[1], measured, strict=True))
        rate, seconds = (median(one[i] for one in measured) for i in (0, 1))
        linear = median(many[0] / one[0] / workers for one, many in pairs), median(one[1] / many[1] for one, many in pairs)
        print(f"| {workers} | {rate:.2f} | {linear[0]:.2f} | {seconds:.2f} | {linear[1]:.2f} |")


if __name__ == "__main__":
    main()
