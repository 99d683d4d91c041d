"""`fusedream bench`."""

from __future__ import annotations

import json

import pytest

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.speed import bench as benching
from fusedream_sdk.speed.stages import WORK
from fusedream_sdk.speed.table import LOOKS


@pytest.fixture(autouse=True)
def small_product(monkeypatch) -> None:
    monkeypatch.setitem(benching.SIDES, "cpu", 64)


def test_a_table_of_the_stages_for_a_person(fusedream):
    code, out, err = fusedream("bench", "-m", "toy", "--views", "2", "--rounds", "1")
    assert code == 0
    assert [line.split(" | ")[0][2:] for line in out.splitlines() if line.startswith("| ")][2:] == [
        *WORK,
        LOOKS,
        "rest",
        "step",
    ]
    assert out.startswith("toy with toy: 32 x 32 pixels, float32 on cpu\n")
    assert "2 views, 1 row; medians of 1 rounds" in out
    assert "not measured" not in out
    assert err.startswith("fusedream: loading the models ...\n")


def test_json_has_every_number_and_nothing_else_is_said(fusedream, monkeypatch):
    monkeypatch.setattr(benching, "peak", lambda task, kind: 1000)
    words = ("--views", "3", "--rows", "2", "--rounds", "2", "--augment", "public", "--json", "--quiet")
    code, out, err = fusedream("bench", "-m", "toy", *words)
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert (said["views"], said["rows"], said["rounds"], said["memory"]) == (3, 2, 2, 1000)
    assert sum(stage["seconds"] for stage in said["stages"]) + said["rest"] == pytest.approx(said["step"])


def test_the_emoji_world_spends_its_step_in_its_models(fusedream, monkeypatch):
    monkeypatch.setattr(benching, "peak", lambda task, kind: None)
    code, out, _ = fusedream("bench", "--models", "emoji-tiny", "--views", "2", "--rounds", "1", "--json")
    assert code == 0
    said = json.loads(out)
    flop = {stage["name"]: stage["flop"] for stage in said["stages"]}
    models = [flop[name] for name in ("generator", "scorer", "back through the scorer", "back through the generator")]
    assert min(models) > 1e8
    assert sum(models) > 0.9 * (said["flop"] - flop[LOOKS])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rounds", "0"), "'--rounds': expected an integer of at least 1"),
        (("--views", "0"), "'--views': expected an integer of at least 1"),
        (("--rows", "many"), "'--rows': expected an integer of at least 1"),
        (("--memory-gb", "3"), "--memory-gb: expected nothing, as every row that is asked for is in the step. Leave it out."),
        (("--dtype", "int8"), "--dtype: expected 'auto' or one of"),
        (("--device", "nowhere"), "--device: expected a device of this machine"),
        (("a red apple",), "unexpected extra argument"),
    ],
)
def test_what_cannot_be_used_gives_2_before_the_models_are_loaded(words, message, fusedream, monkeypatch):
    monkeypatch.setattr(FuseDream, "__init__", lambda *args, **kwargs: pytest.fail("loaded the models"))
    code, out, err = fusedream("bench", *words, "-m", "toy")
    assert (code, out) == (2, "")
    assert message in err


def test_views_without_random_ones_and_models_that_are_not_there_give_2(fusedream):
    code, out, err = fusedream("bench", "-m", "toy", "--augment", "none", "--views", "3")
    assert (code, out) == (2, "")
    assert "--views: expected nothing, as without random views there is one, got 3" in err
    assert fusedream("bench", "-m", "none-such")[0] == 2
