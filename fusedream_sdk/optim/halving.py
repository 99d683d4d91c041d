"""Many candidates of one picture: all to the end (brute force, section 3.3), or the hopeless dropped on the way.

Successive halving (see `stages`) in its plainest form: after each stage the better part of each group's
candidates, judged on held-out views, goes on from where it stands. A survivor's run is the run that it would have had in
the brute force, so the two differ only where the winner was dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.optim.state import Outcome, State, join_states
from fusedream_sdk.optim.status import Status
from fusedream_sdk.runtime.chunks import run_chunks

Continue = Callable[[list[int], int, State | None], Iterator[State]]
"""(rows, until, state): the states of these rows up to step `until`, from their start or from a state of theirs."""


def stages(candidates: int, steps: int, factor: int | None, every: int = 1) -> list[tuple[int, int]]:
    """When to stop and how many of a group go on from there: stages of equal cost, so the first are short.

    Args:
        candidates: in each group.
        steps: of a whole run.
        factor: only one in so many goes on; None lets all run to the end.
        every: steps between two judgements; stages end on one.

    Returns:
        (step, survivors) of each stage, in order; the last ends at `steps`.

    References:
        Jamieson & Talwalkar (2016). Non-stochastic best arm identification and hyperparameter optimization.
        arXiv:1502.07943.
    """
    if factor is None:
        return [(steps, candidates)]
    if not isinstance(factor, int) or isinstance(factor, bool) or factor < 2:
        raise InvalidInput("halving", expected="an integer of at least 2, or None", got=factor)
    counts = [candidates]
    while counts[-1] > 1:
        counts.append(math.ceil(counts[-1] / factor))
    shares = [1 / count for count in counts]  # every stage costs the same: many candidates for few steps, few for many
    ends = [max(every, round(steps * sum(shares[: i + 1]) / sum(shares) / every) * every) for i in range(len(counts) - 1)]
    kept = {end: count for end, count in zip(ends, counts[1:], strict=True) if end < steps}
    return [*kept.items(), (steps, counts[-1])]


@dataclass
class Race:
    """The course of all candidates.

    Args:
        groups: the rows of each group; one of them is to win.
        run: makes or continues the states of some rows.
        chunk: rows at a time.
        watch: called with (rows, state) after every evaluation.

    Attributes:
        states: row -> its last state, as the only row of it, and whether it was dropped.
    """

    groups: Sequence[Sequence[int]]
    run: Continue
    chunk: int
    watch: Callable[[list[int], State], None] = lambda rows, state: None
    cancelled: bool = False
    until: int = 0
    last: dict[int, State] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    history: dict[int, list[dict[str, float]]] = field(default_factory=dict)

    def go(self, plan: Sequence[tuple[int, int]]) -> None:
        """Run every stage; Ctrl-C ends it early and loses nothing that was judged."""
        alive, self.until = [list(group) for group in self.groups], plan[-1][0]
        for end, survivors in plan:
            flat = [row for group in alive for row in group]
            _, self.cancelled = run_chunks(len(flat), self.chunk, partial(self._advance, flat, end))
            if self.cancelled:
                if not self.last:
                    raise KeyboardInterrupt
                return
            alive = [self._better(group, survivors) for group in alive]

    def _advance(self, alive: list[int], end: int, chunk: range) -> None:
        """Take a chunk of the rows alive to the end of a stage, all from one state if they have any."""
        rows = alive[chunk.start : chunk.stop]
        before = join_states([self.last[row] for row in rows]) if rows[0] in self.last else None
        state = None
        try:
            for state in self.run(rows, end, before):
                self._note(rows, state, again=before is not None and state.step == before.step)
        finally:
            if state is not None:
                self.last |= {row: state.keep([i]) for i, row in enumerate(rows)}

    def _note(self, rows: list[int], state: State, *, again: bool) -> None:
        if again:
            return
        losses = {name: x.tolist() for name, x in state.told.items()}
        for i, row in enumerate(rows):
            self.history.setdefault(row, []).append({name: x[i] for name, x in losses.items()})
        self.watch(rows, state)

    def _better(self, group: list[int], survivors: int) -> list[int]:
        """The best of a group so far, in their order; the others are dropped."""
        ranked = sorted(group, key=lambda row: float(self.last[row].best.loss))
        self.dropped |= set(ranked[survivors:])
        return [row for row in group if row not in self.dropped]

    def outcome(self) -> tuple[list[int], Outcome]:
        """The rows that were begun, in order, and what they came to: "dropped" is one more status."""
        rows = sorted(self.last)
        joined = join_states([self.last[row] for row in rows])
        ended = [self._status(row) for row in rows]
        names = dict.fromkeys(name for row in rows for noted in self.history[row] for name in noted)
        longest = max(len(self.history[row]) for row in rows)
        history = {name: torch.full((longest, len(rows)), torch.nan) for name in names}
        for column, row in enumerate(rows):
            for name in names:
                values = torch.tensor([noted.get(name, torch.nan) for noted in self.history[row]])
                history[name][: len(values), column] = values
        return rows, Outcome(joined.best, tuple(ended), history, joined.step)

    def _status(self, row: int) -> Status:
        """How a row ended."""
        state = self.last[row]
        if row in self.dropped:
            return Status.DROPPED
        if state.status[0] != Status.RUNNING:
            return state.status[0]
        return Status.CANCELLED if self.cancelled and state.step < self.until else Status.DONE
