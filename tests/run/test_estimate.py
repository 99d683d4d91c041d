"""What a run costs at the very least."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.estimate import Estimate, bytes_in_words, check_work, count_views, duration
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime import room

PAPER = vars(Settings())


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "total_memory", lambda: 32_000_000_000)


def test_the_views_of_a_run_are_counted():
    numbers = {"steps": 9, "views": 5, "check_every": 3, "check_views": 2, "report_views": 7, "samples": 2, "bank": 100}
    assert count_views(2, numbers) == 2 * (10 * 5 + 4 * 2 + 7) + 100
    assert count_views(2, numbers, members=3) == 2 * (3 * 10 * 5 + 4 * 2 + 7) + 100
    assert count_views(2, {**numbers, "samples": 1}) == 2 * (10 * 5 + 4 * 2 + 7)
    assert count_views(3, {}) == 3 * (2 + 1)


@pytest.mark.parametrize("rows", [1, 100, 10_000])
def test_what_people_ask_for_is_taken(rows: int):
    check_work(rows, PAPER, canvas=(256, 256), side=224)
    check_work(1, {**PAPER, "steps": 1_000_000, "bank": 10_000_000})
    check_work(10_000, {**PAPER, "samples": 5, "bank": 1_000_000})  # scores in a bank are held for a few rows at a time


@pytest.mark.parametrize(
    ("rows", "changes", "options", "message"),
    [
        (1_000_001, {}, {}, "seeds: expected at most 1,000,000 pictures, got 1,000,001. Draw them in several calls."),
        (
            1_000,
            {"steps": 1_000_000, "views": 10_000},
            {},
            r"steps: expected a run of at most a year at 100,000 views a second, got one of 3 years \(1e\+13 views\).",
        ),
        (10, {"steps": 1_000_000, "views": 10_000}, {"members": 1_000}, r"steps: expected a run of at most a year .* 32 years"),
        (
            200_000,
            {"steps": 1},
            {"canvas": (256, 256)},
            r"seeds: .* the 32 GB of this machine's memory, got 200,000 pictures of 256 x 256, about 157 GB. Draw them in",
        ),
        (1, {"views": 10_000, "steps": 1}, {"side": 1024}, "views: .*, got 10,000 views of one picture, about 126 GB. Ask for"),
    ],
)
def test_what_cannot_fit_or_end_is_refused_with_the_estimate(rows, changes, options, message):
    with pytest.raises(InvalidInput, match=message):
        check_work(rows, {**PAPER, **changes}, **options)


MEASURED = Estimate(
    models="toy with toy: 32 x 32 pixels, float32 on cpu",
    pictures=3,
    at_once=1,
    bank_seconds=90.0,
    picture_seconds=2.25,
    graph_bytes=5_000_000,
    held_bytes=1_000,
    bank_bytes=7_000,
    picture_bytes=2_000,
)


def test_an_estimate_adds_up_its_parts():
    assert (MEASURED.seconds, MEASURED.memory, MEASURED.disk) == (96.75, 5_001_000, 13_000)
    plain = MEASURED.to_json()
    assert (plain["picture_seconds"], plain["seconds"], plain["memory"], plain["disk"]) == (2.25, 96.75, 5_001_000, 13_000)


def test_an_estimate_is_a_few_aligned_lines():
    assert str(MEASURED).splitlines() == [
        "models    toy with toy: 32 x 32 pixels, float32 on cpu",
        "pictures  3, one at a time",
        "bank      90 s, once",
        "each      2.2 s",
        "in all    97 s on this machine, as busy as it is now",
        "memory    5.0 MB above the models: 5.0 MB for rows at work, 1.0 kB for what is kept",
        "disk      13.0 kB in a folder, the bank included",
    ]
    ready = replace(MEASURED, bank_seconds=0.0, bank_bytes=0, at_once=2)
    assert str(ready).splitlines()[1:3] == ["pictures  3, 2 at a time", "bank      nothing to build"]
    assert str(ready).endswith("6.0 kB in a folder")
    assert "picture_seconds=2.25" in repr(ready)
    assert MEASURED._repr_html_().count("<tr>") == 7
    assert "90 s, once" in MEASURED._repr_html_()


def test_times_and_sizes_are_told_in_units_of_people():
    times = [duration(x) for x in (0.0421, 9.4, 63.0, 100.0, 7200.0, 1_000_000.0)]
    assert times == ["0.042 s", "9.4 s", "63 s", "1.7 min", "2.0 h", "11.6 days"]
    assert [bytes_in_words(x) for x in (10, 2e3, 5e6, 7e12)] == ["0.0 kB", "2.0 kB", "5.0 MB", "7,000.0 GB"]
