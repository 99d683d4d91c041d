"""Write a twin as BigGAN-deep: the files and the names of `pytorch_pretrained_biggan.BigGAN`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import cast

import safetensors.torch
import torch
from torch import Tensor, nn

from fusedream_emoji.factors import directions
from fusedream_emoji.training.twin import Block, Twin

EPS = 1e-4  # of BigGAN's batch norm
STATISTICS = 2  # rows of running statistics, all alike: truncation changes nothing but z


def spectral_vectors(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors u (rows), v (columns) with u^T W v = 1, so that dividing by that "spectral norm" changes nothing.

    u is close to the first left singular vector, of unit length; v carries one over the singular value.
    """
    matrix = weight.float().flatten(1)
    u = torch.ones(len(matrix))
    for _ in range(20):  # power iteration
        u = nn.functional.normalize(matrix @ (matrix.T @ u), dim=0)
    v = matrix.T @ u
    return u, v / v.square().sum()


def whole_condition(weight: Tensor, factors: int) -> Tensor:
    """Weights of (factors, embedding), (rows, factors + embed), to weights of (z, embedding): (rows, 128 + embed)."""
    return torch.cat([weight[:, :factors] @ directions(), weight[:, factors:]], dim=1)


def config(twin: Twin) -> dict:
    """The fields of BigGANConfig."""
    concepts, embed = twin.embeddings.weight.shape
    side = 4 * 2 ** sum(up for up, _, _ in twin.layers)
    fields = {"output_dim": side, "z_dim": directions().shape[1], "class_embed_dim": embed, "num_classes": concepts}
    fields |= {"channel_width": twin.width, "layers": twin.layers, "attention_layer_position": -1}
    return fields | {"eps": EPS, "n_stats": STATISTICS}


@torch.no_grad()
def state_dict(twin: Twin, dtype: torch.dtype) -> dict[str, Tensor]:
    """The twin under BigGAN's names. Weights are in `dtype`; statistics and spectral vectors stay in float32."""
    state: dict[str, Tensor] = {}

    def put(name: str, weight: Tensor, bias: Tensor | None = None) -> None:
        weight = weight.to(dtype).contiguous()
        u, v = spectral_vectors(weight)
        state.update({f"{name}.weight_orig": weight, f"{name}.weight_u": u, f"{name}.weight_v": v})
        if bias is not None:
            state[f"{name}.bias"] = bias.to(dtype)

    def put_statistics(name: str, channels: int) -> None:
        state[f"{name}.running_means"] = torch.zeros(STATISTICS, channels)
        state[f"{name}.running_vars"] = torch.full((STATISTICS, channels), 1 - EPS)  # BigGAN adds EPS back

    twin = copy.deepcopy(twin).cpu()
    state["embeddings.weight"] = twin.embeddings.weight.T.to(dtype).contiguous()
    put("generator.gen_z", whole_condition(twin.gen_z.weight, twin.factors), twin.gen_z.bias)
    for i, block in enumerate(twin.blocks):
        for j, (affine, conv) in enumerate(cast(Block, block).pairs()):
            name = f"generator.layers.{i}.bn_{j}"
            scale, offset = whole_condition(affine.scale_offset.weight, twin.factors).chunk(2)
            put(f"{name}.scale", scale)
            put(f"{name}.offset", offset)
            put_statistics(name, len(scale))
            put(f"generator.layers.{i}.conv_{j}", conv.weight, conv.bias)
    put_statistics("generator.bn", twin.width)
    state["generator.bn.weight"], state["generator.bn.bias"] = twin.bn_weight.to(dtype), twin.bn_bias.to(dtype)
    to_rgb = nn.Conv2d(twin.width, twin.width, 3)  # BigGAN computes `width` channels and keeps the first three
    for whole, part in zip(to_rgb.parameters(), twin.to_rgb.parameters(), strict=True):
        whole.zero_()[:3] = part
    put("generator.conv_to_rgb", to_rgb.weight, to_rgb.bias)
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}


def export(twin: Twin, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write config.json and model.safetensors, each in one piece or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.part").write_bytes(safetensors.torch.save(state_dict(twin, dtype)))
    (folder / "model.part").replace(folder / "model.safetensors")
    (folder / "config.part").write_text(json.dumps(config(twin), indent=2) + "\n")
    (folder / "config.part").replace(folder / "config.json")
