"""What each part of the package imports, as a share of torch's own import: processes of their own, in turns.

    python -m tests.benchmarks.imports [--rounds 5]

A figure is the median over rounds of one ratio: the time of all imports of a process that uses the part, to the time of
`import torch` in the same round; as `-X importtime` says, so that a busy machine slows down both. Torch's own is in every
part that needs it: 1.00 and what comes on top.
"""

from __future__ import annotations

import argparse
import os
import sys
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.judging import machine
from tests.benchmarks.startup import PICTURE, imported, run

PARTS = {
    "`import torch`": "import torch",
    "`import fusedream_sdk`": "import fusedream_sdk",
    "`fusedream --help`": "from fusedream_sdk.cli import main; main(['--help'])",
    "`fd.FuseDream`, the class": "import fusedream_sdk as fd; fd.FuseDream",
    "a first emoji picture": PICTURE.replace("MODELS", "'emoji'"),
    "`result.plot()`: matplotlib": "import fusedream_sdk.run.plot as plot; plot.empty_figure(1, 1)",
    "the plugin `clip`: transformers": "import transformers; from transformers import CLIPModel",
    "the plugin `biggan` by name": "import pytorch_pretrained_biggan",
    "the distance `lpips`": "import lpips",
    "PSNR of inversions: kornia": "from kornia.metrics import psnr",
}


def ratios(rounds: int) -> dict[str, list[float]]:
    """Of every part, in every round but the first, which fills caches."""
    found: dict[str, list[float]] = {part: [] for part in PARTS}
    with TemporaryDirectory() as cache:
        environment = {**os.environ, "FUSEDREAM_CACHE": cache}
        for at in range(rounds + 1):
            took = {part: imported(run(("-X", "importtime", "-c", code), environment)[1])[0] for part, code in PARTS.items()}
            for part, seconds in took.items():
                if at:
                    found[part].append(seconds / took["`import torch`"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    found = ratios(args.rounds)
    print(f"median of {args.rounds} rounds; {machine()}, Python {sys.version.split()[0]}\n")
    print("| part | imports, of torch's own |\n| --- | --- |")
    for part, shares in found.items():
        print(f"| {part} | {median(shares):.2f} |")


if __name__ == "__main__":
    main()
