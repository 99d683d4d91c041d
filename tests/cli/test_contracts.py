"""`fusedream plugins check`: one plugin, and all that it promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusedream_sdk.cli.contracts import check_contract, kind_of
from fusedream_sdk.errors import InvalidInput, PluginContractError

ENTRIES = """
    [fusedream_sdk.generators]
    toy-good = toy_checked:good
    toy-clamped = toy_checked:clamped
    toy-raises = toy_checked:raises
    toy-both = toy_checked:good
    toy-boom = toy_checked:boom
    [fusedream_sdk.scorers]
    toy-both = toy_checked:scorer
    toy-reward = toy_checked:reward
    toy-blind = toy_checked:blind
    [fusedream_sdk.perceptual]
    toy-negative = toy_checked:negative
    [fusedream_sdk.methods]
    toy-method = toy_checked:method
    [fusedream_sdk.models]
    toy-pair = toy_checked:pair
    toy-lost-pair = toy_checked:lost
    toy-odd-pair = toy_checked:odd
    toy-no-pair = toy_checked:scorer_alone
    """
SOURCE = """
    from fusedream_sdk.methods.base import Method
    from fusedream_sdk.models.loading import ModelPair
    from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer

    class Clamped(ToyGenerator):
        def __call__(self, latents):
            return (2 * super().__call__(latents) - 1).clamp(0, 1)

    class Raises(ToyGenerator):
        def __call__(self, latents):
            return latents["y"]

    class Blind(ToyScorer):
        def encode_text(self, prompts):
            return super().encode_text(["red"] * len(prompts))

    def good(side=16, device=None): return ToyGenerator(side)
    def clamped(device=None): return Clamped(16)
    def raises(device=None): return Raises(16)
    def boom(device=None): raise ZeroDivisionError("nothing to divide")
    def scorer(device=None): return ToyScorer(8)
    def scorer_alone(): return ToyScorer(8)
    def reward(device=None): return ToyReward()
    def blind(device=None): return Blind(8)
    def negative(device=None): return lambda a, b: -(a - b).square().mean(dim=(1, 2, 3))
    def method(views=3): return Method(settings={"views": views})
    def pair(): return ModelPair("toy-good?side=24", "toy-both", {"steps": 3}, judge="toy-blind", perceptual="toy-negative")
    def lost(): return ModelPair("toy-god", "toy-both")
    def odd(): return ModelPair("toy-good", "toy-both", {"stepps": 3})
    """


@pytest.fixture(autouse=True)
def checked(install: Callable[..., Path]) -> None:
    install("toy-checked", ENTRIES, toy_checked=SOURCE)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["toy-good"], "generators  toy-good  ok"),
        (["toy-good?side=24", "--device", "cpu"], "generators  toy-good?side=24  ok"),
        (["toy-both", "--kind", "scorers"], "scorers  toy-both  ok"),
        (["toy-both", "--kind", "generators"], "generators  toy-both  ok"),
        (["toy-reward"], "scorers  toy-reward  ok"),
        (["toy-method?views=2"], "methods  toy-method?views=2  ok"),
        (["toy-pair"], "models  toy-pair  ok"),
    ],
)
def test_a_plugin_that_keeps_its_contract_is_said_to(words: list[str], line: str, fusedream: Callable):
    code, out, err = fusedream("plugins", "check", *words)
    assert (code, out) == (0, line + "\n"), err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["toy-clamped"], "generator: expected pictures over all of [0, 1], got"),
        (
            ["toy-raises"],
            "generator: expected an answer to generator({'z': (8, 4) float32, 'colour': (8, 3) float32}), got KeyError",
        ),
        (
            ["toy-boom"],
            "generators: expected 'toy-boom' to load: generators: 'toy-boom' of toy-checked raised ZeroDivisionError: ",
        ),
        (["toy-blind"], "scorer.encode_text: expected other embeddings for other prompts"),
        (["toy-negative"], "perceptual: expected a positive distance"),
        (["toy-method?views=0"], "method.settings: expected constants that `Settings` takes"),
        (["toy-lost-pair"], "models: generators: expected one of"),
        (["toy-odd-pair"], "models: expected settings that exist"),
        (["toy-no-pair"], "models: expected a ModelPair, got a ToyScorer"),
        (
            ["toy-both"],
            "kind: expected the group of 'toy-both', which is in several, got generators, scorers. Say which: --kind",
        ),
        (["toy-goood"], "Did you mean 'toy-good'?"),
        (["toy-good?sde=3"], "generators: expected an option of 'toy-good', which takes side, device, got 'sde'."),
        (["toy-good", "--kind", "scorers"], "scorers: expected one of"),
        (["toy-good", "--kind", "critics"], "'critics' is not one of"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_2(words: list[str], message: str, fusedream: Callable):
    code, out, err = fusedream("plugins", "check", *words)
    assert (code, out) == (2, ""), err
    assert message in err.splitlines()[-1]
    assert len(err.splitlines()) <= 2  # what is tried, and what is wrong


def test_a_name_with_weights_has_the_kind_of_its_owner():
    assert kind_of("toy-good:some/weights?side=3") == "generators"
    with pytest.raises(InvalidInput, match="--kind generators"):
        kind_of("toy-both:some/weights")


def test_the_cause_is_chained():
    with pytest.raises(PluginContractError) as caught:
        check_contract("generators", "toy-boom")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
