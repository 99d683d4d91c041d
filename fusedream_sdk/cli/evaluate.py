"""`fusedream evaluate`: what the pictures in a folder are worth."""

from __future__ import annotations

from pathlib import Path

import click

from fusedream_sdk.cli.numbers import Number
from fusedream_sdk.cli.options import Listed, device_option, overwrite_option, progress_option
from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import tell, told_options
from fusedream_sdk.runtime import bounds


@click.command()
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="FOLDER...")
@click.option("--captions", type=PATH, help="A .txt with a caption on each line, or a .csv with the columns file,caption.")
@click.option(
    "--metrics",
    type=Listed("metrics"),
    default="r-precision",
    show_default=True,
    help="Of r-precision, clip-r-precision, fid, is, kid, with commas between; a scorer may follow an @: fid@emoji.",
)
@click.option("--reference", type=PATH, help="A folder of pictures that FID and KID compare with.")
@click.option("--judge", help="The scorer of R-precision. [default: the judge of the models that drew a folder of ours]")
@click.option(
    "--features", default="inception", show_default=True, help="Of FID, IS and KID: inception, inception:FILE, or a scorer."
)
@click.option("--optimised", help="The scorer that was optimised, where the pictures do not say it.")
@click.option(
    "--candidates", type=Number(bounds.RANKING["candidates"]), help="Captions that a picture's is ranked among. [default: 100]"
)
@click.option("--repeats", type=Number(bounds.RANKING["repeats"]), help="How often the others are drawn. [default: 3]")
@click.option("--resamples", type=Number(bounds.BOOTSTRAP["resamples"]), help="Of the captions. [default: 1000]")
@click.option("--level", type=Number(bounds.BOOTSTRAP["level"]), help="Of the intervals. [default: 0.95]")
@click.option(
    "-o",
    "--out",
    "outputs",
    type=PATH,
    multiple=True,
    help="A .md, .csv or .json, or a plot: .png, .svg, .pdf; may be repeated.",
)
@progress_option
@device_option
@overwrite_option
@told_options
def evaluate(
    folders: tuple[Path, ...],
    captions: Path | None,
    metrics: list[str],
    reference: Path | None,
    judge: str | None,
    features: str,
    optimised: str | None,
    candidates: int | None,
    repeats: int | None,
    resamples: int | None,
    level: float | None,
    outputs: tuple[Path, ...],
    progress: str,
    device: str,
    overwrite: bool,
) -> None:
    """Measure the pictures in each FOLDER, whoever made them.

    \b
    fusedream evaluate runs/mine --metrics r-precision -o table.md -o plot.png
    fusedream evaluate theirs --captions captions.txt --judge emoji-judge
    fusedream evaluate mine theirs --captions captions.csv --metrics fid@emoji,kid@emoji,is@emoji --reference real

    Prints a table: every figure with an interval, by resampling captions. Without a csv the captions of a folder that this
    program filled are those in its manifest; of any other they belong to its file names in order.
    """
    from fusedream_sdk.evaluation.evaluate import evaluate as measured
    from fusedream_sdk.evaluation.evidence import check_outputs

    targets = check_outputs("out", outputs, overwrite=overwrite)
    given = {"optimised": optimised, "candidates": candidates, "repeats": repeats, "resamples": resamples, "level": level}
    found = measured(
        list(folders),
        captions,
        metrics=metrics,
        reference=reference,
        judge=judge,
        features=features,
        device=device,
        progress=progress != "none",
        **{name: value for name, value in given.items() if value is not None},
    )
    tell(found.to_markdown(), "evaluation", {"folders": folders, **found.to_json()})
    for target in targets:
        found.save(target, overwrite=overwrite)
