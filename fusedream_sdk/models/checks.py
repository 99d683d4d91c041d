"""Checks of what a plugin hands over, made once, on its first use; the error names the broken rule."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput, PluginContractError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents, LatentSpec, Space, contains, select
from fusedream_sdk.models.calls import called
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.protocols import Generator, Reward, Scorer

RANGE_SLACK = 1e-3  # a picture may leave [0, 1] by a rounding


def device_of(model: Any) -> torch.device:
    """Where a model lives: its `device`, that of its first parameter, or the CPU."""
    device = getattr(model, "device", None)
    if device is not None:
        return torch.empty(0, device=device).device  # "cuda" and "cuda:0" are the same place
    if isinstance(model, torch.nn.Module):
        parameter = next(model.parameters(), None)
        if parameter is not None:
            return parameter.device
    return torch.device("cpu")


def identity(model: Any) -> str:
    """A model's own `fingerprint`, or one made of its class and weights."""
    own = getattr(model, "fingerprint", None)
    if isinstance(own, str) and own:
        return own
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if isinstance(model, torch.nn.Module):
        return fingerprint_of(model, {"class": kind})
    with torch.no_grad():  # no weights to read: what it does is who it is
        return fingerprint_of(_behaviour(model), {"class": kind})


def _behaviour(model: Any) -> dict[str, Tensor]:
    """What a model makes of a fixed input."""
    if isinstance(model, Generator):
        return {"images": model(draw_rows(model, 2, torch.Generator().manual_seed(0), "a cat"))}
    if not isinstance(model, (Scorer, Reward)):
        return _compared(model) if callable(model) else {}
    side = model.resolution
    images = torch.linspace(0, 1, 3 * side * side, device=device_of(model)).view(1, 3, side, side)
    if isinstance(model, Scorer):
        return {"text": model.encode_text(["a cat"]), "images": model.encode_image(images)}
    return {"scores": model.score(images, ["a cat"])}


def _compared(perceptual: Any) -> dict[str, Tensor]:
    """What a perceptual distance makes of two fixed pictures."""
    ramp = torch.linspace(0, 1, 3 * 64 * 64, device=device_of(perceptual)).view(1, 3, 64, 64)
    return {"distance": perceptual(ramp, (20 * ramp).sin().square())}


def conditioned(generator: Generator) -> bool:
    """Whether its sampler takes prompts, so that no bank can serve every prompt."""
    return "prompts" in inspect.signature(generator.sample).parameters


def draw_rows(generator: Generator, n: int, rng: torch.Generator, prompt: str) -> Latents:
    """n rows, for a prompt where the generator depends on one."""
    told = {"prompts": [prompt] * n} if conditioned(generator) else {}
    return generator.sample(n, rng=rng, **told)


def check_types(generator: Any, scorer: Any) -> None:
    """Both have the members of their protocols. Raises PluginContractError."""
    check_members("generator", generator, ("space", "resolution", "sample"))
    if not isinstance(generator, Generator):  # the members are there, so it is the call that is missing
        raise PluginContractError(f"generator: expected a callable object, got {type(generator).__name__}.")
    if not isinstance(scorer, (Scorer, Reward)):
        raise PluginContractError(
            f"scorer: expected resolution, encode_text and encode_image (a Scorer), or resolution and score (a Reward); "
            f"{type(scorer).__name__} lacks them."
        )
    check_space(generator)
    if device_of(generator) != device_of(scorer):
        raise InvalidInput(
            "device",
            expected="generator and scorer on one device",
            got=f"{device_of(generator)} and {device_of(scorer)}",
            fix="Move one of them.",
        )


def check_space(generator: Any) -> None:
    """A space names its latents, and a resolution is height and width. Raises PluginContractError."""
    sample, space, size = generator.sample, generator.space, generator.resolution
    if not callable(generator):
        raise PluginContractError(f"generator: expected a callable object, got {type(generator).__name__}.")
    if not callable(sample):
        raise PluginContractError(f"generator.sample: expected a method, got {sample!r}.")
    if not isinstance(space, Mapping) or not space or not all(isinstance(spec, LatentSpec) for spec in space.values()):
        raise PluginContractError(f"generator.space: expected name -> LatentSpec, got {space!r}.")
    whole = isinstance(size, (tuple, list)) and len(size) == 2 and all(isinstance(side, Integral) for side in size)
    if not whole or min(size) < 1:
        raise PluginContractError(f"generator.resolution: expected (height, width) in pixels, got {size!r}.")


def check_side(role: str, scorer: Any) -> None:
    """A resolution is the side of a square. Raises PluginContractError."""
    if not isinstance(scorer.resolution, Integral) or int(scorer.resolution) < 1:
        raise PluginContractError(f"{role}.resolution: expected the side of a square, in pixels, got {scorer.resolution!r}.")


def check_members(role: str, model: Any, names: tuple[str, ...]) -> None:
    """A model has the members of its protocol. Raises PluginContractError."""
    missing = [name for name in names if not hasattr(model, name)]
    if missing:
        raise PluginContractError(f"{role}: expected the members {', '.join(names)}; {type(model).__name__} lacks {missing}.")


def check_sample(generator: Generator, latents: Latents, n: int) -> None:
    """A sample has the promised names, shapes and constraints. Raises PluginContractError."""
    check_entries("generator.sample", generator.space, latents, n)
    if not contains(latents, generator.space):
        raise PluginContractError("generator.sample: expected latents inside the constraints, got some outside.")


def check_entries(what: str, space: Space, latents: Any, n: int) -> None:
    """Latents have the names, shapes and number format of a space. Raises PluginContractError."""
    if not isinstance(latents, dict):
        raise PluginContractError(f"{what}: expected a dictionary of tensors, got {type(latents).__name__}.")
    if set(latents) != set(space):
        raise PluginContractError(f"{what}: expected the entries {sorted(space)}, got {sorted(latents)}.")
    for name, spec in space.items():
        x = latents[name]
        if not isinstance(x, Tensor) or tuple(x.shape) != (n, *spec.shape):
            got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise PluginContractError(f"{what}: expected {name!r} of shape {(n, *spec.shape)}, got {got}.")
        if not spec.frozen and not x.is_floating_point():
            fix = "The optimiser has to move it: make it float, as a one-hot vector of a label, or say frozen=True."
            raise PluginContractError(f"{what}: expected {name!r} of floating-point numbers, got {x.dtype}. {fix}")


def check_mixture(generator: Generator, latents: Latents) -> None:
    """What may be mixed stays inside its constraint: means of samples, and of other permitted points, do.

    Raises:
        PluginContractError: one does not.
    """
    rng = torch.Generator().manual_seed(0)
    for name, spec in generator.space.items():
        points = latents[name]
        others = spec.constraint.project(torch.randn(8, *spec.shape, generator=rng).to(points)) if spec.mixes else points
        means = torch.stack([points.mean(dim=0), others.mean(dim=0)])
        if spec.mixes and not spec.constraint.contains(means):
            raise PluginContractError(
                f"generator.space: expected {name!r} to stay inside its constraint when it is mixed, got a mean of some "
                f"points outside. Say LatentSpec(..., mixable=False), or convex = False in the constraint."
            )


def check_images(generator: Generator, images: Tensor, n: int) -> None:
    """Pictures have the promised shape and lie in [0, 1]. Raises PluginContractError."""
    expected = (n, 3, *generator.resolution)
    if not isinstance(images, Tensor) or tuple(images.shape) != expected:
        got = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise PluginContractError(f"generator: expected images of shape {expected}, got {got}.")
    _check_float(images)
    if not torch.isfinite(images).all():
        raise PluginContractError("generator: expected finite images, got some nan or infinite values.")
    low, high = float(images.min()), float(images.max())
    if low < -RANGE_SLACK or high > 1 + RANGE_SLACK:
        fix = " Map [-1, 1] with (x + 1) / 2." if low < 0 else ""
        raise PluginContractError(f"generator: expected images in [0, 1], got values from {low:.3g} to {high:.3g}.{fix}")


def _check_float(images: Tensor) -> None:
    if not images.is_floating_point():
        fix = "Divide by 255, without rounding."
        raise PluginContractError(f"generator: expected floating-point images in [0, 1], got {images.dtype}. {fix}")


def check_gradient(generator: Generator, latents: Latents) -> None:
    """The pictures depend on an unfrozen latent by a gradient. Raises PluginContractError."""
    free = {name: x.detach().clone() for name, x in latents.items()}
    leaves = [free[name].requires_grad_() for name, spec in generator.space.items() if not spec.frozen]
    images = called("generator", generator, free)
    if not isinstance(images, Tensor):
        raise PluginContractError(f"generator: expected a tensor of images, got {type(images).__name__}.")
    _check_float(images)
    if not images.requires_grad:
        fix = "Call it without torch.no_grad, and keep the latents in the graph."
        raise PluginContractError(f"generator: expected images with a gradient to the latents, got none. {fix}")
    weight = torch.linspace(-1, 1, images.numel(), device=images.device).view_as(images)
    gradients = torch.autograd.grad((images * weight).sum(), leaves, allow_unused=True)
    if not any(g is not None and bool((g != 0).any()) for g in gradients):
        raise PluginContractError("generator: expected a gradient to some latent, got zero everywhere.")


def check_embeddings(embeddings: Tensor, count: int, what: str) -> None:
    """Embeddings are (count, D), finite and of unit norm. Raises PluginContractError."""
    if not isinstance(embeddings, Tensor) or embeddings.dim() != 2 or len(embeddings) != count:
        got = tuple(embeddings.shape) if isinstance(embeddings, Tensor) else type(embeddings).__name__
        raise PluginContractError(f"scorer.{what}: expected shape ({count}, D), got {got}.")
    norms = embeddings.float().norm(dim=1)
    if not torch.allclose(norms, torch.ones_like(norms), atol=1e-2):
        raise PluginContractError(f"scorer.{what}: expected unit norms, got {norms.min():.3g} to {norms.max():.3g}.")


def check_first_use(generator: Generator, scorer: Scorer | Reward) -> None:
    """Everything above on one real row of a sample of two. Raises PluginContractError."""
    latents = called("generator.sample", draw_rows, generator, 2, torch.Generator().manual_seed(0), "a picture")
    check_sample(generator, latents, 2)
    check_mixture(generator, latents)
    latents = select(latents, slice(0, 1))
    check_gradient(generator, latents)
    with torch.no_grad():
        images = called("generator", generator, latents)
        check_images(generator, images, 1)
    _check_scores(scorer, shrink(images.float(), scorer.resolution).requires_grad_())


def _check_scores(scorer: Scorer | Reward, image: Tensor) -> None:
    """Embeddings or scores of one picture, (1, 3, R, R), have the promised shape and norm, and a gradient to it."""
    if not isinstance(scorer, Scorer):
        scores = called("scorer.score", scorer.score, image, ["a picture"])
        if tuple(scores.shape) != (1,):
            raise PluginContractError(f"scorer.score: expected shape (1,), got {tuple(scores.shape)}.")
        return _check_attached(scores, "score")
    with torch.no_grad():
        text = called("scorer.encode_text", scorer.encode_text, ["a picture"])
    embedded = called("scorer.encode_image", scorer.encode_image, image)
    check_embeddings(text, 1, "encode_text")
    check_embeddings(embedded, 1, "encode_image")
    if text.shape != embedded.shape:
        raise PluginContractError(f"scorer: expected one size of embedding, got {text.shape[1]} and {embedded.shape[1]}.")
    return _check_attached(embedded, "encode_image")


def _check_attached(scored: Tensor, what: str) -> None:
    if not scored.requires_grad:
        fix = "Call it without torch.no_grad, and without detaching."
        raise PluginContractError(f"scorer.{what}: expected a gradient to the images, got none. {fix}")
