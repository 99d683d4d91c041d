"""Train the text tower of the emoji world's one-step model to say the code of the drawing of a caption, and export it all.

    python -m fusedream_emoji.training.turbo_prompt --steps 600 --seed 0 --out FOLDER

It begins as the scorer's tower. Captions have colours, styles, sizes and backgrounds, which change no code; words that name
none of the drawings mean little. FOLDER is that of `fusedream_emoji.training.turbo`, whose student it exports, and
receives the folder `pipeline`.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPModel, CLIPTextModelWithProjection, CLIPTokenizer

from fusedream_emoji import WEIGHTS
from fusedream_emoji.art import load_sprites, names
from fusedream_emoji.training.captions import STYLE_WORDS, Facts, Phrase, sentence
from fusedream_emoji.training.palette import WORDS
from fusedream_emoji.training.turbo_models import POOLED, Sizes, Student, codes_of, export


@dataclass(frozen=True)
class Lesson:
    """What a training does: `steps` batches of Adam, whose rate falls to 0 along a cosine."""

    steps: int
    seed: int = 0
    batch: int = 128
    rate: float = 1e-3


def tower_of(scorer: Path) -> tuple[CLIPTextModelWithProjection, Any]:
    """The text tower of a CLIP in a folder, with a fresh projection, and its tokenizer."""
    clip, tokenizer = CLIPModel.from_pretrained(scorer), CLIPTokenizer.from_pretrained(scorer)
    config: Any = clip.config.text_config
    config.projection_dim = POOLED
    tower = CLIPTextModelWithProjection(config)
    tower.text_model.load_state_dict(clip.text_model.state_dict())
    torch.nn.init.normal_(tower.text_projection.weight, std=config.hidden_size**-0.5)
    return tower, tokenizer


def caption(concept: int, rng: random.Random) -> str:
    """A sentence about a concept with what the code leaves aside."""
    colour = rng.choice(WORDS) if rng.random() < 0.5 else None
    size = rng.choice(("small", "big")) if rng.random() < 0.15 else None
    style = rng.randrange(len(STYLE_WORDS)) if rng.random() < 0.15 else None
    back = rng.choice(WORDS) if rng.random() < 0.3 else None
    return sentence(Facts((Phrase(concept, colour, size),), None, style, back), rng)


def draw_captions(count: int, rng: random.Random) -> tuple[list[str], Tensor]:
    """Captions and the concepts that they name, (count,)."""
    concept = [rng.randrange(len(names())) for _ in range(count)]
    return [caption(one, rng) for one in concept], torch.tensor(concept)


def embed(tower: CLIPTextModelWithProjection, tokenizer: Any, texts: list[str]) -> Tensor:
    """Texts to pooled embeddings (N, 128), as the pipeline makes them: padding comes after the end, which is what is read."""
    most = tokenizer.model_max_length
    ids = tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt").input_ids
    return tower(ids).text_embeds


def train(tower: CLIPTextModelWithProjection, tokenizer: Any, codes: Tensor, lesson: Lesson) -> CLIPTextModelWithProjection:
    """Fit a tower to the codes (concepts, 128), in place, by squared error."""
    rng = random.Random(lesson.seed)
    tower.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(tower.parameters(), lr=lesson.rate, weight_decay=0.0)
    for step in range(lesson.steps):
        for group in optimiser.param_groups:
            group["lr"] = lesson.rate * min(1, (step + 1) / 30) * (0.5 + 0.5 * math.cos(math.pi * step / lesson.steps))
        said, concept = draw_captions(lesson.batch, rng)
        loss = (embed(tower, tokenizer, said) - codes[concept]).square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return tower.eval().requires_grad_(False)


@torch.no_grad()
def told(
    tower: CLIPTextModelWithProjection, tokenizer: Any, codes: Tensor, *, seed: int, count: int = 500
) -> tuple[float, float]:
    """Of fresh captions: the share that come nearest to their own drawing's code, and their squared error over the variance."""
    said, concept = draw_captions(count, random.Random(seed))
    found = embed(tower, tokenizer, said)
    right = (torch.cdist(found, codes).argmin(dim=1) == concept).float().mean()
    return float(right), float((found - codes[concept]).square().mean() / codes.var(dim=0).mean())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=Lesson.seed)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint, which receives the pipeline")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    sprites = load_sprites()
    codes = codes_of(sprites)
    tower, tokenizer = tower_of(WEIGHTS / "scorer")
    train(tower, tokenizer, codes, Lesson(args.steps, args.seed))
    right, error = told(tower, tokenizer, codes, seed=args.seed + 1)
    print(f"nearest to their own drawing: {right:.1%} of fresh captions; squared error {error:.3f} of the variance", flush=True)
    student = Student(Sizes())
    student.load_state_dict(load_file(args.out / "student.safetensors"))
    export(student, tower, tokenizer, args.out / "pipeline")


if __name__ == "__main__":
    main()
