"""How much faster the folded BigGAN-deep is than the package's own, forward and with the gradient of its latents.

    python -m tests.benchmarks.biggan_speed [--rows 2] [--repeats 3]

Weights are random, of the shapes of biggan-deep-128 and -256; each pair of runs is interleaved and the fastest counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from pytorch_pretrained_biggan import BigGAN, BigGANConfig
from torch import Tensor

from tests.plugins.biggan.conftest import folded

Render = Callable[[Tensor, Tensor], Tensor]
BLOCKS = {
    128: BigGANConfig().layers,
    256: [
        *[(False, 16, 16), (True, 16, 16), (False, 16, 16), (True, 16, 8), (False, 8, 8), (True, 8, 8)],
        *[(False, 8, 8), (True, 8, 4), (False, 4, 4), (True, 4, 2), (False, 2, 2), (True, 2, 1)],
    ],
}


def forward(render: Render, z: Tensor, y: Tensor) -> None:
    with torch.no_grad():
        render(z, y)


def forward_backward(render: Render, z: Tensor, y: Tensor) -> None:
    point = [z.clone().requires_grad_(), y.clone().requires_grad_()]
    torch.autograd.grad(render(*point).square().mean(), point)


def seconds(run: Callable[..., None], *arguments: object) -> float:
    begun = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - begun


def compare(resolution: int, rows: int, repeats: int) -> None:
    config = BigGANConfig(output_dim=resolution, layers=BLOCKS[resolution])
    model = BigGAN(config).eval().requires_grad_(False)
    ours = folded(model)
    rng = torch.Generator().manual_seed(0)
    z, y = torch.randn(rows, config.z_dim, generator=rng), 0.02 * torch.randn(rows, config.z_dim, generator=rng)

    def package(z: Tensor, y: Tensor) -> Tensor:
        return model.generator(torch.cat([z, y], dim=1), 1.0)

    for run in (forward, forward_backward):
        times = [(seconds(run, package, z, y), seconds(run, ours, z, y)) for _ in range(repeats)]
        slow, fast = (min(column) for column in zip(*times, strict=True))
        print(f"{resolution} px {run.__name__:16}  package {slow:6.2f} s  folded {fast:6.2f} s  ratio {slow / fast:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for resolution in BLOCKS:
        compare(resolution, options.rows, options.repeats)


if __name__ == "__main__":
    main()
