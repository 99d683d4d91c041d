"""Banks are built block by block, and go on where a build was ended."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fusedream_sdk.errors import OutputError, PluginContractError
from fusedream_sdk.imaging.resize import shrink
from fusedream_sdk.latents import Latents, select
from fusedream_sdk.runtime import room
from fusedream_sdk.runtime.files import TEMPORARY
from fusedream_sdk.scoring.views import NO_VIEWS
from fusedream_sdk.search.bank import BankRecipe, LatentBank, draw_block
from fusedream_sdk.search.building import build_bank, build_file, check_size, mean_view
from fusedream_sdk.testing import ToyGenerator, ToyScorer
from tests.conftest import toy_dream

GENERATOR, SCORER = ToyGenerator(16), ToyScorer(8)
RECIPE = BankRecipe("toy generator", "toy scorer", size=100, seed=3, count=2)
LARGE = replace(RECIPE, size=300)
BANK = build_bank(GENERATOR, SCORER, RECIPE)
ROUNDED = 2**-11  # a step of half precision below 1: what rounds otherwise in float32 may fall on either side


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_the_batch_size_does_not_change_the_bank(batch: int):
    built = build_bank(GENERATOR, SCORER, RECIPE, batch=batch).embeddings
    torch.testing.assert_close(built, BANK.embeddings, atol=ROUNDED, rtol=0)


def test_embeddings_are_the_means_rounded_to_half_precision():
    images = GENERATOR(draw_block(GENERATOR, 3, 0))
    means = torch.cat([mean_view(images[i : i + 32], SCORER, range(i, i + 32), RECIPE) for i in (0, 32)])
    assert means.dtype == torch.float32
    assert torch.equal(BANK.embeddings[:64], means.half())


@pytest.mark.parametrize("size", [1, 64, 65])
def test_a_larger_bank_begins_with_the_smaller_one(size: int):
    smaller = build_bank(GENERATOR, SCORER, replace(RECIPE, size=size))
    assert len(smaller.embeddings) == size
    torch.testing.assert_close(smaller.embeddings, BANK.embeddings[:size], atol=ROUNDED, rtol=0)


def test_without_views_the_embedding_is_that_of_the_picture():
    bank = build_bank(GENERATOR, SCORER, replace(RECIPE, size=3, views=NO_VIEWS, count=9))
    images = GENERATOR(select(draw_block(GENERATOR, 3, 0), [0, 1, 2]))
    assert torch.equal(bank.embeddings, SCORER.encode_image(shrink(images, SCORER.resolution)).half())


def test_progress_counts_every_latent():
    seen: list[tuple[int, int]] = []
    build_bank(GENERATOR, SCORER, RECIPE, batch=30, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(30, 100), (60, 100), (64, 100), (94, 100), (100, 100)]


class Ending(ToyGenerator):
    """Ends a build, as a kill does, at its n-th picture; counts them."""

    def __init__(self, last: int = 10**9) -> None:
        super().__init__(16)
        self.last, self.drawn = last, 0

    def __call__(self, latents: Latents) -> Tensor:
        self.drawn += len(latents["z"])
        if self.drawn > self.last:
            raise KeyboardInterrupt
        return super().__call__(latents)


class Strange(ToyScorer):
    """Does not keep its contract for the 71st picture."""

    seen = 0

    def encode_image(self, images: Tensor) -> Tensor:
        found = super().encode_image(images)
        first, self.seen = self.seen, self.seen + len(found)
        if first <= 140 < self.seen:
            found[140 - first] = torch.nan
        return found


def test_an_embedding_that_is_not_finite_ends_the_build_with_the_number_of_its_latent():
    with pytest.raises(
        PluginContractError, match=r"encode_image: expected finite unit vectors, got NaN .* latent 70 of the bank"
    ):
        build_bank(GENERATOR, Strange(8), RECIPE)


def build(generator: ToyGenerator, path: Path, recipe: BankRecipe = LARGE) -> LatentBank:
    return build_file(generator, SCORER, recipe, path)


def test_a_file_holds_what_is_built_in_memory_byte_by_byte(tmp_path: Path):
    bank = build_bank(GENERATOR, SCORER, LARGE)
    bank.save(tmp_path / "saved.safetensors", models="toy")
    built = build_file(GENERATOR, SCORER, LARGE, tmp_path / "built.safetensors", models="toy")
    assert torch.equal(built.embeddings, bank.embeddings)
    assert (tmp_path / "built.safetensors").read_bytes() == (tmp_path / "saved.safetensors").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["built.safetensors", "saved.safetensors"]


@pytest.mark.parametrize(("last", "kept"), [(10, 0), (64, 64), (200, 192), (290, 256)])
def test_a_build_that_was_ended_goes_on_to_the_very_same_bank(tmp_path: Path, last: int, kept: int):
    path = tmp_path / "bank.safetensors"
    with pytest.raises(KeyboardInterrupt):
        build(Ending(last), path)
    again = Ending()
    build(again, path)
    assert again.drawn == 300 - kept
    build(GENERATOR, tmp_path / "whole.safetensors")
    assert path.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()


def test_a_build_in_place_of_a_damaged_bank_goes_on_too_and_another_build_leaves_it_alone(tmp_path: Path):
    path = tmp_path / "bank.safetensors"
    path.write_bytes(b"damaged")
    os.utime(path, (1, 1))
    with pytest.raises(KeyboardInterrupt):
        build(Ending(200), path)
    build(GENERATOR, tmp_path / "other.safetensors", RECIPE)
    again = Ending()
    build(again, path)
    assert again.drawn == 300 - 192


def test_what_is_done_is_never_written_again(tmp_path: Path):
    beside = tmp_path / "bank.unfinished"
    seen: list[tuple[int, bytes]] = []

    class Watching(ToyGenerator):
        def __call__(self, latents: Latents) -> Tensor:
            seen.append((beside.stat().st_ino, beside.read_bytes()))
            return super().__call__(latents)

    build(Watching(16), tmp_path / "bank.safetensors")
    later = seen[2::2]  # two chunks of pictures in a block
    assert len({file for file, _ in seen}) == 1
    assert all(b.startswith(a) and len(b) == len(a) + 64 * 24 * 2 + 4 for (_, a), (_, b) in itertools.pairwise(later[:4]))


@pytest.mark.parametrize("damage", ["another bank", "cut short", "a bit", "junk"])
def test_what_another_build_left_or_was_damaged_is_not_gone_on_with(tmp_path: Path, damage: str):
    path, beside = tmp_path / "bank.safetensors", tmp_path / "bank.unfinished"
    with pytest.raises(KeyboardInterrupt):
        build(Ending(260), path, replace(LARGE, seed=4) if damage == "another bank" else LARGE)
    content = bytearray(beside.read_bytes())
    if damage == "a bit":
        content[-2 * (64 * 24 * 2 + 4) - 100] ^= 1  # in the second block of four
    kept = {"another bank": content, "cut short": content[:-9], "a bit": content, "junk": b"junk" * 2000}[damage]
    beside.write_bytes(kept)
    again = Ending()
    build(again, path)
    assert again.drawn == {"another bank": 300, "cut short": 300 - 192, "a bit": 300 - 64, "junk": 300}[damage]
    assert torch.equal(LatentBank.load(path, LARGE).embeddings, build_bank(GENERATOR, SCORER, LARGE).embeddings)


@given(st.integers(0, 20_000), st.binary(max_size=9), st.booleans())
def test_whatever_happens_to_an_unfinished_bank_the_finished_one_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes, cut: bool
):
    path = tmp_path_factory.mktemp("bank") / "bank.safetensors"
    with pytest.raises(KeyboardInterrupt):
        build(Ending(150), path)
    beside = path.with_suffix(".unfinished")
    content = beside.read_bytes()
    at %= len(content)
    beside.write_bytes(content[:at] + junk + (b"" if cut else content[at + len(junk) :]))
    assert torch.equal(build(GENERATOR, path).embeddings, build_bank(GENERATOR, SCORER, LARGE).embeddings)


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from fusedream_sdk.search import building, unfinished
from fusedream_sdk.search.bank import BankRecipe
from fusedream_sdk.testing import ToyGenerator, ToyScorer

torch.set_num_threads(1)
path, where = Path(sys.argv[1]), sys.argv[2]

class Drawing(ToyGenerator):
    drawn = 0
    def __call__(self, latents):
        self.drawn += len(latents["z"])
        if where == "drawing" and self.drawn > 250:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(latents)

real = unfinished.half_bytes
written = []

def half(rows):
    written.append(rows)
    if where == "appending" and len(written) == 3:
        with path.with_suffix(".unfinished").open("ab") as file:
            file.write(real(rows)[:1000])
        os.kill(os.getpid(), signal.SIGKILL)
    return real(rows)

unfinished.half_bytes = half

def killed(*rest):
    os.kill(os.getpid(), signal.SIGKILL)

if where == "finishing":
    os.replace = killed
if where == "clearing":
    unlink = Path.unlink
    Path.unlink = lambda self, missing_ok=False: killed() if self.suffix == ".unfinished" else unlink(self, missing_ok)
building.build_file(Drawing(16), ToyScorer(8), BankRecipe("g", "s", size=300, seed=3, count=2), path)
"""


@pytest.mark.parametrize(
    ("where", "left"), [("drawing", 300 - 192), ("appending", 300 - 128), ("finishing", 0), ("clearing", 0)]
)
def test_a_build_that_is_killed_anywhere_goes_on_to_the_very_same_file(
    tmp_path: Path, child_env: dict[str, str], where: str, left: int
):
    recipe, path = BankRecipe("g", "s", size=300, seed=3, count=2), tmp_path / "bank.safetensors"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), where], env=child_env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.exists() == (where == "clearing")
    again = Ending()
    build(again, path, recipe)
    assert again.drawn == (300 if where == "clearing" else left)  # where it is there, nobody asks for it to be built
    build(GENERATOR, tmp_path / "whole.safetensors", recipe)
    assert path.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["bank.safetensors", "whole.safetensors"]


def test_a_bank_that_is_done_leaves_nothing_else_behind(own_cache: Path):
    settings: dict[str, Any] = {"bank": 200, "samples": 100}
    with pytest.raises(KeyboardInterrupt):
        toy_dream(Ending(150), settings=settings).bank(progress=False)
    assert [path.suffix for path in (own_cache / "banks").iterdir()] == [".unfinished"]
    toy_dream(Ending(), settings=settings).bank(progress=False)
    assert [path.suffix for path in (own_cache / "banks").iterdir()] == [".safetensors"]


def test_temporary_files_of_killed_writers_are_swept_by_the_next_build_and_those_of_the_living_are_not(own_cache: Path):
    banks = own_cache / "banks"
    banks.mkdir()
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)  # so that there is no such process any more
    dead, living = (banks / f".bank{TEMPORARY}{process}-abc.safetensors" for process in (child, os.getpid()))
    for path in (dead, living):
        path.touch()
    toy_dream().bank(progress=False)
    assert not dead.exists()
    assert living.exists()


def test_a_bank_that_does_not_fit_the_disk_is_refused_after_its_first_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipe = BankRecipe("generator", "scorer", 10_000_000)
    monkeypatch.setattr(room, "free_disk", lambda folder: 3_000_000_000)
    check_size(recipe, 64)
    with pytest.raises(OutputError, match=r"bank: expected room for about 5.1 GB, but .* has 3 GB free\. .* FUSEDREAM_CACHE"):
        check_size(recipe, 128)
    monkeypatch.setattr(room, "free_disk", lambda folder: 1000)
    toy = Ending()
    with pytest.raises(OutputError, match=f"bank: expected room for about .* but {tmp_path} has"):
        build(toy, tmp_path / "bank.safetensors")
    assert toy.drawn == 64
