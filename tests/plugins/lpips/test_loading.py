"""Where the trunk comes from, and which files are refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

import fusedream_sdk as fd
from fusedream_lpips import load
from fusedream_lpips.loading import TRUNKS
from fusedream_sdk.errors import InvalidInput, WeightsError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which torch keeps downloads, empty, on a machine without a network."""

    def unreachable(*_: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    monkeypatch.setattr("torch.hub._hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub" / "checkpoints"


@pytest.fixture
def trunk(trunks: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of AlexNet's file, to be spoilt."""
    return Path(shutil.copy(trunks["alex"], tmp_path))


def test_loading_prints_and_draws_nothing(trunks: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    before = torch.get_rng_state()
    for net, path in trunks.items():
        load(net=net, weights=path)  # pyright: ignore[reportArgumentType]
    assert capfd.readouterr() == ("", "")
    assert torch.equal(torch.get_rng_state(), before)


def test_safetensors_load_like_a_pickle_with_or_without_a_classifier(trunk: Path, tmp_path: Path) -> None:
    features = {name: value for name, value in torch.load(trunk).items() if name.startswith("features.")}
    save_file(features, tmp_path / "alex.safetensors")
    assert load(weights=tmp_path / "alex.safetensors").fingerprint == load(weights=trunk).fingerprint


@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_a_file_in_the_cache_is_used_without_a_network(net: str, home: Path, trunks: dict[str, Path]) -> None:
    home.mkdir(parents=True)
    shutil.copy(trunks[net], home / TRUNKS[net].file)
    assert fd.load_perceptual("lpips", net=net).fingerprint  # pyright: ignore[reportAttributeAccessIssue]


def test_a_cache_folder_of_ones_own_is_used(home: Path, trunk: Path) -> None:
    kept = trunk.rename(trunk.with_name(TRUNKS["alex"].file))
    assert load(cache_dir=kept.parent).net == "alex"


@pytest.mark.parametrize("net", list(TRUNKS))
def test_without_file_cache_or_network_the_error_says_what_is_needed_and_what_else_there_is(net: str, home: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        fd.load_perceptual("lpips", net=net)
    for words in (TRUNKS[net].file, f"{TRUNKS[net].megabytes} MB", str(home), "weights=", "'clip-features'", "no network"):
        assert words in str(caught.value)
    assert not list(home.iterdir())


@pytest.mark.parametrize("honest", [True, False])
def test_a_download_is_kept_only_if_it_has_the_digest_that_its_name_says(
    honest: bool, trunks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = trunks["squeeze"].read_bytes()
    digits = hashlib.sha256(content).hexdigest()[:8] if honest else "0" * 8
    served = tmp_path / f"squeezenet-{digits}.pth"
    served.write_bytes(content)
    monkeypatch.setitem(TRUNKS, "squeeze", replace(TRUNKS["squeeze"], url=served.as_uri()))
    kept = tmp_path / "cache" / served.name
    if honest:
        assert load(net="squeeze", cache_dir=kept.parent).net == "squeeze"
        assert kept.read_bytes() == content
    else:
        with pytest.raises(WeightsError, match="invalid hash value"):
            load(net="squeeze", cache_dir=kept.parent)
        assert not list(kept.parent.iterdir())


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch ran",)


def test_a_pickle_with_code_is_refused_and_does_not_run(trunk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trunk.parent)
    torch.save({"features.0.weight": Bomb()}, trunk)
    with pytest.raises(WeightsError, match=r"the file wants to run '\w+\.system', which was refused"):
        load(weights=trunk)
    assert not (trunk.parent / "ran").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("size", [0, 99, 50_000])
def test_a_file_that_is_cut_short_is_refused(trunk: Path, suffix: str, size: int) -> None:
    path = trunk.with_suffix(suffix)
    if suffix == ".safetensors":
        save_file(torch.load(trunk), path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(WeightsError, match="damaged"):
        load(weights=path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"features.0.bias": None}, r"not those of torchvision's AlexNet: 1 missing .first: 'features.0.bias'"),
        ({"features.1.bias": torch.ones(1)}, r"1 unexpected .first: 'features.1.bias'.*Is it alexnet-owt-7be5be79.pth"),
        ({"features.0.bias": torch.ones(3)}, r"features.0.bias: expected shape \(64,\), got \(3,\)"),
        ({"features.0.bias": torch.full((64,), torch.nan)}, "features.0.bias: expected finite values"),
    ],
)
def test_a_file_with_other_entries_is_refused(trunk: Path, entries: dict[str, torch.Tensor | None], message: str) -> None:
    changed = {**torch.load(trunk), **entries}
    torch.save({name: value for name, value in changed.items() if value is not None}, trunk)
    with pytest.raises(WeightsError, match=message):
        load(weights=trunk)


def test_the_file_of_another_net_is_refused(trunks: dict[str, Path]) -> None:
    with pytest.raises(WeightsError, match=r"the entries are not those of torchvision's VGG-16.*Is it vgg16-397923af.pth"):
        load(net="vgg", weights=trunks["alex"])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights: expected a file such as alexnet.*there is no file '.*/none.pth'"):
        load(weights=tmp_path / "none.pth")


def test_an_unknown_net_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="net: expected one of 'alex', 'vgg', 'squeeze', got resnet"):
        fd.load_perceptual("lpips", net="resnet")


def test_importing_the_plugin_imports_no_network_code() -> None:
    code = "import sys, fusedream_lpips; sys.exit(any(name in sys.modules for name in ('torch', 'lpips', 'torchvision')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
