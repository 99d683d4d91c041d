"""Workers that are processes of this machine, each with its own models and its own share of the threads.

They are started afresh (`spawn`), as a process that has used CUDA or threads cannot be forked; so a script of yours that
starts them has its own work under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing.connection import Connection, wait
from typing import Any

from fusedream_sdk.batch.dispatch import Death, Reply
from fusedream_sdk.batch.executor import Load, attempt, threads_held
from fusedream_sdk.batch.plan import Unit
from fusedream_sdk.errors import PluginFault

PATIENCE = 5.0  # seconds that a process is given to end


class Processes:
    """A crew of processes.

    Args:
        load: what each of them loads; the latent banks it finds in the user's cache, where large ones are shared by mapping.
        threads: of torch, in each of them.
    """

    def __init__(self, load: Load, threads: int) -> None:
        self._load, self._threads, self._numbers = load, threads, count()
        self._context = multiprocessing.get_context("spawn")
        self._there: dict[Connection, Any] = {}

    def hire(self) -> Connection:
        """As `Crew.hire`."""
        ours, theirs = self._context.Pipe()
        job = (theirs, pickle.dumps(self._load), next(self._numbers), self._threads)
        process = self._context.Process(target=work, args=job, daemon=True)
        with _ctrl_c_held_back():
            process.start()
        theirs.close()  # so that ours ends with the process
        self._there[ours] = process
        return ours

    def give(self, hand: Connection, unit: Unit) -> None:
        """As `Crew.give`."""
        with suppress(OSError):  # it has died, as `wait` will find
            hand.send_bytes(pickle.dumps(unit))

    def wait(self) -> list[tuple[Connection, Reply]]:
        """As `Crew.wait`."""
        ready = wait(list(self._there))
        return [(hand, self._read(hand)) for hand in list(self._there) if hand in ready]

    def close(self) -> None:
        """As `Crew.close`: what they are at is lost."""
        for process in self._there.values():
            process.terminate()
        for hand in list(self._there):
            self._bury(hand)

    def _read(self, hand: Connection) -> Reply:
        try:
            return pickle.loads(hand.recv_bytes())
        except (EOFError, OSError):
            return Death(self._bury(hand))

    def _bury(self, hand: Connection) -> str:
        """Wait for the end of a process, and say how it ended."""
        process = self._there.pop(hand)
        hand.close()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = int(process.exitcode or 0)
        process.close()
        return f"by signal {-code}" if code < 0 else f"with exit code {code}"


def work(commands: Connection, load: bytes, number: int, threads: int) -> None:
    """What a worker does: load, then draw what comes, until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; who began this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with threads_held(threads), suppress(EOFError, OSError):
        try:
            draw = pickle.loads(load)(number, ())
        except Exception as error:
            commands.send_bytes(as_sent(error))
            return
        commands.send_bytes(pickle.dumps([]))
        while True:
            unit = pickle.loads(commands.recv_bytes())
            # pickled here: the connection's own way with tensors would leave them in memory that dies with this process
            commands.send_bytes(pickle.dumps(attempt(draw, unit)))


def as_sent(error: Exception) -> bytes:
    """An error that another process can read."""
    try:
        sent = pickle.dumps(error)
        pickle.loads(sent)
    except Exception:
        return pickle.dumps(PluginFault(f"{type(error).__name__}: {error}"))
    return sent


def _end_with_parent() -> None:
    """A worker whose parent was killed does not go on to the end of its row."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """A block of which the processes that it starts never hear of Ctrl-C, not even before they can say so; it comes after."""
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
