"""The way of a sentence: who reads it, and how many stops it makes before anything is optimised."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import Tensor

import fusedream_sdk
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.optim.loop import iterate
from fusedream_sdk.run.rows import Rows
from fusedream_sdk.run.task import Task
from fusedream_sdk.scoring.augclip import AugCLIP
from fusedream_sdk.scoring.prompt import Prompt, Term
from fusedream_sdk.scoring.target import PromptTarget
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.scenes.toys import SquareDistance, composer

SENTENCE = "a red ball"
STOPS = 21
PACKAGE = Path(str(fusedream_sdk.__file__)).parent
VARARGS, VARKEYWORDS = 0x04, 0x08  # of CodeType.co_flags


class Reading:
    """The toy scorer, as a plugin has it, which notes what it reads."""

    fingerprint = "reading"

    def __init__(self) -> None:
        toy = ToyScorer(8)
        self.resolution, self.encode_image, self.words = toy.resolution, toy.encode_image, toy.WORDS
        self.read: list[str] = []

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        self.read.extend(prompts)
        colours = [next((rgb for word, rgb in self.words.items() if word in prompt.split()), (0, 0, 0)) for prompt in prompts]
        plain = torch.tensor(colours, dtype=torch.float32)[:, :, None, None]
        return self.encode_image(plain.expand(-1, 3, self.resolution, self.resolution))


@pytest.fixture
def scorer() -> Reading:
    return Reading()


@pytest.mark.parametrize("seeds", [0, [0, 1, 2]], ids=str)
@pytest.mark.parametrize("memory_gb", [1e-9, 4])
@pytest.mark.parametrize("changes", [{}, {"samples": 1, "basis": 1}, {"method": "random-search?population=3"}], ids=str)
def test_a_sentence_is_read_once_for_search_optimisation_and_report(
    scorer: Reading, seeds: int | list[int], memory_gb: float, changes: dict[str, Any]
):
    composer(scorer=scorer, memory_gb=memory_gb).generate(SENTENCE, seeds=seeds, progress=False, **changes)
    assert scorer.read.count(SENTENCE) == 1


@pytest.mark.parametrize("changes", [{}, {"halving": 2}, {"pairs": False}, {"free": True, "places": "left"}], ids=str)
def test_a_composition_reads_it_once_for_all_candidates(scorer: Reading, changes: dict[str, Any]):
    composer(scorer=scorer).compose(SENTENCE, **{"places": ["left", "top"], "seeds": [0, 1], "progress": False, **changes})
    assert scorer.read.count(SENTENCE) == 1


def test_a_replay_reads_it_once(scorer: Reading, tmp_path: Path):
    dream = composer(scorer=scorer)
    given: dict[str, Any] = {"generator": ToyGenerator(16), "scorer": scorer, "progress": False}
    drawn = dream.generate(SENTENCE, progress=False).save(tmp_path / "a.png")[0]
    composed = dream.compose(SENTENCE, places=["left", "top"], progress=False).save(tmp_path / "b.png")[0]
    for path, distance in ((drawn, None), (composed, SquareDistance())):
        scorer.read.clear()
        replay(path, perceptual=distance, **given)
        assert scorer.read.count(SENTENCE) == 1


def holds(value: object) -> bool:
    """Whether it is the sentence, carries it, or is a list that does."""
    if isinstance(value, (list, tuple)):
        return any(map(holds, value))
    return value == SENTENCE if isinstance(value, str) else isinstance(value, (Prompt, Term, Rows, Task, PromptTarget))


def arguments(frame: FrameType) -> list[object]:
    """What a function was handed, itself included where it is a method."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & VARARGS) + bool(code.co_flags & VARKEYWORDS)
    return [frame.f_locals.get(name) for name in code.co_varnames[:count]]


def stops_of(work: Callable[[], object]) -> list[tuple[str, list[str]]]:
    """Where the sentence goes, from `generate` to the loop's first evaluation: a file, and what is called with it there.

    A stop ends when a function of another file is handed the sentence.
    """
    seen: list[tuple[str, str]] = []
    begun = ended = False

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal begun, ended
        code, caller = frame.f_code, frame.f_back
        if event != "call" or ended:
            return
        begun = begun or code is FuseDream.generate.__code__
        ended = code is AugCLIP.__call__.__code__ and caller is not None and caller.f_code is iterate.__code__
        inside = PACKAGE in Path(code.co_filename).parents
        if begun and not ended and inside and any(map(holds, arguments(frame))):
            seen.append((str(Path(code.co_filename).relative_to(PACKAGE)), code.co_qualname))

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    assert ended
    return [(file, [function for _, function in stay]) for file, stay in groupby(seen, key=lambda one: one[0])]


def test_a_sentence_makes_few_stops_before_anything_is_optimised(scorer: Reading):
    dream = composer(scorer=scorer)
    stops = stops_of(lambda: dream.generate(SENTENCE, progress=False))
    assert stops[0] == ("dream/fusedream.py", ["FuseDream.generate"])
    assert stops[-1][0] == "run/task.py"
    assert len(stops) <= STOPS, "\n".join(f"{file}: {', '.join(functions)}" for file, functions in stops)
