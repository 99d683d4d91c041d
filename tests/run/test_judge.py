"""The judge of a pair of models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.run.judge import Judge
from fusedream_sdk.scoring.prompt import Prompt
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

CPU = torch.device("cpu")
MODULE = """
LOADED = []

def scorer(*, device=None):
    from fusedream_sdk.testing import ToyScorer
    LOADED.append(1)
    return ToyScorer(8)

def reward(*, device=None):
    from fusedream_sdk.testing import ToyReward
    return ToyReward()

def broken(*, device=None):
    LOADED.append(2)
    raise ZeroDivisionError("no weights")
"""


@pytest.fixture
def judges(install: Callable[..., Path]) -> None:
    points = "[fusedream_sdk.scorers]\njury = judges_a:scorer\ncritic = judges_a:reward\nbroken-jury = judges_a:broken\n"
    install("judges-a", points, judges_a=MODULE)


def pictures(count: int) -> torch.Tensor:
    with torch.no_grad():
        return ToyGenerator(16)(random_latents(ToyGenerator(16), count))


@pytest.mark.usefixtures("judges")
def test_a_judge_scores_the_picture_itself_against_its_prompt():
    images, scorer = pictures(2), ToyScorer(8)
    found = Judge("jury", CPU).scores(images, ["red", Prompt("blue | red:-0.5")])
    assert found is not None
    embedded, text = scorer.encode_image(shrink(images, 8)), scorer.encode_text(["red", "blue"])
    torch.testing.assert_close(found[0], embedded[0] @ text[0])
    torch.testing.assert_close(found[1], embedded[1] @ (text[1] - 0.5 * text[0]) / 1.5)


@pytest.mark.usefixtures("judges")
def test_a_judge_is_loaded_once_and_not_before_it_is_asked():
    import judges_a  # pyright: ignore[reportMissingImports]

    before = len(judges_a.LOADED)
    judge = Judge("jury", CPU)
    assert len(judges_a.LOADED) == before
    for _ in range(3):
        judge.scores(pictures(1), ["red"])
    assert len(judges_a.LOADED) == before + 1


@pytest.mark.usefixtures("judges")
@pytest.mark.parametrize(("name", "why"), [("broken-jury", "ZeroDivisionError: no weights"), ("nobody", "UnknownPlugin: ")])
def test_a_judge_that_cannot_be_loaded_is_a_warning_once_and_no_error(name: str, why: str, recwarn: pytest.WarningsRecorder):
    judge = Judge(name, CPU)
    for _ in range(3):
        assert judge.scores(pictures(1), ["red"]) is None
    (told,) = [str(warning.message) for warning in recwarn.list]
    assert told.startswith(f"judge: {name!r} cannot be loaded, so the result has no score of it: ")
    assert why in told
    assert told.endswith(" Pass judge=False (--no-judge) to do without it.")
    assert ".. " not in told


@pytest.mark.usefixtures("judges")
def test_a_judge_that_cannot_read_a_prompt_has_no_score_of_it_and_goes_on():
    judge, picture = Judge("critic", CPU), Prompt(image=Image.new("RGB", (20, 20)))
    with pytest.warns(UserWarning, match="judge: 'critic' cannot score these pictures, .* prompts: expected texts"):
        assert judge.scores(pictures(1), [picture]) is None
    found = judge.scores(pictures(1), ["red"])
    assert found is not None
    torch.testing.assert_close(found, ToyReward().score(pictures(1), ["red"]))
