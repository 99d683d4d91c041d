"""`fusedream convert`: from a pickle to a file that holds tensors and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from fusedream_sdk.cli.options import overwrite_option
from fusedream_sdk.cli.paths import PATH


@click.command()
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
@click.option("--trust", is_flag=True, help="Also read a file that holds other objects; they are left out, and not run.")
@overwrite_option
def convert(source: Path, target: Path, trust: bool, overwrite: bool) -> None:
    """Write the tensors of the checkpoint SOURCE (.ckpt, .pt, .bin) to TARGET, a .safetensors file.

    Checkpoints are pickles, which can run code when they are read. Without --trust, one that holds anything but tensors
    and plain containers is refused. Lightning's layout is understood: its "state_dict" is what is written.
    """
    from fusedream_sdk.errors import InvalidInput
    from fusedream_sdk.models.weights import read_stored, read_trusted
    from fusedream_sdk.runtime.files import save_tensors
    from fusedream_sdk.runtime.paths import check_writable, readable_file

    source, target = readable_file("source", source), target.expanduser()
    if target.suffix != ".safetensors":
        raise InvalidInput("target", expected="a file name that ends in .safetensors", got=target.name)
    check_writable(target, overwrite=overwrite, argument="target")
    read = read_trusted if trust else read_stored
    tensors = read(source, within="state_dict")
    save_tensors(target, tensors, {"format": "pt"}, overwrite=overwrite)  # transformers asks for that word
    click.echo(f"{target}  {len(tensors)} tensors  {target.stat().st_size / 1e6:.3g} MB")
