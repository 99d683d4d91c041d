"""Where a foreground goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.scenes.placement import PLACES, Placement, placements

SCALES = st.floats(0, 1, exclude_min=True)
SPOTS = st.floats(-1, 1)


def test_the_nine_places_are_a_grid_of_three_by_three():
    assert sorted(PLACES.values()) == [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    assert (PLACES["bottom-left"], PLACES["top"], PLACES["right"]) == ((-1, 1), (0, -1), (1, 0))


@pytest.mark.parametrize("place", PLACES)
def test_a_place_keeps_its_name(place: str):
    assert Placement.at(place, 0.3).place == place
    assert str(Placement.at(place, 0.3)) == f"{place} at 0.3"


def test_another_spot_is_free():
    assert Placement(0.5, 0.25, -1).place == "free"
    assert str(Placement(0.5, 0.25, -1)) == "(+0.25, -1.00) at 0.5"


@given(SCALES, SPOTS, SPOTS)
def test_every_number_in_its_range_is_taken(scale: float, x: float, y: float):
    assert (Placement(scale, x, y).scale, Placement(scale, x, y).x, Placement(scale, x, y).y) == (scale, x, y)


@pytest.mark.parametrize("scale", [0, -0.5, 1.0001, float("nan"), float("inf"), True, "0.5", None])
def test_a_scale_outside_its_range_is_refused(scale: object):
    message = r"expected a number above 0 and at most 1, got .*\. 0.5 is half of the canvas\."
    with pytest.raises(InvalidInput, match=f"^scale: {message}"):
        Placement(scale)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match=f"^scales: {message}"):
        placements("all", [0.5, scale])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("value", [-1.01, 1.01, float("nan"), True, "left"])
def test_a_foreground_that_would_fall_outside_is_refused(name: str, value: object):
    with pytest.raises(InvalidInput, match=rf"^{name}: expected a number from -1 to 1, .* foreground would fall outside"):
        Placement(**{name: value})  # pyright: ignore[reportArgumentType]


def test_an_unknown_place_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInput, match=r"place: expected one of top-left, top, .*, bottom-right, got middle"):
        Placement.at("middle")
    with pytest.raises(InvalidInput, match=r"places: expected 'all' or some of top-left, .*, got middle"):
        placements(["left", "middle"], 0.5)


@given(st.lists(st.sampled_from(list(PLACES)), min_size=1), st.lists(SCALES, min_size=1, max_size=4))
def test_the_discrete_set_is_every_place_at_every_scale_once(places: list[str], scales: list[float]):
    found = placements(places, scales)
    assert {(p.place, p.scale) for p in found} == {(place, scale) for place in places for scale in scales}
    assert len(found) == len(set(found))
    assert [p.scale for p in found] == sorted((p.scale for p in found), key=scales.index)


def test_all_one_name_and_one_scale_are_short_forms():
    assert placements("all", 0.5) == placements(list(PLACES), [0.5])
    assert placements("left", 0.5) == [Placement(0.5, -1, 0)]


def test_whole_placements_are_taken_as_they_are_and_once():
    free = Placement(0.4, 0.1, 0.2)
    assert placements(free) == [free]
    assert placements([free, Placement(0.3), free]) == [free, Placement(0.3)]
    with pytest.raises(
        InvalidInput, match=r"scales: expected nothing, as every Placement has its own, got 0\.9\. Leave it out"
    ):
        placements(free, 0.9)


@pytest.mark.parametrize(
    ("places", "scales", "message"),
    [
        ([], 0.5, "places: expected at least one, got an empty list"),
        ("all", [], "scales: expected at least one, got an empty list"),
        ([Placement(), "left"], 0.5, "places: expected 'all' or some of .*, got Placement"),
        ([3], 0.5, "places: expected 'all' or some of .*, got 3"),
        ("all", "0.5", "scales: expected a number above 0"),
    ],
)
def test_nothing_and_something_else_are_refused(places: object, scales: object, message: str):
    with pytest.raises(InvalidInput, match=message):
        placements(places, scales)  # pyright: ignore[reportArgumentType]
