"""Each technique switched off: in that alone, and only where it is on."""

from __future__ import annotations

from typing import Any

import pytest

from fusedream_sdk.dream.techniques import DEFAULT, TECHNIQUES, Variant, variants_of
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.scoring.views import NO_VIEWS, VQGAN_CLIP_CUTOUTS, Views


def named(settings: Settings, *techniques: str) -> dict[str, Variant]:
    return {variant.name: variant for variant in variants_of(settings, techniques or None)}


def test_every_technique_of_the_paper_has_its_variants_after_the_default():
    found = variants_of(Settings(), None)
    assert found[0] == Variant(DEFAULT, "", "nothing")
    assert [variant.name for variant in found[1:]] == [
        *("no-views", "no-colour", "no-translation", "no-resize", "no-cutout"),
        *("no-search", "one-sample", "plain-search", "no-mixture", "start-best", "start-random", "no-noise", "last-point"),
        *("views-1", "views-25", "views-100", "basis-2", "basis-10", "steps-250", "steps-500", "steps-2000"),
    ]
    assert list(dict.fromkeys(variant.technique for variant in found[1:])) == list(TECHNIQUES)
    assert len({variant.name for variant in found}) == len(found)


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_variant_differs_in_its_own_settings_alone_and_can_be_run(name: str):
    own = Settings()
    for variant in TECHNIQUES[name](own):
        made = own.replace(**variant.changes)
        differs = {key for key in own.to_json() if own.to_json()[key] != made.to_json().get(key)}
        assert differs <= {{"mix": "start"}.get(key, key) for key in variant.changes}
        assert made != own


def test_views_are_switched_off_where_they_are_optimised_and_the_search_keeps_them():
    found = named(Settings(), "views")
    assert found["no-views"].changes == {"augment": NO_VIEWS, "search_augment": Views()}
    assert found["no-colour"].changes == {"augment": Views(colour=False), "search_augment": Views()}
    assert Settings(**found["no-cutout"].changes).search_views == Views()


def test_without_a_search_as_many_samples_are_drawn_as_are_mixed():
    found = named(Settings(basis=3), "search", "mixture")
    assert found["no-search"].changes == {"samples": 3}
    assert found["one-sample"].changes == {"samples": 1, "basis": 1}
    assert found["no-mixture"].changes == {"basis": 1}


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"augment": NO_VIEWS}, {"views", "view-count"}),
        ({"samples": 1, "basis": 1}, {"search", "mixture", "start", "basis"}),
        ({"noise": 0.0}, {"noise"}),
        ({"keep": "last"}, {"best-point"}),
        ({"pin": (3, 5)}, {"search", "basis"}),
    ],
)
def test_what_the_settings_do_without_is_passed_over(settings: dict[str, Any], missing: set[str]):
    found = {variant.technique for variant in variants_of(Settings(**settings), None)} - {""}
    assert found == set(TECHNIQUES) - missing


def test_cutouts_of_others_have_no_families():
    assert set(named(Settings(augment=VQGAN_CLIP_CUTOUTS), "views")) == {DEFAULT, "no-views"}


def test_counts_stay_in_bounds_and_are_never_the_default_itself():
    assert set(named(Settings(steps=1, views=1, basis=2, samples=3), "steps", "view-count", "basis")) == {
        *(DEFAULT, "steps-2", "views-2"),
    }


def test_a_setting_of_all_is_left_out_where_a_variant_has_no_use_for_it():
    settings = Settings(views=8, mix="best", steps=20)
    given = {"views": 8, "mix": "best", "steps": 20}
    found = named(settings)
    assert "views" not in found["no-views"].over(given, settings)
    assert found["no-mixture"].over(given, settings) == {"basis": 1, "views": 8, "steps": 20}
    assert found["steps-5"].over(given, settings) == {"steps": 5, "views": 8, "mix": "best"}
    assert found[DEFAULT].over(given, settings) == given


def test_pinned_starts_are_the_basis_and_one_of_them_is_no_mixture():
    settings = Settings(pin=(3, 5))
    assert named(settings, "mixture")["no-mixture"].changes == {"basis": 1, "pin": ()}
    assert settings.replace(**named(settings, "mixture")["no-mixture"].changes).ranks == (0,)


@pytest.mark.parametrize(
    ("techniques", "message"),
    [
        (["vews"], "expected some of views, search, .*, got vews. Did you mean 'views'"),
        ("views", "expected a list of views, .*, got a str. Put a single one in a list"),
        ([], "expected at least one that these settings make use of, got an empty list"),
        (["noise"], "expected at least one that these settings make use of, got noise"),
        ([5], "expected some of"),
    ],
)
def test_another_technique_is_refused(techniques: Any, message: str):
    with pytest.raises(InvalidInput, match=f"^techniques: {message}"):
        variants_of(Settings(noise=0.0), techniques)
