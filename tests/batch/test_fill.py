"""Folders that fill with the rows of a batch, and go on."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.batch.captions import Caption
from fusedream_sdk.batch.executor import Drawn, Here
from fusedream_sdk.batch.fill import as_asked, fill
from fusedream_sdk.batch.plan import Job, Unit, settled, wanted_rows
from fusedream_sdk.batch.table import Batch
from fusedream_sdk.errors import InvalidInput, OutputError, WorkerLost
from fusedream_sdk.run import folder as folders
from fusedream_sdk.run.folder import Folder
from fusedream_sdk.run.result import Result
from fusedream_sdk.run.settings import Settings
from tests.batch.toys import painted
from tests.run.toys import content

CAPTIONS = [Caption("a dog"), Caption("a cat", settings={"steps": 5}), Caption("a frog"), Caption("a duck", seed=9)]


class Ending:
    """An executor that draws so many rows, and then ends in a way."""

    def __init__(
        self, rows: int, end: BaseException | None = None, *, backwards: bool = False, lost: int | None = None
    ) -> None:
        self.rows, self.end, self.backwards, self.lost = rows, end, backwards, lost
        self.asked: list[int] = []
        self.closed = False

    def __call__(self, left: Sequence[Job]) -> Ending:
        self.asked = [job.number for job in left]
        return self

    def run(self, units: Sequence[Unit]) -> Iterator[Drawn]:
        try:
            for unit in list(reversed(units) if self.backwards else units)[: self.rows]:
                number = unit[0].number
                yield Drawn(number, None, "no picture") if number == self.lost else next(Here(painted).run([unit]))
            if self.end is not None:
                raise self.end
        finally:
            self.closed = True


def filled(into: Any, executor: Ending, captions: Sequence[Caption] = CAPTIONS, **options: Any) -> Batch:
    rows = wanted_rows(captions, 0)
    jobs = settled(rows, lambda own: Settings(steps=3).replace(**own))
    folder = into if isinstance(into, Folder) else Folder(into)
    return fill(folder, rows, jobs, {"models": "toy"}, executor, progress=False, **options)


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, bytes]:
    assert filled(tmp_path / "whole", Ending(9)).done
    return content(tmp_path / "whole")


def test_a_whole_folder_has_pictures_tensors_a_table_and_one_manifest(tmp_path: Path, undisturbed: dict[str, bytes]):
    stems = ["00-a-dog-seed0", "01-a-cat-seed0", "02-a-frog-seed0", "03-a-duck-seed9"]
    assert set(undisturbed) == {
        *(f"{stem}.png" for stem in stems),
        *(f"tensors/{stem}.safetensors" for stem in stems),
        *("manifest.json", "rows.csv"),
    }
    asked = json.loads(undisturbed["manifest.json"])["asked"]
    assert asked["prompts"] == ["a dog", "a cat", "a frog", "a duck"]
    assert asked["settings_of"] == [0, 1, 0, 0]
    assert [settings["steps"] for settings in asked["settings"]] == [3, 5]
    assert Result.load_part(tmp_path / "whole" / "tensors" / f"{stems[3]}.safetensors").seeds == (9,)


def test_the_order_in_which_rows_come_does_not_matter(tmp_path: Path, undisturbed: dict[str, bytes]):
    filled(tmp_path / "out", Ending(9, backwards=True))
    assert content(tmp_path / "out") == undisturbed


@pytest.mark.parametrize("end", [KeyboardInterrupt(), OSError("killed"), WorkerLost("workers: 3 died")])
def test_whatever_ends_a_run_what_is_done_stays_and_it_goes_on(tmp_path: Path, undisturbed: dict[str, bytes], end: Any):
    executor = Ending(2, end)
    if isinstance(end, KeyboardInterrupt):
        batch = filled(tmp_path / "out", executor)
        assert (batch.stopped, len(batch)) == (True, 2)
    else:
        with pytest.raises(type(end)):
            filled(tmp_path / "out", executor)
    assert executor.closed
    rest = Ending(9)
    assert filled(Folder(tmp_path / "out", resume=True), rest).done
    assert rest.asked == [2, 3]
    assert content(tmp_path / "out") == undisturbed


def test_a_ctrl_c_before_anything_is_there_is_one(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        filled(tmp_path / "out", Ending(0, KeyboardInterrupt()))


def test_a_damaged_row_is_drawn_again_and_a_missing_picture_written_again(tmp_path: Path, undisturbed: dict[str, bytes]):
    filled(tmp_path / "out", Ending(9))
    (tmp_path / "out" / "tensors" / "00-a-dog-seed0.safetensors").write_bytes(b"half")
    (tmp_path / "out" / "02-a-frog-seed0.png").unlink()
    again = Ending(9)
    filled(Folder(tmp_path / "out", resume=True), again)
    assert again.asked == [0]
    assert content(tmp_path / "out") == undisturbed


def test_where_nothing_is_left_nobody_is_asked(tmp_path: Path, undisturbed: dict[str, bytes]):
    again = Ending(9)
    assert filled(Folder(tmp_path / "whole", resume=True), again).done
    assert (again.asked, again.closed) == ([], False)
    assert content(tmp_path / "whole") == undisturbed


def test_a_row_that_is_lost_is_told_and_tried_again_the_next_time(tmp_path: Path, undisturbed: dict[str, bytes]):
    batch = filled(tmp_path / "out", Ending(9, lost=1))
    assert (batch.lost, batch.done) == ({1: "no picture"}, False)
    assert ",lost," in (tmp_path / "out" / "rows.csv").read_text()
    filled(Folder(tmp_path / "out", resume=True), Ending(9))
    assert content(tmp_path / "out") == undisturbed


def test_where_none_of_the_first_rows_can_be_drawn_it_ends(tmp_path: Path):
    def none(some: Sequence[Job]) -> Result:
        raise ValueError("a broken model")

    rows = wanted_rows([Caption("a dog")] * 30, 0)
    jobs = settled(rows, lambda own: Settings())
    with pytest.raises(WorkerLost, match=r"none of the first 10 rows could be drawn.*ValueError: a broken model"):
        fill(Folder(tmp_path / "out"), rows, jobs, {}, lambda left: Here(none), progress=False)


def test_another_request_is_not_gone_on_with(tmp_path: Path):
    filled(tmp_path / "out", Ending(2, KeyboardInterrupt()))
    with pytest.raises(InvalidInput, match=r"resume: expected what .* was begun with"):
        filled(Folder(tmp_path / "out", resume=True), Ending(9), CAPTIONS[:3])


def test_overwriting_takes_no_tensors_of_before(tmp_path: Path):
    filled(tmp_path / "out", Ending(9))
    (tmp_path / "out" / "tensors" / "mine.txt").write_text("not yours")
    begun = Ending(9)
    filled(Folder(tmp_path / "out", overwrite=True), Ending(1, KeyboardInterrupt()))
    filled(Folder(tmp_path / "out", resume=True), begun)
    assert begun.asked == [1, 2, 3]
    assert (tmp_path / "out" / "tensors" / "mine.txt").exists()


def test_a_full_disk_is_told_and_what_is_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, bytes]
):
    write, executor = folders.save_png, Ending(9)

    def full(picture: Any, path: Path, *rest: Any, **options: Any) -> None:
        if path.parent == tmp_path / "out" and path.name.startswith("02"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(picture, path, *rest, **options)

    monkeypatch.setattr(folders, "save_png", full)
    with pytest.raises(OutputError, match=r"No space left.*2 of 4 pictures are saved"):
        filled(tmp_path / "out", executor)
    assert executor.closed
    monkeypatch.setattr(folders, "save_png", write)
    filled(Folder(tmp_path / "out", resume=True), Ending(9))
    assert content(tmp_path / "out") == undisturbed


def test_settings_that_all_rows_share_are_said_once():
    jobs = settled(wanted_rows([Caption("a dog")] * 3, 0), lambda own: Settings())
    assert set(as_asked(jobs)) == {"settings", "prompts", "seeds"}
