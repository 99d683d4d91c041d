"""Many captions into a folder, whoever draws them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from fusedream_sdk.batch.captions import Caption
from fusedream_sdk.dream import many
from fusedream_sdk.dream.many import run_batch
from fusedream_sdk.dream.workers import NamedModels, Workers
from fusedream_sdk.errors import InvalidInput, OutputError, UnknownPlugin
from fusedream_sdk.imaging.pictures import read_recipe
from fusedream_sdk.methods.base import Method
from fusedream_sdk.run.folder import Folder
from tests.run.toys import content

CAPTIONS = ["a red disc", "a blue disc", "a green disc"]


def batch(into: Any, captions: Any = CAPTIONS, **options: Any) -> Any:
    return run_batch(captions, into, models="toy", seeds=[0, 1], progress=False, **options)


def test_a_picture_is_that_of_generate(toys: Path):
    done = batch("out")
    assert done.done
    whole = NamedModels("toy").load().generate(CAPTIONS, seeds=[0, 1], progress=False)
    assert [read_recipe(path) for path in done.pictures] == [whole.row_json(row) for row in range(6)]
    assert set(done.means()) == {"augclip", "clip", "judge"}


def test_two_processes_fill_a_folder_as_one_does_to_the_byte(toys: Path):
    captions = [Caption("a red disc"), Caption("a blue disc", settings={"bank": 40}), Caption("a green disc", seed=7)]
    batch("one", captions)
    batch("two", captions, workers=2)
    assert content(Path("one")) == content(Path("two"))


def test_a_run_of_one_goes_on_with_two_and_the_threads_of_this_process_stay(toys: Path, monkeypatch: pytest.MonkeyPatch):
    batch("whole")
    before, drawer = torch.get_num_threads(), many.Staff.executor

    def stopping(*given: Any, **options: Any) -> Any:
        executor = drawer(*given, **options)

        class Stopping:
            def run(self, units: Any) -> Any:
                yield from executor.run(units[:2])
                raise KeyboardInterrupt

        return Stopping()

    monkeypatch.setattr(many.Staff, "executor", stopping)
    assert batch("out", workers=Workers(threads=1)).stopped
    monkeypatch.setattr(many.Staff, "executor", drawer)
    assert batch(Folder("out", resume=True), workers=2).done
    assert content(Path("out")) == content(Path("whole"))
    assert torch.get_num_threads() == before


def test_a_file_is_read_by_its_name(toys: Path):
    Path("captions.txt").write_text("a red disc\n")
    assert len(batch("out", "captions.txt", steps=2)) == 2


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"into": "out.png"}, InvalidInput, "out: expected a folder for the pictures of a batch"),
        ({"into": "no/where"}, OutputError, "out: expected an existing folder"),
        ({"captions": "none.txt"}, InvalidInput, "an existing file of captions"),
        ({"steps": 0}, InvalidInput, "steps"),
        ({"stepz": 1}, InvalidInput, "stepz"),
        ({"models": "no-such"}, UnknownPlugin, "no-such"),
        ({"method": Method(), "workers": 2}, InvalidInput, "method: expected its name, as every worker loads it"),
        ({"workers": Workers(ray="127.0.0.1:1")}, InvalidInput, "ray: expected the address of a Ray cluster that answers"),
        ({"workers": 0}, InvalidInput, "workers"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_written(toys: Path, given: dict[str, Any], error: Any, words: str):
    if "ray" in words:
        pytest.importorskip("ray")
    options = {"captions": CAPTIONS, "into": "out", "models": "toy", "progress": False, **given}
    with pytest.raises(error, match=words):
        run_batch(**options)
    assert not Path("out").exists()
