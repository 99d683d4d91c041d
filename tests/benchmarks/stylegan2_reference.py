"""Our StyleGAN2 beside the two public ones, with the same random weights.

    git clone https://github.com/rosinality/stylegan2-pytorch
    git clone https://github.com/NVlabs/stylegan2-ada-pytorch
    python -m tests.benchmarks.stylegan2_reference --rosinality stylegan2-pytorch --nvidia stylegan2-ada-pytorch [--size 64 ...]

Either may be left out; --nvidia takes a clone of NVlabs/stylegan3 too, whose StyleGAN2 is the same network. Each Generator is
made with random weights, biases, noise and noise strengths, and saved as that code saves it: a .pt of "g_ema", or a network
pickled whole, which `fusedream convert --trust` turns into a .safetensors. Ours is loaded from that file. For the spaces z
(truncated at 0.7), w and w+ is printed the largest difference of a value of the pictures in [-1, 1], beside their standard
deviation; for w+ of rosinality's, which can run in double precision, also that of the pictures and of the gradients of a random
projection of them, relative to the largest. Their CUDA operations are left out: on the CPU both have plain ones of their own.
"""

from __future__ import annotations

import argparse
import importlib
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import packaging.version
import torch
from torch import Tensor, nn

import fusedream_stylegan2
from fusedream_sdk.cli import main as command_line
from fusedream_stylegan2.checkpoint import load_checkpoint
from fusedream_stylegan2.network import StyleGAN2

PSI = 0.7
SIZES = (64, 256)
W = 512
CLOSE, EXACT = 1e-4, 1e-9

Pictures = Callable[[str, Tensor], Tensor]
"""The name of a space and its latents to pictures in [-1, 1]."""


@contextmanager
def importing(folder: Path) -> Iterator[None]:
    """A clone's modules can be imported, without compiling for CUDA and without setuptools or distutils; gone afterwards."""
    before = set(sys.modules)
    util = ModuleType("distutils.util")
    util.__dict__["strtobool"] = bool
    resources = ModuleType("pkg_resources")
    resources.__dict__["parse_version"] = packaging.version.parse
    stubs = {"distutils": ModuleType("distutils"), "distutils.util": util, "pkg_resources": resources}
    with mock.patch("torch.utils.cpp_extension.load", return_value=None), mock.patch.dict(sys.modules, stubs):
        sys.path.insert(0, str(folder))
        try:
            yield
        finally:
            sys.path.remove(str(folder))
    for name in set(sys.modules) - before:
        where = getattr(sys.modules[name], "__file__", None) or ""
        if where.startswith(str(folder)):
            del sys.modules[name]


@torch.no_grad()
def randomise(network: nn.Module) -> None:
    """Weights as they are initialised, and everything that is initialised to a constant drawn too."""
    rng = torch.Generator().manual_seed(1)
    for name, x in network.named_parameters():
        if "noise" in name and x.numel() == 1:
            x.fill_(0.2)
        elif name.endswith("bias"):
            x.add_(0.2 * torch.randn(x.shape, generator=rng))
    network.eval().requires_grad_(False)


def rosinality(folder: Path, size: int, file: Path) -> tuple[Pictures, Path, nn.Module]:
    """That code's pictures, the file that it would save, and its network."""
    torch.manual_seed(0)
    theirs = importlib.import_module("model").Generator(size, W, 8)
    randomise(theirs)
    mean = theirs.mean_latent(1000)
    torch.save({"g_ema": theirs.state_dict(), "latent_avg": mean[0]}, file.with_suffix(".pt"))

    def pictures(space: str, x: Tensor) -> Tensor:
        cut: dict[str, Any] = {"truncation": PSI, "truncation_latent": mean} if space == "z" else {"input_is_latent": True}
        return theirs([x], randomize_noise=False, **cut)[0]

    return pictures, file.with_suffix(".pt"), theirs


def nvidia(folder: Path, size: int, file: Path) -> tuple[Pictures, Path, nn.Module]:
    """The same of NVIDIA's; its pickle is converted by our command."""
    torch.manual_seed(0)
    third = (folder / "training" / "networks_stylegan2.py").is_file()  # a clone of stylegan3
    networks = importlib.import_module("training.networks_stylegan2" if third else "training.networks")
    options: dict[str, Any] = {"conv_clamp": 256, "num_fp16_res": 0}
    options = options if third else {"synthesis_kwargs": options}
    theirs = networks.Generator(z_dim=W, c_dim=0, w_dim=W, img_resolution=size, img_channels=3, **options)
    randomise(theirs)
    theirs.mapping.w_avg.normal_(std=0.1)
    file.with_suffix(".pkl").write_bytes(pickle.dumps({"G": None, "D": None, "G_ema": theirs, "training_set_kwargs": {}}))
    target = file.with_suffix(".safetensors")
    if command_line(["convert", str(file.with_suffix(".pkl")), str(target), "--trust"]):
        sys.exit("The pickle was not converted.")

    def pictures(space: str, x: Tensor) -> Tensor:
        if space == "z":
            return theirs(x, None, truncation_psi=PSI, noise_mode="const")
        w = x if x.dim() == 3 else x[:, None].repeat(1, theirs.num_ws, 1)
        return theirs.synthesis(w, noise_mode="const", force_fp32=True)

    return pictures, target, theirs


def compare(name: str, folder: Path, size: int, rows: int) -> bool:
    """Print the differences; whether they are small."""
    make = {"rosinality": rosinality, "nvidia": nvidia}[name]
    good = True
    with tempfile.TemporaryDirectory() as made, importing(folder.resolve()):
        theirs, file, network = make(folder, size, Path(made) / "made")
        for space in ("z", "w", "w+"):
            ours = fusedream_stylegan2.load(weights=file, space=space, truncation=PSI)
            latents = ours.sample(rows, rng=torch.Generator().manual_seed(2))
            (x,) = latents.values()
            x = x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))  # no two layers alike in w+
            w = ours.mapped(x) if space == "z" else x
            w = w if w.dim() == 3 else w[:, None].expand(-1, ours.layers, -1)
            with torch.no_grad():
                wanted = theirs(space, x)
                apart = float((ours.network(w) - wanted).abs().max())
            good &= apart < CLOSE
            print(f"{name}, {size} px, {space:2}: {apart:.1e} (std {float(wanted.std()):.2f})", flush=True)
        if name == "rosinality":
            checkpoint = load_checkpoint(file)
            parts = {key: value.double() for key, value in checkpoint.parts.items()}
            own = StyleGAN2(parts, checkpoint.sizes, checkpoint.bound).double()
            network.double()
            exact = relative(outcome(own, w.double()), outcome(lambda w: theirs("w+", w), w.double()))
            good &= exact < EXACT
            print(f"{name}, {size} px, w+ in double, with gradients: {exact:.1e}", flush=True)
    return good


def outcome(render: Callable[[Tensor], Tensor], w: Tensor) -> tuple[Tensor, Tensor]:
    """The pictures, and the gradient of one projection of them."""
    point = w.clone().requires_grad_()
    images = render(point)
    weights = torch.randn(images.shape, generator=torch.Generator().manual_seed(4), dtype=images.dtype)
    return images.detach(), torch.autograd.grad((images * weights).sum(), point)[0]


def relative(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> float:
    """The largest difference, relative to the largest value."""
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(ours, theirs, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rosinality", type=Path, help="folder of a clone of rosinality/stylegan2-pytorch")
    parser.add_argument("--nvidia", type=Path, help="folder of a clone of NVlabs/stylegan2-ada-pytorch or NVlabs/stylegan3")
    parser.add_argument("--size", type=int, action="append", help=f"side in pixels; default {' and '.join(map(str, SIZES))}")
    parser.add_argument("--rows", type=int, default=2)
    args = parser.parse_args()
    folders = {name: folder for name, folder in (("rosinality", args.rosinality), ("nvidia", args.nvidia)) if folder}
    if not folders:
        parser.error("give the folder of one of them at least")
    good = [compare(name, folder, size, args.rows) for name, folder in folders.items() for size in args.size or SIZES]
    if not all(good):
        sys.exit("The differences are too large.")


if __name__ == "__main__":
    main()
