"""An error of a plugin's own code is told with its name; what was done before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, PluginFault
from fusedream_sdk.latents import Latents
from fusedream_sdk.models.faults import named_faults, plugin_packages
from fusedream_sdk.testing import ToyGenerator, ToyScorer

MakeDream = Callable[..., FuseDream]
FAULTY = """
from fusedream_sdk.testing import ToyGenerator, ToyScorer


class Faulty(ToyGenerator):
    calls = 0

    def __call__(self, latents):
        Faulty.calls += 1
        if Faulty.calls > 120:
            return self.divide(latents)
        return super().__call__(latents)

    def divide(self, latents):
        return 1 / 0


def generator(device="cpu"):
    return Faulty(16)


def scorer(device="cpu"):
    return ToyScorer(8)
"""
ENTRIES = """
[fusedream_sdk.generators]
faulty = faulty_models:generator
[fusedream_sdk.scorers]
faulty = faulty_models:scorer
"""


@pytest.fixture
def faulty(install: Callable[..., Path]) -> FuseDream:
    install("faulty-models", ENTRIES, faulty_models=FAULTY)
    quick = {"steps": 6, "views": 3, "bank": 32, "samples": 16, "basis": 3, "report_views": 8}
    return FuseDream(generator="faulty", scorer="faulty", settings=quick)


def test_the_plugin_and_its_distribution_are_named_and_the_rows_before_are_kept(faulty: FuseDream, tmp_path: Path):
    told = "one of the plugins faulty of faulty-models raised ZeroDivisionError: division by zero. Tell its author."
    with pytest.raises(PluginFault, match=told) as caught:
        faulty.generate("red", seeds=range(40), into=tmp_path / "out", progress=False)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert 0 < len(list((tmp_path / "out").glob("*.png"))) < 40


def test_an_object_is_named_by_its_role_and_class(make_dream: MakeDream):
    class Breaking(ToyScorer):
        def encode_image(self, images: Tensor) -> Tensor:
            if len(images) == 3:
                raise KeyError("weights")
            return super().encode_image(images)

    with pytest.raises(PluginFault, match=r"the scorer, a Breaking of the module .*test_faults, raised KeyError: 'weights'"):
        make_dream(scorer=Breaking(8)).generate("red", progress=False)


def test_an_error_of_a_watcher_is_nobody_s_but_its_own(make_dream: MakeDream):
    def watch(state: object, rows: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_dream().generate("red", progress=False, watch=watch)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), InvalidInput("seed", expected="one", got="none")])
def test_ctrl_c_memory_and_our_own_errors_pass_as_they_are(error: BaseException):
    class Generator(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            raise error

    toy = Generator(16)
    with pytest.raises(type(error)) as caught, named_faults({"the generator": toy}):
        toy({})
    assert caught.value is error


def test_every_plugin_s_module_has_its_names_and_its_distribution():
    assert plugin_packages()["fusedream_openclip"] == "the plugin openclip of fusedream-sdk"
    assert "fusedream_sdk" not in plugin_packages()
