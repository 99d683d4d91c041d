"""What a `Generator` promises, tried out; `fusedream_sdk.testing.check_generator` is this."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.latents import Box, Latents, map_latents, select
from fusedream_sdk.latents import project as put_inside
from fusedream_sdk.models import checks
from fusedream_sdk.models.calls import called, check_repeatable, check_rows_alone, check_unchanged, own_randomness

PROMPTS = ("a red apple", "a blue car", "a dog", "a green frog at night")
ROW_TOLERANCE = 1e-4  # a batch rounds otherwise than a row
SAMPLES = 32  # latents whose pictures have to be finite
CUT = (0.25, 0.75)  # share of values that are exactly 0 in pictures cut from [-1, 1]
ALWAYS = 0.1  # share of places that are 0 in every picture, above which black is meant
DEAD = 0.06  # share of a latent's numbers that may do nothing, such as the imaginary part of a mean
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)  # what training mode changes
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
CALM = "Rows must not mix: no batch statistics, so call eval() on the network, and no sum or mean over the batch."
STILL = "Noise belongs to the latents, as an entry of the space; dropout is switched off by eval()."


def check_generator(generator: Any, *, rows: int = 8) -> None:
    """Every promise of `Generator`, tried out.

    Args:
        generator: to check; one whose `sample` takes `prompts` is given some.
        rows: how many pictures to draw at a time; at least 4, as rows may mix in larger batches only.

    Raises:
        PluginContractError: naming the broken promise, or what was called with what and raised.
    """
    checks.check_members("generator", generator, ("space", "resolution", "sample"))
    checks.check_space(generator)
    _check_modes(generator)
    rows = max(rows, 4)
    latents = _check_draws(generator, rows)
    with own_randomness("generator", STILL):
        given = _copy(latents)
        checks.check_gradient(generator, given)
        check_unchanged("generator", latents, given)
        images = _draw(generator, given)
        check_unchanged("generator", latents, given)
        checks.check_images(generator, images, rows)
        again = _draw(generator, given)
    check_repeatable("generator", images, again, ROW_TOLERANCE, f"Two calls differ for the same latents. {STILL}")
    _check_differ(images, latents)
    _check_cut(images)
    _check_alone(generator, latents, images)
    _check_live(generator, latents)
    _check_everywhere(generator, rows)
    _check_encoder(generator, images)
    _check_critic(generator, images)


def draw_sample(generator: Any, n: int, seed: int) -> Latents:
    """n rows from a seed, for prompts where there is such a keyword. Raises PluginContractError for what it raises."""
    rng = torch.Generator().manual_seed(seed)
    told = {"prompts": [PROMPTS[i % len(PROMPTS)] for i in range(n)]} if checks.conditioned(generator) else {}
    latents = called("generator.sample", generator.sample, n, rng=rng, **told)
    checks.check_sample(generator, latents, n)
    return latents


def _check_draws(generator: Any, rows: int) -> Latents:
    """Samples follow from their seed alone. Returns one."""
    with own_randomness("generator.sample", "Draw from the generator that it is given: torch.randn(..., generator=rng)."):
        latents = draw_sample(generator, rows, 0)
        again, other = draw_sample(generator, rows, 0), draw_sample(generator, rows, 1)
    checks.check_mixture(generator, latents)
    for name in generator.space:
        if latents[name].requires_grad:
            raise PluginContractError(f"generator.sample: expected {name!r} without a gradient, got one with. Detach it.")
        if latents[name].device != checks.device_of(generator):
            expected = f"{name!r} on the generator's device, {checks.device_of(generator)}"
            raise PluginContractError(f"generator.sample: expected {expected}, got {latents[name].device}.")
    if any(not torch.equal(latents[name], again[name]) for name in latents):
        raise PluginContractError("generator.sample: expected the same draw from the same seed; it uses other randomness.")
    if all(torch.equal(latents[name], other[name]) for name in latents):
        raise PluginContractError("generator.sample: expected another draw from another seed; it ignores `rng`.")
    return latents


def _check_modes(generator: Any) -> None:
    """Nothing that training mode changes is in it."""
    parts = [generator, *getattr(generator, "__dict__", {}).values()]
    for network in [part for part in parts if isinstance(part, nn.Module)]:
        for module in network.modules():
            changes = isinstance(module, NORMS) or (isinstance(module, DROPOUTS) and module.p > 0)
            if changes and module.training:
                kind = type(module).__name__
                raise PluginContractError(f"generator: expected its network in eval mode, got {kind} in training mode. {CALM}")


def _check_differ(images: Tensor, latents: Latents) -> None:
    """Other latents give other pictures."""
    if any((x != x[:1]).any() for x in latents.values()) and not (images - images[:1]).abs().max() > 1e-6:
        got = f"the same one {len(images)} times"
        raise PluginContractError(f"generator: expected other pictures for other latents, got {got}: it ignores them.")


def _check_cut(images: Tensor) -> None:
    """Pictures are not the upper half of ones in [-1, 1]: values of exactly 0, at other places in each of them."""
    black = images == 0
    share = float(black.float().mean())
    if CUT[0] <= share <= CUT[1] and float(black.all(dim=0).float().mean()) < ALWAYS:
        raise PluginContractError(
            f"generator: expected pictures over all of [0, 1], got {share:.0%} of the values exactly 0, as of pictures in "
            f"[-1, 1] that were clamped to [0, 1]. Map them first, with (x + 1) / 2."
        )


def _check_alone(generator: Any, latents: Latents, images: Tensor) -> None:
    """A row is the same alone, and in batches of every size that is twice another."""
    alone = torch.cat([_draw(generator, select(latents, slice(i, i + 1))) for i in range(len(images))])
    sizes = [size for size in (2, 4, 8, 16) if size < len(images)]
    for size in sizes:
        check_rows_alone("generator", _draw(generator, select(latents, slice(0, size))), alone[:size], ROW_TOLERANCE, CALM)
    check_rows_alone("generator", images, alone, ROW_TOLERANCE, CALM)


def _check_live(generator: Any, latents: Latents) -> None:
    """Every number of an unfrozen latent moves the pictures."""
    free = [name for name, spec in generator.space.items() if not spec.frozen]
    given = _copy(latents)
    leaves = [given[name].requires_grad_() for name in free]
    images = called("generator", generator, given)
    weight = torch.randn(images.shape, generator=torch.Generator().manual_seed(0)).to(images)
    gradients = torch.autograd.grad((images * weight).sum(), leaves, allow_unused=True)
    for name, gradient in zip(free, gradients, strict=True):
        if gradient is None:
            fix = "Keep it in the graph (no detach, no rounding), or say frozen=True in its LatentSpec."
            raise PluginContractError(
                f"generator: expected a gradient to {name!r}, got none: it is detached or not used. {fix}"
            )
        if not torch.isfinite(gradient).all():
            raise PluginContractError(f"generator: expected a finite gradient to {name!r}, got nan or infinite values.")
        dead = (gradient == 0).all(dim=0)
        count, total = int(dead.sum()), dead.numel()
        if count > DEAD * total:
            first = dead.nonzero()[0].tolist()
            raise PluginContractError(
                f"generator: expected a gradient to all of {name!r}, got zero in every row for {count} of {total} numbers "
                f"(first: {first}). Leave out of the space what the pictures do not depend on, or say frozen=True."
            )


def _check_everywhere(generator: Any, rows: int) -> None:
    """Pictures are finite and in range wherever a run may go: samples, mixtures of them, noise put inside, and corners."""
    samples = draw_sample(generator, max(SAMPLES, rows), 2)
    for what, points in _places(generator, samples):
        for first in range(0, len(next(iter(points.values()))), rows):
            some = select(points, slice(first, first + rows))
            images = _draw(generator, some)
            try:
                checks.check_images(generator, images, len(images))
            except PluginContractError as error:
                raise PluginContractError(f"{error} That is for some of {what}.") from error


def _places(generator: Any, samples: Latents) -> Iterator[tuple[str, Latents]]:
    """Latents inside the constraints, with a word for them."""
    yield f"{len(next(iter(samples.values())))} samples", samples
    space, rng = generator.space, torch.Generator().manual_seed(3)
    few = select(samples, slice(0, 4))
    mixed = {name: (x + x.flip(0)) / 2 if space[name].mixes else x for name, x in few.items()}
    yield "the means of two samples, which a mixture begins at", mixed
    noise = {n: x if space[n].frozen else torch.randn(x.shape, generator=rng).to(x) for n, x in few.items()}
    yield "the projections of Gaussian noise, at which a method may begin", put_inside(noise, space)
    if any(isinstance(spec.constraint, Box) and not spec.frozen for spec in space.values()):
        for sign, word in ((-1e6, "lowest"), (1e6, "highest")):
            edge = {n: x.new_full((1, *x.shape[1:]), sign) if _boxed(space[n]) else x[:1] for n, x in few.items()}
            yield f"the {word} corner of the boxes, where the optimiser may end", put_inside(edge, space)


def _boxed(spec: Any) -> bool:
    return isinstance(spec.constraint, Box) and not spec.frozen


def _check_encoder(generator: Any, images: Tensor) -> None:
    """Where there is `encode`, it makes latents of the space."""
    if hasattr(generator, "encode"):
        latents = called("generator.encode", generator.encode, images)
        checks.check_entries("generator.encode", generator.space, latents, len(images))


def _check_critic(generator: Any, images: Tensor) -> None:
    """Where there is `realism`, it has an opinion on each picture, whatever the others."""
    if not hasattr(generator, "realism"):
        return
    with torch.no_grad():
        said, alone = (called("generator.realism", generator.realism, x) for x in (images, images[:1]))
    if not isinstance(said, Tensor) or said.shape != (len(images),) or not bool(torch.isfinite(said).all()):
        got = f"{tuple(said.shape)}" if isinstance(said, Tensor) else type(said).__name__
        raise PluginContractError(f"generator.realism: expected a finite number for each of {len(images)} pictures, got {got}.")
    if not torch.allclose(said[:1], alone, atol=1e-3, rtol=1e-3):
        raise PluginContractError("generator.realism: expected the same of a picture whatever the others, got another.")


def _draw(generator: Any, latents: Latents) -> Tensor:
    with torch.no_grad():
        images = called("generator", generator, latents)
    if not isinstance(images, Tensor) or images.dim() != 4:
        checks.check_images(generator, images, len(next(iter(latents.values()))))
    return images


def _copy(latents: Latents) -> Latents:
    return map_latents(lambda x: x.detach().clone(), latents)
