"""What is said to a person, and to a program."""

from __future__ import annotations

import contextvars
import io
import json
import math
import re
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import click
import pytest

from fusedream_sdk.cli import fusedream as group
from fusedream_sdk.cli import main, speech
from fusedream_sdk.optim.status import Status
from fusedream_sdk.runtime import progress
from fusedream_sdk.speed import bench as benching

DRAWING = {"generate", "batch", "compose", "invert", "replay", "interpolate"}
MEASURING = {"compare", "evaluate", "ablate", "estimate", "bench"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def the_hub_is_asked_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in speech.OF_THE_HUB:
        monkeypatch.setenv(name, "")


def objects(out: str) -> list[dict[str, Any]]:
    """What was told to a program: an object in every line, and nothing else."""
    return [json.loads(line, parse_constant=lambda word: pytest.fail(word)) for line in out.splitlines()]


def test_words_for_a_person_leave_stdout_to_results(capsys):
    speech.say("done.")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "fusedream: done.\n")


def test_a_line_has_an_end(capsys):
    speech.say("x" * 100_000)
    assert len(capsys.readouterr().err) < 1_300


def test_whoever_is_silent_says_errors_alone(capsys):
    def quietly() -> None:
        progress.silence()
        speech.say("loading ...")
        speech.complain("broken.")

    contextvars.copy_context().run(quietly)
    assert capsys.readouterr().err == "fusedream: broken.\n"


def test_every_verb_that_draws_or_measures_has_both_options():
    have = {name for name, verb in group.commands.items() if {"quiet", "json"} <= {param.name for param in verb.params}}
    assert have >= DRAWING | MEASURING


def test_values_are_what_json_has():
    facts = {"path": Path("a.png"), "scores": {"clip": math.nan, "augclip": 0.5}, "status": Status.DONE, "seeds": (1, 2)}
    scores = {"clip": None, "augclip": 0.5}
    assert speech.plain(facts) == {"path": "a.png", "scores": scores, "status": "done", "seeds": [1, 2]}
    assert type(speech.plain(Status.DONE)) is str


def test_without_a_verb_results_are_words(capsys):
    speech.tell("a.png  0.5", "picture", {"path": "a.png"})
    assert capsys.readouterr().out == "a.png  0.5\n"
    assert not speech.as_json()


def test_pictures_are_told_to_a_program_an_object_a_line(fusedream):
    code, out, err = fusedream("generate", "a red disc", "a blue disc", "-m", "toy", "-s", "1,2", "-o", "out", "--json")
    assert code == 0
    assert err == "fusedream: loading the models ...\n"
    found = objects(out)
    assert [(one["kind"], one["prompt"], one["seed"], one["status"]) for one in found] == [
        ("picture", prompt, seed, "done") for prompt in ("a red disc", "a blue disc") for seed in (1, 2)
    ]
    assert all(Path(one["path"]).is_file() and set(one["scores"]) == {"augclip", "clip", "judge"} for one in found)


def test_each_verb_tells_its_kind(fusedream, monkeypatch: pytest.MonkeyPatch):
    told: dict[str, dict[str, Any]] = {}

    def run(verb: str, *words: str) -> None:
        code, out, err = fusedream(verb, *words, "--json", "--quiet")
        assert (code, err) == (0, ""), verb
        told[verb] = objects(out)[-1]

    Path("captions.txt").write_text("a red disc\na blue disc\n")
    run("generate", "a red disc", "-m", "toy", "-o", "a.png")
    run("generate", "a blue disc", "-m", "toy", "-o", "b.png")
    run("compose", "a red disc", "-m", "toy", "-o", "c.png", "--place", "top")
    run("invert", "a.png", "-m", "toy", "-o", "d.png", "--steps", "2", "--trial", "1")
    run("batch", "captions.txt", "-m", "toy", "-o", "many")
    run("replay", "a.png", "-o", "e.png")
    run("interpolate", "a.png", "b.png", "-o", "f.gif", "--frames", "2")
    run("compare", "a red disc", "--methods", "fusedream,clip-adam", "-m", "toy", "-o", "g.png", "--steps", "2")
    run("evaluate", "many", "--judge", "toy")
    run("estimate", "a red disc", "-m", "toy")
    monkeypatch.setattr(benching, "peak", lambda task, kind: None)
    run("bench", "-m", "toy", "--rounds", "1", "--views", "2")
    kinds = {verb: one["kind"] for verb, one in told.items()}
    assert kinds == {
        **dict.fromkeys(("generate", "compose", "replay"), "picture"),
        "invert": "inversion",
        "batch": "batch",
        "interpolate": "film",
        "compare": "comparison",
        "evaluate": "evaluation",
        "estimate": "estimate",
        "bench": "bench",
    }
    assert told["compose"]["placement"] == {"place": "top", "scale": 0.5, "x": 0.0, "y": -1.0}
    assert told["invert"]["picture"] == "a.png"
    assert (told["batch"]["pictures"], told["batch"]["lost"], told["batch"]["stopped"]) == (2, 0, False)
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    for one in told.values():
        assert set(re.findall(r"`(\w+)`", listed[one["kind"]])) >= set(one) - {"kind"}, one["kind"]


def test_a_batch_tells_every_row_and_why_one_is_lost(fusedream):
    Path("captions.jsonl").write_text('{"prompt": "a red disc"}\n{"prompt": "a blue disc", "seed": 3}\n')
    code, out, _ = fusedream("batch", "captions.jsonl", "-m", "toy", "-o", "many", "--json", "--quiet")
    *rows, whole = objects(out)
    assert code == 0
    assert [(row["kind"], row["row"], row["seed"], row["status"]) for row in rows] == [
        ("picture", 0, 0, "done"),
        ("picture", 1, 3, "done"),
    ]
    assert whole["means"] == pytest.approx({name: sum(row["scores"][name] for row in rows) / 2 for name in rows[0]["scores"]})


def test_quiet_says_errors_alone_and_no_longer_than_its_verb(fusedream):
    assert fusedream("generate", "a red disc", "-m", "toy", "-o", "a.png", "-q")[2] == ""
    code, out, err = fusedream("generate", "a red disc", "-m", "toy", "-o", "a.png", "--quiet")
    assert (code, out) == (2, "")
    assert err.startswith("fusedream: --out: expected a new file, but a.png exists")
    assert fusedream("generate", "a", "-q", "--nothing")[2].startswith("fusedream: No such option")
    assert fusedream("generate", "a red disc", "-m", "toy", "-o", "b.png")[2] == "fusedream: loading the models ...\n"


def test_quiet_takes_away_warnings_notes_and_bars(monkeypatch: pytest.MonkeyPatch):
    @click.command()
    @speech.told_options
    def noisy() -> None:
        import logging
        import warnings

        warnings.simplefilter("always")
        warnings.warn("it may differ.", stacklevel=1)
        logging.getLogger("fusedream_sdk.noisy").info("a note.")
        shown.append(progress.is_silent())

    shown: list[bool] = []
    monkeypatch.setitem(group.commands, "noisy", noisy)
    terminal = io.StringIO()
    with redirect_stderr(terminal):
        assert main(["noisy", "-q"]) == 0
        assert terminal.getvalue() == ""
        assert main(["noisy"]) == 0
    assert terminal.getvalue() == "fusedream: warning: it may differ.\nfusedream: a note.\n"
    assert shown == [True, False]
    assert sys.stderr is not terminal
