"""Fixtures that every test may use: an own cache folder, toy models, and plugins installed for one test."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import hypothesis
import pytest
import torch

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.cli.toys import add_toys

ROOT, TESTS = Path(__file__).parents[1], Path(__file__).parent

hypothesis.settings.register_profile("fusedream", deadline=None, max_examples=25)
hypothesis.settings.load_profile("fusedream")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """A process for each core where every test is run; a few are over before more processes would have imported torch."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS or [Path(arg).resolve() for arg in config.args] == [TESTS]
    return None if whole else 0


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Toy models gain nothing from threads, and a busy machine loses much."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="session")
def all_that_is_imported_stays() -> Iterator[None]:
    """The collector of garbage, which runs after every shortage of memory, need not go through torch and all tests again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or fills the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("FUSEDREAM_CACHE", str(folder))
    return folder


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows run as many at a time as the memory holds, as on an accelerator."""
    for module in ("run.task", "run.report", "methods.base", "inversion.invert"):
        monkeypatch.setattr(f"fusedream_sdk.{module}.rows_alone", lambda device: False)


@pytest.fixture
def dream() -> FuseDream:
    """The toy pair, quick settings, exact arithmetic."""
    return toy_dream()


@pytest.fixture
def make_dream() -> Callable[..., FuseDream]:
    """As `dream`, with other models or settings."""
    return toy_dream


def toy_dream(generator: Any = None, scorer: Any = None, *, settings: Any = None, **options: Any) -> FuseDream:
    quick = {"steps": 6, "views": 3, "bank": 96, "samples": 48, "basis": 3, "check_every": 2, "check_views": 4}
    quick |= {"report_views": 8, **(settings or {})}
    models = {"generator": generator or ToyGenerator(16), "scorer": scorer or ToyScorer(8)}
    options = {**models, "dtype": "float32", "settings": quick, **options}
    return FuseDream(**options)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a distribution of plugins for one test: `install("name", entry_points, module="source", ...)`."""
    modules: list[str] = []

    def put(package: str, entries: str, **sources: str) -> Path:
        site = tmp_path / "site"
        info = site / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(dedent(entries))
        for module, source in sources.items():
            (site / f"{module}.py").write_text(dedent(source))
            modules.append(module)
        if str(site) not in sys.path:
            monkeypatch.syspath_prepend(str(site))
            monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *subprocess_path()]))
        importlib.invalidate_caches()
        return site

    yield put
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def torchscript(tmp_path: Path) -> Path:
    """A program with its weights, as OpenAI published CLIP."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is old
        torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "ViT-B-32.pt")
    return tmp_path / "ViT-B-32.pt"


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy models installed, an empty working folder, and a cache of its own."""
    folder = add_toys(tmp_path / "packages")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "toy_models", raising=False)
    monkeypatch.setenv("FUSEDREAM_CACHE", str(tmp_path / "cache"))
    return folder


def subprocess_path() -> list[str]:
    """Where a child process finds the package, installed or not."""
    return [str(ROOT), str(ROOT / "plugins")]


@pytest.fixture
def child_env() -> dict[str, str]:
    """The environment of a child process that imports the package and uses one thread."""
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, path), *subprocess_path()]), "OMP_NUM_THREADS": "1"}
