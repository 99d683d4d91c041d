"""From whatever went wrong to one clear sentence for the person who looks at the page."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from fusedream_sdk.errors import FuseDreamError, InvalidInput
from fusedream_sdk.runtime.room import out_of_memory

log = logging.getLogger(__name__)
LONGEST = 600  # letters
LABELS = {  # argument of the Python API -> what the page calls it
    "prompts": "Prompt",
    "seeds": "Seeds",
    "methods": "Method",
    "pictures": "Your picture",
    "places": "Places",
    "scales": "Size",
    "lr": "Learning rate",
    "models": "Models",
    "a": "From",
    "b": "To",
}


def told_plainly(error: BaseException) -> str:
    """What went wrong, in one sentence; what is a fault of ours is logged with its traceback, which nobody at the page sees."""
    if isinstance(error, KeyboardInterrupt):
        return "Cancelled before there was anything to keep."
    if isinstance(error, InvalidInput):
        head = re.match(r"\w+", error.argument)
        name = head[0] if head else error.argument
        label = LABELS.get(name, name.replace("_", " ").capitalize()) + error.argument[len(name) :]
        return one_sentence(str(InvalidInput(label, expected=error.expected, got=error.got, fix=error.fix)))
    if isinstance(error, FuseDreamError):
        name, colon, rest = str(error).partition(": ")
        return one_sentence(LABELS.get(name, name) + colon + rest)
    if out_of_memory(error):
        return "Out of memory: ask for fewer pictures or views."
    log.error("a fault behind the page: %s: %s", type(error).__name__, error, exc_info=error)
    return one_sentence(f"{type(error).__name__}: {error}. This is a fault of the page, not of what you asked.")


def one_sentence(message: str) -> str:
    """A message on one line, with what cannot be shown written out."""
    joined = re.sub(r"\s+", " ", message[:LONGEST].strip())
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in joined)


def attempted(work: Callable[[], str]) -> str:
    """What a short piece of work says, or what went wrong with it."""
    try:
        return work()
    except Exception as error:
        return told_plainly(error)
