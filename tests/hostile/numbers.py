"""Numbers that nobody can mean: not finite, past every bound, of another kind; and runs that cannot end or fit."""

# pyright: reportArgumentType=false, reportOperatorIssue=false
from __future__ import annotations

from typing import Any

import numpy as np

import fusedream_sdk as fd
from fusedream_sdk.methods.random_search import random_search
from fusedream_sdk.scoring.augclip import AugCLIP
from tests.hostile.rows import Call, Line

NAN, INF = float("nan"), float("inf")
TWENTY, HUNDREDS = "9" * 20, "9" * 400

COUNTS = {  # option of generate -> its bound, and the least
    "--steps": "1,000,000",
    "--views": "10,000",
    "--samples": "10,000,000",
    "--bank": "10,000,000",
    "--basis": "1,000",
    "--report-views": "100,000",
}
REALS = {"--lr": ("a positive number", "of at most 10,000"), "--noise": ("a number of at least 0", "and at most 100")}


def line(*words: str) -> list[str]:
    return ["generate", "a red disc", "-m", "toy", *words]


LINES: list[Line] = [
    *[
        (line(o, TWENTY), rf"'{o}': expected an integer of at least 1 and at most {most}; got '9{{20}}'\.")
        for o, most in COUNTS.items()
    ],
    *[
        (line(o, HUNDREDS), rf"'{o}': expected an integer of at least 1 and at most {most}; got '9+\.\.\.\.")
        for o, most in COUNTS.items()
    ],
    *[(line(o, "0"), rf"'{o}': expected an integer of at least 1; got '0'\.") for o in COUNTS],
    *[(line(o, "1e3"), rf"'{o}': expected an integer of at least 1; got '1e3'\.") for o in COUNTS],
    *[(line(o, "nan"), rf"'{o}': expected {kind}; got 'nan'\.") for o, (kind, _) in REALS.items()],
    *[(line(o, "inf"), rf"'{o}': expected {kind}; got 'inf'\.") for o, (kind, _) in REALS.items()],
    *[(line(o, "1e20"), rf"'{o}': expected {kind} {most}; got '1e20'\.") for o, (kind, most) in REALS.items()],
    *[(line(o, "1e999"), rf"'{o}': expected {kind}; got '1e999'\.") for o, (kind, _) in REALS.items()],
    *[(line(o, "--1"), rf"'{o}': expected {kind}; got '--1'\.") for o, (kind, _) in REALS.items()],
    (line("--views", "9" * 5000), r"'--views': expected an integer of at least 1; got '9+\.\.\.\."),
    (line("--memory-gb", "inf"), r"'--memory-gb': expected a positive number; got 'inf'\."),
    (line("--memory-gb", "nan"), r"'--memory-gb': expected a positive number; got 'nan'\."),
    (line("--memory-gb", "1e300"), r"'--memory-gb': expected a positive number of at most 1,000,000; got '1e300'\."),
    (line("--memory-gb", "0"), r"'--memory-gb': expected a positive number; got '0'\."),
    (line("--seed", TWENTY), r"'--seed': expected integers from 0, .* none above 9223372036854775807\); got '9{20}'\."),
    (line("--seed", HUNDREDS), r"'--seed': expected integers from 0, .*; got '9+\.\.\.\."),
    (line("--seed", "9" * 5000), r"'--seed': expected integers from 0, .*; got '9+\.\.\.\."),
    (line("--seed", "0-99999999"), r"'--seed': expected integers from 0, .* \(at most 10000 in a range"),
    (line("--seed", "1.5"), r"'--seed': expected integers from 0, .*; got '1.5'\."),
    (line("--seed", "-1"), r"'--seed': expected integers from 0, .*; got '-1'\."),
    (line("--seed", ""), r"'--seed': expected integers from 0, .*; got ''\."),
    (line("--seed", "nan"), r"'--seed': expected integers from 0, .*; got 'nan'\."),
    (line("--progress", "pictures", "--every", "0"), r"'--every': expected an integer of at least 1; got '0'\."),
    (line("--progress", "pictures", "--every", TWENTY), r"'--every': expected an integer of at least 1 and at most 1,000,000"),
    (line("--steps", "1000000", "--views", "10000", "--seed", "0-999"), r"steps: expected a run of at most a year .* 3 years"),
    (line("--method", "random-search?population=1e99"), r"population: expected an integer of at least 2, got 1e\+99\."),
    (
        line("--method", f"random-search?population={TWENTY}"),
        r"population: expected an integer of .* at most 100,000, got 9{20}\.",
    ),
    (line("--method", "random-search?spread=NaN"), r"spread: expected a positive number, got nan\. The default is 0\.5\."),
    (line("--method", "random-search?spread=Infinity"), r"spread: expected a positive number, got inf\."),
    (line("--method", "random-search?spread=true"), r"spread: expected a positive number, got True\."),
    (line("--method", "random-search?cooling=2"), r"cooling: expected a number above 0 and at most 1, got 2\. The default is"),
    (
        ["generate", "a:1e999 | b", "-m", "toy"],
        r"prompts\[0\]: expected weights from -1,000,000,000 to .*, got 1e999\. Only the",
    ),
    (["generate", f"a:{HUNDREDS} | b", "-m", "toy"], r"prompts\[0\]: expected weights from -1,000,000,000 to .*, got 9+"),
    (["generate", "a:6e8 | a:6e8", "-m", "toy"], r"prompts\[0\]: expected weights from .*, got 1200000000.0\."),
    (["compose", "a", "-m", "toy", "--alpha", "nan"], r"'--alpha': expected a positive number; got 'nan'\."),
    (
        ["compose", "a", "-m", "toy", "--alpha", "1e20"],
        r"'--alpha': expected a positive number of at most 1,000,000; got '1e20'",
    ),
    (["compose", "a", "-m", "toy", "--coefficient", "inf"], r"'--coefficient': expected a positive number; got 'inf'\."),
    (["compose", "a", "-m", "toy", "--feather", "nan"], r"'--feather': expected a number from 0 to 0.5; got 'nan'\."),
    (["compose", "a", "-m", "toy", "--feather", "1e20"], r"'--feather': expected a number from 0 to 0.5; got '1e20'\."),
    (
        ["compose", "a", "-m", "toy", "--halving", TWENTY],
        r"'--halving': expected an integer of at least 2 and at most 1,000; got",
    ),
    (["compose", "a", "-m", "toy", "--scale", "nan"], r"'--scale': expected a number above 0 and at most 1; got 'nan'\."),
    (
        ["invert", "a.png", "-m", "toy", "--steps", TWENTY],
        r"'--steps': expected an integer of at least 1 and at most 1,000,000",
    ),
    (["invert", "a.png", "-m", "toy", "--candidates", TWENTY], r"'--candidates': expected .* and at most 1,000,000; got"),
    (["invert", "a.png", "-m", "toy", "--starts", TWENTY], r"'--starts': expected .* and at most 1,000; got"),
    (["invert", "a.png", "-m", "toy", "--trial", TWENTY], r"'--trial': expected .* and at most 1,000,000; got"),
    (["invert", "a.png", "-m", "toy", "--lr", "nan"], r"'--lr': expected a positive number; got 'nan'\."),
    (["invert", "a.png", "-m", "toy", "--lr", "1e20"], r"'--lr': expected a positive number of at most 10,000; got '1e20'\."),
    (["invert", "a.png", "-m", "toy", "--seed", TWENTY], r"'--seed': expected .* and at most 9,223,372,036,854,775,807; got"),
    (
        ["interpolate", "a.png", "b.png", "-o", "f.gif", "--frames", TWENTY],
        r"'--frames': expected .* at most 100,000; got '9{20}'",
    ),
    (
        ["interpolate", "a.png", "b.png", "-o", "f.gif", "--fps", "101"],
        r"'--fps': expected .* at least 1 and at most 100; got '101'",
    ),
    (["interpolate", "a.png", "b.png", "-o", "f.gif", "--fps", "0"], r"'--fps': expected an integer of at least 1; got '0'\."),
    (["bank", "build", "-m", "toy", "--size", TWENTY], r"'--size': expected .* at least 1 and at most 10,000,000; got '9{20}'"),
]

LATE: list[Line] = [
    (line("--basis", "33"), r"--basis: expected at most samples = 32, got 33\. Search more samples, or mix fewer\."),
    (line("--samples", "33"), r"--samples: expected at most bank = 32, got 33\. Enlarge the bank too: bank=33\."),
]


def settings(**changes: Any) -> Call:
    return lambda dream: fd.Settings(**changes)


def scene(**changes: Any) -> Call:
    return lambda dream: fd.SceneSettings(**changes)


def inversion(**changes: Any) -> Call:
    return lambda dream: fd.InversionSettings(**changes)


ODD = (True, NAN, INF, -INF, "3", None, 1j, [3], 10**400, np.float32("nan"))

CALLS: list[tuple[Call, str]] = [
    *[(settings(steps=odd), r"^steps: expected an integer of at least 1") for odd in ODD],
    *[(settings(lr=odd), r"^lr: expected a positive number.*, got .*\. The default is 0\.005\.$") for odd in ODD],
    *[(settings(noise=odd), r"^noise: expected a number of at least 0.*, got .*\. The default is 0\.01\.$") for odd in ODD],
    *[(settings(patience=odd), r"^patience: expected an integer of at least 1") for odd in ODD if odd is not None],
    *[(scene(alpha=odd), r"^alpha: expected a positive number.*, got .*\. The default is 1\.$") for odd in ODD],
    *[(scene(feather=odd), r"^feather: expected a number from 0 to 0.5, got .*\. 0 is a hard edge\.$") for odd in ODD],
    *[(scene(halving=odd), r"^halving: expected an integer of at least 2") for odd in ODD if odd is not None],
    *[(inversion(pixels=odd), r"^pixels: expected a number of at least 0.*\. The default is 10\.$") for odd in ODD],
    *[(inversion(seed=odd), r"^seed: expected an integer from 0 to 9223372036854775807, got") for odd in ODD],
    *[(lambda dream, odd=odd: fd.Prompt("a") * odd, r"^weight: expected a finite number to multiply") for odd in ODD],
    *[
        (lambda dream, odd=odd: dream.generate("a", seeds=odd), r"^seeds: expected integers from 0")
        for odd in ODD
        if odd != [3]
    ],
    *[(lambda dream, odd=odd: fd.Placement(odd), r"^scale: expected a number above 0 and at most 1, got") for odd in ODD],
    (
        settings(steps=10**12),
        r"steps: expected an integer of at least 1 and at most 1,000,000, got 1000000000000\. The default is 1,000",
    ),
    (settings(bank=10**12), r"bank: expected .* at most 10,000,000, got 1000000000000\. The default is 20,000\."),
    (
        lambda dream: fd.Settings.from_json({"augment": {}, "steps": 1e12}),
        r"steps: expected an integer of at least 1, got 1e\+?12|10{12}",
    ),
    (lambda dream: fd.FuseDream("toy", memory_gb=INF), r"^memory_gb: expected a positive number, got inf\. Leave it out\."),
    (lambda dream: fd.FuseDream("toy", memory_gb="x"), r"^memory_gb: expected a positive number, got x\. Leave it out\."),
    (lambda dream: fd.FuseDream("toy", memory_gb=True), r"^memory_gb: expected a positive number, got True\."),
    (lambda dream: fd.FuseDream("toy", memory_gb=1e9), r"^memory_gb: expected a positive number of at most 1,000,000, got"),
    (lambda dream: dream.generate("a", seeds=range(10**30)), r"^seeds: expected at most 1,000,000 seeds, got more\."),
    (lambda dream: dream.generate("a", seeds=iter(int, 1)), r"^seeds: expected at most 1,000,000 seeds, got more\."),
    (
        lambda dream: dream.generate(["a", "b"], seeds=range(600_000)),
        r"^seeds: expected at most 1,000,000 pictures, got 1,200,000\.",
    ),
    (
        lambda dream: dream.generate("a", seeds=range(1_000), steps=10**6, views=10**4),
        r"^steps: expected a run of at most a year at 100,000 views a second, got one of 3 years",
    ),
    (lambda dream: dream.compose("a", seeds=range(200_000)), r"^seeds: expected at most 1,000,000 pictures, got 1,800,000\."),
    (lambda dream: random_search(population=10**9), r"^population: expected an integer of at least 2 and at most 100,000, got"),
    (lambda dream: fd.adam(lr=1e20), r"^lr: expected a positive number of at most 10,000, got 1e\+20\."),
    (lambda dream: fd.sgd(lr=0.1, momentum=NAN), r"^momentum: expected a number from 0 to 1, got nan\."),
    (lambda dream: fd.DynamicBarrier(alpha=INF), r"^alpha: expected a positive number, got inf\."),
    (lambda dream: fd.DynamicBarrier(floor=NAN), r"^floor: expected a finite number, or None, got nan\."),
    (lambda dream: fd.WeightedSum({"a": NAN}), r"^weights: expected name of a loss -> a finite number"),
    (lambda dream: fd.Clipped(INF), r"^norm: expected a positive number, got inf\."),
    (lambda dream: AugCLIP(dream.generator, dream.scorer, [0], count=10**9), r"^count: expected .* at most 10,000, got"),
    (lambda dream: fd.load_scorer(["toy", "toy"], weights=[1, True]), r"^weights: expected a number for each scorer, got"),
    (
        lambda dream: fd.load_scorer(["toy", "toy"], weights=[1, 1e308]),
        r"^weights: expected finite numbers of at most 1,000,000",
    ),
    (lambda dream: fd.load_scorer({"toy": NAN}), r"^weights: expected finite numbers of at most 1,000,000, got"),
    (lambda dream: fd.Method(members=10**9), r"^members: expected an integer of at least 1 and at most 100,000, got"),
]
