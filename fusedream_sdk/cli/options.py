"""Options that several verbs share, each group handed to a verb as one object."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fusedream_sdk.cli.exits import say

if TYPE_CHECKING:
    from fusedream_sdk.dream.fusedream import FuseDream
    from fusedream_sdk.dream.start import StartLike
    from fusedream_sdk.scoring.prompt import Prompt

Verb = Callable[..., Any]
COUNT = click.IntRange(min=1)
MANY_SEEDS = 10_000
MIXES = ("best", "paper", "random")


class SeedRange(click.ParamType):
    """`7`, `0,1,2` or `0-3`, as a list of integers."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        seeds: list[int] = []
        for part in str(value).split(","):
            match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
            if not first <= last < first + MANY_SEEDS:
                expected = f"expected integers from 0, as 7 or 0,1,2 or 0-3 (at most {MANY_SEEDS} in a range)"
                self.fail(f"{expected}; got {value!r}.", param, ctx)
            seeds += range(first, last + 1)
        return seeds


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
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.scoring.prompt import WEIGHTED, Prompt

    weighted = None if Path(text).exists() else WEIGHTED.fullmatch(text)
    path, weight = (weighted["text"], float(weighted["weight"])) if weighted else (text, 1.0)
    try:
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

    def load(self, *, shown: bool = True, perceptual: str | None = None) -> FuseDream:
        """Load them, and say so: it takes seconds. A perceptual distance is for `FuseDream.compose`."""
        if shown:
            say("loading the models ...")
        from fusedream_sdk.dream.fusedream import FuseDream

        return FuseDream(
            self.models,
            generator=self.generator,
            scorer=one_or_several(self.scorer),
            device=self.device,
            dtype=self.dtype,
            memory_gb=self.memory_gb,
            perceptual=perceptual,
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

    def changes(self) -> dict[str, Any]:
        """As keywords of `FuseDream.generate`."""
        changes = chosen(self)
        del changes["plain"]
        if self.plain:
            from fusedream_sdk.scoring.views import NO_VIEWS

            changes["augment"] = NO_VIEWS
        return changes


def read_start(value: str) -> StartLike:
    """A picture or a saved folder of one, as a start. Raises InvalidInput: it is not there, or cannot be read."""
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.imaging.pictures import read_picture
    from fusedream_sdk.inversion.result import FILE, Inversion
    from fusedream_sdk.run.result import Result

    path = Path(value).expanduser()
    if not path.exists():
        fix = f"The weights of the mixture are --mix {value}." if value in MIXES else ""
        raise InvalidInput("start", expected="an existing picture, or a saved folder of one", got=value, fix=fix)
    if path.is_dir():
        return Inversion.load(path) if (path / FILE).exists() else Result.load(path).latents
    return read_picture("start", path)


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

device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps ...")

model_options = grouped(
    "choice",
    ModelChoice,
    click.option("-m", "--models", help="A ready pair, such as emoji. See: fusedream models"),
    click.option("--generator", help="A generator's name, a folder, or a hub id."),
    click.option("--scorer", multiple=True, help="A scorer's name, a folder, or a hub id; for several, repeat: a, 0.5*b."),
    device_option,
    click.option("--dtype", default="auto", show_default=True, help="auto, float32, bfloat16 or float16."),
    click.option("--memory-gb", type=click.FloatRange(min=0, min_open=True), help="Bound on the rows drawn at a time."),
)

setting_options = grouped(
    "settings",
    SettingChoice,
    click.option("--steps", type=COUNT, help="Updates of the latents."),
    click.option("--views", type=COUNT, help="Random views of each picture in a step."),
    click.option("--samples", type=COUNT, help="Latents that the search of a row sees; 1 does without a search."),
    click.option("--bank", type=COUNT, help="Latents in the bank that the rows search."),
    click.option("--basis", type=COUNT, help="Latents that are mixed; 1 optimises a single one."),
    click.option("--mix", type=click.Choice(MIXES), help="Weights of the basis at the beginning."),
    click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Learning rate of Adam."),
    click.option("--noise", type=click.FloatRange(min=0), help="Noise on the latents in every step."),
    click.option("--plain", is_flag=True, help="Plain CLIP: the picture itself in place of random views."),
)

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that exist.")
