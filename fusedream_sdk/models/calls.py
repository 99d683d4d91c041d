"""Calls of a stranger's code: what it raises becomes a contract error that says what was called with what."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.models.weights import first_line

T = TypeVar("T")
SHOWN = 3  # entries of a list
AN_ODD_SEED = 86_028_121  # nobody's own, so that a plugin that seeds the global generator is found out


def called(what: str, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """What a plugin's function returns.

    Args:
        what: its name in the contract, such as "generator.sample".
        function: to call. arguments, options: given to it.

    Raises:
        PluginContractError: whatever it raised, as its cause. Running out of memory is no breach, and stays what it was.
    """
    before = [(value, in_words(value)) for value in arguments]
    try:
        return function(*arguments, **options)
    except (PluginContractError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever a stranger's code does
        given = [text for _, text in before] + [f"{name}={in_words(value)}" for name, value in options.items()]
        raised = f"{type(error).__name__}: {first_line(error).rstrip('.')}"
        raise PluginContractError(f"{what}: expected an answer to {what}({', '.join(given)}), got {raised}.") from error


def in_words(value: Any) -> str:
    """An argument in a few words."""
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {in_words(x)}" for name, x in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(in_words(x) for x in value[:SHOWN]) + (", ...]" if len(value) > SHOWN else "]")
    return "..." if isinstance(value, torch.Generator) else repr(value)


@contextmanager
def own_randomness(what: str, fix: str) -> Iterator[None]:
    """Check that a block leaves the global random states of torch, numpy and Python alone, and put them back.

    Raises:
        PluginContractError: `what` changed one of them.
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    others = np.random.get_state(), random.getstate()
    broken: PluginContractError | None = None
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(AN_ODD_SEED)
        before = global_randomness()
        try:
            yield
        except PluginContractError as error:  # of which random numbers may be the reason
            broken = error
        finally:
            changed = [name for name, state in global_randomness().items() if state != before[name]]
            np.random.set_state(others[0])
            random.setstate(others[1])
    if changed:
        expected = f"no use of {changed[0]}'s global random state: it uses other randomness"
        raise PluginContractError(f"{what}: expected {expected}. {fix}") from broken
    if broken is not None:
        raise broken


def global_randomness() -> dict[str, Any]:
    """What global random numbers would come next, of each library."""
    _, keys, *rest = np.random.get_state()
    devices = [x.tolist() for x in torch.cuda.get_rng_state_all()] if torch.cuda.is_initialized() else []
    return {
        "torch": (torch.get_rng_state().tolist(), devices),
        "numpy": (np.asarray(keys).tolist(), rest),
        "random": random.getstate(),
    }


def check_unchanged(what: str, before: Tensor | Mapping[str, Tensor], after: Tensor | Mapping[str, Tensor]) -> None:
    """What a plugin was given is what it was: `before` is a copy. Raises PluginContractError."""
    one, other = ({"": x} if isinstance(x, Tensor) else x for x in (before, after))
    changed = [name for name, x in one.items() if name not in other or not torch.equal(x, other[name])]
    if changed or set(one) != set(other):
        which = f" {changed[0]!r}" if changed and changed[0] else ""
        fix = "Work on a copy: x = x + 1 in place of x += 1."
        raise PluginContractError(f"{what}: expected what it is given{which} to stay as it was, got a change in place. {fix}")


def check_rows_alone(what: str, batch: Tensor, alone: Tensor, tolerance: float, fix: str = "") -> None:
    """Rows of a batch equal the same rows alone. Raises PluginContractError."""
    if batch.shape != alone.shape:
        raise PluginContractError(f"{what}: expected shape {tuple(alone.shape)}, got {tuple(batch.shape)}.")
    worst = float((batch - alone).abs().max())
    if not worst <= tolerance:
        got = f"{worst:.2g} apart in a batch of {len(batch)}"
        raise PluginContractError(f"{what}: expected a row alone to equal the row in a batch, got {got}.{fix and ' ' + fix}")


def check_repeatable(what: str, once: Tensor, again: Tensor, tolerance: float, fix: str) -> None:
    """The same input gives the same output. Raises PluginContractError."""
    if once.shape != again.shape or not float((once - again).abs().max()) <= tolerance:
        raise PluginContractError(f"{what}: expected the same answer twice, got two. {fix}")
