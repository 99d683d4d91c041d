"""Values of a wrong kind, for every public function and every field of every public class of settings."""

# pyright: reportArgumentType=false
from __future__ import annotations

from typing import Any

import torch

import fusedream_sdk as fd
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.checks import names_of
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.hostile.rows import Call, Line

LINES: list[Line] = []
LATE: list[Line] = []


class Strange:
    """Of no kind that anything takes."""

    def __repr__(self) -> str:
        return "<strange>"


STRANGE = Strange()


def made(kind: Any, name: str, value: object, /, **others: Any) -> Call:
    return lambda dream: kind(**{**others, name: value})


def called(verb: str, /, *given: Any, **named: Any) -> Call:
    return lambda dream: getattr(dream, verb)(*given, **named)


def distance(a: Any, b: Any) -> Any:
    return (a - b).square().mean(dim=(1, 2, 3))


PICTURE = torch.zeros(3, 16, 16)
EMPTY = ("pin", "drop")  # which may be so
FIELDS = [(kind, name) for kind in (fd.Settings, fd.SceneSettings, fd.InversionSettings, fd.Views) for name in names_of(kind)]
SETTINGS_OF_A_METHOD = ("starts", "parametrise", "objective", "direction", "optimiser", "selection")

CALLS: list[tuple[Call, str]] = [
    *[(made(kind, name, STRANGE), rf"^(Views\.)?{name}: expected .*, got ") for kind, name in FIELDS],
    *[(made(kind, name, []), rf"^(Views\.)?{name}: expected .*, got ") for kind, name in FIELDS if name not in EMPTY],
    *[(made(fd.Placement, name, STRANGE), rf"^{name}: expected a number .*, got <strange>\.") for name in ("scale", "x", "y")],
    *[
        (made(fd.Method, name, 5), rf"^{name}: expected a function, as `Method` says, got an int\.")
        for name in SETTINGS_OF_A_METHOD
    ],
    (made(fd.Method, "settings", 5), r"^settings: expected names with values, got an int\."),
    (made(fd.Method, "options", [1]), r"^options: expected names with values, got a list\."),
    (made(fd.Method, "unused", 5), r"^unused: expected names of settings, got an int\."),
    (made(fd.Method, "unused", {1}), r"^settings: expected names as text, got an int\."),
    (made(fd.Method, "name", 5), r"^name: expected a text, or None, got an int\."),
    (made(fd.Method, "population", 5), r"^population: expected a function that makes a population, got an int\."),
    (made(fd.Method, "members", "2"), r"^members: expected an integer of at least 1, got 2\."),
    (made(fd.Layer, "prompt", 5), r"^prompt: expected a text, got an int\."),
    (made(fd.Layer, "picture", 5), r"^picture: expected a file, a Pillow image or a tensor, got an int\."),
    (made(fd.Layer, "generator", 5), r"^generator: expected a name, or an object with the members of Generator, got an int\."),
    (made(fd.LatentSpec, "shape", 5), r"^LatentSpec: expected a shape of positive integers, got shape 5\."),
    (made(fd.LatentSpec, "shape", ("a",)), r"^LatentSpec: expected a shape of positive integers, got shape \('a',\)\."),
    (made(fd.LatentSpec, "shape", (-1,)), r"^LatentSpec: expected a shape of positive integers, got shape \(-1,\)\."),
    (made(fd.LatentSpec, "constraint", 5, shape=(3,)), r"^LatentSpec: expected a constraint with project and contains, got a"),
    (made(fd.LatentSpec, "frozen", "no", shape=(3,)), r"^LatentSpec: expected frozen as True or False, got no\."),
    (made(fd.Box, "low", "a", high=1), r"^Box: expected numbers, got low='a', high=1\."),
    (made(fd.Box, "low", None, high=1), r"^Box: expected numbers, got low=None, high=1\."),
    (made(fd.Box, "low", float("nan"), high=1), r"^Box: expected low < high, got low=nan"),
    (made(fd.Box, "axis", "a", low=0, high=1), r"^Box: expected axis counted from the end"),
    (
        made(fd.ModelPair, "settings", 5, generator="a", scorer="b"),
        r"^settings: expected names of settings with values, got an int",
    ),
    (made(fd.ModelPair, "judge", 5, generator="a", scorer="b"), r"^judge: expected a name, got an int\."),
    (made(fd.Prompt, "text", 5), r"^Prompt: expected a text, got an int\. A picture is Prompt\(image=\.\.\.\)\."),
    (made(fd.Prompt, "text", b"a"), r"^Prompt: expected a text, got a bytes\."),
    (made(fd.Prompt, "image", 5), r"^image: expected a picture"),
    (lambda dream: fd.Prompt(), r"^Prompt: expected a text or an image, got neither\."),
    (lambda dream: fd.Prompt("a", image=PICTURE), r"^Prompt: expected a text or an image, got both\."),
    (made(fd.FuseDream, "models", 5), r"^models: expected the name of a pair, such as 'emoji', got an int\. Pass objects as"),
    (made(fd.FuseDream, "models", []), r"^models: expected the name of a pair, such as 'emoji', got a list\."),
    (made(fd.FuseDream, "settings", [1]), r"^settings: expected names of settings with values, got a list\. Give a dictionary"),
    (made(fd.FuseDream, "settings", "steps"), r"^settings: expected names of settings with values, got a str\."),
    (made(fd.FuseDream, "settings", {1: 2}), r"^settings: expected names as text, got an int\."),
    (made(fd.FuseDream, "settings", {"step": 2}), r"^step: expected a setting: .* Did you mean 'steps'\?"),
    (
        made(fd.FuseDream, "settings", {"lr": float("nan")}),
        r"^lr: expected a positive number, got nan\. The default is 0\.005\.",
    ),
    (made(fd.FuseDream, "settings", {"basis": 0}), r"^basis: expected an integer of at least 1, got 0\."),
    (made(fd.FuseDream, "device", 5), r"^device: expected a device of this machine, got an int\. Use 'cpu'"),
    (made(fd.FuseDream, "device", None), r"^device: expected a device of this machine, got None\."),
    (made(fd.FuseDream, "device", "meta"), r"^device: expected a device of this machine, got meta\."),
    (made(fd.FuseDream, "device", torch.device("meta")), r"^device: expected a device of this machine, got meta\."),
    (made(fd.FuseDream, "dtype", 5), r"^dtype: expected 'auto' or one of .*, got 5\. Leave it out, or give a name as text\."),
    (made(fd.FuseDream, "dtype", torch.float32), r"^dtype: expected 'auto' or one of .*, got torch\.float32\."),
    (made(fd.FuseDream, "dtype", []), r"^dtype: expected 'auto' or one of .*, got \[\]\."),
    (made(fd.FuseDream, "memory_gb", STRANGE), r"^memory_gb: expected a positive number, got <strange>\."),
    (made(fd.FuseDream, "perceptual", 5), r"^perceptual: expected a name, or a function of two pictures, got an int\."),
    (
        made(fd.FuseDream, "scorer", [], generator=ToyGenerator(16)),
        r"^scorer: expected at least one scorer, got an ensemble of",
    ),
    (made(fd.FuseDream, "scorer", [5], generator=ToyGenerator(16)), r"^scorer: expected names, or objects with the members"),
    *[
        (called("generate", prompts), r"^prompts: expected .*, got .*\. Say what")
        for prompts in (None, 5, [], {}, [5], b"a", {"a"}, STRANGE)
    ],
    *[(called("compose", prompts), r"^prompts: expected .*, got .*\. Say what") for prompts in (None, 5, [], STRANGE)],
    *[(called("iterate", prompts), r"^prompts: expected .*, got .*\. Say what") for prompts in (None, 5, [], STRANGE)],
    *[
        (called("generate", "a", seeds=seeds), r"^seeds: expected .*, got ")
        for seeds in ("a", None, [], ["1"], {}, STRANGE, b"1", {1: 2})
    ],
    (
        called("generate", "a", method=5),
        r"^method: expected the name of a method, or a Method, got an int\. See fd\.list_methods",
    ),
    (called("generate", "a", method=None), r"^method: expected the name of a method, or a Method, got None\."),
    (
        called("generate", "a", start=5),
        r"^start: expected a picture \(Path, image, tensor\), latents, or an Inversion, got an? int\.",
    ),
    (
        called("generate", "a", start="photo.png"),
        r"^start: expected a picture .*, got a str\. A file's name has to be a Path\.",
    ),
    (called("generate", "a", start={}), r"^start: expected a picture"),
    (called("generate", "a", start={"z": torch.tensor(1.0)}), r"^start"),
    (called("generate", "a", progress="no"), r"^progress: expected True or False, got no\."),
    (called("generate", "a", progress=None), r"^progress: expected True or False, got None\."),
    (called("generate", "a", watch=5), r"^watch: expected a function, got an int\."),
    (called("generate", "a", into=5), r"^into: expected .*, got an? int"),
    (called("generate", "a", stepz=5), r"^stepz: expected a setting: .* Did you mean 'steps'\?"),
    (called("generate", "a", basis=99), r"^basis: expected at most samples = 48, got 99\."),
    (called("compose", "a", places=5), r"^places: expected a name, a Placement, or a list of these, got an int\."),
    (called("compose", "a", places=[]), r"^places: expected at least one, got an empty list\."),
    (called("compose", "a", places=[["left"]]), r"^places: expected 'all' or some of .*, got \['left'\]\."),
    (called("compose", "a", places="lefft"), r"^places: expected 'all' or some of .*, got lefft\. Did you mean 'left'\?"),
    (
        called("compose", "a", places=fd.Placement(), scales=0.3),
        r"^scales: expected nothing, as every Placement has its own, got",
    ),
    (called("compose", "a", scales="big"), r"^scales: expected a number above 0 and at most 1, got b"),
    (called("compose", "a", scales=[]), r"^scales: expected at least one, got an empty list\."),
    (called("compose", "a", scales=STRANGE), r"^scales: expected a number above 0 and at most 1, got <strange>\."),
    (called("compose", "a", background=5), r"^background: expected a Layer, a prompt, a picture .*, got an int\."),
    (called("compose", "a", foreground=[]), r"^foreground: expected a Layer, a prompt, a picture .*, got a list\."),
    (called("compose", "a", progress=1), r"^progress: expected True or False, got 1\."),
    (called("compose", "a", update=5), r"^update: expected one of 'adam', 'plain', got 5\."),
    *[(called("invert", picture), r"^pictures: expected ") for picture in (None, 5, [], STRANGE, torch.zeros(2, 2))],
    (called("invert", PICTURE, steps="5"), r"^steps: expected an integer of at least 1, got 5\."),
    (called("invert", PICTURE, stepz=5), r"^stepz: expected a setting of an inversion: .*Did you mean 'steps'\?"),
    (called("invert", PICTURE, progress="no"), r"^progress: expected True or False, got no\."),
    (called("bank", progress=5), r"^progress: expected True or False, got 5\."),
    (called("bank", size=5), r"^size: expected a setting of a bank: bank, "),
    (called("bank_recipe", 5), r"^settings: expected Settings, got an int\."),
    (called("bank_recipe", {"bank": 3}), r"^settings: expected Settings, got a dict\."),
    (lambda dream: Settings().replace(step=3), r"^step: expected a setting: .* Did you mean 'steps'\?"),
    (lambda dream: fd.Result.load(None), r"^folder: expected a path, got (None|a NoneType)\."),
    (lambda dream: fd.Result.load(5), r"^folder: expected a path, got an? int\."),
    (lambda dream: fd.Inversion.load(None), r"^folder: expected a path, got (None|a NoneType)\."),
    (lambda dream: fd.replay(5), r"^picture: expected .*, got an? int"),
    (lambda dream: fd.replay("a.png", progress="no"), r"^progress: expected True or False, got no\."),
    (lambda dream: fd.interpolate(5, 5, 3, generator=dream.generator), r"^a: expected a result of one row, got an int\."),
    (lambda dream: fd.interpolate(5, 5, 3, generator=5), r"^generator: expected the generator that drew both, got an int\."),
    (lambda dream: fd.interpolate(5, 5, 1, generator=dream.generator), r"^frames: expected an integer of at least 2, got 1\."),
    (lambda dream: fd.invert(5, PICTURE, perceptual=distance), r"^generator: expected an object with the members of Generator"),
    (lambda dream: fd.invert(dream.generator, PICTURE, perceptual=5), r"^perceptual: expected a function of two pictures, got"),
    (
        lambda dream: fd.invert(dream.generator, PICTURE, perceptual=distance, settings={}),
        r"^settings: expected InversionSettings",
    ),
    (
        lambda dream: fd.invert(dream.generator, PICTURE, perceptual=distance, starts=5),
        r"^starts: expected latents by their names",
    ),
    (
        lambda dream: fd.invert(dream.generator, PICTURE, perceptual=distance, budget="x"),
        r"^budget: expected a positive number",
    ),
    (lambda dream: fd.evaluate(5), r"^folder: expected a folder of pictures, or several, got 5\."),
    (lambda dream: fd.evaluate(None), r"^folder: expected a folder of pictures, or several, got None\."),
    (lambda dream: fd.evaluate(["a", 5], ["b"]), r"^folder: expected a folder of pictures, got a\."),
    (lambda dream: fd.evaluate([STRANGE], ["b"]), r"^folder: expected a path, got a Strange\."),
    (lambda dream: fd.evaluate("a", metrics=5), r"^metrics: expected a list of r-precision, .*, got an int\."),
    (lambda dream: fd.evaluate("a", metrics=[5]), r"^metrics: expected some of r-precision, .*, got 5\."),
    (lambda dream: fd.evaluate("a", captions=5), r"^captions: expected a file with a caption .*, got an int\."),
    (lambda dream: fd.evaluate("a", judge=STRANGE, captions=[STRANGE]), r"^captions: expected a file with a caption"),
    (lambda dream: fd.evaluate("a", resamples="many"), r"^resamples: expected an integer of at least 10, got many\."),
    *[(lambda dream, p=p: fd.ablate(p), r"^prompts: expected .*, got .*\. Say what") for p in (None, 5, [], STRANGE)],
    (lambda dream: fd.ablate("a", models=5), r"^models: expected the name of a pair, such as 'emoji', got an int\."),
    (lambda dream: fd.ablate("a", models=dream, techniques=5), r"^techniques: expected a list of views, .*, got an int\."),
    (lambda dream: fd.ablate("a", models=dream, into=5), r"^into: expected .*, got an? int"),
    (lambda dream: fd.load_generator(5), r"^generators: expected the name of a plugin, got 5\."),
    (lambda dream: fd.load_perceptual(None), r"^perceptual: expected the name of a plugin, got None\."),
    (lambda dream: fd.load_scorer(5), r"^scorers: expected the name of a plugin, got 5\."),
    (lambda dream: fd.load_scorer([]), r"^scorer: expected at least one scorer, got an ensemble of nothing\."),
    (lambda dream: fd.load_scorer(["a"], weights="1"), r"^weights: expected a number for each scorer, got 1\."),
    (lambda dream: fd.load_scorer(["a"], weights=5), r"^weights: expected a number for each scorer, got 5\."),
    (lambda dream: fd.load_scorer({"a": "x"}), r"^weights: expected a number for each scorer, got"),
    (lambda dream: fd.load_scorer([ToyScorer(), ToyScorer()], weights=[1]), r"^weights: expected one for each of 2 scorers"),
    (lambda dream: fd.load_method(5), r"^method: expected the name of a method, or a Method, got an int\."),
    (
        lambda dream: fd.load_method("random-search", population="many"),
        r"^population: expected an integer of at least 2, got many",
    ),
    (lambda dream: fd.adam(lr="fast"), r"^lr: expected a positive number, got fast\."),
    (lambda dream: fd.adam(falls_over=0), r"^falls_over: expected an integer of at least 1, got 0\."),
    (lambda dream: fd.sgd(lr=None), r"^lr: expected a positive number, got None\."),
    (lambda dream: fd.sgd(lr=0.1, nesterov="yes"), r"^nesterov: expected True or False, got yes\."),
    (lambda dream: fd.WeightedSum(5), r"^weights: expected name of a loss -> a finite number, got an int\."),
    (lambda dream: fd.DynamicBarrier(5), r"^primary: expected the name of a loss, got an int\."),
    (lambda dream: fd.Clipped(1.0, 5), r"^direction: expected a Direction, got an int\."),
    (lambda dream: fd.Scene(5, 5), r"^background: expected an object with the members of Generator, got an int\."),
    (
        lambda dream: fd.Scene(dream.generator, dream.generator, feather="soft"),
        r"^feather: expected a number from 0 to 0.5, got soft",
    ),
    (lambda dream: next(fd.iterate(5, 5, {}, steps=3)), r"^objective: expected an Objective, got an int\."),
    (lambda dream: next(fd.iterate(len, len, 5, steps=3)), r"^params: expected tensors by their names, got an int\."),
    (lambda dream: next(fd.iterate(len, len, {}, steps="3")), r"^steps: expected an integer of at least 1, got 3\."),
    (lambda dream: fd.optimise(5), r"^states: expected an iterator of states, got an int\."),
    (lambda dream: fd.optimise(iter(()), watch=5), r"^watch: expected a function, got an int\."),
    (lambda dream: fd.BasisMix(5, 5), r"^space: expected latents' specs by their names, got an int\."),
    (lambda dream: fd.BasisMix({}, 5), r"^basis: expected tensors by their names, got an int\."),
    (lambda dream: fd.Composition(5, 5, 5), r"^scene: expected a Scene, got an int\."),
    (lambda dream: fd.AugCLIP(dream.generator, dream.scorer, [0], views=5), r"^views: expected Views, got an int\."),
    (
        lambda dream: fd.AugCLIP(dream.generator, dream.scorer, [0], count="3"),
        r"^count: expected an integer of at least 1, got 3\.",
    ),
    (lambda dream: fd.AugCLIP(dream.generator, dream.scorer, ["a"]), r"^seeds: expected integers from 0"),
]
