"""The state of a generator's training: the twin, its moving average, its optimisers; started, saved, restored."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Optimizer

from fusedream_emoji.factors import FACTORS
from fusedream_emoji.training.beginning import begin
from fusedream_emoji.training.muon import Muon
from fusedream_emoji.training.twin import Layers, Twin

# One block per doubling, and cheap blocks where the features are small. (up-samples?, width in, width out)
LAYERS = [(True, 16, 8), (False, 8, 8), (True, 8, 4), (False, 4, 4), (False, 4, 4), (True, 4, 2), (True, 2, 1)]


@dataclass
class Run:
    """Everything that a checkpoint holds."""

    twin: Twin
    average: Twin
    optimisers: list[Optimizer]
    step: int = 0
    seconds: float = 0.0


def start(sprites: Tensor, seed: int, *, width: int = 64, layers: Layers = LAYERS) -> Run:
    """A fresh run for sprites (styles, N, 4, side, side), on their device."""
    torch.manual_seed(seed)
    twin = Twin(layers, width, concepts=sprites.shape[1], factors=len(FACTORS))
    begin(twin, sprites.cpu())
    twin = twin.to(device=sprites.device).to(memory_format=torch.channels_last)
    return Run(twin, copy.deepcopy(twin).eval(), make_optimisers(twin))


def make_optimisers(twin: Twin) -> list[Optimizer]:
    """Muon for the blocks' convolutions, Adam for the rest; each group's rate is the plan's times its `speed`.

    Adam's rates fall with the fan-in: no normalisation layer hides how far a wide sum moves in one step.
    """
    kernels, groups = [], []
    for name, parameter in twin.named_parameters():
        if name.startswith("blocks") and ".conv." in name and parameter.ndim > 1:
            kernels.append(parameter)
        else:
            fan_in = 1 if parameter.ndim == 1 or name.startswith("embeddings") else parameter[0].numel()
            groups.append({"params": [parameter], "speed": 25 / max(fan_in, 64)})
    adam = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    muon = Muon([{"params": kernels, "speed": 1.0}], lr=0.0)
    return [muon, adam]


def save(run: Run, path: Path) -> None:
    """Write a checkpoint atomically."""
    state = {"twin": run.twin.state_dict(), "average": run.average.state_dict(), "step": run.step}
    state |= {"optimisers": [optimiser.state_dict() for optimiser in run.optimisers], "seconds": run.seconds}
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def restore(run: Run, path: Path) -> None:
    """Continue from a checkpoint."""
    state = torch.load(path, map_location=next(run.twin.parameters()).device, weights_only=True)
    run.twin.load_state_dict(state["twin"])
    run.average.load_state_dict(state["average"])
    for optimiser, values in zip(run.optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(values)
    run.step, run.seconds = state["step"], state["seconds"]
