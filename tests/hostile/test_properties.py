"""Anything at all, as a prompt or as settings: refused in one sentence, or taken and read back the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.run.estimate import check_work
from fusedream_sdk.run.settings import Settings, check_changes
from fusedream_sdk.runtime.checks import Bounds, check_seeds, names_of
from fusedream_sdk.scenes.settings import SceneSettings
from fusedream_sdk.scoring.prompt import Prompt, check_prompts

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 40),
    st.integers(10**6, 10**400),
    st.floats(),
    st.floats(0, 1),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.integers(), st.none(), max_size=1),
    st.builds(object),
)
TEXT = st.text(st.characters() | st.sampled_from("|:.0-9e+ \n\x00\udcff"), max_size=80)
READ: dict[type, Callable[[Any], Any]] = {
    Settings: Settings.from_json,
    SceneSettings: SceneSettings.from_json,
    InversionSettings: lambda values: InversionSettings().replace(**values),
}


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the refusal that it raises; any other error is a failure."""
    try:
        return call()
    except InvalidInput as error:
        return error


@given(TEXT)
def test_any_text_as_a_prompt(text: str):
    found = outcome(lambda: check_prompts(text))
    if isinstance(found, InvalidInput):
        assert found.argument == "prompts"
        assert found.fix
        return
    assert Prompt(str(found[0])) == found[0]
    assert sum(map(abs, found[0].shares())) == pytest.approx(1)


@given(ODD)
def test_anything_as_prompts_and_as_seeds(value: Any):
    for check in (check_prompts, check_seeds):
        found = outcome(lambda check=check: check(value))
        assert found.fix if isinstance(found, InvalidInput) else found


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
@given(st.data())
def test_any_settings(kind: type, data: st.DataObject):
    names = data.draw(st.lists(st.sampled_from(names_of(kind)), max_size=3, unique=True))
    values = {name: data.draw(ODD, name) for name in names}
    settings = outcome(lambda: kind(**values))
    if isinstance(settings, InvalidInput):
        assert settings.argument.split(".")[0] in names_of(kind)
        return
    assert READ[kind](json.loads(json.dumps(settings.to_json()))) == settings
    if kind is Settings:
        check_changes(values)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**5))
def test_any_run_is_taken_or_refused_at_once(rows: int, steps: int, views: int, members: int):
    numbers = {**vars(Settings()), "steps": steps, "views": views}
    found = outcome(lambda: check_work(rows, numbers, members=members, canvas=(256, 256), side=224))
    assert found is None or (found.argument in ("seeds", "steps", "views") and found.fix)


@given(ODD, st.booleans(), st.booleans())
def test_a_number_is_inside_its_bounds_or_refused(value: object, whole: bool, above: bool):
    bounds = Bounds(0, 10**6, whole=whole, above=above)
    number = outcome(lambda: bounds.check("x", value))
    if isinstance(number, InvalidInput):
        assert number.argument == "x"
        return
    assert type(number) in ((int,) if whole else (int, float))
    assert bounds.holds(number)
    assert number == value
