"""`fusedream estimate`: what `generate` would take, before it is run."""

from __future__ import annotations

import click

from fusedream_sdk.cli.generate import checked
from fusedream_sdk.cli.options import (
    Asked,
    ModelChoice,
    SettingChoice,
    asked_options,
    method_option,
    model_options,
    setting_options,
)
from fusedream_sdk.cli.speech import tell, told_options


@click.command()
@asked_options
@method_option
@model_options
@setting_options
@told_options
def estimate(asked: Asked, method: str | None, choice: ModelChoice, settings: SettingChoice) -> None:
    """Say what drawing every PROMPT from every seed would take: time, memory and disk.

    \b
    fusedream estimate "a red apple" --models emoji --seed 0-3
    fusedream estimate "a red apple" -m emoji --views 50 --steps 500 --json

    Loads the models, and runs a few steps of one row and a part of the bank, if that is not there. Saves nothing. The times are
    those of this machine, as busy as it is now.
    """
    listed, numbers, changes = checked(asked, method, settings)
    found = choice.load().estimate(listed, seeds=numbers, **changes)
    tell(str(found), "estimate", found.to_json())
