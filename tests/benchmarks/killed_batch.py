"""Thousands of captions through `fusedream batch`: a worker is killed, then the command, and a third run completes the folder.

    python -m tests.benchmarks.killed_batch --out FOLDER [--captions 2000] [--models emoji-tiny] [--steps 1] [--workers 2]

The captions are coloured things, the forty of `single_objects.txt` first. A worker is killed (SIGKILL) when a quarter of the
pictures is there, the command when half of them are, and `--resume` does the rest; every row is then looked at. The first rows
are drawn once more by one process that nobody disturbs, and compared to the byte. On Linux, which tells a process's children.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from fusedream_sdk.imaging.pictures import read_picture
from tests.benchmarks.claims.frame import coloured
from tests.benchmarks.judging import machine

COMMAND = [sys.executable, "-c", "import sys; from fusedream_sdk.cli import main; sys.exit(main())"]


def start(words: list[str]) -> subprocess.Popen[bytes]:
    """The command line as a process of its own."""
    return subprocess.Popen([*COMMAND, *words, "--progress", "none"], stdout=subprocess.DEVNULL)


def drawn(out: Path) -> list[Path]:
    """The pictures that are there, without half-written ones, in the order of their rows."""
    return sorted(out.glob("[!.]*.png"))


def wait_for(count: int, out: Path, running: subprocess.Popen[bytes]) -> int:
    """Wait for so many pictures, and say how many there are. Raises SystemExit: the run ended before."""
    while (there := len(drawn(out))) < count:
        if running.poll() is not None:
            raise SystemExit(f"the run ended by itself, with {there} pictures")
        time.sleep(0.05)
    return there


def workers_of(process: int) -> list[int]:
    """The children of a process that are workers, and not those that clean up behind it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def whole(out: Path) -> int:
    """How many rows the table has as done, each with a picture that can be read."""
    with (out / "rows.csv").open(encoding="utf-8", newline="") as table:
        done = [row for row in csv.DictReader(table) if row["status"] == "done"]
    for row in done:
        read_picture("picture", out / row["picture"])
    return len(done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--captions", type=int, default=2000)
    parser.add_argument("--models", default="emoji-tiny")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compared", type=int, default=20, help="rows drawn once more by one process")
    args = parser.parse_args()
    args.out.mkdir(parents=True)
    file, out, alone = args.out / "captions.txt", args.out / "drawn", args.out / "alone"
    file.write_text("\n".join(coloured(args.captions)) + "\n", encoding="utf-8")
    same = ["batch", str(file), "--models", args.models, "--steps", str(args.steps)]
    words, begun = [*same, "--out", str(out), "--workers", str(args.workers)], time.perf_counter()
    running = start(words)
    first = wait_for(args.captions // 4, out, running)
    os.kill(workers_of(running.pid)[0], signal.SIGKILL)
    second = wait_for(args.captions // 2, out, running)
    running.kill()
    running.wait()
    if start([*words, "--resume"]).wait() != 0:
        raise SystemExit("the folder could not be gone on with")
    minutes = (time.perf_counter() - begun) / 60
    if start([*same, "--out", str(alone), "--limit", str(args.compared)]).wait() != 0:
        raise SystemExit("the first rows could not be drawn alone")
    pairs = zip(drawn(alone), drawn(out), strict=False)  # by their numbers, which have more digits where there are more rows
    equal = sum(one.read_bytes() == other.read_bytes() for one, other in pairs)
    print(f"{args.models}, {args.steps} steps, {args.workers} workers; {machine()}\n")
    print("| captions | a worker killed at | the command killed at | rows done in the end | equal to one process's | minutes |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(f"| {args.captions:,} | {first:,} | {second:,} | {whole(out):,} | {equal} of {args.compared} | {minutes:.1f} |")


if __name__ == "__main__":
    main()
