"""The two dual encoders of the emoji world, small enough to ship, in ordinary transformers classes.

The scorer is a CLIPModel: a ViT of patch 8 at 64 px and CLIP's causal text tower. The judge shares neither: a ConvNext
and a two-way BERT in a VisionTextDualEncoderModel, so that what fools the one need not fool the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from transformers import (
    BertConfig,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    ConvNextConfig,
    PreTrainedModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)

Kind = Literal["scorer", "judge"]
SIDE = 64
WINDOW = 40  # tokens of a caption, start and end included
MEAN = STD = 0.5


def build(kind: Kind, tokenizer: CLIPTokenizer, *, tiny: bool = False) -> PreTrainedModel:
    """A fresh model, initialised from torch's global random state; `tiny` is for tests."""
    return _scorer(tokenizer, tiny) if kind == "scorer" else _judge(tokenizer, tiny)


def _scorer(tokenizer: CLIPTokenizer, tiny: bool) -> CLIPModel:
    vision = {"hidden_size": 32 if tiny else 160, "num_hidden_layers": 1 if tiny else 5, "num_attention_heads": 4}
    text = {"hidden_size": 32 if tiny else 128, "num_hidden_layers": 1 if tiny else 3, "num_attention_heads": 4}
    for tower in (vision, text):
        tower["intermediate_size"] = 4 * tower["hidden_size"]
    vision |= {"image_size": SIDE, "patch_size": 8}
    text |= {"vocab_size": len(tokenizer), "max_position_embeddings": WINDOW}
    text |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text["pad_token_id"] = tokenizer.pad_token_id
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=128)
    return CLIPModel._from_config(config, attn_implementation="eager")


def _judge(tokenizer: CLIPTokenizer, tiny: bool) -> VisionTextDualEncoderModel:
    widths, depths = ([16, 32], [1, 1]) if tiny else ([80, 160, 256], [2, 3, 2])
    vision = ConvNextConfig(
        image_size=SIDE, patch_size=4, num_stages=len(widths), hidden_sizes=widths, depths=depths, layer_scale_init_value=0.1
    )
    text = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32 if tiny else 128,
        num_hidden_layers=1 if tiny else 3,
        num_attention_heads=4,
        intermediate_size=128 if tiny else 512,
        max_position_embeddings=WINDOW,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
    )
    vision.hidden_size = widths[-1]  # the dual encoder's projection asks for it
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=128)
    return VisionTextDualEncoderModel._from_config(config, attn_implementation="eager")


def save(model: PreTrainedModel, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write an ordinary model folder that AutoModel and AutoProcessor load."""
    size = {"height": SIDE, "width": SIDE}
    images = CLIPImageProcessor(size=size, crop_size=size, image_mean=[MEAN] * 3, image_std=[STD] * 3)
    processor = CLIPProcessor if isinstance(model, CLIPModel) else VisionTextDualEncoderProcessor
    tokenizer.backend_tokenizer.no_truncation()  # else the last call's settings are saved with it
    tokenizer.backend_tokenizer.no_padding()
    model.save_pretrained(folder)
    images.save_pretrained(folder)
    processor(images, tokenizer).save_pretrained(folder)
