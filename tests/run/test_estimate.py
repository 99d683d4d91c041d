"""What a run costs at the very least."""

from __future__ import annotations

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.run.estimate import check_work, count_views
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
            r"seeds: .* the 32 GB of this machine's memory, got 200,000 pictures of 256 x 256, about 173 GB. Draw them in",
        ),
        (100, {"samples": 5, "bank": 10**9}, {}, "seeds: expected what fits the 32 GB"),
        (1, {"views": 10_000, "steps": 1}, {"side": 1024}, "views: .*, got 10,000 views of one picture, about 126 GB. Ask for"),
    ],
)
def test_what_cannot_fit_or_end_is_refused_with_the_estimate(rows, changes, options, message):
    with pytest.raises(InvalidInput, match=message):
        check_work(rows, {**PAPER, **changes}, **options)
