"""What comes before the first picture: imports, in processes of their own, one kind after the other.

    python -m tests.benchmarks.startup [--models emoji] [--rounds 5]

"imports" is the time in which Python imports modules, as `-X importtime` says; it leaves out the few lines of a module that is
imported by its name's text, as a plugin is, but not what those import. "whole" is the wall clock of a process without that
option, from its start to its end. For the first picture it includes one step of drawing from a bank of a few latents, which the
first round, uncounted, leaves in the cache.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.judging import machine

PICTURE = """
import fusedream_sdk as fd
settings = {"views": 2, "samples": 8, "bank": 8, "basis": 2, "check_views": 2, "report_views": 2}
fd.FuseDream(MODELS, device="cpu", settings=settings).generate("a blue dog", steps=1, progress=False)
"""
KINDS = {
    "python": ("-c", "pass"),
    "torch": ("-c", "import torch"),
    "the first picture": ("-c", PICTURE),
    "fusedream --help": ("-m", "fusedream_sdk", "--help"),
}
LINE = re.compile(r"import time:\s+\d+ \|\s+(\d+) \|( +)(\S+)")  # self, cumulative, name; names stand in by two for each level


@dataclass
class Times:
    """Seconds of each round: of the whole process, and of its imports and those of torch among them."""

    whole: list[float] = field(default_factory=list)
    imports: list[float] = field(default_factory=list)
    torch: list[float] = field(default_factory=list)


def imported(report: str) -> tuple[float, float]:
    """Seconds of all imports, and of torch's own, by what `-X importtime` printed."""
    found = [(int(cumulative) / 1e6, len(indent), name) for cumulative, indent, name in LINE.findall(report)]
    return sum(took for took, indent, _ in found if indent == 1), sum(took for took, _, name in found if name == "torch")


def run(words: tuple[str, ...], environment: dict[str, str]) -> tuple[float, str]:
    """Wall seconds of a process, and what it wrote to stderr."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr)
    return took, done.stderr


def measured(models: str, rounds: int) -> dict[str, Times]:
    """All kinds, so many times each, in turns; the first round, which fills caches, is not counted."""
    times = {kind: Times() for kind in KINDS}
    with TemporaryDirectory() as cache:
        environment = {**os.environ, "FUSEDREAM_CACHE": cache}
        for at in range(rounds + 1):
            for kind, words in KINDS.items():
                words = tuple(word.replace("MODELS", repr(models)) for word in words)
                whole, _ = run(words, environment)
                imports, torch = imported(run(("-X", "importtime", *words), environment)[1])
                if at:
                    times[kind].whole.append(whole)
                    times[kind].imports.append(imports)
                    times[kind].torch.append(torch)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="emoji")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    times = measured(args.models, args.rounds)
    print(f"{args.models}, median of {args.rounds} rounds; {machine()}, Python {sys.version.split()[0]}\n")
    print("| process | whole, s | imports, s | of it beside torch, s |\n| --- | --- | --- | --- |")
    for kind, seen in times.items():
        beside = [a - b for a, b in zip(seen.imports, seen.torch, strict=True)]
        print(f"| {kind} | {median(seen.whole):.2f} | {median(seen.imports):.2f} | {median(beside):.2f} |")


if __name__ == "__main__":
    main()
