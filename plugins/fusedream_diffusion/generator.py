"""A one-step diffusion pipeline as a FuseDream generator: its latent is the noise, its condition the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from fusedream_diffusion.loading import Pipeline
from fusedream_diffusion.prompts import encode
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import check_choice

Saving: TypeAlias = Literal["none", "checkpoints", "tiles", "both"]


class DiffusionGenerator:
    """Noise to a picture in one evaluation of the network.

    Latents: "noise" (C, h, w), N(0, 1), without a constraint, and never mixed, as a mean of noises is too calm to be one;
    "text" (L, D), frozen, what the text encoders make of the prompt; of Stable Diffusion XL also "pooled" (E,), frozen.

    Args:
        pipeline: from `load_pipeline`.
        size: (H, W) of the pictures, multiples of the decoder's stride; by default what the network was trained on.
        saving: see `fusedream_diffusion.load`.

    Attributes:
        space, resolution, recommended, fingerprint, device: as `Generator` says.
        pipeline: as given.

    Raises:
        InvalidInput: a size or a saving that cannot be used.

    References:
        Rombach et al. (2022). High-resolution image synthesis with latent diffusion models. arXiv:2112.10752.
        Sauer et al. (2023). Adversarial diffusion distillation. arXiv:2311.17042.
        Eyring et al. (2024). ReNO: enhancing one-step text-to-image models through reward-based noise optimization.
        arXiv:2406.04312.
    """

    recommended: Mapping[str, object] = {"samples": 4, "bank": 4, "basis": 1, "noise": 0.0, "steps": 50, "views": 8}

    def __init__(self, pipeline: Pipeline, *, size: tuple[int, int] | None = None, saving: Saving = "none") -> None:
        check_choice("saving", saving, get_args(Saving))
        self.pipeline = pipeline
        self.stride = 2 ** (len(pipeline.vae.config.block_out_channels) - 1)
        self.resolution = self._checked(size)
        channels, (height, width) = pipeline.unet.config.in_channels, self.resolution
        shape = (channels, height // self.stride, width // self.stride)
        told = {name: LatentSpec(tuple(x.shape[1:]), frozen=True) for name, x in encode(pipeline, [""]).items()}
        self.space: Mapping[str, LatentSpec] = {"noise": LatentSpec(shape, mixable=False), **told}
        self.saving: Saving = saving
        if saving in ("checkpoints", "both"):
            pipeline.unet.enable_gradient_checkpointing()
            pipeline.vae.enable_gradient_checkpointing()
        if saving in ("tiles", "both"):
            pipeline.vae.enable_tiling()

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return next(self.pipeline.unet.parameters()).device

    def to(self, device: str | torch.device) -> DiffusionGenerator:
        """Move it, in place."""
        for part in (self.pipeline.unet, self.pipeline.vae, *(model for _, model in self.pipeline.encoders)):
            part.to(device)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all weights and of what else decides the pictures; read once, on first use."""
        pipeline = self.pipeline
        parts = {"unet": pipeline.unet, "vae": pipeline.vae}
        parts |= {f"text.{i}": model for i, (_, model) in enumerate(pipeline.encoders)}
        tensors = {f"{name}.{key}": x for name, part in parts.items() for key, x in part.state_dict().items()}
        settings = {
            "step": vars(pipeline.step),
            "size": self.resolution,
            "tiles": self.saving in ("tiles", "both"),
            "scaling": pipeline.vae.config.scaling_factor,
            "vocabularies": [tokenizer.get_vocab() for tokenizer, _ in pipeline.encoders],
        }
        return fingerprint_of(tensors, settings)

    def sample(self, n: int, *, rng: torch.Generator, prompts: Sequence[str] = ()) -> Latents:
        """Noise of unit variance from the CPU generator, and the prompts, n of them; without any, of the empty prompt."""
        prompts = list(prompts) or [""] * n
        if len(prompts) != n:
            raise InvalidInput("prompts", expected=f"{n} of them, one for each row", got=f"{len(prompts)}")
        noise = torch.randn(n, *self.space["noise"].shape, generator=rng).to(self.device)
        once = list(dict.fromkeys(prompts))
        rows = torch.tensor([once.index(prompt) for prompt in prompts], device=self.device)
        return {"noise": noise, **{name: x[rows] for name, x in encode(self.pipeline, once).items()}}

    def __call__(self, latents: Latents) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] of (B, ...) latents; differentiable in the noise; rows independent."""
        check_latents(latents, self.space)
        return self.decode(self.denoise(latents))

    def denoise(self, latents: Latents) -> Tensor:
        """The latent of the picture, (B, C, h, w), from noise and prompt: the network once, and the scheduler's step."""
        pipeline, noise = self.pipeline, latents["noise"]
        seen, text = (x.to(pipeline.dtype) for x in (pipeline.step.seen(noise), latents["text"]))
        at = torch.full((len(noise),), pipeline.step.timestep, device=noise.device)
        told = {"added_cond_kwargs": self._added(latents["pooled"])} if pipeline.xl else {}
        prediction = pipeline.unet(seen, at, encoder_hidden_states=text, return_dict=False, **told)[0]
        return pipeline.step.taken(noise, prediction.float())

    def decode(self, latent: Tensor) -> Tensor:
        """Latents (B, C, h, w) of pictures to images (B, 3, H, W) in [0, 1]."""
        vae, config = self.pipeline.vae, self.pipeline.vae.config
        mean, deviation = config.get("latents_mean"), config.get("latents_std")
        latent = latent / config.scaling_factor
        if mean is not None and deviation is not None:
            mean, deviation = (latent.new_tensor(values).view(1, -1, 1, 1) for values in (mean, deviation))
            latent = latent * deviation + mean
        with self._precise():
            pictures = vae.decode(latent.to(next(vae.parameters()).dtype), return_dict=False)[0]
        return (pictures.float() / 2 + 0.5).clamp(0, 1)

    def _added(self, pooled: Tensor) -> dict[str, Tensor]:
        """What else the network of XL is told: the pooled prompt, and that nothing of a picture of this size is cut off."""
        height, width = self.resolution
        sizes = torch.tensor([[height, width, 0, 0, height, width]], device=pooled.device, dtype=self.pipeline.dtype)
        return {"text_embeds": pooled.to(self.pipeline.dtype), "time_ids": sizes.expand(len(pooled), -1)}

    def _precise(self) -> AbstractContextManager[object]:
        """Float32 for a decoder that overflows in half precision, as SDXL's does."""
        kind = self.device.type
        half = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
        upcast = half and self.pipeline.vae.config.get("force_upcast", False)
        return torch.autocast(kind, enabled=False) if upcast else nullcontext()

    def _checked(self, size: tuple[int, int] | None) -> tuple[int, int]:
        side = self.pipeline.unet.config.sample_size
        trained = side if isinstance(side, (tuple, list)) else (side, side)
        if size is None:
            return trained[0] * self.stride, trained[1] * self.stride
        least = self.stride * 2 ** (len(self.pipeline.unet.config.block_out_channels) - 1)
        whole = isinstance(size, (tuple, list)) and len(size) == 2 and all(isinstance(x, int) and x > 0 for x in size)
        if not whole or any(x % least for x in size):
            raise InvalidInput("size", expected=f"(H, W), multiples of {least} pixels", got=size)
        return size[0], size[1]
