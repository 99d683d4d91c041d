"""The two dual encoders of the emoji world, small enough to ship, in ordinary transformers classes.

The scorer is a CLIPModel: a ViT of patch 8 at 64 px, and CLIP's text tower. The judge looks through a ConvNext instead (in
a VisionTextDualEncoderModel), so that what fools the one need not fool the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTextConfig,
    CLIPTokenizer,
    ConvNextConfig,
    PreTrainedModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)

Kind = Literal["scorer", "judge"]
DualEncoder = CLIPModel | VisionTextDualEncoderModel
AnyEncoder = TypeVar("AnyEncoder", bound=PreTrainedModel)
PROJECTIONS = ("visual_projection", "text_projection")
SIDE = 64
PATCH = 8  # of the scorer's ViT
SHARED = 256  # dimensions of the features
WINDOW = 40  # tokens of a caption, start and end included
MEAN = STD = 0.5


def build(kind: Kind, tokenizer: CLIPTokenizer, *, tiny: bool = False) -> DualEncoder:
    """A fresh model, initialised from torch's global random state; `tiny` is for tests."""
    return _scorer(tokenizer, tiny) if kind == "scorer" else _judge(tokenizer, tiny)


def _scorer(tokenizer: CLIPTokenizer, tiny: bool) -> CLIPModel:
    width = 32 if tiny else 160
    vision = {"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": 1 if tiny else 5}
    vision |= {"num_attention_heads": 4, "image_size": SIDE, "patch_size": PATCH}
    config = CLIPConfig(text_config=_text(tokenizer, tiny), vision_config=vision, projection_dim=SHARED)
    return CLIPModel._from_config(config, attn_implementation="sdpa")


def _judge(tokenizer: CLIPTokenizer, tiny: bool) -> VisionTextDualEncoderModel:
    widths, depths = ([16, 32], [1, 1]) if tiny else ([64, 128, 256], [2, 2, 5])
    vision = ConvNextConfig(image_size=SIDE, patch_size=4, num_stages=len(widths), hidden_sizes=widths, depths=depths)
    vision.layer_scale_init_value = 0.5
    vision.hidden_size = widths[-1]  # the dual encoder's projection asks for it
    text = CLIPTextConfig(**_text(tokenizer, tiny))
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=SHARED)
    model = VisionTextDualEncoderModel._from_config(config, attn_implementation="eager")  # ConvNext knows no other
    cast("PreTrainedModel", model.get_submodule("text_model")).set_attn_implementation("sdpa")
    for part in model.get_submodule("vision_model").modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            # ConvNext's own start (0.02 everywhere) is meant for wide and deep towers: here it would be all but silent.
            nn.init.normal_(part.weight, std=part.weight[0].numel() ** -0.5)
    return fresh_projections(model)


def fresh_projections(model: AnyEncoder) -> AnyEncoder:
    """The model with projections that start as CLIP's do, which transformers' dual encoder starts at 0.02.

    So small a start leaves them low in rank: a judge that was trained from it came to use 24 of its 256 dimensions (a
    known collapse of contrastive training: Jing et al., 2022, arXiv:2110.09348).
    """
    for name in PROJECTIONS:
        weight = model.get_parameter(f"{name}.weight")
        nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
    return model


def _text(tokenizer: CLIPTokenizer, tiny: bool) -> dict[str, Any]:
    width = 32 if tiny else 128
    size = {"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": 1 if tiny else 3}
    size |= {"num_attention_heads": 4, "vocab_size": len(tokenizer), "max_position_embeddings": WINDOW}
    tokens = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return size | tokens


def save(model: DualEncoder, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write an ordinary model folder that AutoModel and AutoProcessor load."""
    size = {"height": SIDE, "width": SIDE}
    images = CLIPImageProcessor(size=size, crop_size=size, image_mean=[MEAN] * 3, image_std=[STD] * 3)
    processor = CLIPProcessor if isinstance(model, CLIPModel) else VisionTextDualEncoderProcessor
    for key in ("is_local", "local_files_only"):  # what it was loaded with is nobody's business
        tokenizer.init_kwargs.pop(key, None)
    tokenizer.backend_tokenizer.no_truncation()  # else the last call's settings are saved with it
    tokenizer.backend_tokenizer.no_padding()
    model.save_pretrained(folder)
    images.save_pretrained(folder)
    processor(images, tokenizer).save_pretrained(folder)


def halve(folder: Path) -> None:
    """Store a folder's weights in half precision; as its config says float32, they are still loaded as that."""
    file = folder / "model.safetensors"
    weights = {name: tensor.half() for name, tensor in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})
