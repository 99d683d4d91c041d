"""`fusedream convert`: from a pickle to a file that holds tensors and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fusedream_sdk.cli.options import overwrite_option
from fusedream_sdk.cli.paths import PATH

if TYPE_CHECKING:
    from torch import Tensor

ENTRIES = ("state_dict", "g_ema")  # of files with more than one state: Lightning's, and those of rosinality/stylegan2-pytorch


@click.command()
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
@click.option("--trust", is_flag=True, help="Also read a file that holds other objects; they are left out, and not run.")
@overwrite_option
def convert(source: Path, target: Path, trust: bool, overwrite: bool) -> None:
    """Write the tensors of the checkpoint SOURCE (.ckpt, .pt, .bin, .pkl) to TARGET, a .safetensors file.

    Checkpoints are pickles, which can run code when they are read. Without --trust, one that holds anything but tensors
    and plain containers is refused. Of a file with several states, "state_dict" (Lightning's) or "g_ema" (StyleGAN2) is
    written; of NVIDIA's pickled networks "G_ema", with the numbers of its layers as metadata.
    """
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.runtime.files import save_tensors
    from fusedream_sdk.runtime.paths import check_writable, readable_file

    source, target = readable_file("source", source), target.expanduser()
    if target.suffix != ".safetensors":
        raise InvalidInput("target", expected="a file name that ends in .safetensors", got=target.name)
    check_writable(target, overwrite=overwrite, argument="target")
    tensors, about = held(source, trust=trust)
    save_tensors(target, tensors, {"format": "pt", **about}, overwrite=overwrite)  # transformers asks for that word
    click.echo(f"{target}  {len(tensors)} tensors  {target.stat().st_size / 1e6:.3g} MB")


def held(source: Path, *, trust: bool) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file, and what has to be said of them. Raises WeightsError for one that is not read."""
    from fusedream_sdk.errors import WeightsError
    from fusedream_sdk.models.persistent import KEY, is_pickled_whole, read_pickled_whole, refused_whole
    from fusedream_sdk.models.weights import read_stored, read_trusted

    if is_pickled_whole(source):
        if not trust:
            raise refused_whole(source)
        tensors, words = read_pickled_whole(source)
        return tensors, {KEY: json.dumps(words)}
    read = read_trusted if trust else read_stored
    *first, last = ENTRIES
    for entry in first:
        try:
            return read(source, within=entry), {}
        except WeightsError:  # another layout, or what the last one tells as well
            continue
    return read(source, within=last), {}
