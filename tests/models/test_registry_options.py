"""Options behind a name, and methods among the plugins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.models import registry
from fusedream_sdk.models.registry import list_methods, load, package, plugins, split_options, takes

WORDS = st.text(st.characters(exclude_characters="?&=", exclude_categories=["Cs"]), min_size=1, max_size=9)
VALUES = st.one_of(st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False), st.lists(st.integers(), max_size=3))


@given(WORDS, st.dictionaries(WORDS, VALUES, max_size=4))
def test_options_are_read_as_they_were_written(name: str, options: dict[str, object]):
    written = "&".join(f"{key}={json.dumps(value)}" for key, value in options.items())
    assert split_options(f"{name}?{written}" if options else name) == (name, options)


def test_what_is_no_json_is_a_word():
    assert split_options("random-search?mix=best&n=8&x=0.5") == ("random-search", {"mix": "best", "n": 8, "x": 0.5})
    assert split_options("clip:a=b?weights=a=b") == ("clip:a=b", {"weights": "a=b"})
    assert split_options("plain") == split_options("plain?") == ("plain", {})


@pytest.mark.parametrize("name", ["search?population", "search?=8", "search?a=1&b"])
def test_an_option_without_a_name_or_a_value_is_refused(name: str):
    with pytest.raises(InvalidInput, match=r"search: expected options as NAME\?key=value&key=value, got 'search\?"):
        split_options(name)


def test_the_methods_of_the_sdk_and_of_strangers_are_listed_without_importing_them(install: Callable[..., Path]):
    install("toy-methods", "[fusedream_sdk.methods]\ntoy-method = there_is_no_such_module:method\n")
    assert {"fusedream", "clip-adam", "random-search", "toy-method"} <= set(fd.list_methods())
    assert fd.list_methods() == list_methods() == sorted(fd.list_methods())
    (point,) = plugins("methods")["toy-method"]
    assert package(point) == "toy-methods"


def test_whether_a_plugin_takes_an_option_is_read_from_its_signature(install: Callable[..., Path]):
    install(
        "toy-distances",
        "[fusedream_sdk.perceptual]\ntoy-sharing = toy_distances:sharing\ntoy-alone = toy_distances:alone\n",
        toy_distances="def sharing(*, scorer=None, device=None): ...\ndef alone(device=None, **options): ...\n",
    )
    assert takes("perceptual", "toy-sharing", "scorer")
    assert not takes("perceptual", "toy-alone", "scorer")
    assert not takes("perceptual", "there-is-none", "scorer")
    load("perceptual", "toy-alone", whatever=1)  # one with ** takes any


def test_where_the_default_plugin_is_not_installed_a_hub_id_is_unknown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(registry.KINDS, "generators", "toy-absent")
    with pytest.raises(UnknownPlugin, match="got 'owner/name'"):
        fd.load_generator("owner/name")
