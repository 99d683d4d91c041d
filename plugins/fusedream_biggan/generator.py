"""BigGAN and BigGAN-deep as FuseDream generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from fusedream_biggan.checkpoint import Checkpoint
from fusedream_biggan.network import FoldedBigGAN
from fusedream_biggan.network_shallow import ShallowBigGAN
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Box, Free, Latents, LatentSpec, check_latents
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.runtime.checks import check_flag

Classes = Literal["uniform", "gaussian"]
PAPER = {"lr": 5e-3, "noise": 0.01}  # step of Adam and scale of the latent noise in FuseDream's released script


class BigGANGenerator:
    """Images of latents "z" (z_dim,) in [-2, 2] and "y" (y_dim,), a free class embedding.

    In a BigGAN-deep both have 128 coordinates; in a BigGAN z has 120, 140 or 128 (128, 256, 512 px), and y 128.

    With `layers` a BigGAN-deep of L layers, the first one and the blocks, has "z" (L, z_dim), free, and "classes" (L, classes),
    shares from 0 to 1 whose sum of class embeddings is the layer's y: what Big Sleep moves. Where all layers have the same,
    pictures are those without `layers`; `sample` draws such ones.

    Args:
        checkpoint: the weights.
        truncation: t in (0, 1]: z lies in [-2 t, 2 t], and batch norms use the statistics stored for t. A BigGAN that is
            not deep has those of 1 alone.
        classes: how `sample` draws y: "uniform" over the model's classes, or "gaussian", N(0, 1).
        layers: whether every layer has latents of its own.

    Attributes:
        space: {"z": Box(-2 t, 2 t), "y": Free()}; with layers {"z": Free(), "classes": Box(0, 1)}.
        resolution: (H, W) of the images, in pixels.
        class_names: names by index, where config.json gives them.
        fingerprint: identity of weights, truncation and classes.
        recommended: settings that suit it; config.json may say otherwise.
        device: where it runs.

    Raises:
        InvalidInput: an option that cannot be used; layers of a BigGAN that is not deep, or with Gaussian classes.

    References:
        Brock, Donahue & Simonyan (2018). Large scale GAN training for high fidelity natural image synthesis.
        arXiv:1809.11096.
        github.com/lucidrains/big-sleep at commit 01e2ce9, `biggan.py`: a condition for every layer.
    """

    def __init__(
        self, checkpoint: Checkpoint, *, truncation: float = 1.0, classes: Classes = "uniform", layers: bool = False
    ) -> None:
        if not 0 < truncation <= 1:
            raise InvalidInput("truncation", expected="a number in (0, 1]", got=truncation)
        if classes not in get_args(Classes):
            raise InvalidInput("classes", expected="'uniform' or 'gaussian'", got=classes)
        self.network = checkpoint.build(truncation).eval()
        check_flag("layers", layers)
        self.truncation, self.classes, self.layers = truncation, classes, layers
        self.space = layered_space(self.network, classes) if layers else flat_space(self.network, truncation)
        self.resolution = (self.network.resolution, self.network.resolution)
        self.class_names = checkpoint.extras.class_names
        self.recommended: Mapping[str, object] = {**PAPER, **checkpoint.extras.recommended}
        settings = {"weights": checkpoint.fingerprint, "truncation": truncation, "classes": classes}
        self.fingerprint = fingerprint_of({}, {**settings, **({"layers": True} if layers else {})})

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
        index = None
        if classes is not None:
            chosen = [classes] * n if isinstance(classes, (int, str)) else list(classes)
            if len(chosen) != n:
                expected, got = f"one class, or one for each of {n} rows", f"{len(chosen)} classes"
                raise InvalidInput("classes", expected=expected, got=got)
            index = [self.class_index(name) for name in chosen]
        elif self.classes == "uniform":
            index = torch.randint(len(self.network.embeddings), (n,), generator=rng).tolist()
        if index is not None and self.layers:
            each = (n, self.space["z"].shape[0], -1)
            one = torch.nn.functional.one_hot(torch.tensor(index, dtype=torch.long), len(self.network.embeddings)).float()
            latents = {"z": z.unsqueeze(1).expand(each), "classes": one.unsqueeze(1).expand(each)}
            return {name: x.contiguous().to(self.device) for name, x in latents.items()}
        y = torch.randn(n, self.network.embeddings.shape[1], generator=rng) if index is None else self.class_latents(index)
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
        """Images (B, 3, H, W) in [0, 1] of (B, ...) latents, as `space` has them; differentiable; rows independent."""
        check_latents(latents, self.space)
        y = latents["classes"] @ self.network.embeddings if self.layers else latents["y"]
        return (self.network(latents["z"], y).to(latents["z"].dtype) + 1) / 2


def flat_space(network: FoldedBigGAN | ShallowBigGAN, truncation: float) -> Mapping[str, LatentSpec]:
    """One z and one class embedding for all layers."""
    return {
        "z": LatentSpec((network.z_dim,), Box(-2 * truncation, 2 * truncation)),
        "y": LatentSpec((network.embeddings.shape[1],), Free()),
    }


def layered_space(network: FoldedBigGAN | ShallowBigGAN, classes: Classes) -> Mapping[str, LatentSpec]:
    """A z and shares of all classes for each layer; z without bounds, as Big Sleep's penalties hold it.

    Raises:
        InvalidInput: a BigGAN that is not deep, or Gaussian classes.
    """
    if not isinstance(network, FoldedBigGAN):
        expected = "False, as a BigGAN that is not deep splits one z among its blocks"
        raise InvalidInput("layers", expected=expected, got=True, fix="Take a BigGAN-deep: biggan-deep-256?layers=true.")
    if classes != "uniform":
        expected = "'uniform', as layers have shares of classes, and no embedding"
        raise InvalidInput("classes", expected=expected, got=classes, fix="Leave it out.")
    return {
        "z": LatentSpec((network.conditions, network.z_dim), Free()),
        "classes": LatentSpec((network.conditions, len(network.embeddings)), Box(0.0, 1.0)),
    }
