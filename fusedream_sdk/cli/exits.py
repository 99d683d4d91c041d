"""From exceptions to exit codes, with one sentence on stderr in place of a traceback."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from fusedream_sdk.errors import FuseDreamError

DONE, OURS, YOURS, INTERRUPTED = 0, 1, 2, 130
DEBUG = "FUSEDREAM_DEBUG"


def run(group: click.Group, argv: Sequence[str] | None) -> int:
    """Run a group of verbs and give its exit code. A verb may return one; None means 0."""
    try:
        with _short_warnings():
            code = group.main(args=None if argv is None else list(argv), prog_name="fusedream", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except click.Abort:  # what click makes of Ctrl-C
        say("interrupted; nothing was saved.")
        return INTERRUPTED
    except click.ClickException as error:
        say(_usage(error))
        return YOURS
    except FuseDreamError as error:
        _show_traceback()
        say(str(error))
        return YOURS
    except Exception as error:
        shown = _show_traceback()
        say(_fault(error) + ("" if shown else f" Set {DEBUG}=1 to see where."))
        return OURS


def say(message: str) -> None:
    """A line for the person at the terminal; stdout is for results."""
    click.echo(f"fusedream: {message}", err=True)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" See: {context.command_path} --help" if context is not None else ""
    return error.format_message() + hint


def _fault(error: Exception) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory. Ask for less at a time: --memory-gb, fewer --views, or another --device."
    return f"{type(error).__name__}: {error}. This is a fault of the SDK or of a plugin, not of what you asked."


def _show_traceback() -> bool:
    if not os.environ.get(DEBUG):
        return False
    traceback.print_exc()
    return True


@contextmanager
def _short_warnings() -> Iterator[None]:
    """Warnings as one line each, without the source line that raised them."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_args, **_kwargs: say(f"warning: {message}")
        yield
