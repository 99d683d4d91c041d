"""Models whose call runs compiled, by torch.compile; all else is their own.

A compiled model rounds otherwise than the model itself. For each shape of what it is given it is compiled once, which takes
tens of seconds, so only what is called in every step is: `run.engine.Engine.at_work`. Nothing of torch's compiler is imported
before a model is.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.checks import device_of
from fusedream_sdk.models.weights import first_line
from fusedream_sdk.protocols import Scorer

MOST = 1 << 16  # compilations that torch allows a function before it runs it as it is; ours are bounded by their shapes
FOR_GOOD = ExitStack()  # of torch's settings that are never put back
TWICE = 2  # compilations for one shape: a model may prepare something in its first call
AS_IT_IS = "Leave it out: compile=False draws with the models as they are."


def check_compiler(device: torch.device) -> None:
    """Whether torch.compile has what it needs, as far as that can be known without compiling. Raises InvalidInput."""
    if device.type == "cuda":
        if find_spec("triton") is None:
            fix = f"Install it: pip install triton. {AS_IT_IS}"
            raise InvalidInput("compile", expected="a machine with the package triton", got="none", fix=fix)
        return
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "cl" if os.name == "nt" else "g++")
    if shutil.which(compiler.split()[0]) is None:
        fix = f"Install one, or name yours in the variable CXX. {AS_IT_IS}"
        raise InvalidInput("compile", expected=f"a machine with a C++ compiler, {compiler!r}", got="none", fix=fix)


class CompiledModel:
    """A model with one of its functions compiled.

    Args:
        role: for people.
        model: whatever it is. function: what of it is compiled.

    Attributes:
        model: as it is.
        seconds: that compiling took so far.
    """

    def __init__(self, role: str, model: Any, function: Callable[..., Tensor]) -> None:
        began = time.perf_counter()
        self.model, self.resolution, self.device = model, model.resolution, device_of(model)
        self._role = role
        mode = "reduce-overhead" if self.device.type == "cuda" else None  # CUDA graphs
        self._function = torch.compile(function, dynamic=False, mode=mode)
        self._compiled: Counter[Hashable] = Counter()  # how often for what
        self.seconds = time.perf_counter() - began  # the first model imports the compiler

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def run(self, given: Tensor | Latents, *others: Any) -> Tensor:
        """What the function makes of tensors, and of further arguments as they are.

        Raises:
            InvalidInput: it cannot be compiled, or is compiled again and again.
        """
        given = _apart(given) if self.device.type == "cuda" else given
        shape, before, began = signature(given, others), graphs(), time.perf_counter()
        try:
            with _limits(first=shape not in self._compiled):
                found = self._function(given, *others)
        except Exception as error:
            if not _of_the_compiler(error):
                raise
            raise self._refused(f"{type(error).__name__}: {first_line(error).rstrip('.')}") from error
        self._count(shape, graphs() > before, time.perf_counter() - began)
        return OwnMemory.apply(found) if self.device.type == "cuda" else found  # pyright: ignore[reportReturnType]

    def _count(self, shape: Hashable, compiled: bool, seconds: float) -> None:
        self._compiled[shape] += compiled
        self.seconds += seconds if compiled else 0.0
        if self._compiled[shape] > TWICE:
            raise self._refused("one that is compiled anew in every call, as it changes something of itself")

    def _refused(self, why: str) -> InvalidInput:
        expected = f"models that torch.compile can compile; {self._role}, a {type(self.model).__name__}, is none"
        return InvalidInput("compile", expected=expected, got=why, fix=AS_IT_IS)


class CompiledGenerator(CompiledModel):
    """A generator."""

    def __init__(self, model: Any) -> None:
        super().__init__("the generator", model, model if isinstance(model, torch.nn.Module) else model.__call__)
        self.space, self.sample = model.space, model.sample

    def __call__(self, latents: Latents) -> Tensor:
        return self.run(latents)


class CompiledScorer(CompiledModel):
    """A dual encoder, whose images alone are encoded compiled."""

    def __init__(self, model: Any) -> None:
        super().__init__("the scorer", model, model.encode_image)
        self.encode_text = model.encode_text

    def encode_image(self, images: Tensor) -> Tensor:
        return self.run(images)


class CompiledReward(CompiledModel):
    """A reward. One that reads the prompts is compiled for each of them."""

    def __init__(self, model: Any) -> None:
        super().__init__("the scorer", model, model.score)

    def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
        return self.run(images, tuple(prompts))


def compiled_generator(model: Any) -> Any:
    """A generator whose call runs compiled; one that says `compilable = False`, as a `Scene` does, stays as it is."""
    return CompiledGenerator(model) if getattr(model, "compilable", True) is not False else model


def compiled_scorer(model: Any) -> CompiledScorer | CompiledReward:
    """A scorer, or a reward, that sees pictures compiled."""
    return CompiledScorer(model) if isinstance(model, Scorer) else CompiledReward(model)


def as_it_is(model: Any) -> Any:
    """A model that is not compiled: the same, or the one inside."""
    return model.model if isinstance(model, CompiledModel) else model


def graphs() -> int:
    """How many graphs torch's compiler has compiled in this process."""
    from torch._dynamo.utils import counters  # it imports much

    return counters["stats"]["unique_graphs"]


def signature(given: Tensor | Latents, others: Sequence[Any]) -> Hashable:
    """What may ask for a compilation of its own: shapes, formats, what takes a gradient, and arguments that are no tensors."""
    named = given if isinstance(given, Mapping) else {"": given}
    each = tuple((name, tuple(x.shape), x.stride(), x.dtype, x.requires_grad) for name, x in named.items())
    device = next(iter(named.values())).device.type
    return each, torch.is_grad_enabled(), torch.is_autocast_enabled(device), others


class OwnMemory(torch.autograd.Function):
    """A copy, whose gradient is a copy too: CUDA graphs write into the same memory in every call."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The copy."""
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Its copy."""
        return gradients[0].clone()


def _apart(given: Tensor | Latents) -> Any:
    if isinstance(given, Tensor):
        return OwnMemory.apply(given)
    return {name: OwnMemory.apply(x) for name, x in given.items()}


@contextmanager
def _limits(*, first: bool) -> Iterator[None]:
    """How torch compiles: never silently not, and backward together with forward, so that what fails fails at once.

    What it warns of in the `first` call is its own look at gradients that are not there.
    """
    from torch._dynamo import config as dynamo
    from torch._functorch import config as functorch

    _keep_graphs()
    eager = {"force_non_lazy_backward_lowering": True} if hasattr(functorch, "force_non_lazy_backward_lowering") else {}
    with dynamo.patch(recompile_limit=MOST, accumulated_recompile_limit=MOST), functorch.patch(eager), ExitStack() as quiet:
        if first:
            quiet.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf")
        yield


@cache
def _keep_graphs() -> None:
    """For good, as it is asked for when a graph is run backward: two losses do that twice (`DynamicBarrier`)."""
    from torch._functorch import config as functorch

    FOR_GOOD.enter_context(functorch.patch(donated_buffer=False))


def _of_the_compiler(error: Exception) -> bool:
    """Whether an error is of torch's compiler, and not of the model."""
    from torch._dynamo.exc import TorchDynamoException

    return isinstance(error, TorchDynamoException) or type(error).__module__.startswith("torch._inductor")
