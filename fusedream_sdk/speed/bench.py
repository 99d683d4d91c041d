"""What a step takes, stage by stage, against the machine's limit and against the public code's loop."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.methods.fusedream import fusedream
from fusedream_sdk.models.compiled import CompiledModel
from fusedream_sdk.run.engine import Engine
from fusedream_sdk.run.estimate import check_work
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.run.task import Task
from fusedream_sdk.runtime.bounds import ROUNDS, STEPS, TOGETHER
from fusedream_sdk.runtime.checks import check_flag, kind_of
from fusedream_sdk.runtime.progress import Advance, bar
from fusedream_sdk.speed.memory import peak
from fusedream_sdk.speed.stages import WORK, Stopwatch, watched_method, watched_task
from fusedream_sdk.speed.steps import Step, blind, our_look, our_step, share_of_looks, task_of, their_step
from fusedream_sdk.speed.table import LOOKS, Bench, Compiling, Stage

if TYPE_CHECKING:
    from fusedream_sdk.dream.fusedream import FuseDream

SIDES = {"cpu": 2048, "cuda": 8192}  # of the square product: large enough to reach the best rate that products have
VIEWS = 50  # of the public code
PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Round:
    """Seconds of what took turns, of all rows; of the stages by their names. `uncompiled`: of a step with its look."""

    ours: float
    stages: Mapping[str, float]
    reference: float
    look: float
    product: float
    uncompiled: float


def bench(
    dream: FuseDream, *, views: int | None = None, rows: int = 1, rounds: int = 5, progress: bool = False, **changes: Any
) -> Bench:
    """Run a few steps, of ours and of the public code's loop in turns, and say what they take. Nothing is kept.

    The stages are timed in the loop that draws pictures, with its own models and parts. The public code's loop is restated for
    any models (`fusedream_sdk.speed.reference`), and is given the same ones, so the ratio is that of the loops alone.

    Args:
        dream: the models.
        views: random views of a step, of both; 50 by default, as in the public code.
        rows: pictures that are optimised, from 1 to 1,000. The public code has one.
        rounds: how often each is timed, from 1 to 1,000; one more comes before, and is not counted.
        progress: show a progress bar on stderr.
        **changes: settings, such as `basis=10`.

    Raises:
        InvalidInput: a number outside its bounds, a setting that is none, or what is no FuseDream. PluginContractError: a model
        breaks its protocol. PluginFault: its code raised an error.
    """
    engine = getattr(dream, "engine", None)
    if not isinstance(engine, Engine):
        fix = "Make one: fd.FuseDream('emoji')."
        raise InvalidInput("dream", expected="a FuseDream", got=kind_of(dream), fix=fix)
    rows = TOGETHER.check("rows", rows, "The default is 1.")
    rounds = ROUNDS.check("rounds", rounds, "The default is 5.")
    check_flag("progress", progress)
    settings = _settings(dream.settings, {**changes, **({} if views is None else {"views": views})})
    generator, side = engine.generator.model, engine.scorer.model.resolution
    check_work(rows, {**vars(settings), "steps": 1}, canvas=generator.resolution, side=side)
    with engine.faults(), bar("measuring", progress) as advance:
        return _measured(task_of(engine, settings, rows), rounds, dream.settings.steps, advance)


def _settings(recommended: Settings, changes: Mapping[str, Any]) -> Settings:
    """Of a run without end, with so many views. Raises InvalidInput."""
    if "steps" in changes:
        expected = "nothing, as single steps are timed"
        raise InvalidInput("steps", expected=expected, got=changes["steps"], fix="Leave it out, or give rounds.")
    found = fusedream().settings_for(recommended, changes)
    views = {"views": found.views if "views" in changes else VIEWS} if found.augment.random else {"views": 1}
    return found.replace(steps=STEPS.most, **views)


def _measured(task: Task, rounds: int, steps: int, advance: Advance) -> Bench:
    """All of it; `steps`: of a picture."""
    engine, settings, count = task.engine, task.settings, len(task.rows)
    runs = _Runs.of(task)
    done: list[Round] = []
    for number in range(rounds + 1):
        done.append(runs.round())
        advance(number + 1, rounds + 3)
    done = done[1:]  # the first has what is done once
    flop, of_look = flop_of(task.uncompiled)
    share = runs.share / count
    memory, theirs = peak(task, "ours"), peak(task, "reference")
    advance(rounds + 3, rounds + 3)
    look = share * median(one.look for one in done)
    stages = [Stage(name, median(one.stages[name] for one in done) / count, flop[name] / count) for name in WORK]
    return Bench(
        models=engine.about,
        device=device_name(engine.device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        views=settings.views,
        rows=count,
        rounds=rounds,
        check_every=settings.check_every,
        step=median(one.ours for one in done) / count + look,
        stages=(*stages, Stage(LOOKS, look, share * of_look)),
        limit=2 * runs.side**3 / min(one.product for one in done),
        reference=median(one.reference for one in done),
        ratio=median(one.reference / (one.ours / count + share * one.look) for one in done),
        without_looks=median(one.reference / (one.ours / count) for one in done),
        memory=memory,
        reference_memory=theirs,
        compiling=_compiling(engine, done, (count, share, steps)) if engine.compiles else None,
    )


def _compiling(engine: Engine, done: Sequence[Round], counts: tuple[int, float, int]) -> Compiling:
    """What compiling took and gave; `counts`: rows, looks of a row's step, steps of a picture."""
    rows, share, steps = counts
    return Compiling(
        seconds=sum(model.seconds for model in engine.at_work if isinstance(model, CompiledModel)),
        uncompiled=median(one.uncompiled / rows for one in done),
        ratio=median(one.uncompiled / (one.ours + rows * share * one.look) for one in done),
        steps=steps,
    )


@dataclass(frozen=True)
class _Runs:
    """What takes turns, on one device. `share`: of a look in each step, of all rows; `side`: of the square product."""

    device: torch.device
    ours: Step
    watched: Step
    watch: Stopwatch
    reference: Step
    look: Step
    product: Step
    share: float
    side: int
    uncompiled: tuple[Step, Step] | None

    @classmethod
    def of(cls, task: Task) -> _Runs:
        """Everything ready to run for some rows."""
        engine, watch = task.engine, Stopwatch(task.engine.device)
        told = watched_task(task, watch)
        side = SIDES.get(engine.device.type, SIDES["cpu"])
        square = torch.randn(side, side, generator=torch.Generator().manual_seed(0)).to(engine.device, engine.dtype)
        return cls(
            *(engine.device, our_step(task), our_step(told, watched_method(blind(), watch)), watch),
            *(their_step(task), our_look(task), lambda: square @ square, share_of_looks(task), side),
            (our_step(task.uncompiled), our_look(task.uncompiled)) if engine.compiles else None,
        )

    def round(self) -> Round:
        """Each once, one after the other."""
        ours = self.seconds(self.ours)
        self.watch.start()
        self.watched()
        stages = self.watch.stop()
        rest = self.seconds(self.reference), self.seconds(self.look), self.seconds(self.product)
        step, look = (0.0, 0.0) if self.uncompiled is None else map(self.seconds, self.uncompiled)
        return Round(ours, stages, *rest, step + self.share * look)

    def seconds(self, run: Step) -> float:
        """How long it takes; where the device works on by itself, its end is waited for."""
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.synchronize(self.device)
        began = time.perf_counter()
        run()
        if cuda:
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - began


def flop_of(task: Task) -> tuple[dict[str, float], float]:
    """Operations of each stage, and of a look, of all rows; of models that are not compiled, as those are counted alone."""
    from torch.utils.flop_counter import FlopCounterMode  # it imports much

    watch, look = Stopwatch(task.engine.device), our_look(task)
    step = our_step(watched_task(task, watch), watched_method(blind(), watch))
    with FlopCounterMode(display=False) as counter:
        watch.reading(counter.get_total_flops)
        watch.start()
        step()
        stages = watch.stop()
    with FlopCounterMode(display=False) as counter:
        look()
        return stages, counter.get_total_flops()


def device_name(device: torch.device) -> str:
    """What the accelerator or the processor is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        named = [
            line.partition(":")[2].strip() for line in PROCESSORS.read_text().splitlines() if line.startswith("model name")
        ]
    except OSError:
        named = []
    return (named or [platform.processor() or platform.machine()])[0]
