"""The parts of the emoji world's one-step diffusion model, in ordinary classes of diffusers and transformers.

A UNet on 8 x 8 latents, a small decoder, and the text tower of the emoji scorer, as a Stable Diffusion XL pipeline without its
first text encoder. The prompt goes in by its pooled embedding alone: there is no attention.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextModelWithProjection

from fusedream_diffusion.step import OneStep, one_step
from fusedream_emoji.training.beginning import principal_drawings

CHANNELS, SIDE, STRIDE = 16, 8, 8  # of the noise and the latent; pixels for each of its cells
POOLED = 128  # of the text tower
TIME = 8  # numbers for each of the six sizes that the UNet of an XL pipeline is told
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}  # of Stable Diffusion


@dataclass(frozen=True)
class Sizes:
    """Channels of the UNet at 8 x 8, 4 x 4 and 2 x 2, of its condition, and of the decoder; blocks of the decoder by stage."""

    widths: tuple[int, int, int] = (64, 96, 160)
    condition: int = 256
    decoder: int = 32
    blocks: tuple[int, int, int, int] = (2, 2, 2, 1)


def make_scheduler() -> EulerDiscreteScheduler:
    """That of SD-Turbo, for a network that predicts the velocity: at the noisiest step that is all but the latent itself."""
    return EulerDiscreteScheduler(**BETAS, prediction_type="v_prediction", timestep_spacing="trailing")


def make_unet(sizes: Sizes) -> UNet2DConditionModel:
    """A fresh UNet, from torch's global random state."""
    return UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        down_block_types=("DownBlock2D",) * 3,
        mid_block_type="UNetMidBlock2D",
        up_block_types=("UpBlock2D",) * 3,
        block_out_channels=sizes.widths,
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=POOLED,
        resnet_time_scale_shift="scale_shift",
        time_embedding_dim=sizes.condition,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME,
        projection_class_embeddings_input_dim=POOLED + 6 * TIME,
    )


def make_decoder(sizes: Sizes) -> AutoencoderTiny:
    """A fresh decoder with an encoder that is as small as can be and is never trained."""
    return AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1, 1, 1, 1),
        decoder_block_out_channels=(sizes.decoder,) * 4,
        num_decoder_blocks=sizes.blocks,
        latent_channels=CHANNELS,
    )


class Student(nn.Module):
    """Noise (B, 16, 8, 8) and pooled embeddings (B, 128) to pictures (B, 3, 64, 64), in [0, 1] but for what training leaves."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.unet, self.vae = make_unet(sizes), make_decoder(sizes)
        self.vae.encoder.requires_grad_(False)
        self.step: OneStep = one_step(make_scheduler())

    def forward(self, noise: Tensor, pooled: Tensor) -> Tensor:
        return self.decode(self.denoise(noise, pooled))

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, 16, 8, 8) to pictures."""
        return (self.vae.decode(latent, return_dict=False)[0] + 1) / 2

    def denoise(self, noise: Tensor, pooled: Tensor) -> Tensor:
        """Noise and pooled embeddings to latents, (B, 16, 8, 8)."""
        side = float(SIDE * STRIDE)
        told = {"text_embeds": pooled, "time_ids": pooled.new_tensor([[side, side, 0, 0, side, side]]).expand(len(pooled), -1)}
        at = torch.full((len(noise),), self.step.timestep, device=noise.device)
        seen = self.step.seen(noise)
        found = self.unet(seen, at, encoder_hidden_states=pooled[:, None], added_cond_kwargs=told, return_dict=False)[0]
        return self.step.taken(noise, found)


class Sketch:
    """Latents that the student is taught: the principal components of 8 x 8 pixels, the small ones made larger.

    Component c of deviation s_c is divided by the root of s_c s_0, so that all are of order 1 and the first still count most.

    Args:
        pictures: from which they are taken, (N, 3, 64, 64) in [0, 1].
    """

    def __init__(self, pictures: Tensor) -> None:
        patches = self.cut(pictures).flatten(0, 1)
        self.mean = patches.mean(dim=0)
        variance, basis = torch.linalg.eigh(torch.cov(patches.T))
        deviation = variance.flip(0)[:CHANNELS].clamp_min(1e-8).sqrt()
        self.weight = basis.flip(1)[:, :CHANNELS] / (deviation * deviation[0]).sqrt()  # (192, 16)

    @staticmethod
    def cut(pictures: Tensor) -> Tensor:
        """Pictures to patches, (B, 64, 192)."""
        return nn.functional.unfold(pictures, STRIDE, stride=STRIDE).transpose(1, 2)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, 64, 64) to latents (B, 16, 8, 8)."""
        return ((self.cut(pictures) - self.mean) @ self.weight).transpose(1, 2).unflatten(2, (SIDE, SIDE))


def codes_of(sprites: Tensor) -> Tensor:
    """Codes (N, 128) of the drawings of the first style in (styles, N, 4, 64, 64): principal components of small ones.

    The first have unit variance; the others less, by the root of their share.
    """
    codes, basis, _ = principal_drawings(sprites[:1], 16, POOLED)
    deviation = basis.flatten(1).norm(dim=1)
    codes = codes * (deviation / deviation[0]).sqrt()
    return nn.functional.pad(codes, (0, POOLED - codes.shape[1]))


def export(student: Student, tower: CLIPTextModelWithProjection, tokenizer: Any, folder: Path) -> None:
    """Write the folder of a pipeline, its weights in half precision."""
    pipeline = StableDiffusionXLPipeline(
        vae=student.vae,  # pyright: ignore[reportArgumentType]  (the tiny one fits too)
        text_encoder=None,  # pyright: ignore[reportArgumentType]  (optional in diffusers, as in SDXL's refiner)
        text_encoder_2=tower,
        tokenizer=None,  # pyright: ignore[reportArgumentType]
        tokenizer_2=tokenizer,
        unet=student.unet,
        scheduler=make_scheduler(),  # pyright: ignore[reportArgumentType]
        add_watermarker=False,
    )
    tokenizer.backend_tokenizer.no_truncation()  # else the last call's settings are saved with it
    tokenizer.backend_tokenizer.no_padding()
    pipeline.save_pretrained(folder)
    for file in sorted(folder.rglob("*.safetensors")):
        save_file({name: x.half().contiguous() for name, x in load_file(file).items()}, file, metadata={"format": "pt"})
    for file in sorted(folder.rglob("config.json")):
        said = json.loads(file.read_text())
        said.pop("_name_or_path", None)  # where the weights lay is nobody's business
        file.write_text(json.dumps(said, indent=2) + "\n")
