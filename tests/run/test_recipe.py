"""What a picture was made by."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import save_png
from fusedream_sdk.run.recipe import MethodRecord, ModelRecord, Recipe, Verb
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS

TOY = ModelRecord("toy", "toys.Toy", "f" * 64)
ROW = Recipe(Verb.GENERATE, "0.2.0", TOY, TOY, "float32", Settings(steps=7, mix="best"), prompt="red", seed=3)
COMPOSED = Recipe(Verb.COMPOSE, "0.2.0", TOY, TOY, "float32", scene={"alpha": 2.0}, layers=[{"prompt": None}], perceptual=TOY)
BEGUN = Recipe(generator=TOY, start={"picture": "a" * 64, "latents": "b" * 64}, perceptual=TOY, inversion={"steps": 3})


def through_json(recipe: Recipe) -> dict[str, Any]:
    return json.loads(json.dumps(recipe.to_json()))


text = st.text(max_size=12)
numbers = st.dictionaries(text, st.floats(allow_nan=False, allow_infinity=False), max_size=3)
names = st.one_of(st.none(), text, st.lists(text, min_size=1, max_size=3), numbers)
models = st.builds(ModelRecord, names, text, text)
methods = st.builds(
    MethodRecord, st.one_of(st.none(), text, st.just("fusedream")), st.dictionaries(text, st.integers(), max_size=2)
)
maybe = st.one_of(st.none(), numbers)
recipes = st.builds(
    Recipe,
    verb=st.sampled_from([Verb.GENERATE, Verb.INVERT]),
    version=text,
    generator=models,
    scorer=models,
    dtype=text,
    settings=st.builds(Settings, steps=st.integers(1, 9), augment=st.sampled_from([NO_VIEWS, Settings().augment])),
    method=methods,
    start=st.one_of(st.none(), st.just({"picture": None, "latents": "b"})),
    perceptual=st.one_of(st.none(), models),
    inversion=maybe,
    prompt=st.one_of(st.none(), text),
    seed=st.one_of(st.none(), st.integers(0, 2**63 - 1)),
    scores=maybe,
    found=maybe,
)


@given(recipes)
def test_a_recipe_survives_its_file(recipe: Recipe):
    again = Recipe.from_json(through_json(recipe))
    assert again == recipe
    assert through_json(again) == through_json(recipe)


@pytest.mark.parametrize("recipe", [ROW, COMPOSED, BEGUN], ids=["a row", "composed", "begun at a picture"])
def test_every_kind_of_recipe_survives_its_file(recipe: Recipe):
    assert Recipe.from_json(through_json(recipe)) == recipe


def test_an_older_version_reads_the_words_that_it_knows():
    written = through_json(ROW)
    assert written["method"] == "generate"
    assert "steering" not in written
    assert written["settings"]["start"] == "best"
    assert "mix" not in written["settings"]
    assert written["generator"] == {"name": "toy", "class": "toys.Toy", "fingerprint": "f" * 64}
    assert set(written) == {"method", "version", "generator", "scorer", "dtype", "settings", "prompt", "seed"}


@pytest.mark.parametrize(
    "method",
    [MethodRecord("clip-adam"), MethodRecord(None), MethodRecord("fusedream", {"n": 1}), MethodRecord("own", {"n": [1]})],
)
def test_another_method_than_the_default_stands_beside_the_verb(method: MethodRecord):
    assert not method.is_default
    written = through_json(Recipe(method=method))
    assert written["method"] == "generate"
    assert written["steering"] == {"name": method.name, "options": method.options}
    assert Recipe.from_json(written).method == method


def test_a_recipe_without_a_method_is_of_the_default_one():
    assert MethodRecord().is_default
    assert Recipe.from_json(through_json(Recipe())).method == MethodRecord("fusedream")


def test_a_row_says_its_own_beside_what_all_share():
    common = Recipe(generator=TOY, start={"picture": "a"})
    scores = {"augclip": 0.25}
    row = common.row("red", 5, scores, "b")
    scores["augclip"] = 9.0
    assert (row.prompt, row.seed, row.scores, row.generator) == ("red", 5, {"augclip": 0.25}, TOY)
    assert row.start == {"picture": "a", "latents": "b"}
    assert common == Recipe(generator=TOY, start={"picture": "a"})
    assert ROW.row("red", 5, {}).start is None


@pytest.mark.parametrize("part", ["method", "version", "generator", "scorer", "dtype", "settings"])
def test_a_recipe_without_a_part_that_all_have_is_refused_by_its_name(part: str):
    written = through_json(ROW)
    del written[part]
    message = rf"^picture: expected a whole recipe, got a\.png without '{part}'\. It was damaged, or saved by another version"
    with pytest.raises(InvalidInput, match=message):
        Recipe.from_json(written, "a.png")


@pytest.mark.parametrize(
    ("recipe", "part"),
    [(COMPOSED, "scene"), (COMPOSED, "layers"), (COMPOSED, "perceptual"), (BEGUN, "perceptual"), (BEGUN, "inversion")],
)
def test_what_a_recipe_of_its_kind_needs_is_missed_by_its_name(recipe: Recipe, part: str):
    written = through_json(recipe)
    del written[part]
    with pytest.raises(InvalidInput, match=f"got one without '{part}'"):
        Recipe.from_json(written)


WHOLE: dict[str, Any] = {
    **through_json(COMPOSED),
    "steering": {"name": "own", "options": {}},
    **{part: {} for part in ("start", "inversion", "placement", "found", "scores")},
    "prompt": "red",
    "seed": 1,
}
MODELS = ("generator", "scorer", "perceptual")
FOREIGN = [
    (part, value)
    for part, own in WHOLE.items()
    for value in (None, 1.5, ["x"], {"x": 1})
    if type(value) is not type(own) or part in MODELS
]


@pytest.mark.parametrize(("part", "value"), FOREIGN)
def test_a_part_of_another_kind_is_refused_by_its_name(part: str, value: object):
    assert Recipe.from_json(WHOLE).prompt == "red"
    with pytest.raises(InvalidInput, match=f"got one without '{part}'"):
        Recipe.from_json({**WHOLE, part: value})


@pytest.mark.parametrize("member", ["name", "class", "fingerprint"])
@pytest.mark.parametrize("part", MODELS)
def test_a_model_that_lacks_a_member_is_refused_by_its_part(part: str, member: str):
    model = {key: value for key, value in TOY.to_json().items() if key != member}
    with pytest.raises(InvalidInput, match=f"got one without '{part}'"):
        Recipe.from_json({**WHOLE, part: model})


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("settings", {"augment": {}, "lr": -1}, "lr: expected a positive number, got -1"),
        ("settings", {"augment": {}, "stepz": 1}, "stepz: expected a setting"),
        ("settings", {"augment": {"hue": 1}}, "hue"),
        ("settings", {}, "augment"),
        ("steering", {"name": "own"}, "options"),
        ("steering", {"name": "own", "options": 3}, "mapping"),
        ("method", "paint", "paint"),
        ("seed", -1, "seeds: expected integers from 0"),
        ("seed", 2**63, "seeds: expected integers from 0"),
        ("seed", True, "seeds: expected integers from 0"),
    ],
)
def test_a_part_that_cannot_be_used_is_refused_with_the_reason(part: str, value: object, reason: str):
    with pytest.raises(InvalidInput, match=rf"picture: expected a whole recipe, got a\.png with other settings \(.*{reason}"):
        Recipe.from_json({**WHOLE, part: value}, "a.png")


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), text), lambda x: st.lists(x) | st.dictionaries(text, x)))
def test_whatever_stands_in_a_file_is_a_recipe_or_refused(values: Any):
    with pytest.raises(InvalidInput, match="picture: expected a whole recipe"):
        Recipe.from_json(values)


@given(st.sampled_from(sorted(WHOLE)), st.one_of(st.integers(), text, st.lists(text), st.dictionaries(text, st.integers())))
def test_a_part_with_anything_in_it_is_read_or_refused(part: str, value: Any):
    with suppress(InvalidInput):
        assert part == "settings" or through_json(Recipe.from_json({**WHOLE, part: value}))[part] == value


def test_a_picture_gives_the_recipe_of_its_row(tmp_path: Path):
    save_png(Image.new("RGB", (4, 4)), tmp_path / "a.png", ROW.to_json())
    assert Recipe.read(tmp_path / "a.png") == Recipe.read(str(tmp_path / "a.png")) == ROW


@pytest.mark.parametrize("part", ["prompt", "seed"])
def test_a_picture_without_a_row_is_refused(tmp_path: Path, part: str):
    written = ROW.to_json()
    del written[part]
    save_png(Image.new("RGB", (4, 4)), tmp_path / "a.png", written)
    with pytest.raises(InvalidInput, match=rf"picture: expected a whole recipe, got .*a\.png without '{part}'"):
        Recipe.read(tmp_path / "a.png")


def test_a_recipe_says_that_models_were_compiled_and_nothing_where_they_were_not():
    assert "compiled" not in ROW.to_json()
    assert not Recipe.from_json(through_json(ROW)).compiled
    compiled = replace(ROW, compiled=True)
    assert through_json(compiled) == {**through_json(ROW), "compiled": True}
    assert Recipe.from_json(through_json(compiled)) == compiled
    with pytest.raises(InvalidInput, match="without 'compiled'"):
        Recipe.from_json({**through_json(ROW), "compiled": "no"})
