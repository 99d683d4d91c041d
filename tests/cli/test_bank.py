from __future__ import annotations

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file

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
