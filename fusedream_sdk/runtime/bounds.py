"""The bounds of every number that a user may give, so wide that nobody sensible meets them.

The command line reads them too, so nothing here imports torch. Whether a run fits this machine and this year is asked
elsewhere: `fusedream_sdk.run.estimate`.
"""

from __future__ import annotations

from fusedream_sdk.runtime.checks import MAX_SEED, Bounds

MILLION = 1_000_000
SEEDS_IN_A_RANGE = 10_000
MOST_ROWS = MILLION  # prompts times seeds
MOST_LETTERS = 10_000  # of a prompt: about thirty times a window of CLIP
MOST_PARTS = 100  # of a prompt
WEIGHT = Bounds(-1000 * MILLION, 1000 * MILLION)  # of a part of a prompt

STEPS = Bounds(1, MILLION, whole=True)
VIEWS = Bounds(1, 10_000, whole=True)
LATENTS = Bounds(1, 10 * MILLION, whole=True)
LR = Bounds(0, 10_000, above=True)
FACTOR = Bounds(0, MILLION, above=True)
SHARE = Bounds(0, MILLION)

SETTINGS = {
    "steps": STEPS,
    "views": VIEWS,
    "samples": LATENTS,
    "basis": Bounds(1, 1000, whole=True),
    "bank": LATENTS,
    "bank_views": VIEWS,
    "lr": LR,
    "noise": Bounds(0, 100),
    "check_every": STEPS,
    "check_views": VIEWS,
    "patience": Bounds(1, MILLION, whole=True, optional=True),
    "report_views": Bounds(1, 100_000, whole=True),
}
"""Of `Settings`."""

SCENE = {
    "alpha": FACTOR,
    "coefficient": FACTOR,
    "halving": Bounds(2, 1000, whole=True, optional=True),
}
"""Of `SceneSettings`; its other numbers are shares."""

INVERSION = {
    "steps": STEPS,
    "candidates": Bounds(1, MILLION, whole=True),
    "starts": Bounds(1, 1000, whole=True),
    "trial": STEPS,
    "lr": Bounds(0, 10_000, above=True, optional=True),
    "pixels": SHARE,
    "perceptual": SHARE,
}
"""Of `InversionSettings`."""

BOOTSTRAP = {
    "resamples": Bounds(10, 100_000, whole=True),
    "level": Bounds(0.5, 0.999),
    "seed": Bounds(0, MAX_SEED, whole=True),
}
"""Of `Bootstrap`."""

RANKING = {"candidates": Bounds(2, 10_000, whole=True), "repeats": Bounds(1, 1000, whole=True)}
"""Of `Ranking`."""

FEATHER = Bounds(0, 0.5)  # a share of the shorter side
SCALE = Bounds(0, 1, above=True)  # a share of the canvas
MOMENTUM = Bounds(0, 1)
SEED = Bounds(0, MAX_SEED, whole=True)
MEMORY_GB = Bounds(0, MILLION, above=True)
FRAMES = Bounds(2, 100_000, whole=True)
FPS = Bounds(1, 100, whole=True)  # a frame of a GIF lasts at least a hundredth of a second
POPULATION = Bounds(2, 100_000, whole=True)
CMA_POPULATION = Bounds(4, 100_000, whole=True)  # 4 + 3 ln 1: what Hansen's rule gives for one coordinate
UPDATES = Bounds(0, MILLION, whole=True)  # of a member, in each generation
COOLING = Bounds(0, 1, above=True)  # it would grow without end
EVERY = STEPS  # steps between two pictures so far
ROUNDS = Bounds(1, 1000, whole=True)  # of a measurement
WORKERS = Bounds(1, 10_000, whole=True)  # of a batch, and threads of each
TOGETHER = Bounds(1, 1000, whole=True)  # rows of a measurement
