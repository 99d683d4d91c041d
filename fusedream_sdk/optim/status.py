"""How a row stands. Here alone, so that the command line can ask without torch."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How a row stands, or how it ended."""

    RUNNING = "running"
    PLATEAU = "plateau"  # no gain for as long as the patience lasts
    FAILED = "failed"  # a value that is not finite
    DROPPED = "dropped"  # other candidates were better
    CANCELLED = "cancelled"  # Ctrl-C
    DONE = "done"
