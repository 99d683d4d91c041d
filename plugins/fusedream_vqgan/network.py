"""VQModel and GumbelVQ without Lightning: taming's Encoder and Decoder, and a codebook, under the names of its checkpoints.

`taming.models.vqgan` needs a pytorch-lightning of years ago; `taming.modules` needs only torch.
"""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import torch
from torch import Tensor, nn

from fusedream_vqgan.config import Config


class VectorCodes(nn.Module):
    """VQModel's codebook: a vector means the nearest code."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.n_embed, config.embed_dim)

    @property
    def codebook(self) -> Tensor:
        """(n_embed, embed_dim)."""
        return self.embedding.weight

    def indices(self, features: Tensor) -> Tensor:
        """The encoder's features (B, embed_dim, h, w) to indices (B, h, w)."""
        return nearest(features, self.codebook)


class GumbelCodes(nn.Module):
    """GumbelVQ's codebook: the encoder's features are turned into one logit for each code."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.ddconfig["z_channels"], config.n_embed, 1)
        self.embed = nn.Embedding(config.n_embed, config.embed_dim)

    @property
    def codebook(self) -> Tensor:
        """(n_embed, embed_dim)."""
        return self.embed.weight

    def indices(self, features: Tensor) -> Tensor:
        """The encoder's features (B, z_channels, h, w) to the likeliest indices (B, h, w), without Gumbel's noise."""
        return self.proj(features).argmax(dim=1)


class VQGAN(nn.Module):
    """The autoencoder; its state has the names and shapes of a taming checkpoint, but for the loss."""

    def __init__(self, config: Config) -> None:
        from taming.modules.diffusionmodules.model import Decoder, Encoder

        super().__init__()
        self.config = config
        depth = config.ddconfig["z_channels"]
        with redirect_stdout(io.StringIO()):  # the Decoder prints its shape
            self.encoder, self.decoder = Encoder(**config.ddconfig), Decoder(**config.ddconfig)
        self.quantize = VectorCodes(config) if config.kind == "vq" else GumbelCodes(config)
        self.quant_conv = nn.Conv2d(depth, config.embed_dim, 1)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, depth, 1)

    @property
    def codebook(self) -> Tensor:
        """(n_embed, embed_dim)."""
        return self.quantize.codebook

    def features(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] to what the quantiser reads, (B, embed_dim, h, w)."""
        return self.quant_conv(self.encoder(images))

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] to code vectors (B, embed_dim, h, w)."""
        return look_up(self.quantize.indices(self.features(images)), self.codebook)

    def decode(self, codes: Tensor) -> Tensor:
        """Code vectors (B, embed_dim, h, w) to images (B, 3, H, W) in about [-1, 1]."""
        return self.decoder(self.post_quant_conv(codes))


def nearest(z: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest code (Euclidean) of every vector: (B, D, h, w) and (N, D) to (B, h, w).

    In float32 whatever autocast says: in bfloat16 a neighbour would win.
    """
    with torch.autocast(z.device.type, enabled=False):
        book = codebook.detach().float()
        flat = z.detach().float().movedim(1, -1).flatten(0, 2)
        distance = torch.addmm(book.square().sum(dim=1)[None], flat, book.T, alpha=-2)  # less |z|^2, common to all codes
        return distance.argmin(dim=1).view(len(z), *z.shape[2:])


def look_up(index: Tensor, codebook: Tensor) -> Tensor:
    """Codes by index: (B, h, w) and (N, D) to (B, D, h, w)."""
    return nn.functional.embedding(index, codebook).movedim(-1, 1).contiguous()


def straight_through(z: Tensor, codebook: Tensor) -> Tensor:
    """The nearest codes of z (B, D, h, w), with the gradient of the identity (van den Oord et al. 2017, section 3.2)."""
    codes = look_up(nearest(z, codebook), codebook).to(z.dtype)
    return codes + (z - z.detach())
