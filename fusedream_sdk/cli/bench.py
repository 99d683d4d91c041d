"""`fusedream bench`: what a step takes, stage by stage."""

from __future__ import annotations

import click

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import ModelChoice, augment_option, compile_option, model_options, named_views, unused
from fusedream_sdk.cli.speech import tell, told_options
from fusedream_sdk.runtime import bounds


@click.command()
@click.option("--views", type=Number(bounds.VIEWS), help="Random views of a step. [default: 50]")
@click.option("--rows", type=Number(bounds.TOGETHER), default=1, show_default=True, help="Pictures that are optimised.")
@click.option("--rounds", type=Number(bounds.ROUNDS), default=5, show_default=True, help="How often each is timed.")
@augment_option
@model_options
@compile_option
@told_options
def bench(views: int | None, rows: int, rounds: int, augment: str | None, choice: ModelChoice, compiles: bool) -> None:
    """Say what a step takes on this machine, stage by stage.

    \b
    fusedream bench --models emoji
    fusedream bench -m emoji --views 8 --rounds 20 --json
    fusedream bench -m emoji --views 8 --compile

    Runs a few steps in turns with the public code's loop, restated, with the same models. Tells the share of this machine's
    limit, the rate of a large matrix product, and the memory of a step. With --compile also what compiling took, and a step
    without it, in turns too. Saves nothing. Wants a quiet machine; ratios bear a busy one.
    """
    if choice.memory_gb is not None:
        raise unused("--memory-gb", "every row that is asked for is in the step")
    changes = named_views(augment)
    if views is not None:
        changes["views"] = views
    dream = choice.load(compiles=compiles)
    from fusedream_sdk.speed.bench import bench as measured

    found = measured(dream, rows=rows, rounds=rounds, progress=True, **changes)
    tell(found.to_markdown(), "bench", found.to_json())
