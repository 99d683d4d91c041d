"""How good the picture is that a run would keep, look by look, by a model that is not optimised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.methods.base import Method
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Generator
from fusedream_sdk.run.report import render
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime.files import atomic_path
from fusedream_sdk.runtime.plain import read_json
from fusedream_sdk.scoring.augclip import fresh_score
from fusedream_sdk.scoring.prompt import PromptLike
from fusedream_sdk.scoring.target import make_target
from fusedream_sdk.scoring.views import NO_VIEWS, Stream

Points = list[tuple[int, float]]
"""(pictures drawn and scored so far, score) at each look."""


def plain_scores(judge: Loaded, images: Tensor, prompts: Sequence[PromptLike]) -> list[float]:
    """What a judge says of pictures (B, 3, H, W) as they are, higher is better."""
    with torch.no_grad():
        target = make_target(judge.model, prompts)
    seen = fresh_score(images.to(judge.device), target, [0] * len(images), views=NO_VIEWS, count=1, stream=Stream.REPORT)
    return seen.cpu().tolist()


class JudgedCourse:
    """The `watch` of a run: at each look at held-out views it draws what would be kept, and asks the judge.

    Args:
        generator: what draws. judge: that was not optimised.
        prompts: of each row of the result.
        method, settings: of the run.
        folder: takes a file for each row, so that a run which is gone on with has the course of the rows that are there; None
            keeps them in memory alone.
    """

    def __init__(
        self,
        generator: Generator,
        judge: Loaded,
        prompts: Sequence[PromptLike],
        *,
        method: Method,
        settings: Settings,
        folder: Path | None,
    ) -> None:
        self._generator, self._judge, self._prompts = generator, judge, list(prompts)
        self._method, self._settings, self._folder = method, settings, folder
        self._points: dict[int, Points] = {}

    def __call__(self, state: State, rows: Sequence[int]) -> None:
        """As of `FuseDream.generate(watch=)`."""
        if state.step % self._settings.check_every and state.step != self._settings.steps:
            return
        count = self._method.evaluations(self._settings.replace(steps=max(1, state.step)))
        images = render(self._generator, state.best.latents)
        for row, score in zip(rows, plain_scores(self._judge, images, [self._prompts[row] for row in rows]), strict=True):
            before = self._points.get(row, []) if state.step else []  # a chunk that ran out of memory begins again
            self._points[row] = [*before, (count, score)]
            self._write(row)

    def points(self, rows: Sequence[int]) -> list[Points]:
        """Of each of these rows, this run's or an earlier one's; empty where there is none."""
        return [self._points.get(row) or self._read(row) for row in rows]

    def _file(self, row: int) -> Path | None:
        return None if self._folder is None else self._folder / f"{row:06d}.json"

    def _write(self, row: int) -> None:
        file = self._file(row)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(self._points[row]) + "\n", encoding="utf-8")

    def _read(self, row: int) -> Points:
        file = self._file(row)
        with suppress(OSError, ValueError, TypeError):  # none, or damaged: the plot does without this row
            found: Any = [] if file is None else read_json(file)
            return [(int(count), float(score)) for count, score in found]
        return []
