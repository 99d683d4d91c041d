"""From exceptions to exit codes, with one sentence on stderr in place of a traceback."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from itertools import takewhile

import click

from fusedream_sdk.cli.naming import as_typed
from fusedream_sdk.cli.speech import complain, say
from fusedream_sdk.errors import FuseDreamError, PluginFault
from fusedream_sdk.runtime.room import out_of_memory

DONE, OURS, YOURS, INTERRUPTED = 0, 1, 2, 130
CODES = {
    DONE: "done, also after a Ctrl-C that saved the best so far",
    OURS: "a fault of the SDK or of a plugin, or rows that could not be drawn; `fusedream --debug ...` shows the traceback",
    YOURS: "something in what was asked: one sentence says what was expected, what came, and what to do",
    INTERRUPTED: "Ctrl-C before anything could be saved",
}
"""What the exit codes of every verb mean."""

DEBUG = "FUSEDREAM_DEBUG"


def run(group: click.Group, argv: Sequence[str] | None) -> int:
    """Run a group of verbs and give its exit code. A verb may return one; None means 0."""
    words = sys.argv[1:] if argv is None else list(argv)
    debug = bool(os.environ.get(DEBUG)) or "--debug" in takewhile(lambda word: word.startswith("-"), words)
    where = "" if debug else " See where: fusedream --debug ..."
    try:
        with _short_warnings(), _notes():
            calls = copy_context()  # what a verb says of how it speaks ends with it
            code = calls.run(group.main, args=words, prog_name="fusedream", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except click.Abort:  # what click makes of Ctrl-C
        complain("interrupted; nothing was saved.")
        return INTERRUPTED
    except click.ClickException as error:
        complain(_usage(error))
        return YOURS
    except PluginFault as error:
        _show_traceback(debug)
        complain(f"{error}{where}")
        return OURS
    except FuseDreamError as error:
        _show_traceback(debug)
        complain(as_typed(error, group, words))
        return YOURS
    except OSError as error:
        _show_traceback(debug)
        if error.filename is None:
            complain(f"{_fault(error)}{where}")
            return OURS
        complain(f"{error.filename}: cannot be read or written ({error.strerror}). Make room, or choose another place.")
        return YOURS
    except Exception as error:
        _show_traceback(debug)
        complain(f"{_fault(error)}{where}")
        return OURS


def codes_in_words() -> str:
    """The exit codes and their meanings, a line each, for the help."""
    return "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in CODES.items())


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" See: {context.command_path} --help" if context is not None else ""
    return error.format_message() + hint


def _fault(error: Exception) -> str:
    if out_of_memory(error):
        return "out of memory. Ask for less at a time: --memory-gb, fewer --views, or another --device."
    return f"{type(error).__name__}: {error}. This is a fault of the SDK or of a plugin, not of what you asked."


def _show_traceback(wanted: bool) -> None:
    if wanted:
        traceback.print_exc()


class _Said(logging.Handler):
    """Notes of the SDK's log as lines for the person at the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextmanager
def _notes() -> Iterator[None]:
    """What the SDK notes of a run, such as a distance that serves in place of another, is said."""
    log, handler = logging.getLogger("fusedream_sdk"), _Said(logging.INFO)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Warnings as one line each, without the source line that raised them."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_args, **_kwargs: say(f"warning: {message}")
        yield
