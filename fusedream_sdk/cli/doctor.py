"""`fusedream doctor`: what is installed, what it runs on, and what is missing."""

from __future__ import annotations

import click

from fusedream_sdk.cli.exits import DONE, OURS
from fusedream_sdk.cli.speech import complain, tell, told_options


@click.command()
@click.option("--speed/--no-speed", default=True, help="Also a short measurement: a second or two. [default: speed]")
@told_options
def doctor(speed: bool) -> int:
    """Say what is installed, what it runs on and how fast, where the caches are, and what is missing.

    \b
    fusedream doctor
    fusedream doctor --no-speed --json

    What lacks stands with the command that mends it. The exit code is 0 unless something that is needed is broken. Fetches
    nothing, and changes nothing.
    """
    from fusedream_sdk.cli.checkup import State, findings

    broken, part = 0, ""
    for one in findings(speed=speed):
        head = "" if one.part == part else f"{one.part}:\n"
        mark = "" if one.state is State.OK else f"  {one.state.upper()}"
        mend = f"\n    {'':<24} {one.fix}" if one.fix else ""
        tell(f"{head}  {one.name:<26} {one.found}{mark}{mend}", "finding", one.to_json())
        broken, part = broken + (one.state is State.BROKEN), one.part
    if broken:
        complain(f"{broken} of what is needed {'is' if broken == 1 else 'are'} broken; the commands above mend it.")
    return OURS if broken else DONE
