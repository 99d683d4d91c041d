"""Films of runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

import fusedream_sdk as fd
from fusedream_sdk.dream import filming
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.optim.state import State
from fusedream_sdk.testing import ToyGenerator

QUIET: dict[str, Any] = {"progress": False}
MakeDream = Callable[..., FuseDream]


def frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        return [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(film)]


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The mean difference of two pictures; a GIF has 256 colours."""
    return float(abs(a - b).mean())


def test_a_film_has_a_frame_for_every_step_and_ends_at_the_finished_picture(make_dream: MakeDream, tmp_path: Path):
    dream = make_dream(settings={"lr": 0.3, "noise": 0.2})
    seen: list[State] = []
    made = dream.generate("a red ball", film=tmp_path / "a.gif", watch=lambda state, rows: seen.append(state), **QUIET)
    shown = frames(tmp_path / "a.gif")
    assert shown[0].shape == (256, 256, 3)  # a pixel of 16 x 16 is a square of 16
    assert len(shown) == 6 + 1 + 1  # steps, the first point, and the finished picture
    for state, frame in zip(seen, shown, strict=False):
        assert apart(frame[8::16, 8::16], np.asarray(to_pil(state.evaluation.images[0])).astype(int)) < 4
    assert apart(shown[-1][8::16, 8::16], np.asarray(made.pil[0]).astype(int)) < 4
    assert os.listdir(tmp_path) == ["a.gif"]


def test_the_last_frame_is_held(dream: FuseDream, tmp_path: Path):
    dream.generate("a red ball", film=fd.Filming(tmp_path / "a.gif", fps=10, hold=1.5), **QUIET)
    with Image.open(tmp_path / "a.gif") as film:
        lasts = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
    assert lasts[0] == 100
    assert lasts[-1] >= 1500


def test_a_film_may_show_fewer_steps_and_always_the_last(dream: FuseDream, tmp_path: Path):
    dream.generate("a red ball", steps=7, noise=0.2, film=fd.Filming(tmp_path / "a.gif", every=3), **QUIET)
    assert len(frames(tmp_path / "a.gif")) == 4 + 1  # 0, 3, 6, 7, and the finished picture


def test_long_runs_have_at_most_a_hundred_frames(dream: FuseDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filming, "FRAMES", 4)
    dream.generate("a red ball", steps=12, film=tmp_path / "a.gif", **QUIET)
    assert len(frames(tmp_path / "a.gif")) <= 4 + 2


def test_rows_stand_side_by_side_as_on_a_sheet(dream: FuseDream, tmp_path: Path):
    made = dream.generate(["a red ball", "a blue ball"], seeds=[0, 1], film=tmp_path / "a.gif", **QUIET)
    last, times = frames(tmp_path / "a.gif")[-1], 256 // 34
    assert last.shape == (34 * times, 34 * times, 3)
    assert apart(last[::times, ::times], np.asarray(made.sheet()).astype(int)) < 4


def test_of_a_row_that_has_not_begun_the_film_is_white_at_first(dream: FuseDream, tmp_path: Path):
    stopped = 0

    def stop(state: State, rows: Any) -> None:
        nonlocal stopped
        if rows[0] == 1 and state.step == 2:
            stopped += 1
            raise KeyboardInterrupt

    made = dream.generate(["a red ball", "a blue ball", "a green ball"], film=tmp_path / "a.gif", watch=stop, **QUIET)
    assert (stopped, len(made)) == (1, 2)
    last = frames(tmp_path / "a.gif")[-1]
    times = 256 // 52
    cell = last[:, (16 + 2) * 2 * times :]
    assert cell.min() > 250
    assert apart(last[: 16 * times : times, : 16 * times : times], np.asarray(made.pil[0]).astype(int)) < 4


def test_whatever_ends_a_run_what_was_filmed_is_there(dream: FuseDream, tmp_path: Path):
    def fail(state: State, rows: Any) -> None:
        if state.step == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dream.generate("a red ball", film=tmp_path / "a.gif", watch=fail, **QUIET)
    assert len(frames(tmp_path / "a.gif")) == 4


def test_an_interrupted_folder_that_goes_on_shows_what_was_there_as_it_is(dream: FuseDream, tmp_path: Path):
    def stop(state: State, rows: Any) -> None:
        if rows[0] == 1:
            raise KeyboardInterrupt

    prompts, into = ["a red ball", "a blue ball"], tmp_path / "out"
    dream.generate(prompts, into=into, watch=stop, **QUIET)
    made = dream.generate(prompts, into=fd.Folder(into, resume=True), film=tmp_path / "a.gif", **QUIET)
    shown, times = frames(tmp_path / "a.gif"), 256 // 34
    for frame in (shown[0], shown[-1]):
        assert apart(frame[::times, ::times][:, :16], np.asarray(made.pil[0]).astype(int)) < 4
    assert apart(shown[-1][::times, ::times][:, 18:], np.asarray(made.pil[1]).astype(int)) < 4


@pytest.mark.parametrize("method", ["clip-adam", "random-search?population=4", fd.Method()], ids=str)
def test_every_method_can_be_filmed(dream: FuseDream, tmp_path: Path, method: Any):
    dream.generate("a red ball", method=method, film=tmp_path / "a.gif", **QUIET)
    assert len(frames(tmp_path / "a.gif")) >= 2


def test_large_pictures_are_shrunk(make_dream: MakeDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filming, "SIDES", (8, 24))
    dream = make_dream(generator=ToyGenerator(48))
    made = dream.generate("a red ball", film=tmp_path / "a.gif", **QUIET)
    last = frames(tmp_path / "a.gif")[-1]
    assert last.shape == (24, 24, 3)
    small = torch.nn.functional.avg_pool2d(made.images, 2)[0]
    assert apart(last, np.asarray(to_pil(small)).astype(int)) < 6


def test_an_mp4_is_written_frame_by_frame(dream: FuseDream, tmp_path: Path):
    pytest.importorskip("imageio_ffmpeg")
    dream.generate("a red ball", film=tmp_path / "a.mp4", **QUIET)
    assert b"ftyp" in (tmp_path / "a.mp4").read_bytes()[:16]


def test_a_film_that_cannot_be_written_in_the_end_costs_no_picture(
    dream: FuseDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*given: Any, **options: Any) -> None:
        raise OutputError("film: the disk is full.")

    monkeypatch.setattr(filming, "write_film", full)
    with pytest.warns(UserWarning, match=r"the film could not be written: film: the disk is full\."):
        assert len(dream.generate("a red ball", film=tmp_path / "a.gif", **QUIET)) == 1


@pytest.mark.parametrize(
    ("film", "message"),
    [
        ("a.avi", r"film: expected a file that ends in \.gif or \.mp4, got a\.avi"),
        (3, "film: expected a path, got a int"),
    ],
)
def test_a_film_of_another_kind_is_refused_before_anything_is_drawn(dream: FuseDream, film: Any, message: str):
    with pytest.raises(InvalidInput, match=message):
        dream.generate("a red ball", film=film, watch=lambda state, rows: pytest.fail("it draws"), **QUIET)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every: expected an integer of at least 1, got 0"),
        ({"fps": 0}, "fps: expected an integer of at least 1, got 0"),
        ({"hold": -1}, "hold: expected a number of seconds from 0 to 60, got -1"),
        ({"hold": float("nan")}, "hold: expected a number of seconds from 0 to 60, got nan"),
        ({"overwrite": "no"}, "overwrite: expected True or False, got no"),
    ],
)
def test_numbers_of_a_film_are_checked(tmp_path: Path, options: dict[str, Any], message: str):
    with pytest.raises(InvalidInput, match=message):
        fd.Filming(tmp_path / "a.gif", **options)


def test_an_existing_film_is_kept_unless_it_may_be_replaced(dream: FuseDream, tmp_path: Path):
    (tmp_path / "a.gif").write_text("mine")
    with pytest.raises(OutputError, match="film: expected a new file"):
        dream.generate("a red ball", film=tmp_path / "a.gif", **QUIET)
    dream.generate("a red ball", film=fd.Filming(tmp_path / "a.gif", overwrite=True), **QUIET)
    assert len(frames(tmp_path / "a.gif")) > 1


def test_too_many_rows_for_one_film_are_refused(dream: FuseDream, tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"film: expected at most 64 pictures, side by side, got 65 of them"):
        dream.generate("a red ball", seeds=range(65), film=tmp_path / "a.gif", **QUIET)


def test_the_film_of_a_composition_shows_all_candidates_and_ends_at_them(dream: FuseDream, tmp_path: Path):
    places: dict[str, Any] = {"places": ["left", "right", "centre"], "scales": 0.5}
    made = dream.compose(["red ball", "blue ball"], film=tmp_path / "a.gif", steps=3, noise=0.2, **places, **QUIET)
    shown = frames(tmp_path / "a.gif")
    assert len(shown) == 3 + 1 + 1
    side, gap = made.images.shape[-1], filming.GAP
    times = shown[0].shape[1] // (3 * (side + gap) - gap)
    for row, picture in enumerate(made.candidates.pil):
        y, x = (times * (side + gap) * place for place in divmod(row, 3))
        cell = shown[-1][y : y + times * side : times, x : x + times * side : times]
        assert apart(cell, np.asarray(picture).astype(int)) < 6


def test_a_film_of_too_many_candidates_is_refused(dream: FuseDream, tmp_path: Path):
    with pytest.raises(InvalidInput, match="film: expected at most 64 pictures"):
        dream.compose("red ball", seeds=list(range(8)), scales=[0.3, 0.5], film=tmp_path / "a.gif", **QUIET)
    assert not list(tmp_path.iterdir())
