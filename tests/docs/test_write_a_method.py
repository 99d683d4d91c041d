"""The page "Write a method in ten minutes", followed in one process on the toys, and the method that comes of it."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.cli import main
from fusedream_sdk.errors import PluginContractError
from fusedream_sdk.imaging.pictures import read_picture, read_recipe
from fusedream_sdk.testing import ToyGenerator, ToyScorer, check_method, random_latents
from tests.cli.toys import ROOT
from tests.docs.blocks import FENCE, blocks, commands, with_files

PAGE = ROOT / "docs" / "write-a-method.md"
EXAMPLE = ROOT / "examples" / "fusedream-anneal"
MODULE = (EXAMPLE / "fusedream_anneal" / "__init__.py").read_text()
ENTRIES = "[fusedream_sdk.methods]\nanneal = fusedream_anneal:load\n"
MODELS: dict[str, Any] = {"generator": ToyGenerator(16), "scorer": ToyScorer(8)}


class Reader:
    """Who types what the page says; `pip install -e .` leaves what it would leave, and nothing is fetched."""

    def __init__(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.monkeypatch, self.passed = site, monkeypatch, 0
        monkeypatch.syspath_prepend(str(site))

    def type(self, command: str) -> None:
        words = shlex.split(command)
        if words[0] == "fusedream":
            assert main(words[1:]) == 0, command
        elif words[0] == "cd":
            self.monkeypatch.chdir(words[1])
        elif words[:4] == ["pip", "install", "-e", "."]:
            self.install(tomllib.loads(Path("pyproject.toml").read_text())["project"])
        elif words == ["python", "-m", "pytest"]:
            self.test()
        else:  # it needs hatchling, and is run where the other page is followed
            assert command in (ROOT / "docs" / "write-a-plugin.md").read_text()

    def install(self, project: dict[str, Any]) -> None:
        info = self.site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
        points = [(f"[{group}]", *(f"{n} = {v}" for n, v in p.items())) for group, p in project["entry-points"].items()]
        (info / "entry_points.txt").write_text("\n".join(line for lines in points for line in lines))
        self.monkeypatch.syspath_prepend(os.getcwd())
        self.forget()

    def forget(self) -> None:
        for path in (*Path().glob("*.py"), *(init.parent for init in Path().glob("*/__init__.py"))):
            self.monkeypatch.delitem(sys.modules, path.stem, raising=False)
        importlib.invalidate_caches()

    def test(self) -> None:
        self.forget()
        for path in Path().glob("test_*.py"):
            module = importlib.import_module(path.stem)
            for name in dir(module):
                if name.startswith("test_"):
                    getattr(module, name)()
                    self.passed += 1

    def write(self, name: str, text: str) -> None:
        assert Path(name).exists(), f"{name} is not a file of the skeleton"
        Path(name).write_text(text)
        self.forget()


def test_who_follows_the_page_from_an_empty_folder_gets_pictures(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    reader = Reader(tmp_path / "site", monkeypatch)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a module is rewritten within a second
    for block in blocks(PAGE):
        if block.title:
            reader.write(block.title, block.text)
        elif block.language == "python":
            exec(compile(block.text, PAGE.name, "exec"), {})
        else:
            for command in commands(block):
                reader.type(command)
    reader.forget()

    assert Path.cwd().name == "fusedream_anneal"
    assert reader.passed == 2  # the skeleton's test, and that of annealing
    made = {"apple.png", "by-hand.png", "first.png", "warmer.png", "again.png"}
    assert {str(path) for path in Path().rglob("*.png") if path.parent.name != "apples"} == made
    assert len(list(Path("apples").glob("*.png"))) == 2
    assert read_recipe("first.png")["steering"]["name"] == "fusedream_anneal"
    assert read_recipe("warmer.png")["steering"] == {"name": "anneal", "options": {"walkers": 8, "temperature": 0.02}}
    assert torch.equal(read_picture("a", Path("warmer.png")), read_picture("b", Path("again.png")))


def test_the_page_ends_with_what_lies_in_the_examples():
    shown = {block["title"]: block["text"] for block in FENCE.finditer(with_files(PAGE.read_text())) if block["title"]}
    files = [path for path in EXAMPLE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert shown == {str(path.relative_to(EXAMPLE)): path.read_text() for path in files}


def test_every_part_of_its_table_is_there():
    rows = re.findall(r"^\| [^|]*\| (.+) \| `([a-z_.]+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 12
    for parts, module in rows:
        names = re.findall(r"`(\w+)`", parts.replace("NO_VIEWS", ""))
        assert names
        assert not [name for name in names if not hasattr(importlib.import_module(f"fusedream_sdk.{module}"), name)]


@pytest.fixture
def annealing(install: Callable[..., Path]) -> Callable[..., fd.Method]:
    """The example, installed as a stranger's distribution."""
    install("fusedream-anneal", ENTRIES, fusedream_anneal=MODULE)
    return lambda **options: fd.load_method("anneal", **options)


def test_the_method_has_forty_to_sixty_lines():
    assert 40 <= len(MODULE.splitlines()) <= 60


@pytest.mark.parametrize("options", [{}, {"walkers": 1}, {"temperature": 1e-9, "cooling": 1.0}])
def test_annealing_keeps_the_contract_of_a_method(annealing: Callable[..., fd.Method], options: dict[str, float]):
    check_method(annealing(**options))


def test_one_generator_of_random_numbers_for_all_groups_is_found_out(install: Callable[..., Path]):
    own = "torch.Generator().manual_seed(2**63 + seed) for seed in seeds"
    shared = "rng for rng in [torch.Generator()] for _ in seeds"
    assert own in MODULE
    install("fusedream-anneal", ENTRIES, fusedream_anneal=MODULE.replace(own, shared))
    with pytest.raises(PluginContractError, match="a row alone to equal the row in a batch"):
        check_method(fd.load_method("anneal"))


def test_it_draws_and_its_picture_is_made_again(annealing: Callable[..., fd.Method], dream: fd.FuseDream, tmp_path: Path):
    result = dream.generate(["red", "blue"], seeds=[0, 7], method="anneal?walkers=2", steps=20, progress=False)
    begun = next(dream.iterate(["red", "blue"], seeds=[0, 7], method="anneal?walkers=2"))
    assert (result.history["augclip"][-1] < begun.evaluation.primary).all()
    paths = result.save(tmp_path / "out")
    for row in (0, 3):
        again = fd.replay(paths[row], **MODELS, progress=False)
        assert isinstance(again, fd.Result)
        assert again.pil[0].tobytes() == result.pil[row].tobytes()


def test_it_begins_at_what_it_is_told(annealing: Callable[..., fd.Method], dream: fd.FuseDream):
    start = random_latents(dream.generator, 1, seed=5)
    state = next(dream.iterate("red", method="anneal?walkers=3", start=start))
    assert state.params["z"].shape == (1, 6, 4)
    assert torch.equal(state.params["z"][0, :3], start["z"].expand(3, 4))


def test_a_cold_walker_never_climbs_and_a_hot_one_does(annealing: Callable[..., fd.Method]):
    def course(temperature: float) -> torch.Tensor:
        starts = {"x": torch.ones(2, 4, 3)}
        population: Any = annealing(temperature=temperature, cooling=1.0).population
        walkers = population(starts, [1, 2])
        seen = []
        for _ in range(30):
            asked = walkers.ask()
            losses = asked["x"].square().sum(dim=2)
            seen.append(losses[:, :4])
            walkers.tell(asked, {"bowl": losses})
        return torch.stack(seen).diff(dim=0)

    assert (course(1e-9) <= 0).all()
    assert (course(10.0) > 0).any(dim=0).all()
