"""BigGAN and BigGAN-deep as FuseDream generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from fusedream_biggan.checkpoint import Checkpoint
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Free, Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of

Classes = Literal["uniform", "gaussian"]
PAPER = {"lr": 5e-3, "noise": 0.01}  # step of Adam and scale of the latent noise in FuseDream's released script


class BigGANGenerator:
    """Images of latents "z" (z_dim,) in [-2, 2] and "y" (y_dim,), a free class embedding.

    In a BigGAN-deep both have 128 coordinates; in a BigGAN z has 120, 140 or 128 (128, 256, 512 px), and y 128.

    Args:
        checkpoint: the weights.
        truncation: t in (0, 1]: z lies in [-2 t, 2 t], and batch norms use the statistics stored for t. A BigGAN that is
            not deep has those of 1 alone.
        classes: how `sample` draws y: "uniform" over the model's classes, or "gaussian", N(0, 1).

    Attributes:
        space: {"z": Box(-2 t, 2 t), "y": Free()}.
        resolution: (H, W) of the images, in pixels.
        class_names: names by index, where config.json gives them.
        fingerprint: identity of weights, truncation and classes.
        recommended: settings that suit it; config.json may say otherwise.
        device: where it runs.

    References:
        Brock, Donahue & Simonyan (2018). Large scale GAN training for high fidelity natural image synthesis.
        arXiv:1809.11096.
    """

    def __init__(self, checkpoint: Checkpoint, *, truncation: float = 1.0, classes: Classes = "uniform") -> None:
        if not 0 < truncation <= 1:
            raise InvalidInput("truncation", expected="a number in (0, 1]", got=truncation)
        if classes not in get_args(Classes):
            raise InvalidInput("classes", expected="'uniform' or 'gaussian'", got=classes)
        self.network = checkpoint.build(truncation).eval()
        self.truncation, self.classes = truncation, classes
        self.space: Mapping[str, LatentSpec] = {
            "z": LatentSpec((self.network.z_dim,), Box(-2 * truncation, 2 * truncation)),
            "y": LatentSpec((self.network.embeddings.shape[1],), Free()),
        }
        self.resolution = (self.network.resolution, self.network.resolution)
        self.class_names = checkpoint.extras.class_names
        self.recommended: Mapping[str, object] = {**PAPER, **checkpoint.extras.recommended}
        settings = {"weights": checkpoint.fingerprint, "truncation": truncation, "classes": classes}
        self.fingerprint = fingerprint_of({}, settings)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.network.embeddings.device

    @property
    def compilable(self) -> bool:
        """Whether `compile=True` compiles it: on a CPU that takes a minute and makes no step faster (docs/speed.md)."""
        return self.device.type != "cpu"

    def to(self, device: str | torch.device) -> BigGANGenerator:
        """Move it, in place."""
        self.network.to(device)
        return self

    def sample(self, n: int, *, rng: torch.Generator, classes: Sequence[int | str] | int | str | None = None) -> Latents:
        """Draw n rows: z ~ N(0, 1) clamped to [-2, 2] and multiplied by the truncation, y as `classes` says.

        Args:
            n: number of rows.
            rng: a generator on the CPU; nothing else is random.
            classes: a class for all rows or one for each, by index or name, in place of drawing them.
        """
        z = torch.randn(n, self.network.z_dim, generator=rng).clamp(-2, 2) * self.truncation
        if classes is not None:
            y = self.class_latents([classes] * n if isinstance(classes, (int, str)) else classes)
            if len(y) != n:
                raise InvalidInput("classes", expected=f"one class, or one for each of {n} rows", got=f"{len(y)} classes")
        elif self.classes == "uniform":
            y = self.class_latents(torch.randint(len(self.network.embeddings), (n,), generator=rng).tolist())
        else:
            y = torch.randn(n, self.network.embeddings.shape[1], generator=rng)
        return {"z": z.to(self.device), "y": y.to(self.device)}

    def class_latents(self, classes: Sequence[int | str] | int | str) -> Tensor:
        """The embeddings of chosen classes, (N, y_dim), on the generator's device.

        Args:
            classes: one or several, by index, or by name where the checkpoint has names.

        Raises:
            InvalidInput: no such class.
        """
        chosen = [classes] if isinstance(classes, (int, str)) else list(classes)
        index = torch.tensor([self.class_index(name) for name in chosen], dtype=torch.long)
        return self.network.embeddings[index.to(self.device)].clone()

    def class_index(self, name: int | str) -> int:
        """The index of a class."""
        count = len(self.network.embeddings)
        if isinstance(name, str) and name in self.class_names:
            return self.class_names.index(name)
        if isinstance(name, int) and 0 <= name < count:
            return name
        names = " or a name from `class_names`" if self.class_names else " (this checkpoint has no names)"
        raise InvalidInput("classes", expected=f"indices from 0 to {count - 1}{names}", got=name)

    def __call__(self, latents: Latents) -> Tensor:
        """Images (B, 3, H, W) in [0, 1] of "z" (B, z_dim) and "y" (B, y_dim); differentiable; rows independent."""
        check_latents(latents, self.space)
        return (self.network(latents["z"], latents["y"]).to(latents["z"].dtype) + 1) / 2
