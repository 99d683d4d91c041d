"""Train the emoji world's scorer, or its judge, on scenes that are drawn on the fly.

    python -m fusedream_emoji.training.scorer --model scorer --steps 5600 --seed 0 --out FOLDER [--resume]

    python -m fusedream_emoji.training.scorer --model judge --steps 4000 --seed 1 --out FOLDER [--resume]

FOLDER becomes an ordinary transformers model folder (moving average of the weights), rewritten every `--every` steps with
`training.pt` beside it, from which `--resume` goes on; every step draws from (seed, step), so a resumed run is the run.
The loss is CLIP's (Radford et al., 2021) with one more column in each picture's row, its false caption (hard negatives as
in NegCLIP: Yuksekgonul et al., 2023), and the naming of the things among all concepts. For most of the steps the scorer's
ViT reads 32 of the 64 patches (FLIP: Li et al., 2023).

On one core with avx512_bf16 (`--bf16 --threads 1`, batch 256, rate 2e-3) a step of the scorer takes 0.9 s, one of the judge
1.1 s; what they came to is in their cards (`weights/*/README.md`). Muon reached in 325 steps the loss for which AdamW
alone, at 1e-3, took 475.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoModel, CLIPModel, CLIPTokenizer

from fusedream_emoji.art import concepts, load_sprites
from fusedream_emoji.scenes import SceneSampler
from fusedream_emoji.training.batches import Batch, make_batch
from fusedream_emoji.training.captions import article
from fusedream_emoji.training.models import MEAN, PATCH, STD, DualEncoder, Kind, build, halve, save
from fusedream_emoji.training.tokenizer import train_tokenizer


@dataclass(frozen=True)
class Plan:
    """Everything that a run depends on."""

    model: Kind
    steps: int
    seed: int = 0
    batch: int = 256
    rate: float = 2e-3
    warmup: int = 150
    decay: float = 0.05
    average: float = 0.998
    dropped: float = 0.88
    kept: int = 32
    doubles: tuple[float, float] = (0.25, 0.6)  # share of double scenes, at the start and at the end
    pasted: float = 0.3  # share of the double scenes in which one thing is pasted over the other
    twins: float = 0.4
    bf16: bool = False
    start: str | None = None  # folder of a finished model of the same kind, to train on from
    tiny: bool = False


class Trainer:
    """A model, its moving average and its optimiser, advanced one step at a time."""

    def __init__(self, plan: Plan, sprites: Tensor) -> None:
        """Start afresh; `sprites`: (3, N, 4, 64, 64) from `load_sprites`."""
        torch.manual_seed(plan.seed)
        self.plan, self.sprites, self.step = plan, sprites, 0
        self.tokenizer = load_tokenizer(Path(plan.start)) if plan.start else train_tokenizer()
        self.model = build(plan.model, self.tokenizer, tiny=plan.tiny)
        if plan.start:
            start_from(self.model, Path(plan.start))
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.sampler = SceneSampler(sprites, plan.seed, pasted=plan.pasted)
        self.optimisers = make_optimisers(self.model, plan)

    def advance(self) -> tuple[float, float]:
        """Do one step; the loss, and the share of the pictures whose own caption beat all others and the false one."""
        plan, done = self.plan, self.step / self.plan.steps
        self.sampler.reseed(f"{plan.seed}/{self.step}")
        doubles = plan.doubles[0] + (plan.doubles[1] - plan.doubles[0]) * min(1.0, max(0.0, 2.5 * done - 0.5))
        batch = make_batch(self.sampler, self.sprites, plan.batch, doubles=doubles, twins=plan.twins, flaws=True)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self._rate()
        kept = plan.kept if plan.model == "scorer" and done < plan.dropped else None
        torch.manual_seed(self.sampler.rng.getrandbits(48))
        names = [article(self.sampler.rng.choice(concept["names"])) for concept in concepts()]
        loss, right = contrast(self.model, self.tokenizer, batch, names, kept=kept, bf16=plan.bf16)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        self._follow()
        return loss.item(), right

    def _rate(self) -> float:
        rise = min(1.0, (self.step + 1) / self.plan.warmup)
        return self.plan.rate * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * self.step / self.plan.steps)) / 2)

    @torch.no_grad()
    def _follow(self) -> None:
        self.model.logit_scale.clamp_(max=math.log(100))
        weight = 1 - min(self.plan.average, (1 + self.step) / (20 + self.step))
        for slow, fast in zip(self.average.parameters(), self.model.parameters(), strict=True):
            slow.lerp_(fast, weight)

    def parts(self) -> tuple[DualEncoder | torch.optim.Optimizer, ...]:
        """Everything that a run changes, beside the step."""
        return (self.model, self.average, *self.optimisers)

    def write(self, folder: Path) -> None:
        """Write the averaged model, and all that `read` needs, into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        save(self.average, self.tokenizer, folder)
        parts = [part.state_dict() for part in self.parts()]
        torch.save({"plan": asdict(self.plan), "step": self.step, "parts": parts}, folder / "training.part")
        os.replace(folder / "training.part", folder / "training.pt")

    def read(self, folder: Path) -> None:
        """Go on from what `write` left."""
        self.tokenizer = load_tokenizer(folder)
        state = torch.load(folder / "training.pt", weights_only=True)
        for part, saved in zip(self.parts(), state["parts"], strict=True):
            part.load_state_dict(saved)
        self.step = state["step"]


def load_tokenizer(folder: Path) -> CLIPTokenizer:
    """The tokenizer of a model folder: embeddings mean nothing with another's numbering."""
    return CLIPTokenizer.from_pretrained(folder, local_files_only=True)


def start_from(model: DualEncoder, folder: Path) -> None:
    """Start from the weights of a finished folder of the same kind, without its optimiser's state."""
    model.load_state_dict(AutoModel.from_pretrained(folder, local_files_only=True).state_dict())


def make_optimisers(model: DualEncoder, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al., 2024) for the matrices inside the towers' layers, AdamW for all the rest."""
    inner = [p for name, p in model.named_parameters() if p.ndim == 2 and ".layer" in name]
    chosen = {id(p) for p in inner}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    matrices, others = [p for p in rest if p.ndim > 1], [p for p in rest if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": plan.decay}, {"params": others, "weight_decay": 0.0}]
    return [
        torch.optim.Muon(inner, lr=plan.rate, weight_decay=plan.decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98)),
    ]


def contrast(
    model: DualEncoder,
    tokenizer: CLIPTokenizer,
    batch: Batch,
    names: list[str],
    *,
    kept: int | None = None,
    bf16: bool = False,
) -> tuple[Tensor, float]:
    """CLIP's loss, with each picture's false caption among its candidates, and the naming of its things among all `names`.

    Returns:
        The loss, and the share of the pictures whose own caption beat those of all others and the false one.
    """
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        written = text_features(model, tokenizer, [*batch.captions, *batch.foils, *names])
        seen = image_features(model, (batch.pictures - MEAN) / STD, kept)
    image, text = F.normalize(seen.float(), dim=1), F.normalize(written.float(), dim=1)
    caption, foil, name = text.split([len(image), len(image), len(names)])
    scale = model.logit_scale.exp()
    logits = scale * image @ caption.T
    rows = torch.cat([logits, scale * (image * foil).sum(1, keepdim=True)], dim=1)
    target = torch.arange(len(image))
    shown = torch.zeros(len(image), len(names))
    for row, things in enumerate(batch.concepts):
        shown[row, list(things)] = 1 / len(things)
    naming = F.cross_entropy(scale * image @ name.T, shown)
    loss = (F.cross_entropy(rows, target) + F.cross_entropy(logits.T, target)) / 2 + naming
    return loss, (rows.argmax(1) == target).float().mean().item()


def pooled(output: Any) -> Tensor:
    """The features in what transformers' `get_*_features` answer."""
    return output.pooler_output


def text_features(model: DualEncoder, tokenizer: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Text features (B, D); the short half and the long half are padded apart, which saves a quarter of the time."""
    lengths = torch.tensor([len(ids) for ids in tokenizer(texts)["input_ids"]])
    order = lengths.argsort()
    parts = []
    for rows in order.chunk(2):
        some = tokenizer([texts[i] for i in rows], padding=True, truncation=True, return_tensors="pt")
        parts.append(pooled(model.get_text_features(**some)))
    return torch.cat(parts)[order.argsort()]


def image_features(model: DualEncoder, pixels: Tensor, kept: int | None) -> Tensor:
    """Image features (B, D) of normalised pictures; a ViT reads only `kept` patches of each, the lively ones more often."""
    if kept is None or not isinstance(model, CLIPModel):
        return pooled(model.get_image_features(pixel_values=pixels))
    vision = model.vision_model
    light = pixels.mean(1, keepdim=True)
    spread = F.avg_pool2d(light**2, PATCH) - F.avg_pool2d(light, PATCH) ** 2
    lively = spread.flatten(1) > 0.01
    order = torch.rand(lively.shape).add_(lively, alpha=0.8).argsort(1, descending=True)[:, :kept] + 1
    order = F.pad(order, (1, 0))
    tokens = vision.embeddings(pixels)
    tokens = vision.pre_layrnorm(tokens.gather(1, order[:, :, None].expand(-1, -1, tokens.shape[2])))
    hidden = vision.encoder(inputs_embeds=tokens).last_hidden_state
    return model.visual_projection(vision.post_layernorm(hidden[:, 0]))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=("scorer", "judge"), required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--every", type=int, default=250, help="steps between two writings of the folder")
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--start", help="folder of a finished model of the same kind, to train on from")
    parser.add_argument("--doubles", type=float, nargs=2, default=Plan.doubles, help="share of scenes of two, first and last")
    parser.add_argument("--pasted", type=float, default=Plan.pasted, help="share of scenes of two that are pasted")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    parser.add_argument("--bf16", action="store_true", help="autocast: 5 times faster on processors with avx512_bf16")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shared = ("batch", "rate", "bf16", "start", "pasted")
    chosen: dict[str, Any] = {name: getattr(options, name) for name in shared} | {"doubles": tuple(options.doubles)}
    plan = Plan(options.model, options.steps, options.seed, **chosen)
    trainer = Trainer(plan, load_sprites())
    if options.resume:
        trainer.read(options.out)
    started, first = time.time(), trainer.step
    loss = right = math.nan
    while trainer.step < plan.steps:
        now = trainer.advance()
        loss, right = (old * 0.95 + new * 0.05 if old == old else new for old, new in zip((loss, right), now, strict=True))
        if trainer.step % 25 == 0:
            pace = (time.time() - started) / (trainer.step - first)
            print(f"step {trainer.step}: loss {loss:.3f}, right {right:.3f}, {pace:.2f} s a step", flush=True)
        if trainer.step % options.every == 0 or trainer.step == plan.steps:
            trainer.write(options.out)
            if options.half:
                halve(options.out)


if __name__ == "__main__":
    main()
