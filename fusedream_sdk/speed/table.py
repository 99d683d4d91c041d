"""What `bench` found, for a person and for a program."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from fusedream_sdk.imaging.cards import html_table
from fusedream_sdk.run.estimate import bytes_in_words

HEAD = ["stage", "ms", "of the step", "GFLOP", "of the limit"]
LOOKS, REST, STEP = "looks at held-out views, their share", "rest", "step"


@dataclass(frozen=True)
class Stage:
    """A part of a step.

    Attributes:
        name: of it.
        seconds: of each step and row; of what is not done in every step its share.
        flop: floating-point operations of its matrix products and convolutions, of each step and row; nothing else is counted.
    """

    name: str
    seconds: float
    flop: float

    def share(self, limit: float) -> float:
        """Of the operations that the machine could have done in that time, at a limit in operations per second."""
        return self.flop / (self.seconds * limit) if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class Compiling:
    """What compiling took, and what it gave.

    Attributes:
        seconds: that it took; torch keeps what it compiled on disk, so another process takes less.
        uncompiled: seconds of the same step of models as they are, with its share of the looks.
        ratio: of that to the compiled step's, a median of the rounds' ratios.
        steps: of a picture, as the models recommend.
    """

    seconds: float
    uncompiled: float
    ratio: float
    steps: int

    @property
    def pictures(self) -> float:
        """How many pictures take as much less time as it took to compile; infinite where a step takes no less."""
        saved = self.steps * self.uncompiled * (1 - 1 / self.ratio)
        return self.seconds / saved if saved > 0 else float("inf")

    def __str__(self) -> str:
        pays = f"{self.pictures:,.0f} pictures of {self.steps:,} steps pay for it" if self.ratio > 1 else "it does not pay"
        return (
            f"compiling took {self.seconds:.1f} s; a step without it takes {1000 * self.uncompiled:.1f} ms, "
            f"{self.ratio:.2f} times as long: {pays}"
        )


@dataclass(frozen=True)
class Bench:
    """What a step takes on this machine, as busy as it was.

    All seconds are medians over the rounds, of each step and row. Ratios are medians of the ratios of each round, in which
    both did a step one after the other.

    Attributes:
        models: which they are, the size of their pictures, and where they run.
        device: the name of the processor or accelerator.
        threads: of the processor.
        torch: its version.
        views, rows, rounds: what was asked for. check_every: steps between two looks at held-out views.
        step: a whole step of the loop, with its share of the looks at held-out views.
        stages: its parts, the looks last.
        limit: operations per second of the best of the rounds' square matrix products, in the number format of the step.
        reference: a step of the public code's loop, restated, with the same models, one row.
        ratio: of the reference's step to ours; without_looks: the same without our looks, of which the public code has none.
        memory: bytes that a step takes at its peak above what was there before. reference_memory: of the reference's.
            None where it cannot be measured: on a CPU models have to have names, as a process of its own loads them, and a
            compiled step has the compiler's.
        compiling: what compiling took and gave; None where the models are not compiled.
    """

    models: str
    device: str
    threads: int
    torch: str
    views: int
    rows: int
    rounds: int
    check_every: int
    step: float
    stages: tuple[Stage, ...]
    limit: float
    reference: float
    ratio: float
    without_looks: float
    memory: int | None
    reference_memory: int | None
    compiling: Compiling | None = None

    @property
    def rest(self) -> float:
        """Seconds of a step that are of no stage; below 0 where the machine was busier while the stages were timed."""
        return self.step - sum(stage.seconds for stage in self.stages)

    @property
    def flop(self) -> float:
        """Operations of a step."""
        return sum(stage.flop for stage in self.stages)

    @property
    def table(self) -> tuple[Stage, ...]:
        """The stages, what is left, and the whole."""
        return (*self.stages, Stage(REST, self.rest, 0.0), Stage(STEP, self.step, self.flop))

    def to_json(self) -> dict[str, Any]:
        """Every number by its name; seconds, bytes, operations; `share` is of the limit."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        said["stages"] = [{**asdict(stage), "share": stage.share(self.limit)} for stage in self.stages]
        if self.compiling is not None:
            pays = self.compiling.pictures if self.compiling.ratio > 1 else None
            said["compiling"] = {**asdict(self.compiling), "pictures": pays}
        return {**said, "rest": self.rest, "flop": self.flop, "share": self.table[-1].share(self.limit)}

    def to_markdown(self) -> str:
        """A table of the stages, and lines of the rest."""
        lines = [HEAD, ["---"] * len(HEAD), *map(self._cells, self.table)]
        table = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([*self._about(), "", *table, "", *self._compared()])

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        return html_table(HEAD, [self._cells(stage) for stage in self.table], notes=[*self._about(), *self._compared()])

    def _about(self) -> list[str]:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows, each number of one"
        return [
            f"{self.models}",
            f"{self.device}, {self.threads} {'thread' if self.threads == 1 else 'threads'}, torch {self.torch}",
            f"{self.views} {'view' if self.views == 1 else 'views'}, {rows}; medians of {self.rounds} rounds",
        ]

    def _cells(self, stage: Stage) -> list[str]:
        counted = [f"{stage.flop / 1e9:.2f}", f"{stage.share(self.limit):.0%}"] if stage.flop else ["", ""]
        return [stage.name, f"{1000 * stage.seconds:.1f}", f"{stage.seconds / self.step:.0%}", *counted]

    def _compared(self) -> list[str]:
        ours, theirs = ("not measured" if x is None else bytes_in_words(x) for x in (self.memory, self.reference_memory))
        return [
            f"limit of this machine: {self.limit / 1e9:,.0f} GFLOP per second",
            f"public code's loop, restated, with these models: {1000 * self.reference:.1f} ms per step",
            f"ratio of its step to ours: {self.ratio:.2f}, without looks at held-out views {self.without_looks:.2f}",
            f"peak memory of a step: {ours}; of one of the public code's loop: {theirs}",
            *([] if self.compiling is None else [str(self.compiling)]),
        ]
