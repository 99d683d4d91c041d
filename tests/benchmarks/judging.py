"""R-precision by a judge that was never optimised: is the right caption the first of 100?"""

from __future__ import annotations

import platform
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_emoji.art import concepts, names
from fusedream_emoji.render import COLOURS
from fusedream_sdk.evaluation.bootstrap import Bootstrap, Interval
from fusedream_sdk.evaluation.ranking import Ranking
from fusedream_sdk.evaluation.ranking import r_precision as r_precision
from fusedream_sdk.evaluation.ranking import ranks as ranks_among
from fusedream_sdk.imaging.pictures import read_picture
from fusedream_sdk.models import registry
from fusedream_sdk.protocols import Scorer

CANDIDATES = Ranking().candidates


def load_dual(name: str) -> Scorer:
    """A scorer with embeddings."""
    scorer = fd.load_scorer(name)
    if not isinstance(scorer, Scorer):
        raise SystemExit(f"{name} has no embeddings")
    return scorer


def pair_settings(name: str) -> dict[str, Any]:
    """What a pair of models recommends."""
    return dict(registry.load("models", name).settings)


def with_article(words: str) -> str:
    """ "red apple" to "a red apple"."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def also_called(thing: str) -> set[str]:
    """All names of what is called so, such as T-Rex and dinosaur."""
    return {name for concept in concepts() if thing in concept["names"] for name in concept["names"]}


def candidates(prompt: str, seed: int) -> list[str]:
    """The prompt, the same object in every other colour, and random coloured objects: 100 captions, the prompt first."""
    article, colour, thing = prompt.split(" ", 2)
    if article not in ("a", "an") or colour not in COLOURS:
        raise ValueError(f"expected 'a <colour> <object>', got {prompt!r}")
    others = [with_article(f"{other} {thing}") for other in COLOURS if other != colour]
    rng = random.Random(f"{seed} {prompt}")
    listed, own = [prompt, *others], also_called(thing)
    while len(listed) < CANDIDATES:
        word, other = rng.choice(list(COLOURS)), rng.choice(names())
        caption = with_article(f"{word} {other}")
        if caption not in listed and other not in own and not caption.endswith(f" {thing}"):
            listed.append(caption)
    return listed


def ranks(judge: Scorer, images: Tensor, prompts: Sequence[str], *, seed: int = 0) -> list[int]:
    """The place of each picture's own prompt among its 100 captions, from 0."""
    return ranks_among(judge, images, [candidates(prompt, seed) for prompt in prompts])


def share(seen: Sequence[bool], prompts: Sequence[object]) -> str:
    """How many pictures of a hundred, and the 95 % interval over their prompts: "95.0% (87.5 to 100.0)"."""
    found = Bootstrap().mean([float(one) for one in seen], prompts, (0.0, 1.0))
    return f"{found.value:.1%} {_ends(found)}"


def apart(seen: Sequence[bool], other: Sequence[bool], prompts: Sequence[object]) -> str:
    """How much more one share of the same pictures is than another, prompt by prompt, in points: "-30.0 (-50.0 to -10.0)"."""
    found = Bootstrap().mean([float(a) - float(b) for a, b in zip(seen, other, strict=True)], prompts, (-1.0, 1.0))
    return f"{100 * found.value:.1f} {_ends(found)}"


def firsts(places: Sequence[int], prompts: Sequence[object]) -> str:
    """R-precision and top-5 of pictures whose own captions have these places, as two columns of a table."""
    return " | ".join(share([place < first for place in places], prompts) for first in (1, 5))


def cells(sheet: Path, count: int, columns: int, *, gap: int = 2) -> Tensor:
    """The pictures of a sheet that `grid` made, (count, 3, side, side)."""
    whole = read_picture("sheet", sheet)
    side = (whole.shape[2] + gap) // columns - gap
    corners = [(i // columns * (side + gap), i % columns * (side + gap)) for i in range(count)]
    return torch.stack([whole[:, y : y + side, x : x + side] for y, x in corners])


def _ends(found: Interval) -> str:
    return f"({100 * found.low:.1f} to {100 * found.high:.1f})"


def machine(device: str = "cpu") -> str:
    """What a table says of the machine it was made on."""
    card = f"{torch.cuda.get_device_name(device)}, " if device.startswith("cuda") else ""
    return f"{card}{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
