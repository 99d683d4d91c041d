"""What a `Scorer`, a `Reward` and a `Perceptual` promise, tried out; `fusedream_sdk.testing` has these checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.models import checks
from fusedream_sdk.models.calls import called, check_repeatable, check_rows_alone, check_unchanged, own_randomness
from fusedream_sdk.models.features import offers_layers

PROMPTS = ("a red apple", "a blue car", "a dog", "a green frog at night", "two birds")
ROW_TOLERANCE = 1e-4  # a batch rounds otherwise than a row
OUTSIDE = (-0.3, 1.3)  # how far views leave [0, 1]: the public FuseDream code shifts brightness by up to 0.25
STILL = "Call eval() on the network, and draw no random numbers."


def check_scorer(scorer: Any, *, rows: int = 5) -> None:
    """Every promise of `Scorer`, tried out.

    Args:
        scorer: to check.
        rows: how many pictures and prompts to give it at a time, at least 3.

    Raises:
        PluginContractError: naming the broken promise, or what was called with what and raised.
    """
    if hasattr(scorer, "score") and not hasattr(scorer, "encode_text"):
        got = f"a Reward ({type(scorer).__name__})"
        raise PluginContractError(f"scorer: expected encode_text and encode_image, got {got}. Check it with check_reward.")
    checks.check_members("scorer", scorer, ("resolution", "encode_text", "encode_image"))
    checks.check_side("scorer", scorer)
    prompts = _prompts(max(rows, 3))
    with own_randomness("scorer", STILL), torch.no_grad():
        text = _check_text(scorer, prompts)
    images = _pictures(scorer, len(prompts))

    def encode(pictures: Tensor, first: int = 0) -> Tensor:
        embedded = called("scorer.encode_image", scorer.encode_image, pictures)
        checks.check_embeddings(embedded, len(pictures), "encode_image")
        return embedded

    size = encode(images[:1]).shape[1]
    if size != text.shape[1]:
        raise PluginContractError(f"scorer: expected one size of embedding, got {text.shape[1]} and {size}.")
    _check_pictures("scorer.encode_image", encode, images, lambda x: (x @ text[0].detach().to(x.dtype)).sum())
    if called("scorer.layers", offers_layers, scorer):
        _check_layers(scorer, images)


def check_reward(reward: Any, *, rows: int = 5) -> None:
    """Every promise of `Reward`, tried out. Arguments and errors as of `check_scorer`."""
    checks.check_members("reward", reward, ("resolution", "score"))
    checks.check_side("reward", reward)
    prompts = _prompts(max(rows, 3))
    images = _pictures(reward, len(prompts))

    def score(pictures: Tensor, first: int = 0) -> Tensor:
        count = len(pictures)
        scores = called("reward.score", reward.score, pictures, prompts[first : first + count])
        if not isinstance(scores, Tensor) or tuple(scores.shape) != (count,):
            got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
            raise PluginContractError(f"reward.score: expected shape ({count},), got {got}.")
        if not torch.isfinite(scores).all():
            raise PluginContractError("reward.score: expected finite scores, got nan or infinite values.")
        return scores

    _check_pictures("reward.score", score, images, Tensor.sum)


def check_perceptual(perceptual: Any, *, side: int = 64, rows: int = 3) -> None:
    """Every promise of `Perceptual`, tried out.

    Args:
        perceptual: to check.
        side: of the pictures, in pixels.
        rows: how many to compare at a time, at least 2.

    Raises:
        PluginContractError: naming the broken promise, or what was called with what and raised.
    """
    compare: Callable[..., Tensor] = perceptual
    if not callable(perceptual):
        raise PluginContractError(f"perceptual: expected a function of two pictures, got a {type(perceptual).__name__}.")
    device = checks.device_of(perceptual)
    a, b = torch.rand(2, rows, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device).unbind(0)
    kept = a.clone(), b.clone()
    a, b = a.requires_grad_(), b.requires_grad_()
    with own_randomness("perceptual", STILL):
        distance = called("perceptual", compare, a, b)
    for before, after in zip(kept, (a, b), strict=True):
        check_unchanged("perceptual", before, after.detach())
    if not isinstance(distance, Tensor) or tuple(distance.shape) != (rows,):
        got = tuple(distance.shape) if isinstance(distance, Tensor) else type(distance).__name__
        raise PluginContractError(f"perceptual: expected shape ({rows},), got {got}.")
    if not (distance > 0).all() or not torch.isfinite(distance).all():
        raise PluginContractError("perceptual: expected a positive distance between two different pictures.")
    gradients = torch.autograd.grad(distance.sum(), (a, b), allow_unused=True) if distance.requires_grad else (None, None)
    for which, gradient in zip(("first", "second"), gradients, strict=True):
        if gradient is None or not (gradient != 0).any() or not torch.isfinite(gradient).all():
            raise PluginContractError(f"perceptual: expected a finite gradient to the {which} picture that is not zero.")
    with torch.no_grad():
        again = called("perceptual", compare, a, b)
        check_repeatable("perceptual", distance.detach(), again, ROW_TOLERANCE, STILL)
        if not called("perceptual", compare, b, b.clone()).abs().max() <= 1e-5:
            raise PluginContractError("perceptual: expected 0 between a picture and itself.")
        alone = torch.cat([called("perceptual", compare, a[i : i + 1], b[i : i + 1]) for i in range(rows)])
    check_rows_alone("perceptual", distance.detach(), alone, ROW_TOLERANCE)


def _check_text(scorer: Any, prompts: list[str]) -> Tensor:
    """Embeddings of prompts: unit vectors that depend on the prompt, and on nothing else."""

    def encode(some: list[str]) -> Tensor:
        text = called("scorer.encode_text", scorer.encode_text, some)
        checks.check_embeddings(text, len(some), "encode_text")
        return text

    text = encode(prompts)
    check_repeatable("scorer.encode_text", text, encode(prompts), ROW_TOLERANCE, STILL)
    alone = torch.cat([encode([prompt]) for prompt in prompts])
    check_rows_alone("scorer.encode_text", text, alone, ROW_TOLERANCE, "Padding, for one, must not be seen.")
    if not (text - text[:1]).abs().max() > 1e-6:
        got = f"the same for {' and '.join(map(repr, prompts[:2]))}"
        raise PluginContractError(f"scorer.encode_text: expected other embeddings for other prompts, got {got}.")
    return text


def _check_pictures(what: str, judge: Callable[..., Tensor], images: Tensor, total: Callable[[Tensor], Tensor]) -> None:
    """What is made of pictures: repeatable, row by row, differentiable, and also for values a little outside [0, 1].

    Args:
        what: it is called.
        judge: pictures, and which row the first of them is, to a row for each.
        images: (B, 3, R, R) in [0, 1].
        total: of what is made of them, whose gradient is taken.
    """
    leaf = images.clone().requires_grad_()
    with own_randomness(what, STILL):
        judged = judge(leaf)
        check_unchanged(what, images, leaf.detach())
        again = judge(images)
    check_repeatable(what, judged.detach(), again.detach(), ROW_TOLERANCE, STILL)
    if not judged.requires_grad:
        fix = "Call it without torch.no_grad, and without detaching."
        raise PluginContractError(f"{what}: expected a finite gradient to the images that is not zero, got none. {fix}")
    (gradient,) = torch.autograd.grad(total(judged), leaf, allow_unused=True)
    if gradient is None or not (gradient != 0).any() or not torch.isfinite(gradient).all():
        raise PluginContractError(f"{what}: expected a finite gradient to the images that is not zero.")
    with torch.no_grad():
        for size in [size for size in (2, 4, 8) if size < len(images)]:
            check_rows_alone(what, judge(images[:size]), again.detach()[:size], ROW_TOLERANCE)
        alone = torch.cat([judge(images[row : row + 1], row) for row in range(len(images))])
        check_rows_alone(what, again.detach(), alone, ROW_TOLERANCE)
        low, high = OUTSIDE
        try:
            judge(low + (high - low) * images)
        except PluginContractError as error:
            why = f"Views leave [0, 1]: these values are from {low:g} to {high:g}."
            raise PluginContractError(f"{error} {why}") from error


def _check_layers(scorer: Any, images: Tensor) -> None:
    """The optional `layers`: features of the pictures, (B, ...) each, with a gradient."""
    leaf = images.clone().requires_grad_()
    layers = called("scorer.layers", scorer.layers, leaf)
    whole = isinstance(layers, Sequence) and layers and all(isinstance(x, Tensor) and x.dim() in (3, 4) for x in layers)
    if not whole or any(len(x) != len(images) for x in layers):
        got = [tuple(getattr(x, "shape", ())) for x in layers] if isinstance(layers, Sequence) else type(layers).__name__
        raise PluginContractError(f"scorer.layers: expected a list of (B, N, D) or (B, D, h, w), got {got}.")
    if not all(x.requires_grad and torch.isfinite(x).all() for x in layers):
        raise PluginContractError("scorer.layers: expected finite features with a gradient to the images.")


def _prompts(count: int) -> list[str]:
    return [PROMPTS[i % len(PROMPTS)] for i in range(count)]


def _pictures(model: Any, count: int) -> Tensor:
    """Random pictures (count, 3, R, R) in [0, 1], on the model's device."""
    size = (count, 3, model.resolution, model.resolution)
    return torch.rand(size, generator=torch.Generator().manual_seed(0)).to(checks.device_of(model))
