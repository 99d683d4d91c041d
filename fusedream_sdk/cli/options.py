"""Options that several verbs share, each group handed to a verb as one object."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import say
from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.ranges import seeds_in

if TYPE_CHECKING:
    from fusedream_sdk.dream.fusedream import FuseDream
    from fusedream_sdk.dream.start import StartLike
    from fusedream_sdk.scoring.prompt import Prompt

Verb = Callable[..., Any]
MIXES = ("best", "paper", "random")
VIEWS = ("ours", "public", "none")  # written out, because the module that knows them imports torch


class SeedRange(click.ParamType):
    """`7`, `0,1,2` or `0-3`, as a list of integers."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            return seeds_in("seeds", str(value))
        except InvalidInput as error:
            return self.fail(f"expected {error.expected}; got {error.got}.", param, ctx)


@dataclass(frozen=True)
class Asked:
    """What is to be drawn: every prompt, from every seed."""

    prompts: tuple[str, ...]
    image_prompts: tuple[str, ...]
    seeds: tuple[list[int], ...]

    def rows(self) -> tuple[list[Prompt], list[int]]:
        """The prompts, each with all the pictures, and each seed once. Raises InvalidInput, or click's error for nothing."""
        from fusedream_sdk.runtime.checks import check_seeds
        from fusedream_sdk.scoring.prompt import check_prompts

        if not self.prompts and not self.image_prompts:
            raise click.UsageError("Missing argument 'PROMPT...'.")
        pictures = [image_prompt(text) for text in self.image_prompts]
        prompts = check_prompts(list(self.prompts)) if self.prompts else [pictures.pop(0)]
        for picture in pictures:
            prompts = [prompt + picture for prompt in prompts]
        seeds = list(dict.fromkeys(seed for group in self.seeds for seed in group)) or [0]
        return check_prompts(prompts), check_seeds(seeds)


def image_prompt(text: str) -> Prompt:
    """The prompt of `sketch.png` or `sketch.png:0.5`. Raises InvalidInput where the picture cannot be used."""
    from fusedream_sdk.scoring.prompt import Prompt, split_weight

    try:
        path, weight = (text, 1.0) if os.path.exists(text) else split_weight(text)
        return weight * Prompt(image=path)
    except InvalidInput as error:
        raise InvalidInput("image-prompt", expected=error.expected, got=error.got, fix=error.fix) from error


@dataclass(frozen=True)
class ModelChoice:
    """Which models, where, and in which number format."""

    models: str | None
    generator: str | None
    scorer: tuple[str, ...]
    device: str
    dtype: str
    memory_gb: float | None

    @property
    def named(self) -> bool:
        """Whether any model was asked for."""
        return any((self.models, self.generator, self.scorer))

    def load(self, *, shown: bool = True, perceptual: str | None = None, compiles: bool = False) -> FuseDream:
        """Load them, and say so: it takes seconds. A perceptual distance is for `FuseDream.compose`."""
        from fusedream_sdk.dream.fusedream import FuseDream
        from fusedream_sdk.dream.machine import resolve_machine
        from fusedream_sdk.models.loading import choose

        resolve_machine(device=self.device, dtype=self.dtype, compile=compiles)
        choose(self.models, None, None, None)  # a pair that is not there takes no time to find
        if shown:
            say("loading the models ...")
        return FuseDream(
            self.models,
            generator=self.generator,
            scorer=one_or_several(self.scorer),
            device=self.device,
            dtype=self.dtype,
            memory_gb=self.memory_gb,
            perceptual=perceptual,
            compile=compiles,
        )


def one_or_several(scorers: Sequence[str]) -> str | dict[str, float] | None:
    """No scorer, one by its name, or names with weights, each as `name` or `0.5*name`; `load_scorer` says which are wrong."""
    weights: dict[str, float] = {}
    for text in scorers:
        match = re.fullmatch(r"(-?(?:\d+|\d*\.\d+))\*(.+)", text)
        weight, name = (float(match[1]), match[2]) if match else (1.0, text)
        weights[name] = weights.get(name, 0.0) + weight
    one = len(weights) < 2 and all(weight > 0 for weight in weights.values())
    return next(iter(weights), None) if one else weights


@dataclass(frozen=True)
class SettingChoice:
    """Settings that were given; None leaves what the models recommend."""

    steps: int | None
    views: int | None
    samples: int | None
    bank: int | None
    basis: int | None
    mix: str | None
    lr: float | None
    noise: float | None
    plain: bool
    augment: str | None = None
    search_augment: str | None = None
    keep: str | None = None
    report_views: int | None = None
    judge: bool | None = None

    def changes(self) -> dict[str, Any]:
        """As keywords of `FuseDream.generate`. Raises click's error where `--plain` and `--augment` say two things."""
        changes = chosen(self)
        del changes["plain"]
        return {**changes, **named_views(augment_of(self.augment, self.plain), self.search_augment)}


def augment_of(augment: str | None, plain: bool) -> str | None:
    """The name of the views, of which `--plain` is an older word for one. Raises click's error where the two disagree."""
    if plain and augment not in (None, "none"):
        raise click.UsageError(f"--plain is --augment none; got --augment {augment} too. Leave one of them out.")
    return "none" if plain else augment


def named_views(augment: str | None, search_augment: str | None = None) -> dict[str, Any]:
    """Views by their names, as keywords; those that were not given are left out."""
    given = {"augment": augment, "search_augment": search_augment}
    if augment is None and search_augment is None:
        return {}
    from fusedream_sdk.scoring.views import NAMED_VIEWS

    return {name: NAMED_VIEWS[value] for name, value in given.items() if value is not None}


def read_start(value: str) -> StartLike:
    """A picture or a saved folder of one, as a start. Raises InvalidInput: it is not there, or cannot be read."""
    from fusedream_sdk.imaging.pictures import read_picture
    from fusedream_sdk.inversion.result import FILE, Inversion
    from fusedream_sdk.run.result import Result
    from fusedream_sdk.runtime.paths import user_path

    path = user_path("start", value)
    if not os.path.exists(path):  # unlike pathlib's, never raises
        fix = f"The weights of the mixture are --mix {value}." if value in MIXES else ""
        raise InvalidInput("start", expected="an existing picture, or a saved folder of one", got=value, fix=fix)
    if path.is_dir():
        return Inversion.load(path) if (path / FILE).exists() else Result.load(path).latents
    return read_picture("start", path)


def unused(option: str, why: str, instead: str = "") -> click.UsageError:
    """The error for an option that would have no effect."""
    fix = f"Leave it out, or {instead}." if instead else "Leave it out."
    return click.UsageError(f"{option}: expected nothing, as {why}. {fix}")


def chosen(group: Any) -> dict[str, Any]:
    """Of a dataclass of options those that were given: all that are not None."""
    given = {field.name: getattr(group, field.name) for field in fields(group)}
    return {name: value for name, value in given.items() if value is not None}


def grouped(argument: str, kind: type, *options: Callable[[Verb], Verb]) -> Callable[[Verb], Verb]:
    """A decorator that adds options to a verb and hands them over as one `kind`, a dataclass, named `argument`."""
    names = [field.name for field in fields(kind)]

    def decorate(verb: Verb) -> Verb:
        @functools.wraps(verb)
        def wrapped(*args: Any, **given: Any) -> Any:
            given[argument] = kind(**{name: given.pop(name) for name in names})
            return verb(*args, **given)

        decorated: Verb = wrapped
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


asked_options = grouped(
    "asked",
    Asked,
    click.argument("prompts", nargs=-1, metavar="PROMPT..."),
    click.option(
        "--image-prompt",
        "image_prompts",
        multiple=True,
        metavar="FILE[:WEIGHT]",
        help="A picture that every PROMPT is to look like too; may be repeated.",
    ),
    click.option(
        "-s", "--seed", "seeds", type=SeedRange(), multiple=True, help="7, 0,1,2 or 0-3; may be repeated. [default: 0]"
    ),
)

method_option = click.option("--method", help="How: a name of fusedream models, also with options. [default: fusedream]")

device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps ...")

model_options = grouped(
    "choice",
    ModelChoice,
    click.option("-m", "--models", help="A ready pair, such as emoji. See: fusedream models"),
    click.option("--generator", help="A generator's name, a folder, or a hub id."),
    click.option("--scorer", multiple=True, help="A scorer's name, a folder, or a hub id; for several, repeat: a, 0.5*b."),
    device_option,
    click.option("--dtype", default="auto", show_default=True, help="auto, float32, bfloat16 or float16."),
    click.option("--memory-gb", type=Number(bounds.MEMORY_GB), help="Bound on the rows that run together on an accelerator."),
)

compile_option = click.option(
    "--compile", "compiles", is_flag=True, help="Run the models compiled: takes minutes once, and less in every step."
)

augment_option = click.option(
    "--augment", type=click.Choice(VIEWS), help="Random views: ours, the public code's, or none (plain CLIP). [default: ours]"
)

setting_options = grouped(
    "settings",
    SettingChoice,
    click.option("--steps", type=Number(bounds.STEPS), help="Updates of the latents."),
    click.option("--views", type=Number(bounds.VIEWS), help="Random views of each picture in a step."),
    click.option(
        "--samples", type=Number(bounds.LATENTS), help="Latents that the search of a row sees; 1 does without a search."
    ),
    click.option("--bank", type=Number(bounds.LATENTS), help="Latents in the bank that the rows search."),
    click.option("--basis", type=Number(bounds.SETTINGS["basis"]), help="Latents that are mixed; 1 optimises a single one."),
    click.option("--mix", type=click.Choice(MIXES), help="Weights of the basis at the beginning."),
    click.option("--lr", type=Number(bounds.LR), help="Learning rate of Adam."),
    click.option("--noise", type=Number(bounds.SETTINGS["noise"]), help="Noise on the latents in every step."),
    click.option("--plain", is_flag=True, help="Plain CLIP: the picture itself in place of random views; --augment none."),
    augment_option,
    click.option("--search-augment", type=click.Choice(VIEWS), help="Views of the search alone. [default: as --augment]"),
    click.option("--keep", type=click.Choice(["best", "last"]), help="Which point of a run is the result. [default: best]"),
    click.option(
        "--report-views", type=Number(bounds.SETTINGS["report_views"]), help="Fresh views of the AugCLIP score that is printed."
    ),
    click.option("--judge/--no-judge", default=None, help="Also the score of the pair's judge. [default: judge]"),
)


class Listed(click.ParamType):
    """`views,mixture`, as a list of names.

    Args:
        name: of what is listed.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        return value if isinstance(value, list) else [name.strip() for name in str(value).split(",")]


progress_option = click.option(
    "--progress", type=click.Choice(["bar", "none"]), default="bar", show_default=True, help="What is shown."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that exist.")
