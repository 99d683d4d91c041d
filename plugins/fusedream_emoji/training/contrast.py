"""What a dual encoder is taught by a batch: CLIP's loss with false captions, and the naming of the things.

A `Lesson` is a batch made ready, as worker processes hand it over: numbers of scenes and tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPModel, CLIPTokenizer

from fusedream_emoji.painting import Drawing
from fusedream_emoji.training.batches import Batch, paint_flawed
from fusedream_emoji.training.models import MEAN, PATCH, STD, DualEncoder


@dataclass(frozen=True)
class Texts:
    """Token numbers of T texts, by their length in four parts that are padded apart: almost half the numbers of a single part.

    Args:
        parts: for each part `input_ids` and `attention_mask`, (rows, window).
        order: where each text is among the rows of the parts, (T,).
    """

    parts: list[dict[str, Tensor]]
    order: Tensor

    @classmethod
    def read(cls, tokenizer: CLIPTokenizer, texts: list[str]) -> Texts:
        """Texts as a model reads them."""
        lengths = torch.tensor([len(ids) for ids in tokenizer(texts)["input_ids"]])
        order = lengths.argsort()
        quarters = [[texts[i] for i in rows] for rows in order.chunk(4)]
        parts = [dict(tokenizer(some, padding=True, truncation=True, return_tensors="pt")) for some in quarters]
        return cls(parts, order.argsort())


@dataclass(frozen=True)
class Lesson:
    """A batch of B pictures made ready.

    Args:
        drawing: what is in them. seed: of their grain and flaws.
        texts: the captions, B for each foil, and N names.
        shown: which of the names are in which picture, in shares, (B, N).
        groups: of equal size, one after the other; a picture's caption competes with those of its group alone.
    """

    drawing: Drawing
    seed: int
    texts: Texts
    shown: Tensor
    groups: int = 1

    @classmethod
    def of(cls, batch: Batch, names: list[str], tokenizer: CLIPTokenizer, groups: int = 1) -> Lesson:
        """A batch of so many groups, and the names of all concepts in their order."""
        shown = torch.zeros(len(batch.captions), len(names))
        for row, things in enumerate(batch.concepts):
            shown[row, list(things)] = 1 / len(things)
        texts = Texts.read(tokenizer, [*batch.captions, *batch.foils, *names])
        return cls(batch.drawing, batch.seed, texts, shown, groups)


AnyOf = TypeVar("AnyOf")


def on(thing: AnyOf, device: torch.device) -> AnyOf:
    """The same with all its tensors on a device: a tensor, or a dataclass, tuple, list or dict of such things."""
    held: Any = thing
    if isinstance(held, Tensor):
        return cast("AnyOf", held.to(device))
    if isinstance(held, (list, tuple)):
        return cast("AnyOf", type(held)(on(x, device) for x in held))
    if isinstance(held, dict):
        return cast("AnyOf", {name: on(x, device) for name, x in held.items()})
    if is_dataclass(held):
        return cast("AnyOf", type(held)(**{field.name: on(getattr(held, field.name), device) for field in fields(held)}))
    return thing


def contrast(
    model: DualEncoder, lesson: Lesson, sprites: Tensor, *, kept: int | None = None, bf16: bool = False
) -> tuple[Tensor, Tensor]:
    """CLIP's loss, with each picture's false captions among its candidates, and the naming of its things among all names.

    Returns:
        The loss, and the share of the pictures whose own caption beat those of their group and the false ones: scalars.
    """
    count, names = lesson.shown.shape
    pictures = paint_flawed(lesson.drawing, sprites, lesson.seed)
    with torch.autocast(pictures.device.type, torch.bfloat16, enabled=bf16):
        written = text_features(model, lesson.texts)
        seen = image_features(model, (pictures - MEAN) / STD, kept)
    image, text = F.normalize(seen.float(), dim=1), F.normalize(written.float(), dim=1)
    caption, foil, name = text.split([count, len(text) - count - names, names])
    scale = model.logit_scale.exp()
    logits = scale * torch.einsum("gbd,gcd->gbc", *(x.unflatten(0, (lesson.groups, -1)) for x in (image, caption)))
    false = scale * torch.einsum("bd,kbd->bk", image, foil.unflatten(0, (-1, count)))
    rows = torch.cat([logits.flatten(0, 1), false], dim=1)
    target = torch.arange(count // lesson.groups, device=rows.device).repeat(lesson.groups)
    naming = F.cross_entropy(scale * image @ name.T, lesson.shown)
    loss = (F.cross_entropy(rows, target) + F.cross_entropy(logits.mT.flatten(0, 1), target)) / 2 + naming
    return loss, (rows.argmax(1) == target).float().mean()


def pooled(output: Any) -> Tensor:
    """The features in what transformers' `get_*_features` answer."""
    return output.pooler_output


def text_features(model: DualEncoder, texts: Texts) -> Tensor:
    """Text features (T, D)."""
    parts: list[dict[str, Any]] = list(texts.parts)
    return torch.cat([pooled(model.get_text_features(**part)) for part in parts])[texts.order]


def image_features(model: DualEncoder, pixels: Tensor, kept: int | None) -> Tensor:
    """Image features (B, D) of normalised pictures; a ViT reads only `kept` patches of each, the lively ones more often."""
    if kept is None or not isinstance(model, CLIPModel):
        return pooled(model.get_image_features(pixel_values=pixels))
    vision = model.vision_model
    light = pixels.mean(1, keepdim=True)
    spread = F.avg_pool2d(light**2, PATCH) - F.avg_pool2d(light, PATCH) ** 2
    lively = spread.flatten(1) > 0.01
    order = torch.rand(lively.shape, device=lively.device).add_(lively, alpha=0.8).argsort(1, descending=True)[:, :kept] + 1
    order = F.pad(order, (1, 0))
    tokens = vision.embeddings(pixels)
    tokens = vision.pre_layrnorm(tokens.gather(1, order[:, :, None].expand(-1, -1, tokens.shape[2])))
    hidden = vision.encoder(inputs_embeds=tokens).last_hidden_state
    return model.visual_projection(vision.post_layernorm(hidden[:, 0]))
