"""A stranger's distribution of toy models, made on the fly: nothing is installed."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULE = """
from fusedream_sdk.models.loading import ModelPair
from fusedream_sdk.testing import ToyGenerator, ToyScorer


def generator(device="cpu"):
    return ToyGenerator()


def other_generator(device="cpu"):
    return ToyGenerator(side=48)


def scorer(device="cpu"):
    return ToyScorer()


def perceptual(device="cpu"):
    return lambda a, b: (a - b).square().mean(dim=(1, 2, 3))


def interrupted(device="cpu"):
    raise KeyboardInterrupt


def faulty(device="cpu"):
    raise ZeroDivisionError("a plugin divided by zero")


QUICK = {"steps": 4, "views": 2, "samples": 32, "bank": 32, "report_views": 4, "check_views": 4, "check_every": 2}


def pair():
    return ModelPair("toy", "toy", settings=QUICK, judge="toy", perceptual="toy")
"""

ENTRY_POINTS = """
[fusedream_sdk.generators]
toy = toy_models:generator
toy-48 = toy_models:other_generator
interrupted = toy_models:interrupted
faulty = toy_models:faulty
[fusedream_sdk.scorers]
toy = toy_models:scorer
[fusedream_sdk.perceptual]
toy = toy_models:perceptual
[fusedream_sdk.models]
toy = toy_models:pair
broken = a_module_that_is_not_there:pair
"""


def add_distribution(folder: Path, name: str, entry_points: str, modules: dict[str, str] | None = None) -> Path:
    """A distribution as an installer leaves it: its modules and a .dist-info folder."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    for module, text in (modules or {}).items():
        (folder / f"{module}.py").write_text(text)
    return folder


def add_toys(folder: Path) -> Path:
    """The distribution `toy-models`, with the pair "toy"."""
    return add_distribution(folder, "toy-models", ENTRY_POINTS, {"toy_models": MODULE})


def environment(toys: Path, cache: Path) -> dict[str, str]:
    """For a process that sees the toys, with a cache of its own and one thread."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "plugins", toys)))
    return {**os.environ, "PYTHONPATH": paths, "FUSEDREAM_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
