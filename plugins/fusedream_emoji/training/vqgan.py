"""Train the VQGAN of the emoji world: taming's autoencoder, on scenes that are painted as they are needed.

    python -m fusedream_emoji.training.vqgan --steps N --seed 0 --out FOLDER [--minutes M] [--bf16] [--compile] [--resume]

FOLDER receives config.yaml and model.safetensors, which the VQGAN plugin loads, and checkpoint.pt, from which `--resume`
goes on after any interruption. The loss is L1 of the pixels and of their differences to neighbours, and the commitment of
van den Oord et al. 2017; there is no adversary. The quantiser joins in over the first part of the run.
`--perceptual` adds a distance by the layers of the emoji scorer.
`--bf16` is worth it where the processor multiplies bf16 (avx512_bf16, amx). Needs the extra `vqgan`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from fusedream_emoji.art import load_sprites
from fusedream_emoji.painting import paint
from fusedream_emoji.scenes import SceneSampler
from fusedream_emoji.training.codes import Codes, perplexity
from fusedream_emoji.training.generator import picture_loss
from fusedream_emoji.training.muon import Muon
from fusedream_emoji.training.pace import fit
from fusedream_sdk.runtime.files import atomic_path
from fusedream_vqgan.config import Config
from fusedream_vqgan.network import VQGAN, look_up, nearest

COMMITMENT = 0.25  # van den Oord et al. 2017, section 3.2
# Of taming's Encoder and Decoder: stride 8, so 8 x 8 codes. Their norms have 32 groups: with 32 channels each would be
# normalised by itself, and a plain background's colour be lost, so there are 64, and for the sake of speed few blocks.
LAYERS: dict[str, Any] = {
    "double_z": False, "z_channels": 64, "resolution": 64, "in_channels": 3, "out_ch": 3, "ch": 64,
    "ch_mult": [1, 1, 1, 2], "num_res_blocks": 0, "attn_resolutions": [], "dropout": 0.0, "resamp_with_conv": True,
}  # fmt: skip
CONFIG = Config("vq", 32, 512, LAYERS)
HELD_OUT = 2**31  # a step that no run gets to

Distance = Callable[[Tensor, Tensor], Tensor]
Half = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Plan:
    """What a run does: at most `steps` batches, and no longer than `minutes`; the rate falls to 0 by then.

    `doubles` is the share of scenes of two things. All rows of a batch pass unquantised at first and none from the share
    `plain` of the run on, so that the codes find an encoder that means something.
    """

    steps: int
    seed: int = 0
    batch: int = 8
    rate: float = 0.01
    warmup: int = 50
    doubles: float = 0.4
    plain: float = 0.3
    perceptual: float = 0.0
    minutes: float = math.inf
    bf16: bool = False
    compile: bool = False


@dataclass
class Run:
    """What a checkpoint holds, and the encoder and decoder as they are called: perhaps compiled."""

    model: VQGAN
    codes: Codes
    optimisers: list[torch.optim.Optimizer]
    halves: tuple[Half, Half]
    step: int = 0
    seconds: float = 0.0


@dataclass
class World:
    """Where pictures come from: sprites (styles, N, 4, side, side), a sampler of scenes, and a distance if one is used."""

    sprites: Tensor
    distance: Distance | None = None
    sampler: SceneSampler = field(init=False)

    def __post_init__(self) -> None:
        self.sampler = SceneSampler(self.sprites, seed=0)

    def pictures(self, plan: Plan, step: int, count: int) -> Tensor:
        """Pictures (count, 3, side, side) in [0, 1], the same for the same seed and step."""
        self.sampler.reseed(f"{plan.seed}, {step}")
        rng = self.sampler.rng
        scenes = []
        for _ in range(count):
            one, two = rng.sample(range(self.sampler.count), 2)
            scenes.append(self.sampler.double(one, two) if rng.random() < plan.doubles else self.sampler.single(one))
        return paint(scenes, self.sprites, torch.Generator().manual_seed(rng.getrandbits(48)))


def start(plan: Plan, config: Config = CONFIG) -> Run:
    """A fresh run."""
    torch.manual_seed(plan.seed)
    model = VQGAN(config)
    model.codebook.requires_grad_(False)
    halves: tuple[Half, Half] = (model.features, model.decode)
    if plan.compile:
        halves = torch.compile(model.features, dynamic=False), torch.compile(model.decode, dynamic=False)
    return Run(model, Codes.of(model.codebook), make_optimisers(model), halves)


def make_optimisers(model: VQGAN) -> list[torch.optim.Optimizer]:
    """Muon for the convolutions between features, Adam for the rest; each group's rate is the plan's times its `speed`."""
    inner = [p for p in model.parameters() if p.ndim == 4 and min(p.shape[:2]) > 3]
    chosen = {id(p) for p in inner}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    adam = torch.optim.AdamW([{"params": rest, "speed": 0.1}], lr=0.0, betas=(0.9, 0.99), weight_decay=0.0)
    return [Muon([{"params": inner, "speed": 1.0}], lr=0.0), adam]


def advance(run: Run, world: World, plan: Plan) -> float:
    """One step of the optimiser and of the codebook. Returns the loss."""
    encode, decode = run.halves
    progress = min(max(run.step / plan.steps, run.seconds / 60 / plan.minutes), 1)
    rate = plan.rate * min(1, (run.step + 1) / plan.warmup) * (0.5 + 0.5 * math.cos(math.pi * progress))
    for group in (group for optimiser in run.optimisers for group in optimiser.param_groups):
        group["lr"] = rate * group["speed"]
    target = 2 * world.pictures(plan, run.step, plan.batch) - 1
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bf16):
        features = encode(target).float()
        index = nearest(features, run.model.codebook)
        codes = look_up(index, run.model.codebook)
        plain = round(plan.batch * max(1 - progress / plan.plain, 0))  # rows that are not quantised, to begin with
        codes[:plain] = features[:plain].detach()
        picture = decode(codes + (features - features.detach())).float()
    loss = picture_loss(picture, target) + COMMITMENT * (features - codes).square().mean()
    if world.distance is not None and plan.perceptual:
        loss = loss + plan.perceptual * world.distance((picture + 1) / 2, (target + 1) / 2).mean()
    loss.backward()
    for optimiser in run.optimisers:
        optimiser.step()
        optimiser.zero_grad()
    run.codes.update(features, index, torch.Generator().manual_seed((plan.seed << 32) + run.step))
    run.step += 1
    return float(loss.detach())


@torch.no_grad()
def held_out(run: Run, world: World, plan: Plan, count: int = 128) -> tuple[float, float]:
    """Mean absolute error in [0, 1] of pictures that no step has seen, and the perplexity of their codes."""
    errors, chosen = [], []
    for pictures in world.pictures(plan, HELD_OUT, count).split(32):
        index = run.model.quantize.indices(run.model.features(2 * pictures - 1))
        drawn = (run.model.decode(look_up(index, run.model.codebook)).clamp(-1, 1) + 1) / 2
        errors.append((drawn - pictures).abs().mean((1, 2, 3)))
        chosen.append(index)
    return float(torch.cat(errors).mean()), perplexity(torch.cat(chosen), len(run.model.codebook))


def save(run: Run, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    state = {"model": run.model.state_dict(), "codes": run.codes.state(), "step": run.step, "seconds": run.seconds}
    with atomic_path(path) as temporary:
        torch.save({**state, "optimisers": [optimiser.state_dict() for optimiser in run.optimisers]}, temporary)


def restore(run: Run, path: Path) -> None:
    """Continue from a checkpoint."""
    state = torch.load(path, weights_only=True)
    run.model.load_state_dict(state["model"])
    for optimiser, values in zip(run.optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(values)
    run.codes = Codes(run.model.codebook, **state["codes"])
    run.step, run.seconds = state["step"], state["seconds"]


def export(model: VQGAN, folder: Path) -> None:
    """Write what the VQGAN plugin loads: config.yaml in taming's layout, and model.safetensors in half precision."""
    config = model.config
    params = {"embed_dim": config.embed_dim, "n_embed": config.n_embed, "ddconfig": config.ddconfig}
    described = {"model": {"target": "taming.models.vqgan.VQModel", "params": params}}
    with atomic_path(folder / "config.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(described, sort_keys=False))
    with atomic_path(folder / "model.safetensors") as temporary:
        save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, temporary)


def report(run: Run, world: World, plan: Plan, folder: Path) -> None:
    """Save and export the run, and print how it stands."""
    save(run, folder / "checkpoint.pt")
    export(run.model, folder)
    error, used = held_out(run, world, plan)
    pace = f"{run.step * plan.batch} pictures, {run.seconds / 60:.1f} minutes"
    print(f"step {run.step}: {pace}, held-out L1 {error:.4f}, perplexity {used:.0f}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights and of the checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--minutes", type=float, default=Plan.minutes, help="end after so long; the schedule adapts")
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--perceptual", type=float, default=Plan.perceptual, help="weight of the distance by the scorer")
    parser.add_argument("--bf16", action="store_true", help="multiply in bfloat16")
    parser.add_argument("--compile", action="store_true", help="use torch.compile: minutes at first, half as fast again after")
    options = vars(parser.parse_args())
    folder, resume = options.pop("out"), options.pop("resume")
    plan = Plan(**options)
    distance: Distance | None = None
    if plan.perceptual:
        import fusedream_emoji

        distance = fusedream_emoji.perceptual()
    world, run = World(load_sprites(), distance), start(plan)
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        restore(run, folder / "checkpoint.pt")
    fit(run, plan, lambda run: advance(run, world, plan), lambda run: report(run, world, plan, folder))


if __name__ == "__main__":
    main()
