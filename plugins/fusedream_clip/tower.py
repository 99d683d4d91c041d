"""CLIP's image tower on the parameters of a transformers model: the same function, in fewer operations.

What a scorer needs of it is the class token's last state and the gradient to the pixels, with every weight frozen. So

* the patches are embedded by one product, whose gradient is one product too;
* quick-GELU, x sigmoid(1.702 x), is SiLU(1.702 x) / 1.702: both factors go into the products around it, and its gradient
  overwrites what it came from;
* the last layer makes the class token alone. Its keys and values are products of one query and one mean each, so the
  products with the key and value weights of all tokens are never taken.

`python -m tests.benchmarks.clip_tower` measures what it is worth.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

QUICK = 1.702  # of quick-GELU


def is_known(model: Any) -> bool:
    """Whether a model's image tower is CLIP's, so that this file may stand in for it."""
    config = getattr(model, "config", None)
    return getattr(config, "model_type", None) == "clip" and hasattr(model, "vision_model")


def image_features(model: Any, images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """What `get_image_features` gives of images once they are standardised.

    Args:
        model: whose image tower it is.
        images: (B, 3, R, R).
        mean, std: (3, 1, 1), of the channels, before the tower.

    Returns:
        (B, D), not normalised.
    """
    tower = model.vision_model
    *layers, last = tower.encoder.layers
    x = first_states(tower, images, mean, std)
    for layer in layers:
        x = run_layer(layer, x)
    return model.visual_projection(tower.post_layernorm(class_state(last, x)))


def hidden_states(model: Any, images: Tensor, mean: Tensor, std: Tensor) -> list[Tensor]:
    """Every hidden state, (B, 1 + patches, D) each, what enters the first layer among them; as `image_features`."""
    tower = model.vision_model
    states = [first_states(tower, images, mean, std)]
    for layer in tower.encoder.layers:
        states.append(run_layer(layer, states[-1]))
    return states


def first_states(tower: Any, images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """What enters the first layer: the class token and a token for each patch, with their places.

    Mean and deviation go into the kernel, which is smaller than the pictures.
    """
    embedding = tower.embeddings
    kernel, places = embedding.patch_embedding.weight / std, embedding.position_embedding.weight
    side, batch = kernel.shape[-1], len(images)
    count = images.shape[-1] // side
    if images.shape[-1] % side or count**2 + 1 != len(places):
        raise ValueError(f"Input image size {images.shape[-1]} does not fit {len(places) - 1} patches of {side} pixels")
    patches = images.reshape(batch, 3, count, side, count, side).permute(0, 2, 4, 1, 3, 5).reshape(batch, count**2, -1)
    tokens = F.linear(patches, kernel.flatten(1)) + (places[1:] - (kernel * mean).sum((1, 2, 3)))
    first = (embedding.class_embedding + places[0]).to(tokens.dtype).expand(batch, 1, -1)
    return tower.pre_layrnorm(torch.cat([first, tokens], dim=1))


def run_layer(layer: Any, x: Tensor, *, causal: bool = False) -> Tensor:
    """A layer, (B, T, D) to (B, T, D); causal, as of a text, where no token sees those after it."""
    attention, entered = layer.self_attn, layer.layer_norm1(x)
    q, k, v = (heads(part(entered), attention) for part in (attention.q_proj, attention.k_proj, attention.v_proj))
    # torch's fused kernel is slower on a CPU on short sequences, but in float32
    if q.device.type == "cpu" and q.dtype != torch.float32 and not causal:
        mixed = ((q * attention.scale) @ k.transpose(-1, -2)).softmax(dim=-1) @ v
    else:
        mixed = F.scaled_dot_product_attention(q, k, v, scale=attention.scale, is_causal=causal)
    x = x + attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return x + perceive(layer.mlp, layer.layer_norm2(x))


def class_state(layer: Any, x: Tensor) -> Tensor:
    """The class token after a layer: (B, T, D) to (B, D).

    With one query q for each head the scores are (Wk' q) y and the values Wv (sum of p y) + bv, where y are the normed
    tokens and p the softmax of the scores; bk adds the same to all of them.
    """
    attention, entered = layer.self_attn, layer.layer_norm1(x)
    query = attention.q_proj(entered[:, 0]).unflatten(1, (-1, attention.head_dim))
    keys, values = (part.weight.unflatten(0, (-1, attention.head_dim)) for part in (attention.k_proj, attention.v_proj))
    asked = torch.einsum("bhd,hde->bhe", query * attention.scale, keys)
    seen = (asked @ entered.transpose(1, 2)).softmax(dim=-1) @ entered
    mixed = torch.einsum("bhe,hde->bhd", seen, values).flatten(1) + attention.v_proj.bias
    x = x[:, 0] + attention.out_proj(mixed)
    return x + perceive(layer.mlp, layer.layer_norm2(x))


def heads(x: Tensor, attention: Any) -> Tensor:
    """(B, T, D) to (B, heads, T, D / heads)."""
    return x.unflatten(2, (-1, attention.head_dim)).transpose(1, 2)


def perceive(mlp: Any, x: Tensor) -> Tensor:
    """The two products with the activation between them; by hand where it is quick-GELU and nothing is trained."""
    weights = (mlp.fc1.weight, mlp.fc1.bias, mlp.fc2.weight, mlp.fc2.bias)
    if mlp.config.hidden_act != "quick_gelu" or any(weight.requires_grad for weight in weights):
        return mlp(x)
    on = torch.is_autocast_enabled(x.device.type)
    dtype = torch.get_autocast_dtype(x.device.type) if on else x.dtype
    flat, *cast = (value.to(dtype) for value in (x.flatten(0, -2), *weights))
    return QuickMLP.apply(flat, *cast).unflatten(0, x.shape[:-1])  # pyright: ignore[reportAttributeAccessIssue]


class QuickMLP(torch.autograd.Function):
    """fc2(quick_gelu(fc1(x))) of frozen weights: keeps 1.702 fc1(x) alone. The factors cancel in the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        inner = torch.addmm(b1, x, w1.T, beta=QUICK, alpha=QUICK)
        ctx.save_for_backward(inner, w1, w2)
        return torch.addmm(b2, F.silu(inner), w2.T, alpha=1 / QUICK)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the name of ctx)
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        inner, w1, w2 = ctx.saved_tensors
        middle = gradients[0] @ w2
        torch.ops.aten.silu_backward.grad_input(middle, inner, grad_input=middle)
        return middle @ w1, None, None, None, None
