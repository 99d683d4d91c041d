"""Plugins, found by entry points."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fusedream_sdk as fd
from fusedream_sdk.errors import DuplicatePlugin, PluginImportError, UnknownPlugin, WeightsError
from fusedream_sdk.models import registry
from fusedream_sdk.testing import ToyGenerator, ToyScorer

Install = Callable[..., Path]

ENTRIES = """
    [fusedream_sdk.generators]
    toy-good = toy_plugins:generator
    toy-needy = toy_needy:generator
    toy-late = toy_plugins:late
    toy-typo = toy_plugins:no_such_name
    toy-crash = toy_crash:generator
    toy-gone = toy_gone:generator
    toy-exit = toy_exit:generator
    toy-heavy = toy_plugins:heavy
    toy-refused = toy_plugins:refused
    [fusedream_sdk.scorers]
    toy-eye = toy_plugins:scorer
    [fusedream_sdk.perceptual]
    toy-distance = toy_plugins:distance
    [fusedream_sdk.models]
    toy-pair = toy_plugins:pair
    """
SOURCES = {
    "toy_plugins": """
        from fusedream_sdk.errors import WeightsError
        from fusedream_sdk.models.loading import ModelPair
        from fusedream_sdk.testing import ToyGenerator, ToyScorer

        def generator(side=16, device=None): return ToyGenerator(side)
        def scorer(resolution=8, device=None): return ToyScorer(resolution)
        def distance(): return lambda a, b: (a - b).square().mean(dim=(1, 2, 3))
        def pair(): return ModelPair("toy-good", "toy-eye", {"steps": 7})
        def late(): import toy_missing_library.deep
        def heavy(*, weights, device=None): return weights
        def refused(): raise WeightsError("weights: no such file")
        """,
    "toy_needy": "import toy_missing_library.deep",
    "toy_crash": "raise RuntimeError('boom')",
    "toy_exit": "raise SystemExit('no licence')",
}
BROKEN = ["toy-needy", "toy-late", "toy-typo", "toy-crash", "toy-gone", "toy-refused", "toy-exit"]


@pytest.fixture(autouse=True)
def toys(install: Install) -> Path:
    return install("toy-package", ENTRIES, **SOURCES)


def toy_names(names: list[str]) -> list[str]:
    return [name for name in names if name.startswith("toy-")]


def test_every_kind_is_listed_by_name():
    assert toy_names(fd.list_generators()) == sorted(["toy-good", "toy-heavy", *BROKEN])
    assert toy_names(fd.list_scorers()) == ["toy-eye"]
    assert toy_names(fd.list_perceptual()) == ["toy-distance"]
    assert toy_names(fd.list_models()) == ["toy-pair"]


def run(code: str, env: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_listing_imports_no_plugin(child_env: dict[str, str]):
    code = """
import sys, fusedream_sdk as fd
names = fd.list_generators() + fd.list_scorers() + fd.list_perceptual() + fd.list_models()
assert "toy-good" in names and "toy-pair" in names, names
plugins = ("toy_", "fusedream_biggan", "fusedream_clip", "fusedream_emoji", "transformers")
print([m for m in sys.modules if m.startswith(plugins)])
"""
    assert run(code, child_env).strip() == "[]"


def test_importing_the_package_imports_neither_torch_nor_a_plugin(child_env: dict[str, str]):
    code = """
import sys, fusedream_sdk
assert "FuseDream" in dir(fusedream_sdk)
heavy = ("torch", "numpy", "PIL", "transformers", "kornia", "toy_plugins", "fusedream_clip")
print([m for m in heavy if m in sys.modules])
"""
    assert run(code, child_env).strip() == "[]"


def test_every_public_name_is_found_and_an_unknown_one_is_an_attribute_error():
    for name in dir(fd):
        assert getattr(fd, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Fusedream'"):
        fd.Fusedream  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018


def test_a_plugin_is_loaded_with_its_options():
    assert fd.load_generator("toy-good", side=24).resolution == (24, 24)
    assert isinstance(fd.load_scorer("toy-eye"), ToyScorer)
    assert callable(fd.load_perceptual("toy-distance"))


def test_a_pair_brings_its_models_and_settings():
    dream = fd.FuseDream("toy-pair")
    assert isinstance(dream.generator, ToyGenerator)
    assert dream.settings.steps == 7


def test_an_unknown_name_is_told_the_known_ones_and_the_nearest():
    message = r"generators: expected one of .*toy-good.*; got 'toy-god'. Did you mean 'toy-good'\?"
    with pytest.raises(UnknownPlugin, match=message):
        fd.load_generator("toy-god")
    with pytest.raises(UnknownPlugin) as caught:
        fd.load_scorer("zzzzzz")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("name", ["toy-needy", "toy-late"])
def test_a_missing_library_that_is_declared_is_named_with_how_to_install_it(name: str, toys: Path):
    with (toys / "toy_package-1.0.dist-info" / "METADATA").open("a") as file:
        file.write("Requires-Dist: toy-missing-library\n")
    with pytest.raises(PluginImportError, match=f"generators: '{name}' of toy-package.*pip install toy-missing-library$"):
        fd.load_generator(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("toy-typo", "AttributeError"),
        ("toy-crash", "RuntimeError: boom"),
        ("toy-gone", "ModuleNotFoundError"),
        ("toy-exit", "SystemExit: no licence"),
    ],
)
def test_a_broken_plugin_names_its_package_and_leaves_the_others_usable(name: str, reason: str):
    message = f"'{name}' of toy-package .*{reason}.*Reinstall or uninstall toy-package; the other plugins still work"
    with pytest.raises(PluginImportError, match=message):
        fd.load_generator(name)
    assert isinstance(fd.load_generator("toy-good"), ToyGenerator)


def test_an_error_of_the_sdk_inside_a_plugin_is_passed_on_as_it_is():
    with pytest.raises(WeightsError, match=r"^weights: no such file$"):
        fd.load_generator("toy-refused")


def test_a_name_that_two_packages_claim_is_an_error_that_names_both(install: Install):
    install("rival-package", "[fusedream_sdk.generators]\ntoy-good = rival:generator\ntoy-own = toy_plugins:generator\n")
    with pytest.raises(DuplicatePlugin, match=r"generators: 'toy-good' is claimed by .* and .* Uninstall one") as caught:
        fd.load_generator("toy-good")
    assert "toy-package (toy_plugins:generator)" in str(caught.value)
    assert "rival-package (rival:generator)" in str(caught.value)
    assert isinstance(fd.load_generator("toy-own"), ToyGenerator)
    assert isinstance(fd.load_scorer("toy-eye"), ToyScorer)


def test_one_package_seen_twice_on_the_path_is_no_duplicate(toys: Path, monkeypatch: pytest.MonkeyPatch):
    twin = toys.parent / "twin"
    info = twin / "toy_package-1.0.dist-info"
    info.mkdir(parents=True)
    for file in (toys / "toy_package-1.0.dist-info").iterdir():
        (info / file.name).write_text(file.read_text())
    monkeypatch.syspath_prepend(str(twin))
    assert isinstance(fd.load_generator("toy-good"), ToyGenerator)


def test_a_name_may_carry_its_weights():
    assert fd.load_generator("toy-heavy:folder/a:b") == "folder/a:b"
    with pytest.raises(UnknownPlugin):
        fd.load_generator("toy-heavy:")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("toy-good", {"sides": 8}, "expected an option of 'toy-good', which takes side, device, got 'sides'. Did you mean"),
        ("toy-heavy", {}, "weights: expected a value, .*'toy-heavy' of generators .*got nothing. .* the name toy-heavy:PATH"),
        ("toy-late", {"device": "cpu"}, "an option of 'toy-late', which takes none, got 'device'"),
    ],
)
def test_an_option_that_is_strange_or_lacking_is_named(name: str, options: dict[str, object], message: str):
    with pytest.raises(fd.InvalidInput, match=message):
        fd.load_generator(name, **options)


@pytest.fixture
def default(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy as the plugin that takes folders and hub ids."""
    monkeypatch.setitem(registry.KINDS, "generators", "toy-weights")
    install(
        "weights-package",
        "[fusedream_sdk.generators]\ntoy-weights = toy_weights:load\n",
        toy_weights="""
        from types import SimpleNamespace
        def load(weights="usual", device=None): return SimpleNamespace(weights=weights, device=device)
        """,
    )


def test_a_hub_id_a_folder_or_a_file_goes_to_the_default_plugin_as_weights(
    default: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def weights(name: str) -> str:
        return fd.load_generator(name, device="cpu").weights  # pyright: ignore[reportAttributeAccessIssue]

    assert weights("owner/name") == "owner/name"
    assert weights("./none") == "./none"
    assert weights(str(tmp_path)) == str(tmp_path)
    (tmp_path / "trained-256.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert weights("trained-256.pth") == "trained-256.pth"
    assert weights("toy-weights") == "usual"
    with pytest.raises(UnknownPlugin):
        weights("neither")


def test_an_architecture_with_a_tag_or_a_file_goes_to_the_plugin_for_these(install: Install, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(registry.TAGGED, "scorers", "toy-tagged")
    install(
        "tagged-package",
        "[fusedream_sdk.scorers]\ntoy-tagged = toy_tagged:load\n",
        toy_tagged="def load(weights, device=None): return weights",
    )
    for name in ("ViT-B-32:laion2b", "ViT-B-32:folder/model.pt", "ViT-B-32:/folder/model.pt"):
        assert fd.load_scorer(name) == name
    for name in ("ViT-B-32:", ":laion2b", "C:weights"):
        with pytest.raises(UnknownPlugin):
            fd.load_scorer(name)
    with pytest.raises(UnknownPlugin):
        fd.load_generator("ViT-B-32:laion2b")


@pytest.mark.parametrize("name", ["", "~nobody-of-that-name", "a\0b", None, 3])
def test_a_name_that_cannot_be_one_is_unknown_rather_than_a_crash(default: None, name: str):
    with pytest.raises((UnknownPlugin, fd.InvalidInput)):
        fd.load_generator(name)
