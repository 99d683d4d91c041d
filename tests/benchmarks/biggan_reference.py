"""Whether our BigGAN draws what BigGAN-PyTorch draws, from the same file of random weights.

    git clone https://github.com/ajbrock/BigGAN-PyTorch
    python -m tests.benchmarks.biggan_reference BigGAN-PyTorch [--size 128:96 --size 512:16 ...] [--rows 2]

A size is pixels:channels. For each, that code's Generator is given random weights and a few passes in training mode, which
settle its spectral norms and batch statistics; its state dict is saved, and loaded by us. Printed are the largest difference
of the pictures in [0, 1], beside their standard deviation, and, in double precision, that of the pictures and of the
gradients of a random projection of them, relative to the largest gradient. (In single precision some ReLU of millions falls
on the other side of 0, and gradients jump: by 2e-3 at 128 pixels and 96 channels when z moves by 1e-6.)
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import fusedream_biggan
from fusedream_biggan.network_shallow import ShallowBigGAN
from fusedream_biggan.shapes import plain, read_shapes

Z_DIM = {128: 120, 256: 140, 512: 128}  # tables 4 to 6 of Brock et al. 2019
ATTENTION = {128: "64", 256: "128", 512: "64"}  # as in that repository's TFHub/converter.py
SIZES = ("128:8", "128:96", "256:16", "512:8")


def reference(repository: Path, resolution: int, channels: int) -> Any:
    """That repository's Generator with random weights, in eval mode."""
    sys.path.insert(0, str(repository))
    sizes = {"G_ch": channels, "dim_z": Z_DIM[resolution], "resolution": resolution, "G_attn": ATTENTION[resolution]}
    torch.manual_seed(0)
    with contextlib.redirect_stdout(io.StringIO()):  # it reports what it builds
        generator = import_module("BigGAN").Generator(**sizes, shared_dim=128, hier=True, G_init="N02", no_optim=True)
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("gamma") or "output_layer.0" in name:
                parameter.uniform_(0.5, 1.5)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
        for _ in range(3):
            generator(torch.randn(2, generator.dim_z), generator.shared(torch.randint(1000, (2,))))
    return generator.eval().requires_grad_(False)


def outcome(render: Callable[[Tensor, Tensor], Tensor], z: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """The pictures, and the gradients of one projection of them."""
    point = [z.clone().requires_grad_(), y.clone().requires_grad_()]
    images = render(*point)
    weights = torch.randn(images.shape, generator=torch.Generator().manual_seed(1), dtype=images.dtype)
    return images.detach(), *torch.autograd.grad((images * weights).sum(), point)


def compare(repository: Path, resolution: int, channels: int, rows: int) -> bool:
    """Print the differences; whether they are small."""
    theirs = reference(repository, resolution, channels)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "G_ema.pth"
        torch.save(theirs.state_dict(), file)
        ours = fusedream_biggan.load(weights=file)
        tensors = plain(torch.load(file, weights_only=True))
    latents = ours.sample(rows, rng=torch.Generator().manual_seed(2))
    with torch.no_grad():
        wanted = (theirs(latents["z"], latents["y"]) + 1) / 2
        image = (ours(latents) - wanted).abs().max().item()
    z, y = latents["z"].double(), latents["y"].double()
    expected = outcome(theirs.double(), z, y)
    double = ShallowBigGAN({name: value.double() for name, value in tensors.items()}, read_shapes(tensors, file), 1.0)
    found = outcome(double, z, y)
    exact = max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(found, expected, strict=True))
    size = f"{resolution} px, {channels:3} channels"
    print(f"{size}: pictures {image:.1e} (std {wanted.std().item():.2f}); in double, with gradients {exact:.1e}", flush=True)
    return image < 1e-4 and exact < 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path, help="folder of a clone of ajbrock/BigGAN-PyTorch")
    parser.add_argument("--size", action="append", help=f"pixels:channels; default {' '.join(SIZES)}")
    parser.add_argument("--rows", type=int, default=2)
    options = parser.parse_args()
    sizes = [map(int, size.split(":")) for size in options.size or SIZES]
    good = [compare(options.repository, pixels, channels, options.rows) for pixels, channels in sizes]
    if not all(good):
        sys.exit("The differences are too large.")


if __name__ == "__main__":
    main()
