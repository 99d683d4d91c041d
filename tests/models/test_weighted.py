"""The members of an ensemble, and what a recipe calls them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.models.weighted import (
    VALUES,
    VARIANTS,
    Member,
    Weighted,
    members_of,
    name_of,
    plain_views,
    split_views,
    views_in_name,
)
from fusedream_sdk.scoring.target import as_views
from fusedream_sdk.scoring.views import BIG_SLEEP_CUTOUTS, NO_VIEWS, PUBLIC_VIEWS, Variant, Views
from fusedream_sdk.testing import ToyReward, ToyScorer

TOY = ToyScorer(8)


def test_a_member_is_a_name_an_object_or_a_weighted_one_of_them():
    members = members_of(["a", Weighted("b", -2, views=NO_VIEWS), TOY, Weighted(TOY, 0.5)])
    assert members == [Member("a", 1.0), Member("b", -2.0, False), Member(TOY, 1.0), Member(TOY, 0.5)]


def test_members_of_weight_zero_are_left_out():
    assert members_of({"a": 0, "b": 3}) == [Member("b", 3.0)]
    assert members_of([Weighted("a", 0), "b"]) == [Member("b", 1.0)]


strengths = st.floats(0, 0.9)


@given(st.tuples(*[st.booleans()] * 4), st.tuples(*[strengths] * 6), st.sampled_from(["ours", "public"]))
def test_views_in_a_name_are_the_views(families: Any, numbers: Any, variant: Any):
    views = Views(*families, *numbers, variant=variant)
    name = name_of([Weighted("a?side=3", 2, views=views)])
    assert list(name.values()) == [2.0]
    base, plain = split_views(next(iter(name)))
    assert base == "a?side=3"
    assert plain is not None
    assert as_views(plain) == views or (not views.random and variant == "ours" and as_views(plain) == NO_VIEWS)


@pytest.mark.parametrize(
    ("views", "plain"),
    [
        (None, None),
        (NO_VIEWS, False),
        (Views(cutout=False), (True, True, True, False, 0.25, 1.0, 0.5, 0.125, 0.2, 0.5)),
        (PUBLIC_VIEWS, (True, True, True, True, 0.25, 1.0, 0.5, 0.125, 0.2, 0.5, 1)),
        (BIG_SLEEP_CUTOUTS, (True, True, True, True, 0.25, 1.0, 0.5, 0.125, 0.2, 0.5, 2)),
    ],
)
def test_views_are_kept_as_plain_values(views: Views | None, plain: Any):
    assert plain_views(views) == plain
    if plain is not None:
        assert as_views(plain) == views


def test_every_variant_has_its_number_and_no_other_number_is_one():
    assert get_args(Variant) == VARIANTS
    values = (True, True, True, True, 0.25, 1.0, 0.5, 0.125, 0.2, 0.5)
    assert [field.name for field in fields(Views)][VALUES:] == ["variant"]
    for number in (0, len(VARIANTS), 1.5):
        with pytest.raises(InvalidInput, match="views: expected 'none', 'false', or the values"):
            views_in_name((*values, number))


@pytest.mark.parametrize(
    ("scorer", "name"),
    [
        ("clip", "clip"),
        ("clip?views=none", "clip?views=false"),
        (["a", "b"], ["a", "b"]),
        (["a?views=none&size=3", "b"], ["a?size=3&views=false", "b"]),
        ({"a": 1, "b?views=false": 0.5}, {"a": 1.0, "b?views=false": 0.5}),
        (["a", Weighted("b", 0.05, views=NO_VIEWS)], {"a": 1.0, "b?views=false": 0.05}),
        ([Weighted("a", 2), Weighted("a", 3, views=NO_VIEWS)], {"a": 2.0, "a?views=false": 3.0}),
        (["a", TOY], None),
        ([Weighted(ToyReward())], None),
    ],
)
def test_what_a_recipe_calls_them_loads_them_again(scorer: Any, name: Any):
    assert name_of(scorer) == name
    if name is not None:
        assert name_of(name) == name
        assert members_of(name if not isinstance(name, str) else [name]) == members_of(
            scorer if not isinstance(scorer, str) else [scorer]
        )


@pytest.mark.parametrize(
    ("scorers", "weights", "message"),
    [
        ([], None, "scorer: expected at least one scorer"),
        ([Weighted("a")], [1], "weights: expected None, as Weighted has them"),
        ({"a": 1}, [1], "weights: expected None, as the dictionary has them"),
        (["a"], [1e7], "weights: expected finite numbers of at most 1,000,000"),
        ([Weighted("a"), Weighted("a", 2)], None, "scorer: expected every name once with the same views, got 'a' twice. Add"),
        ([Weighted("a", 0)], None, r"weights: expected at least one that is not 0, got \[0.0\]"),
        (
            ["a?views=some"],
            None,
            "views: expected 'none', 'false', or the values of Views in .*, got 'some'. In Python",
        ),
        (["a?views=[1,2]"], None, r"views: expected 'none', .* got \[1, 2\]"),
        ([Weighted("a?views=none", views=NO_VIEWS)], None, "views: expected one value for 'a', got one in the name"),
    ],
)
def test_what_is_no_ensemble_is_refused(scorers: Any, weights: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        members_of(scorers, weights)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scorer": 3}, "Weighted.scorer: expected a name, or an object .* got an int"),
        ({"scorer": "a", "weight": "much"}, "Weighted.weight: expected a finite number of at most 1,000,000, got much"),
        ({"scorer": "a", "weight": float("inf")}, "Weighted.weight: expected a finite number"),
        ({"scorer": "a", "views": "none"}, "Weighted.views: expected Views, got a str. Give NO_VIEWS"),
    ],
)
def test_a_member_that_is_none_is_refused(fields: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        Weighted(**fields)
