"""What was found, in words and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fusedream_sdk.speed.table import LOOKS, Bench, Compiling, Stage

FOUND = Bench(
    models="a with b: 64 x 64 pixels, float32 on cpu",
    device="a processor",
    threads=2,
    torch="2",
    views=50,
    rows=1,
    rounds=5,
    check_every=10,
    step=0.1,
    stages=(Stage("generator", 0.03, 1e9), Stage("score", 0.05, 0.0), Stage(LOOKS, 0.01, 1e8)),
    limit=1e11,
    reference=0.2,
    ratio=2.0,
    without_looks=2.2,
    memory=300_000_000,
    reference_memory=None,
)


def test_the_stages_and_the_rest_are_the_whole():
    assert FOUND.rest == pytest.approx(0.01)
    assert sum(stage.seconds for stage in FOUND.table[:-1]) == pytest.approx(FOUND.step)
    assert sum(stage.flop for stage in FOUND.table[:-1]) == FOUND.flop == 1.1e9


def test_a_share_is_of_what_the_machine_could_have_done():
    assert FOUND.stages[0].share(FOUND.limit) == pytest.approx(1 / 3)
    assert Stage("nothing", 0.0, 0.0).share(FOUND.limit) == 0
    assert FOUND.table[-1].share(FOUND.limit) == pytest.approx(0.11)


def test_the_table_says_all_of_it():
    text = FOUND.to_markdown()
    assert str(FOUND) == text
    assert text.splitlines() == [
        "a with b: 64 x 64 pixels, float32 on cpu",
        "a processor, 2 threads, torch 2",
        "50 views, 1 row; medians of 5 rounds",
        "",
        "| stage | ms | of the step | GFLOP | of the limit |",
        "| --- | --- | --- | --- | --- |",
        "| generator | 30.0 | 30% | 1.00 | 33% |",
        "| score | 50.0 | 50% |  |  |",
        f"| {LOOKS} | 10.0 | 10% | 0.10 | 10% |",
        "| rest | 10.0 | 10% |  |  |",
        "| step | 100.0 | 100% | 1.10 | 11% |",
        "",
        "limit of this machine: 100 GFLOP per second",
        "public code's loop, restated, with these models: 200.0 ms per step",
        "ratio of its step to ours: 2.00, without looks at held-out views 2.20",
        "peak memory of a step: 300.0 MB; of one of the public code's loop: not measured",
    ]
    assert "1 thread, torch" in replace(FOUND, threads=1).to_markdown()
    assert "1 view, 3 rows, each number of one" in replace(FOUND, views=1, rows=3).to_markdown()


def test_json_has_every_number_by_its_name():
    said = json.loads(json.dumps(FOUND.to_json()))
    assert said["stages"][0] == {"name": "generator", "seconds": 0.03, "flop": 1e9, "share": pytest.approx(1 / 3)}
    assert said["rest"] == pytest.approx(0.01)
    assert said["share"] == pytest.approx(0.11)
    assert (said["ratio"], said["without_looks"], said["memory"], said["reference_memory"]) == (2.0, 2.2, 300_000_000, None)


def test_compiling_says_how_many_pictures_pay_for_it():
    pays = Compiling(seconds=30.0, uncompiled=0.12, ratio=1.2, steps=200)
    assert pays.pictures == pytest.approx(30 / (200 * 0.02))
    said = "compiling took 30.0 s; a step without it takes 120.0 ms, 1.20 times as long: 8 pictures of 200 steps pay for it"
    assert replace(FOUND, compiling=pays).to_markdown().splitlines()[-1] == said
    assert json.loads(json.dumps(replace(FOUND, compiling=pays).to_json()))["compiling"]["pictures"] == pays.pictures


def test_compiling_that_makes_a_step_no_faster_does_not_pay():
    lost = replace(FOUND, compiling=Compiling(seconds=30.0, uncompiled=0.09, ratio=0.9, steps=200))
    assert lost.to_markdown().endswith("it does not pay")
    assert lost.to_json()["compiling"]["pictures"] is None
    assert FOUND.to_json()["compiling"] is None


def test_a_notebook_shows_the_same_table():
    html = FOUND._repr_html_()
    assert html.count("<tr>") == 1 + len(FOUND.table)
    assert "300.0 MB" in html
