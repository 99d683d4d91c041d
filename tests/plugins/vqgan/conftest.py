"""Made checkpoints in the layout of taming-transformers and Lightning."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

DDCONFIG = {
    "double_z": False,
    "z_channels": 8,
    "resolution": 16,
    "in_channels": 3,
    "out_ch": 3,
    "ch": 32,
    "ch_mult": [1, 1, 2],
    "num_res_blocks": 1,
    "attn_resolutions": [4],
    "dropout": 0.0,
}
TARGETS = {"vq": "taming.models.vqgan.VQModel", "gumbel": "taming.models.vqgan.GumbelVQ"}


def need_taming() -> None:
    """Without the extra, what needs it is skipped. taming's quantisers import einops, which taming does not ask for."""
    pytest.importorskip("taming")
    pytest.importorskip("einops")


class Reference(nn.Module):
    """What taming.models.vqgan builds, from taming's own modules: its names, its forward pass."""

    def __init__(self, kind: str) -> None:
        from taming.modules.diffusionmodules.model import Decoder, Encoder
        from taming.modules.vqvae.quantize import GumbelQuantize, VectorQuantizer2

        super().__init__()
        with redirect_stdout(io.StringIO()):
            self.encoder, self.decoder = Encoder(**DDCONFIG), Decoder(**DDCONFIG)
        self.quantize: Any = VectorQuantizer2(12, 8, beta=0.25) if kind == "vq" else GumbelQuantize(8, 8, 12)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)

    def decode(self, codes: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(codes))

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions of images in [-1, 1]."""
        return self.decode(self.quantize(self.quant_conv(self.encoder(images)))[0])


def config(kind: str) -> dict[str, Any]:
    """The YAML's content."""
    loss = {"target": "taming.modules.losses.vqperceptual.VQLPIPSWithDiscriminator", "params": {"disc_weight": 0.8}}
    params = {"embed_dim": 8, "n_embed": 12, "ddconfig": dict(DDCONFIG), "lossconfig": loss}
    return {"model": {"base_learning_rate": 4.5e-6, "target": TARGETS[kind], "params": params}}


def lightning(tensors: dict[str, Tensor], **more: Any) -> dict[str, Any]:
    """A checkpoint as Lightning writes it, with the loss's weights among those of the model."""
    loss = {"loss.perceptual_loss.lin0.model.1.weight": torch.ones(1, 4, 1, 1), "loss.discriminator.main.0.bias": torch.ones(4)}
    state = {"epoch": 3, "global_step": 99, "pytorch-lightning_version": "1.0.8", "state_dict": {**tensors, **loss}}
    return {**state, "optimizer_states": [{"state": {0: {"step": 5}}}], "lr_schedulers": [], **more}


def save(folder: Path, kind: str, checkpoint: dict[str, Any], *, values: Any = None) -> Path:
    """A folder of config.yaml and last.ckpt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config(kind) if values is None else values))
    torch.save(checkpoint, folder / "last.ckpt")
    return folder


@pytest.fixture(scope="session", params=["vq", "gumbel"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both models."""
    return request.param


def make_reference(kind: str) -> Reference:
    """A model with random weights, its norms and codes not trivial."""
    need_taming()
    torch.manual_seed(0)
    model = Reference(kind).eval().requires_grad_(False)
    for name, tensor in model.named_parameters():
        if "norm" in name:
            tensor.add_(0.3 * torch.randn_like(tensor))
    features = model.quant_conv(model.encoder(2 * torch.rand(1, 3, 16, 16) - 1))  # so that one picture uses several codes
    codes = model.quantize.embedding if kind == "vq" else model.quantize.embed
    codes.weight.copy_(features.flatten(2)[0].T[:12] if kind == "vq" else torch.randn(12, 8))
    if kind == "gumbel":
        model.quantize.proj.weight.mul_(50)  # logits far apart: Gumbel's noise in taming's forward hardly matters
    return model


@pytest.fixture(scope="session")
def reference(kind: str) -> Reference:
    """A model of each kind."""
    return make_reference(kind)


@pytest.fixture(scope="session")
def folder(kind: str, reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its checkpoint. Read only."""
    return save(tmp_path_factory.mktemp("vqgan") / kind, kind, lightning(reference.state_dict()))
