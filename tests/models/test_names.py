"""Names with options in them, and the names of objects."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.models.names import as_tuple, joined, named_with, remember, remembered, split_name
from fusedream_sdk.models.trust import check_named

Install = Callable[..., Path]


@pytest.fixture(autouse=True)
def named(install: Install) -> None:
    install(
        "toy-named",
        """
        [fusedream_sdk.generators]
        toy-sized = toy_named:generator
        [fusedream_sdk.scorers]
        toy-sized = toy_named:scorer
        [fusedream_sdk.perceptual]
        toy-sized = toy_named:distance
        """,
        toy_named="""
        from fusedream_sdk.testing import ToyGenerator, ToyScorer

        class Sized(ToyGenerator):
            def __init__(self, height, width, weights):
                super().__init__(height + 0)
                self.given = height, width, weights

        def generator(height=16, width=16, canvas=None, weights="", device=None):
            height, width = canvas or (height, width)
            return Sized(height, width, weights)

        def scorer(resolution=8, weights="", device=None): return ToyScorer(resolution)

        def distance(power=2, scorer=None, device=None):
            return lambda a, b: (a - b).abs().pow(power).mean(dim=(1, 2, 3))
        """,
    )


def given(name: str, **options: Any) -> Any:
    return fd.load_generator(name, **options).given  # pyright: ignore[reportAttributeAccessIssue]


def test_options_in_a_name_reach_plugins_of_every_kind():
    assert given("toy-sized?height=96&width=160") == (96, 160, "")
    assert given("toy-sized?canvas=[32,64]") == (32, 64, "")
    assert given("toy-sized:some/where?height=24") == (24, 16, "some/where")
    assert given("toy-sized?height=24", width=8) == (24, 8, "")
    assert fd.load_scorer("toy-sized?resolution=12").resolution == 12
    both = fd.load_scorer({"toy-sized?resolution=12": 1.0, "toy-sized?resolution=10": 0.5})
    assert both.resolution == 12
    assert callable(fd.load_perceptual("toy-sized?power=1"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "toy-sized?hight=8",
            {},
            "generators: expected an option of 'toy-sized', which takes .*got 'hight'. Did you mean 'height'",
        ),
        ("toy-sized?height=8", {"height": 9}, "height: expected one value for 'toy-sized', got one in the name, and another"),
        ("toy-sized:a?weights=b", {}, "weights: expected one value for 'toy-sized'"),
        ("toy-sized?height=8&height=9", {}, "toy-sized: expected every option once, got .* Leave out one 'height'"),
        ("toy-sized?device=cuda", {}, "device: expected nothing in the name 'toy-sized', got 'cuda'. Say it beside"),
        ("toy-sized?height", {}, r"expected options as NAME\?key=value&key=value"),
        ("toy-sized?height=tall", {}, r"options that 'toy-sized' can use, got height='tall' \(TypeError: "),
    ],
)
def test_options_that_cannot_be_used_are_named(name: str, options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        fd.load_generator(name, **options)


def test_an_unknown_name_is_named_without_its_options():
    with pytest.raises(UnknownPlugin, match=r"got 'toy-size'. Did you mean 'toy-sized'\?"):
        fd.load_generator("toy-size?height=8")


def test_a_file_with_a_question_mark_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("what?a=1.pth").touch()
    assert split_name("what?a=1.pth") == ("what?a=1.pth", {})
    assert split_name("other?a=1") == ("other", {"a": 1})


def test_lists_become_tuples_and_the_parts_are_joined():
    assert as_tuple([1, [2, "a"]]) == (1, (2, "a"))
    assert joined("x", {"a": [1]}, "w", {"b": 2}) == {"a": (1,), "b": 2, "weights": "w"}


def test_an_object_is_remembered_by_name_and_options_for_as_long_as_it_lives():
    one = fd.load_generator("toy-sized?height=24", width=(8), device="cpu")
    assert remembered("generators", one) == "toy-sized?height=24&width=8"
    assert remembered("scorers", one) is None
    assert remembered("generators", fd.load_generator("toy-sized")) == "toy-sized"
    assert remembered("generators", None) is None
    address = id(one)
    del one
    gc.collect()
    from fusedream_sdk.models import names

    assert address not in names._KNOWN
    remember("generators", "number", {}, 3)
    assert remembered("generators", 3) is None


@pytest.mark.parametrize(
    ("options", "name"),
    [({"device": "cuda"}, "x"), ({"a": [1, 2], "b": "c"}, 'x?a=[1, 2]&b="c"'), ({"a": object()}, None), ({"a": "b&c"}, None)],
)
def test_options_are_written_so_that_they_can_be_read(options: dict[str, Any], name: str | None):
    assert named_with("x", options) == name
    if name is not None:
        assert split_name(name) == ("x", {key: value for key, value in options.items() if key != "device"})


@pytest.mark.parametrize("name", ["toy-sized", "toy-sized?height=24&width=32", "toy-sized?canvas=[8,8]"])
def test_numbers_in_a_strangers_recipe_are_harmless(name: str):
    check_named("generators", "generator", name, allow_download=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy-sized?weights=/etc/evil.pt", "the path .*, which is not followed"),
        ("toy-sized?weights=a:/etc/evil.pt", "the path .*, which is not followed"),
        ('toy-sized?canvas=["~/evil"]', "the path .*, which is not followed"),
        ("toy-sized?weights=owner/name", "which would be downloaded"),
        ("toy-sized:owner/name?height=8", "which would be downloaded"),
    ],
)
def test_words_in_a_strangers_recipe_are_neither_followed_nor_fetched(name: str, message: str):
    with pytest.raises(InvalidInput, match=message):
        check_named("generators", "generator", name, allow_download=False)
