"""What each part of the package imports, as a share of torch's own import: processes of their own, in turns.

    python -m tests.benchmarks.imports [--rounds 5]

A figure is the median over rounds of one ratio: the processor time in which a process imports what the part uses, to that of
`import torch` in the same round. Processor time bears a busy machine. Torch's own is in every part that needs it: 1.00 and
what comes on top. For the first picture it is the time to import every module that a process has which has drawn one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.judging import machine
from tests.benchmarks.startup import PICTURE

DRAWN = "import sys\n" + PICTURE.replace("MODELS", "'emoji'") + "\nprint(' '.join(sys.modules))"
AGAIN = """
import importlib
from contextlib import suppress
for name in MODULES:
    with suppress(Exception):  # names that are no modules of files
        importlib.import_module(name)
"""
PARTS = {
    "`import torch`": "import torch",
    "`import fusedream_sdk`": "import fusedream_sdk",
    "the command line, for `--help`": "import fusedream_sdk.cli",
    "`fd.FuseDream`, the class": "import fusedream_sdk as fd; fd.FuseDream",
    "a first emoji picture": AGAIN,
    "`result.plot()`: matplotlib": "import fusedream_sdk.run.plot as plot; plot.empty_figure(1, 1)",
    "the plugin `clip`: transformers": "from transformers import AutoModel, AutoProcessor, CLIPModel",
    "the plugin `biggan` by name": "import pytorch_pretrained_biggan",
    "the distance `lpips`": "import lpips",
    "PSNR of inversions: kornia": "from kornia.metrics import psnr",
}


def said(code: str, environment: dict[str, str]) -> str:
    """What a process prints to stdout last."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.splitlines()[-1]


def seconds(code: str, environment: dict[str, str]) -> float:
    """Processor time of some lines, in a process of their own."""
    timed = f"import time\nbegun = time.process_time()\n{code}\nprint(time.process_time() - begun)"
    return float(said(timed, environment))


def ratios(rounds: int) -> dict[str, list[float]]:
    """Of every part, in every round but the first, which fills caches."""
    found: dict[str, list[float]] = {part: [] for part in PARTS}
    with TemporaryDirectory() as cache:
        environment = {**os.environ, "FUSEDREAM_CACHE": cache}
        modules = repr(said(DRAWN, environment).split())
        for at in range(rounds + 1):
            took = {part: seconds(code.replace("MODULES", modules), environment) for part, code in PARTS.items()}
            for part, time in took.items():
                if at:
                    found[part].append(time / took["`import torch`"])
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
