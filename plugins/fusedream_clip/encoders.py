"""CLIP's two towers as plain modules, under transformers' names, so that its files fill them and `tower` runs them.

For the models that ship with the package: see `native`. Nothing is drawn at random on the way, as the weights come from a file.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusedream_clip.convnext import Conv2d, ConvNext, Linear
from fusedream_clip.tower import QUICK, run_layer


class Embedding(nn.Embedding):
    """An embedding whose weights are still to be read."""

    def reset_parameters(self) -> None:
        """Nothing."""


class DualEncoder(nn.Module):
    """A text tower and an image tower with a projection each, as CLIPModel and VisionTextDualEncoderModel have them.

    Args:
        config: what their config.json says, as attributes.

    Raises:
        ValueError: an image tower or an activation of another kind. AttributeError: a field that is not there.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        vision = config.vision_config
        if vision.model_type not in TOWERS:
            raise ValueError(f"vision_config.model_type: expected {' or '.join(TOWERS)}, got {vision.model_type!r}")
        self.config = config
        self.text_model = TextTower(config.text_config)
        self.vision_model = TOWERS[vision.model_type](vision)
        self.visual_projection = Linear(vision.hidden_size, config.projection_dim, bias=False)
        self.text_projection = Linear(config.text_config.hidden_size, config.projection_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.zeros(()))  # of training; it belongs to the model's identity

    def get_text_features(self, input_ids: Tensor) -> Tensor:
        """Tokens (N, T), each row with its end and anything after that, to (N, D), not normalised."""
        return self.text_projection(self.text_model(input_ids))

    def get_image_features(self, pixel_values: Tensor) -> Tensor:
        """Pixels (B, 3, R, R), standardised, to (B, D), not normalised; of a tower that `tower` does not know."""
        return self.visual_projection(self.vision_model(pixel_values).pooler_output)


class TextTower(nn.Module):
    """A causal transformer that is read at the first end of a text. What pads a text comes after that and is never seen."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, self.end = config.hidden_size, config.eos_token_id
        tables = {"token_embedding": config.vocab_size, "position_embedding": config.max_position_embeddings}
        self.embeddings = nn.ModuleDict({name: Embedding(count, width) for name, count in tables.items()})
        self.encoder = layers_of(config)
        self.final_layer_norm = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T) to (N, width)."""
        embedding: Any = self.embeddings
        x = embedding.token_embedding(tokens) + embedding.position_embedding.weight[: tokens.shape[1]]
        for layer in self.encoder.layers:
            x = run_layer(layer, x, causal=True)
        ends = (tokens == self.end).int().argmax(dim=1)
        return self.final_layer_norm(x)[torch.arange(len(x), device=x.device), ends]


class ImageTower(nn.Module):
    """The parameters of CLIP's vision transformer; `tower` runs them."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, side = config.hidden_size, config.patch_size
        places = (config.image_size // side) ** 2 + 1
        self.config = config
        self.embeddings = nn.ModuleDict(
            {
                "patch_embedding": Conv2d(config.num_channels, width, side, stride=side, bias=False),
                "position_embedding": Embedding(places, width),
            }
        )
        self.embeddings.register_parameter("class_embedding", nn.Parameter(torch.empty(width)))
        self.pre_layrnorm = nn.LayerNorm(width, eps=config.layer_norm_eps)  # spelt as the files spell it
        self.encoder = layers_of(config)
        self.post_layernorm = nn.LayerNorm(width, eps=config.layer_norm_eps)


TOWERS: dict[str, type[nn.Module]] = {"clip_vision_model": ImageTower, "convnext": ConvNext}


def layers_of(config: Any) -> Any:
    """All layers of a tower, where transformers has them."""
    return nn.ModuleDict({"layers": nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))})


class Layer(nn.Module):
    """The parameters of a layer; `tower.run_layer` runs it."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width = config.hidden_size
        self.self_attn = Attention(width, config.num_attention_heads)
        self.layer_norm1 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.mlp = MLP(config)
        self.layer_norm2 = nn.LayerNorm(width, eps=config.layer_norm_eps)


class Attention(nn.ModuleDict):
    """The four products of attention, and how wide a head is."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__({name: Linear(width, width) for name in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.head_dim = width // heads
        self.scale = self.head_dim**-0.5


class MLP(nn.Module):
    """Two products with quick-GELU between them."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        if config.hidden_act != "quick_gelu":
            raise ValueError(f"hidden_act: expected quick_gelu, got {config.hidden_act!r}")
        self.config = config
        self.fc1 = Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to the same, for weights that are trained; `tower.perceive` is for those that are not."""
        return self.fc2(F.silu(QUICK * self.fc1(x)) / QUICK)
