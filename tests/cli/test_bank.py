from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fusedream_emoji import BANKS
from fusedream_sdk.search.unfinished import so_far

F32 = ("--models", "toy", "--dtype", "float32")


def test_build_caches_the_bank_that_generate_uses(fusedream, tmp_path):
    code, out, _ = fusedream("bank", "build", *F32)
    assert code == 0
    path = Path(out.split()[0])
    assert path.parent == tmp_path / "cache" / "banks"
    assert "32 latents" in out
    before = path.stat().st_mtime_ns
    fusedream("generate", "a red disc", *F32, "-o", "a.png")
    assert [p for p in path.parent.iterdir() if p.suffix == ".safetensors"] == [path]
    assert path.stat().st_mtime_ns == before


def test_show_says_whether_the_bank_of_some_models_is_built(fusedream):
    _, before, _ = fusedream("bank", "show", *F32)
    assert "no; fusedream bank build makes it" in before
    _, built, _ = fusedream("bank", "build", *F32)
    _, after, _ = fusedream("bank", "show", *F32)
    shown = dict(line.split(None, 1) for line in after.splitlines())
    assert shown["path"] == built.split()[0]
    assert shown["built"].endswith("MB")
    assert len(shown["fingerprint"]) == len(shown["generator"]) == 64


def test_out_builds_anew_into_a_folder_for_a_pair_to_ship(fusedream, tmp_path):
    code, out, _ = fusedream("bank", "build", *F32, "--out", "banks")
    assert code == 0
    assert Path(out.split()[0]).parent == Path("banks")
    assert "no; fusedream bank build makes it" in fusedream("bank", "show", *F32)[1]
    _, cached, _ = fusedream("bank", "build", *F32)
    assert Path(cached.split()[0]).read_bytes() == Path(out.split()[0]).read_bytes()


def test_a_folder_that_cannot_be_made_is_told_before_the_models_are_loaded(fusedream):
    code, _, error = fusedream("bank", "build", *F32, "--out", "none/banks")
    assert code == 2
    assert "out: expected an existing folder, got none" in error
    assert "loading" not in error


def test_the_bank_that_ships_with_a_pair_is_the_one_that_is_there(fusedream, tmp_path):
    shown = fusedream("bank", "show", "--models", "emoji-tiny", "--device", "cpu", *F32[2:])[1]
    assert f"{BANKS}" in shown
    code, out, _ = fusedream("bank", "build", "--models", "emoji-tiny", "--device", "cpu", *F32[2:])
    assert code == 0
    assert Path(out.split()[0]).parent == BANKS
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


SIZE = ("--size", "100000")


def begun(process, tmp_path: Path, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """A build in a process of its own, and what it has done so far, which is something."""
    build = process("bank", "build", *F32, *words)
    while not (found := list((tmp_path / "cache" / "banks").glob("*.unfinished"))) or not so_far(found[0]):
        assert build.poll() is None
        time.sleep(0.02)
    return build, found[0]


def test_a_build_in_the_background_is_shown_waited_for_and_taken_over_when_it_is_killed(fusedream, process, tmp_path):
    build, part = begun(process, tmp_path, *SIZE)
    shown = fusedream("bank", "show", *F32, *SIZE)[1]
    assert re.search(r"built +being built now, [\d,]+ of 100,000 latents so far", shown)
    assert re.search(r"unfinished  [\d,]+ of 100,000 latents so far  toy with toy", fusedream("bank", "show")[1])
    other = process("generate", "a red disc", *F32, "--bank", "100000", "-o", "a.png")
    words = ""
    while "another process builds the latent bank" not in words:
        word = other.stderr.read(1)
        assert word
        words += word
    other.kill()
    build.kill()
    for ended in (other, build):
        ended.communicate()
    done = so_far(part)
    assert done is not None
    assert f"{done[0]:,} of 100,000 latents so far; fusedream bank build goes on" in fusedream("bank", "show", *F32, *SIZE)[1]


def test_two_that_build_one_bank_at_once_make_one_whole_bank(process, tmp_path, fusedream):
    first, part = begun(process, tmp_path, "--size", "3000")
    second = process("bank", "build", *F32, "--size", "3000")
    said = [one.communicate()[0] for one in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert said[0] == said[1]
    assert not part.exists()
    assert len(load_file(part.with_suffix(".safetensors"))["embeddings"]) == 3000
    _, fresh, _ = fusedream("bank", "build", *F32, "--size", "3000", "--out", "fresh")
    assert Path(fresh.split()[0]).read_bytes() == part.with_suffix(".safetensors").read_bytes()


def test_size_and_plain_name_other_banks(fusedream):
    paths = [fusedream("bank", "show", *F32, *more)[1].split()[1] for more in ((), ("--size", "64"), ("--plain",))]
    assert len(set(paths)) == 3


def test_the_bank_of_a_search_without_views_is_that_of_plain_runs(fusedream):
    def path(*more: str) -> str:
        return fusedream("bank", "show", *F32, *more)[1].split()[1]

    assert path("--augment", "none") == path("--plain")
    assert len({path(), path("--plain"), path("--augment", "public")}) == 3
    assert path("--augment", "ours") == path()


def test_show_without_models_lists_the_cache(fusedream, tmp_path):
    assert "no banks in" in fusedream("bank", "show")[1]
    _, built, _ = fusedream("bank", "build", *F32)
    (tmp_path / "cache" / "banks" / "zz.safetensors").write_text("not a bank")
    first, second = fusedream("bank", "show")[1].splitlines()
    assert first.startswith(f"{built.split()[0]}  32 latents x 24")
    assert second.endswith("zz.safetensors  damaged; delete it")


def test_banks_of_the_first_format_are_listed_as_of_no_use(fusedream, tmp_path):
    folder = tmp_path / "cache" / "banks"
    folder.mkdir(parents=True)
    save_file({"embeddings": torch.zeros(7, 3)}, folder / "old.safetensors", {"fingerprint": "old"})
    (folder / "old.unfinished").write_bytes(b"junk")
    first, second = fusedream("bank", "show")[1].splitlines()
    assert "7 latents x 3" in first
    assert first.endswith("of an older version, which nothing uses; delete it")
    assert second.endswith("old.unfinished  damaged; delete it")


def test_a_bank_says_of_which_models_it_is_and_an_older_one_is_read_all_the_same(fusedream, tmp_path):
    _, built, _ = fusedream("bank", "build", *F32)
    assert fusedream("bank", "show")[1].endswith("  toy with toy\n")
    assert "models       toy with toy" in fusedream("bank", "show", *F32)[1]
    path = built.split()[0]
    with safe_open(path, framework="pt") as file:
        about, embeddings = file.metadata(), file.get_tensor("embeddings")
    save_file({"embeddings": embeddings}, path, {"fingerprint": about["fingerprint"]})
    assert fusedream("bank", "show")[1].endswith("  models without a name\n")
    before = Path(path).stat().st_mtime_ns
    assert fusedream("bank", "build", *F32)[0] == 0
    assert Path(path).stat().st_mtime_ns == before
