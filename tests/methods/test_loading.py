"""Methods by name, those of strangers among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fusedream_sdk as fd
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.errors import DuplicatePlugin, InvalidInput, PluginContractError, PluginImportError, UnknownPlugin
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import as_method, load_method
from fusedream_sdk.run.result import Result
from fusedream_sdk.testing import ToyGenerator, ToyScorer, check_method

ENTRIES = """
    [fusedream_sdk.methods]
    momentum = strangers_method:load
    nameless = strangers_method:nameless
    needy = strangers_method:needy
    """
SOURCE = """
    import fusedream_sdk as fd
    from fusedream_sdk.optim.optimisers import sgd
    from fusedream_sdk.run.task import augclip, drawn

    def load(*, momentum=0.5, clip=1.0, penalty=0.1):
        return fd.Method(
            starts=drawn,
            objective=lambda task: augclip(task, penalties={"size": lambda x: penalty * x["z"].square().sum(dim=1)}),
            direction=fd.Clipped(clip),
            optimiser=lambda settings: sgd(settings.lr, momentum=momentum, nesterov=True),
            settings={"samples": 1, "basis": 1, "lr": 0.1},
            unused=frozenset({"bank", "samples", "basis"}),
            name="what it calls itself",
        )

    def nameless(): return "a method"

    def needy(): import a_module_that_is_not_there
    """
QUIET: dict[str, Any] = {"progress": False}


@pytest.fixture
def stranger(install: Callable[..., Path]) -> Path:
    """A distribution with a method of its own."""
    return install("strangers-method", ENTRIES, strangers_method=SOURCE)


def test_options_are_the_same_behind_the_name_and_in_python():
    written, given = (
        load_method("random-search?population=8&spread=0.25"),
        load_method("random-search", population=8, spread=0.25),
    )
    assert written.name == given.name == str(written) == "random-search"
    assert written.options == given.options == {"population": 8, "spread": 0.25}
    assert written.members == given.members == 8
    assert load_method("random-search").options == {}


def test_an_option_given_in_python_comes_over_the_written_one():
    assert load_method("random-search?population=8&cooling=0.5", population=4).options == {"population": 4, "cooling": 0.5}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("random-search?size=8", r"methods: expected an option of 'random-search', which takes population, spread, cooling"),
        ("random-search?population=many", "population: expected an integer of at least 2, got many"),
        ("random-search?population", r"random-search: expected options as NAME\?key=value&key=value"),
        ("fusedream?steps=3", "methods: expected an option of 'fusedream', which takes published, got 'steps'"),
        (3, "method: expected the name of a method, or a Method, got an int"),
    ],
)
def test_a_name_that_cannot_be_used_is_told_why(name: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        as_method(name)


def test_a_method_is_taken_as_it_is():
    method = Method()
    assert as_method(method) is method


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UnknownPlugin, match=r"methods: expected one of .*; got 'fusedreem'. Did you mean 'fusedream'"):
        load_method("fusedreem")


def test_a_strangers_method_draws_by_its_name_and_its_recipe_makes_the_picture_again(
    stranger: Path, dream: FuseDream, tmp_path: Path
):
    assert "momentum" in fd.list_methods()
    result = dream.generate(["red", "blue"], seeds=[3, 2**62], method="momentum?clip=0.5&penalty=0", **QUIET)
    assert (result.recipe.settings.lr, result.recipe.settings.samples) == (0.1, 1)
    path = result.save(tmp_path / "out")[3]
    assert read_recipe(path)["steering"] == {"name": "momentum", "options": {"clip": 0.5, "penalty": 0}}
    again = replay(path, generator=ToyGenerator(16), scorer=ToyScorer(8), **QUIET)
    assert isinstance(again, Result)
    assert again.pil[0].tobytes() == Image.open(path).tobytes()


def test_its_name_is_the_one_that_loads_it_again(stranger: Path):
    method = load_method("momentum", clip=2.0)
    assert (method.name, method.options) == ("momentum", {"clip": 2.0})
    check_method(method)


def test_a_setting_that_it_has_no_use_for_is_refused_by_its_name(stranger: Path, dream: FuseDream):
    with pytest.raises(InvalidInput, match=r"bank: expected nothing, as momentum has no use for it, got 9. Leave it out"):
        dream.generate("red", method="momentum", bank=9)


def test_a_plugin_that_makes_something_else_breaks_its_contract(stranger: Path):
    with pytest.raises(PluginContractError, match="method: expected 'nameless' to make a Method, got a str"):
        load_method("nameless")


def test_a_plugin_that_does_not_import_is_told_what_it_lacks(stranger: Path):
    lacks = r"methods: 'needy' of strangers-method .* declares no dependency 'a_module_that_is_not_there'"
    with pytest.raises(PluginImportError, match=lacks):
        load_method("needy")


def test_a_name_that_two_packages_claim_names_both(stranger: Path, install: Callable[..., Path]):
    install("other-method", "[fusedream_sdk.methods]\nmomentum = other_method:load\n")
    with pytest.raises(DuplicatePlugin, match=r"'momentum' is claimed by .*(strangers|other)-method"):
        load_method("momentum")
