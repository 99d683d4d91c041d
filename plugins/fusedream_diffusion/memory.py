"""How much memory each part of a one-step diffusion generator takes for a picture and its gradient.

    python -m fusedream_diffusion.memory FOLDER [--rows 1] [--saving checkpoints] [--device cuda] [--dtype bfloat16]

prints a line for each part: its weights, what it holds between forward and backward, and, on a CUDA device, the peak of both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fusedream_diffusion.generator import DiffusionGenerator
from fusedream_diffusion.prompts import encode
from fusedream_sdk.errors import FuseDreamError

PROMPT = "a photo of a red apple"
MB = 1e6


@dataclass(frozen=True)
class Part:
    """What one part takes, in bytes.

    Attributes:
        weights: of its parameters and buffers.
        graph: held between forward and backward, weights left out; 0 for the text encoders, which have no gradient.
        peak: at the highest, above what was there before, on a CUDA device; None elsewhere.
    """

    weights: int
    graph: int
    peak: int | None


def by_part(generator: DiffusionGenerator, *, rows: int = 1, prompt: str = PROMPT) -> dict[str, Part]:
    """Run each part forward, and back where it has a gradient, on its own.

    Args:
        generator: of `fusedream_diffusion.load`.
        rows: pictures at once.
        prompt: of all of them.

    Returns:
        "text", "network" and "decoder", in the order in which they run.
    """
    pipeline = generator.pipeline
    rng = torch.Generator().manual_seed(0)
    latents = generator.sample(rows, rng=rng, prompts=[prompt] * rows)
    with torch.no_grad():
        latent = generator.denoise(latents)
    texts = [model for _, model in pipeline.encoders]
    return {
        "text": measured(texts, lambda _: next(iter(encode(pipeline, [prompt]).values())), None),
        "network": measured([pipeline.unet], lambda noise: generator.denoise({**latents, "noise": noise}), latents["noise"]),
        "decoder": measured([pipeline.vae], generator.decode, latent),
    }


def measured(modules: Iterable[Any], run: Callable[[Any], Tensor], given: Tensor | None) -> Part:
    """One part, run on a leaf of the graph; without one it has no gradient.

    Args:
        modules: whose weights are counted.
        run: from the leaf to what comes out.
        given: the leaf's values.
    """
    own = [x for module in modules for x in (*module.parameters(), *module.buffers())]
    weights = sum(x.numel() * x.element_size() for x in own)
    device, kept = own[0].device, {x.untyped_storage().data_ptr() for x in own}
    held: dict[int, int] = {}

    def count(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in kept:
            held[storage.data_ptr()] = storage.nbytes()
        return x

    cuda = device.type == "cuda"
    before = torch.cuda.memory_allocated(device) if cuda else 0
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    leaf = None if given is None else given.detach().clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(count, lambda x: x):
        found = run(leaf)
    if leaf is not None:
        torch.autograd.grad(found.sum(), leaf)
    peak = torch.cuda.max_memory_allocated(device) - before if cuda else None
    return Part(weights, sum(held.values()), peak)


def table(parts: dict[str, Part]) -> str:
    """The parts as lines of text, in megabytes."""
    lines = [f"{'part':<10}{'weights':>12}{'graph':>12}{'peak':>12}"]
    for name, part in parts.items():
        peak = "" if part.peak is None else f"{part.peak / MB:,.1f} MB"
        lines.append(f"{name:<10}{part.weights / MB:>9,.1f} MB{part.graph / MB:>9,.1f} MB{peak:>12}")
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    from fusedream_diffusion import load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="a folder or repository id, as of the generator diffusion")
    parser.add_argument("--rows", type=int, default=1, help="pictures at once")
    parser.add_argument("--saving", default="none", help="none, checkpoints, tiles or both")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    options = vars(parser.parse_args())
    rows = options.pop("rows")
    try:
        generator = load(**options)
    except FuseDreamError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{table(by_part(generator, rows=rows))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
