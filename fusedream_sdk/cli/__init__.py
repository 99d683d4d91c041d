"""The command line: `fusedream` and `python -m fusedream_sdk`.

Nothing here imports torch until a verb runs, so that `--help` comes at once. What a verb raises becomes an exit code
in `exits`.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from fusedream_sdk import __version__
from fusedream_sdk.cli import (
    ablate,
    bank,
    batch,
    bench,
    compare,
    completion,
    compose,
    convert,
    doctor,
    estimate,
    evaluate,
    exits,
    generate,
    invert,
    plugins,
    replay,
    web,
)


@click.group(
    invoke_without_command=True, epilog=exits.codes_in_words(), context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="fusedream")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error, as FUSEDREAM_DEBUG=1 does.")
@click.pass_context
def fusedream(context: click.Context) -> None:
    """Text to image without training: steer any image generator with any text-image model.

    \b
    Try:  fusedream generate "a blue dog" --models emoji --out dog.png
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for verb in (
    *(generate.generate, batch.batch, estimate.estimate, compare.compare, compose.compose, invert.invert),
    *(replay.replay, replay.interpolate),
    *(evaluate.evaluate, ablate.ablate),
    *(bank.bank, bench.bench, plugins.models, plugins.plugins, convert.convert, web.web),
    *(doctor.doctor, completion.completion),
):
    fusedream.add_command(verb)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: the words after `fusedream`; those of the process by default.

    Returns:
        The exit code, one of `exits.CODES`.
    """
    return exits.run(fusedream, argv)
