"""Who is at work and who waits: first come, first served."""

from __future__ import annotations

import threading

from fusedream_sdk.errors import InvalidInput


class Turns:
    """A queue.

    Args:
        at_once: how many work at one time.
        waiting: how many may wait.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once, self._waiting = at_once, waiting
        self._line: list[object] = []
        self._changed = threading.Condition()

    def join(self) -> object:
        """A place in the line; `leave` gives it back. Raises InvalidInput where it is full."""
        with self._changed:
            if len(self._line) >= self._at_once + self._waiting:
                expected = f"at most {self._waiting} visitors waiting"
                raise InvalidInput("queue", expected=expected, got="one more", fix="Try again in a while.")
            ticket = object()
            self._line.append(ticket)
            return ticket

    def before(self, ticket: object) -> int:
        """How many have to leave before this one's turn comes; 0 where it has come."""
        with self._changed:
            return max(0, self._line.index(ticket) - self._at_once + 1)

    def wait(self, seconds: float) -> None:
        """Until somebody leaves, or so long."""
        with self._changed:
            self._changed.wait(seconds)

    def leave(self, ticket: object) -> None:
        """Give a place back."""
        with self._changed:
            self._line.remove(ticket)
            self._changed.notify_all()
