"""Files and folders on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.paths import user_path


class UserPath(click.ParamType):
    """A path that a system can have, with `~` for the home folder; whether something is there is asked later."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            user_path(str(param and param.name), value)
        except InvalidInput as error:
            got = error.got if isinstance(error.got, str) else repr(error.got)
            self.fail(f"expected {error.expected}, got {got}.", param, ctx)
        return Path(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Whatever the shell finds."""
        return [CompletionItem(incomplete, type="file")]


PATH = UserPath()
