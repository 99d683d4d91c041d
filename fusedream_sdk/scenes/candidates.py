"""The candidates of a composition: every placement of every picture that is wanted, ready to be run in any part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fusedream_sdk.latents import Latents, map_latents, select
from fusedream_sdk.models.loading import Loaded
from fusedream_sdk.optim.loop import iterate
from fusedream_sdk.optim.optimisers import adam, sgd
from fusedream_sdk.optim.state import State
from fusedream_sdk.protocols import Perceptual
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.report import rendered_at_a_time
from fusedream_sdk.run.rows import Rows
from fusedream_sdk.run.task import Task, augclip, held_out, mixed, rows_at_a_time
from fusedream_sdk.runtime.chunks import all_chunks
from fusedream_sdk.scenes.consistency import Composition, make_direction
from fusedream_sdk.scenes.request import Request, layer_engines
from fusedream_sdk.scenes.scene import Scene, placed
from fusedream_sdk.scenes.starts import layer_starts


@dataclass(frozen=True)
class Candidates:
    """Rows of one batch, picture by picture and placement by placement.

    Attributes:
        scene: what draws them. request: what they are for.
        engines: of the layers.
        task: a row for each candidate; those of one picture share its seed, so that they see the same views.
        starts: where each begins, (B, k, ...).
        perceptual: the consistency's distance.
    """

    scene: Scene
    request: Request
    engines: Sequence[Engine]
    task: Task
    starts: Latents
    perceptual: Perceptual

    @classmethod
    def prepare(cls, engine: Engine, request: Request, engines: Sequence[Engine], *, progress: bool) -> Candidates:
        """Read the prompts, find where the layers begin, and place them. Errors as for `FuseDream.compose`."""
        request = request.bounded()
        engines = engines or layer_engines(engine, request.layers)
        scene, count = request.build_scene(engines), len(request.placements)
        rows = Rows.of(engine.scorer.model, request.pairs)
        starts = layer_starts(engines, request, rows, progress=progress)
        # Of what is frozen only the first of a basis is used: a picture of the user's is not copied for the others.
        starts = {n: (x[:, :1] if scene.space[n].frozen else x).repeat_interleave(count, dim=0) for n, x in starts.items()}
        basis = max(x.shape[1] for x in starts.values()) if request.scene.free else 1
        place = placed(list(request.placements) * len(rows))
        place = map_latents(lambda x: x.to(engine.device).unsqueeze(1).expand(-1, basis, -1), place)
        task = Task(engine.drawing_with(Loaded(scene, None)), rows.repeat(count), request.settings, progress)
        return cls(scene, request, engines, task, {**starts, **place}, engine.perceptual.model)

    def __len__(self) -> int:
        return len(self.task.rows)

    @property
    def groups(self) -> list[range]:
        """The rows that compete for each picture."""
        count = len(self.request.placements)
        return [range(first, first + count) for first in range(0, len(self), count)]

    def losses(self, task: Task) -> Composition:
        """Both losses of some of the rows."""
        return Composition(self.scene, augclip(task), self.perceptual, reading=self.request.scene.reading)

    def states(self, rows: list[int], until: int, state: State | None) -> Iterator[State]:
        """The states of some rows up to a step, from their start or from where they stand."""
        settings, wanted, task = self.request.settings, self.request.scene, self.task.take(rows)
        parametrisation = mixed(task, select(self.starts, rows))
        return iterate(
            *(self.losses(task), parametrisation, parametrisation.params),
            steps=until,
            direction=make_direction(wanted.direction, alpha=wanted.alpha, coefficient=wanted.coefficient),
            make_optimiser=(sgd if wanted.update == "plain" else adam)(settings.lr),
            selection=held_out(task),
            resume=state,
        )

    def at_a_time(self) -> int:
        """Rows at a time within the memory budget."""
        return rows_at_a_time(self.task, self.losses, self.starts)

    def consistency(self, latents: Latents) -> Tensor:
        """The consistency loss of clean pictures: (B,), lower is better."""
        losses = self.losses(self.task.take([0]))  # the distance knows of no prompt

        def some(rows: range) -> Tensor:
            point = select(latents, slice(rows.start, rows.stop))
            layers = [layer.float() for layer in self.scene.layers(point)]
            return losses.distance(layers, self.scene.fuse(layers, point), point).cpu()

        with torch.no_grad():
            return torch.cat(all_chunks(len(latents["position"]), rendered_at_a_time(self.scene.device), some))
