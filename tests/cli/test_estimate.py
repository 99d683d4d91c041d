"""`fusedream estimate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusedream_sdk.dream.fusedream import FuseDream

NAMES = ["models", "pictures", "bank", "each", "in all", "memory", "disk"]


def test_a_few_aligned_lines_say_time_memory_and_disk(fusedream):
    code, out, err = fusedream("estimate", "a red disc", "a blue disc", "-m", "toy", "-s", "0-2")
    assert code == 0
    lines = out.splitlines()
    assert [line[:10].strip() for line in lines] == NAMES
    assert lines[0].endswith("toy with toy: 32 x 32 pixels, float32 on cpu")
    assert lines[1][10:] == "6, one at a time"
    assert lines[2].endswith(" s, once")
    assert lines[4].endswith(" s on this machine, as busy as it is now")
    assert err == "fusedream: loading the models ...\n"


def test_json_has_every_number_and_nothing_else_is_said(fusedream):
    code, out, err = fusedream("estimate", "a red disc", "-m", "toy", "-s", "0-2", "--json", "--quiet")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert said["pictures"] == 3
    assert said["seconds"] == said["bank_seconds"] + 3 * said["picture_seconds"]
    assert said["disk"] == said["bank_bytes"] + 3 * said["picture_bytes"]
    assert said["memory"] == said["graph_bytes"] + said["held_bytes"]


def test_settings_and_methods_are_those_of_generate(fusedream):
    def said(*words: str) -> dict:
        code, out, err = fusedream("estimate", "a red disc", "-m", "toy", "--json", *words)
        assert code == 0, err
        return json.loads(out)

    assert said("--views", "40")["graph_bytes"] > said()["graph_bytes"]
    assert said("--samples", "1", "--basis", "1")["bank_bytes"] == 0
    assert said("--method", "random-search?population=8")["bank_seconds"] == 0


def test_nothing_is_written_and_once_the_bank_is_built_it_is_not_counted(fusedream, tmp_path: Path):
    fusedream("estimate", "a red disc", "-m", "toy")
    assert not list(Path().iterdir())
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    fusedream("bank", "build", "-m", "toy")
    assert "bank      nothing to build\n" in fusedream("estimate", "a red disc", "-m", "toy")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Missing argument 'PROMPT...'"),
        (("red ||",), "prompts[0]: expected parts that say something"),
        (("red", "--image-prompt", "none.png"), "image-prompt: expected an existing picture, got none.png."),
        (("red", "--method", "none-such"), "methods: expected one of"),
        (("red", "--method", "random-search", "--lr", "0.1"), "--lr: expected nothing, as random-search has no use for it"),
        (("red", "--steps", "0"), "--steps"),
        (("red", "-s", "0-9999", "--steps", "1000000", "--views", "10000"), "--steps: expected a run of at most a year"),
        (("red", "--plain", "--augment", "public"), "--plain is --augment none; got --augment public too"),
        (("red", "--device", "nowhere"), "--device: expected a device of this machine"),
    ],
)
def test_what_cannot_be_used_gives_2_before_the_models_are_loaded(words, message, fusedream, monkeypatch):
    monkeypatch.setattr(FuseDream, "__init__", lambda *args, **kwargs: pytest.fail("loaded the models"))
    code, out, err = fusedream("estimate", *words, "-m", "toy")
    assert (code, out) == (2, "")
    assert message in err


def test_models_that_are_not_there_give_2_and_faulty_ones_1(fusedream):
    assert fusedream("estimate", "red", "-m", "none-such")[0] == 2
    assert fusedream("estimate", "red", "--generator", "faulty", "--scorer", "toy")[0] != 0
    assert fusedream("estimate", "red", "--generator", "interrupted", "--scorer", "toy")[0] == 130
