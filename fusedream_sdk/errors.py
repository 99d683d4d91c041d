"""Every exception of the SDK. A message says what was expected, what came, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import partial


class FuseDreamError(Exception):
    """Base of all errors that the SDK raises on purpose."""


class InvalidInput(FuseDreamError, ValueError):
    """An argument that cannot be used.

    Args:
        argument: name of the argument, as the caller wrote it.
        expected: what it has to be.
        got: what it was.
        fix: what to do about it.
    """

    def __init__(self, argument: str, *, expected: str, got: object, fix: str = "") -> None:
        self.argument, self.expected, self.got, self.fix = argument, expected, got, fix
        super().__init__(f"{argument}: expected {expected}, got {shown(got)}." + (f" {fix}" if fix else ""))

    def __reduce__(self) -> tuple[object, tuple[()]]:  # a worker process hands its errors over by pickle
        parts = {"expected": self.expected, "got": self.got, "fix": self.fix}
        return partial(InvalidInput, self.argument, **parts), ()


class UnknownPlugin(FuseDreamError, LookupError):
    """No plugin of that name is installed."""


class DuplicatePlugin(FuseDreamError):
    """Two installed packages claim one plugin name."""


class PluginImportError(FuseDreamError, ImportError):
    """A plugin is listed but cannot be imported or built."""


class PluginContractError(FuseDreamError):
    """A plugin broke its protocol: wrong shape, range, device, or a value that is not finite."""


class PluginFault(FuseDreamError, RuntimeError):
    """The code of a plugin raised an error of its own."""


class WeightsError(FuseDreamError):
    """Weights that are missing, damaged, of another architecture, or not safe to load."""


class FingerprintMismatch(FuseDreamError):
    """Something stored belongs to other models or settings than those in use."""


class NotEnoughMemory(FuseDreamError, MemoryError):
    """A row does not fit the memory, even alone."""


class WorkerLost(FuseDreamError, RuntimeError):
    """The processes that were to draw rows die before they can."""


class OutputError(FuseDreamError, OSError):
    """A result cannot be written where it was asked for."""


def shown(got: object, most: int = 600) -> str:
    """What came, as a message quotes it: a text as it is, anything else by its `repr`, of either only the beginning."""
    try:
        text = got if isinstance(got, str) else repr(got)
    except Exception:  # an integer of too many digits, or whatever a stranger's class does
        text = f"a {type(got).__name__} that cannot be shown"
    return text if len(text) <= most else f"{text[:most]}..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question after the known name that is nearest; empty where none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else ""
