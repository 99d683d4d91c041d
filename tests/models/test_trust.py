"""What a recipe may load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.models.trust import check_named, hub_cached, is_path, words_in

ENTRIES = """
    [fusedream_sdk.generators]
    keeper = keeping:load
    """
SOURCE = """
    def load(*, weights="", device=None): ...
    def cached(weights): return weights == "here/already"
    """


def check(name: Any, kind: str = "generators", *, allow_download: bool = False) -> None:
    check_named(kind, "generator", name, allow_download=allow_download)


@pytest.mark.parametrize(
    "name", ["emoji", "biggan", "emoji?truncation=0.5", "vqgan?canvas=[64, 64]", "biggan?classes=gaussian"]
)
def test_installed_plugins_are_loaded(name: str):
    check(name)


def test_members_of_an_ensemble_are_each_asked_for():
    check(["clip", "emoji"], "scorers")
    check({"clip": 1.0}, "scorers")
    check(None, "scorers")
    with pytest.raises(InvalidInput, match="'a/b', which the picture names and which would be downloaded"):
        check(["clip", "a/b"], "scorers")


@pytest.mark.parametrize(
    "name", ["a/b", "biggan:a/b", "biggan?weights=a/b", "vqgan:word", "biggan?classes=net", "biggan?x=word"]
)
def test_what_would_be_fetched_needs_leave(name: str):
    with pytest.raises(
        InvalidInput, match=r"generator: expected a model that is shipped, cached or named by you, got '.*--allow"
    ):
        check(name)
    check(name, allow_download=True)


@pytest.mark.parametrize("name", ["/a", "~/a", "../a", "a/b/c", "vqgan:/a", 'emoji?weights="/a"', "vqgan?config=x", "a/b\x07"])
def test_a_path_is_not_followed_whatever_is_allowed(name: str):
    for leave in (True, False):
        with pytest.raises(InvalidInput, match="generator: expected a model that a picture may name"):
            check(name, allow_download=leave)


def test_what_lies_here_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert not is_path("a/b")
    assert not is_path("")
    Path("a/b").mkdir(parents=True)
    assert is_path("a/b")


def test_what_a_plugin_says_is_cached_needs_no_leave(install: Callable[..., Path]):
    install("keeping", ENTRIES, keeping=SOURCE)
    check("keeper:here/already")
    with pytest.raises(InvalidInput, match="would be downloaded"):
        check("keeper:not/yet")


def test_a_name_that_nobody_has_is_told():
    with pytest.raises(UnknownPlugin, match=r"generators: expected one of .*got 'gone'"):
        check("gone")


def test_an_empty_cache_has_nothing(monkeypatch: pytest.MonkeyPatch):
    assert not hub_cached("nobody/nothing", "model.safetensors")
    assert not hub_cached("no id at all", "model.safetensors")


def test_texts_are_found_wherever_they_stand():
    assert words_in({"a": [1, ("b", {"c": "d"})]}) == ["a", "b", "c", "d"]
    assert words_in(3) == []
