"""What a recipe asks for, before anything is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fusedream_sdk.dream.asked import check_models, inversion_again, method_again
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.run.recipe import MethodRecord, ModelRecord, Recipe, Verb

OURS, THEIRS = ModelRecord("emoji", "c", "f"), ModelRecord("stranger/model", "c", "f")
SHIPPED = Recipe(generator=OURS, scorer=OURS, dtype="float32")


def check(recipe: Recipe, given: dict[str, Any] | None = None, *, allow_download: bool = False) -> None:
    check_models(recipe, given or {}, "a.png", allow_download=allow_download)


@pytest.mark.parametrize("role", ["generator", "scorer", "perceptual"])
def test_each_model_is_asked_for_unless_it_is_given_or_allowed(role: str):
    check(SHIPPED)
    name = "clip-features:stranger/model" if role == "perceptual" else THEIRS.name
    recipe = replace(SHIPPED, **{role: replace(THEIRS, name=name)})
    with pytest.raises(InvalidInput, match=f"^{role}: expected a model that is shipped, cached or named by you"):
        check(recipe)
    check(recipe, {role: object()})
    check(recipe, allow_download=True)


def test_the_generators_of_layers_are_asked_for_too():
    layer = {"prompt": None, "generator": None, "picture": False}
    own = {**layer, "generator": THEIRS.to_json()}
    scene = {"scene": {}, "placement": {"scale": 0.5}, "perceptual": OURS}
    recipe = replace(SHIPPED, verb=Verb.COMPOSE, layers=[layer, own], **scene)
    with pytest.raises(InvalidInput, match=r"^foreground: expected a model .*--allow-download\.$"):
        check(recipe)
    check(replace(recipe, layers=[layer, {**own, "picture": True}]))


def test_a_number_format_that_nobody_has_is_told_at_once():
    with pytest.raises(InvalidInput, match=r"picture: expected a whole recipe, got a\.png of dtype 'int4'"):
        check(replace(SHIPPED, dtype="int4"))


def test_settings_of_an_inversion_are_read_or_refused():
    assert inversion_again(Recipe(inversion={"steps": 3}), "a.png") == InversionSettings(steps=3)
    for wrong in ({"steps": "x"}, {"colour": 1}, {"steps": 10**400}):
        with pytest.raises(InvalidInput, match=r"a\.png with other settings of its inversion"):
            inversion_again(Recipe(inversion=wrong), "a.png")


def test_a_method_is_an_installed_one_with_options_that_name_nothing():
    method = MethodRecord("random-search", {"population": 4})
    again = method_again(Recipe(method=method), None)
    assert (again.name, again.options) == ("random-search", {"population": 4})
    for name, options in (("random-search:/x", {}), ("random-search", {"a": {"b": "~/x"}}), ("random-search", {"name": 1})):
        with pytest.raises(InvalidInput):
            method_again(Recipe(method=MethodRecord(name, options)), None)
