"""Compiled models: the same pictures up to rounding, one compilation for each shape, and a sentence where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import util
from typing import Any

import pytest
import torch
from torch import Tensor

import fusedream_sdk as fd
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.latents import Latents
from fusedream_sdk.models import compiled
from fusedream_sdk.models.compiled import (
    CompiledGenerator,
    CompiledModel,
    OwnMemory,
    as_it_is,
    check_compiler,
    compiled_generator,
    compiled_scorer,
    graphs,
)
from fusedream_sdk.optim.directions import DynamicBarrier
from fusedream_sdk.protocols import Generator, Reward, Scorer
from fusedream_sdk.run.result import Result
from fusedream_sdk.scenes.scene import Scene
from fusedream_sdk.testing import ToyGenerator, ToyReward, ToyScorer, random_latents

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
CPU = torch.device("cpu")
QUICK = {"steps": 4, "views": 3, "samples": 16, "bank": 16, "basis": 2, "report_views": 4, "check_views": 5, "check_every": 2}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of torch's compiler for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture(scope="module")
def dream() -> FuseDream:
    return FuseDream(generator=ToyGenerator(16), scorer=ToyScorer(8), settings=QUICK, compile=True)


@needs_compiler
def test_a_run_compiles_its_shapes_once_and_draws_the_same_picture_again_and_alone(dream: FuseDream, tmp_path):
    before = graphs()
    many = dream.generate(["a red disc", "a blue disc"], seeds=[0, 1], progress=False)
    known = graphs()
    assert known - before == 4  # generator and scorer, of a step and of a look
    again = dream.generate("a blue disc", seeds=1, progress=False)
    assert torch.equal(again.images[0], many.images[3])
    assert torch.equal(again.history["augclip"][:, 0], many.history["augclip"][:, 3])
    dream.generate("a green disc", seeds=7, steps=6, progress=False)
    (path,) = again.save(tmp_path / "blue.png")
    replayed = fd.replay(path, generator=ToyGenerator(16), scorer=ToyScorer(8), compile=True, progress=False)
    assert torch.equal(replayed.images, again.images)
    assert graphs() == known
    with pytest.warns(UserWarning, match="drawn by models compiled, replayed by models as they are: .* Pass compile=True"):
        plain = fd.replay(path, generator=ToyGenerator(16), scorer=ToyScorer(8), progress=False)
    assert (plain.images - again.images).abs().max() < 0.05
    assert isinstance(plain, Result)
    assert not plain.recipe.compiled


@needs_compiler
def test_two_losses_may_run_a_graph_backward_twice():
    model, given = compiled_generator(ToyGenerator(16)), random_latents(ToyGenerator(16), 1)
    free = {name: x.requires_grad_() for name, x in given.items()}

    def direction(generator: Generator) -> Latents:
        images = generator(free)
        losses = {"augclip": images.mean(dim=(1, 2, 3)), "consistency": images[:, 0].square().mean(dim=(1, 2))}
        return DynamicBarrier()(losses, free)

    found, expected = direction(model), direction(ToyGenerator(16))
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in free)


@needs_compiler
def test_a_reward_and_a_module_are_compiled_too():
    class Module(torch.nn.Module):
        resolution = 8

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((3,), 0.5))

        def score(self, images: Tensor, prompts: Sequence[str]) -> Tensor:
            return torch.tanh(images.mean(dim=(2, 3)) * self.weight).sum(dim=1)

    reward, before = compiled_scorer(Module()), graphs()
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    for prompts in (["red", "red"], ["a blue disc", "green"]):  # which it does not read
        assert torch.allclose(reward.score(images, prompts), reward.model.score(images, prompts))
    assert graphs() == before + 1


@needs_compiler
def test_one_that_changes_itself_in_every_call_is_refused():
    class Counting(ToyScorer):
        calls = 0

        def encode_image(self, images: Tensor) -> Tensor:
            self.calls += 1
            return super().encode_image(images) * (1 + 0 * self.calls)

    scorer, images = compiled_scorer(Counting(8)), torch.rand(1, 3, 8, 8)
    for _ in range(2):
        scorer.encode_image(images)
    with pytest.raises(InvalidInput, match="the scorer, a Counting, is none, got one that is compiled anew in every call"):
        scorer.encode_image(images)


@needs_compiler
def test_one_that_cannot_be_compiled_is_told_in_a_sentence(monkeypatch):
    def fails(*given: object) -> Tensor:
        from torch._dynamo.exc import InternalTorchDynamoError

        raise InternalTorchDynamoError("no rule for this\nat length")

    monkeypatch.setattr(torch, "compile", lambda function, **options: fails)
    with pytest.raises(InvalidInput) as caught:
        compiled_generator(ToyGenerator(16))(random_latents(ToyGenerator(16), 1))
    assert str(caught.value) == (
        "compile: expected models that torch.compile can compile; the generator, a ToyGenerator, is none, got "
        "InternalTorchDynamoError: no rule for this. Leave it out: compile=False draws with the models as they are."
    )


def test_what_a_model_raises_stays_what_it_was(monkeypatch):
    def fails(*given: object) -> Tensor:
        raise ZeroDivisionError("a plugin divided by zero")

    monkeypatch.setattr(torch, "compile", lambda function, **options: fails)
    with pytest.raises(ZeroDivisionError):
        compiled_scorer(ToyScorer(8)).encode_image(torch.rand(1, 3, 8, 8))


def test_a_machine_without_a_compiler_is_told_before_anything_is_loaded(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(InvalidInput, match=r"expected a machine with a C\+\+ compiler, .*, got none.* CXX.*compile=False"):
        FuseDream("no such models", compile=True, device="cpu")
    monkeypatch.setenv("CXX", "/opt/bin/clang++ -v")
    with pytest.raises(InvalidInput, match="'/opt/bin/clang"):
        check_compiler(CPU)
    monkeypatch.setattr(compiled, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match="the package triton"):
        check_compiler(torch.device("cuda"))
    monkeypatch.setattr(compiled, "find_spec", util.find_spec)


def test_everything_else_is_the_model_s_own():
    class Richer(ToyGenerator):
        fingerprint = "f" * 64

        def encode(self, images: Tensor) -> Latents:
            return {"z": images[:, 0, 0, :4]}

    model = Richer(16)
    drawer: Any = compiled_generator(model)
    reader, reward = compiled_scorer(ToyScorer(8)), compiled_scorer(ToyReward())
    assert isinstance(drawer, CompiledGenerator)
    assert isinstance(compiled_generator(ToyGenerator(16)), Generator)
    assert isinstance(reader, Scorer)
    assert isinstance(reward, Reward)
    assert not isinstance(reward, Scorer)
    assert (drawer.resolution, drawer.fingerprint, drawer.recommended) == ((16, 16), "f" * 64, model.recommended)
    assert drawer.encode(torch.zeros(1, 3, 16, 16))["z"].shape == (1, 4)
    assert torch.equal(reader.encode_text(["red"]), ToyScorer(8).encode_text(["red"]))
    assert not hasattr(drawer, "layers")
    assert as_it_is(drawer) is model
    assert as_it_is(model) is model


def test_a_scene_and_whatever_says_so_is_drawn_as_it_is():
    class Eager(ToyGenerator):
        compilable = False

    for model in (Scene(ToyGenerator(16), ToyGenerator(16)), Eager(16)):
        assert compiled_generator(model) is model
    assert isinstance(compiled_generator(ToyGenerator(16)), CompiledModel)


def test_a_copy_shares_no_memory_nor_does_its_gradient():
    x = torch.rand(3, requires_grad=True)
    found = OwnMemory.apply(x)
    assert torch.equal(found, x)
    assert found.data_ptr() != x.data_ptr()
    ones = torch.ones(3)
    (gradient,) = torch.autograd.grad(found, x, ones)
    assert torch.equal(gradient, ones)
    assert gradient.data_ptr() != ones.data_ptr()


def test_nothing_of_the_compiler_is_imported_before_a_model_is_compiled():
    code = (
        "import sys, fusedream_sdk as fd\n"
        "from fusedream_sdk.testing import ToyGenerator, ToyScorer\n"
        "fd.FuseDream(generator=ToyGenerator(16), scorer=ToyScorer(8), compile=True)\n"
        "assert 'torch._dynamo' not in sys.modules, 'imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
