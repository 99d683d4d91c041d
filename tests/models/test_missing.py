"""What a plugin that does not import is told to do, and what it is never told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import fusedream_sdk as fd
from fusedream_sdk.errors import PluginImportError
from fusedream_sdk.models.missing import declared, install_hint, left_out, require
from fusedream_sdk.models.registry import plugins

Install = Callable[..., Path]

ENTRIES = """
    [fusedream_sdk.generators]
    toy-lost = toy_lost:load
    toy-lost-file = toy_lost:load_file
    toy-other-file = toy_lost:load_other
    """
SOURCE = """
    from pathlib import Path

    def load():
        import {module}

    def load_file():
        return (Path(__file__).parent / "weights" / "toy_weights.pt").read_bytes()

    def load_other():
        return Path("/there/is/none.pt").read_bytes()
    """


def lose(install: Install, module: str, *requires: str) -> None:
    """Install a plugin that imports a module which is not there, with these dependencies."""
    site = install("toy-lost", ENTRIES, toy_lost=SOURCE.format(module=module))
    with (site / "toy_lost-1.0.dist-info" / "METADATA").open("a") as file:
        file.writelines(f"Requires-Dist: {line}\n" for line in requires)


def message(name: str) -> str:
    with pytest.raises(PluginImportError) as caught:
        fd.load_generator(name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("requires", "advice"),
    [
        (["toy-missing-network"], "Install what it needs: pip install toy-missing-network"),
        (["Toy.Missing_Network>=2,<3"], 'pip install "Toy.Missing_Network>=2,<3"'),
        (['toy-missing-network>=2; python_version >= "3"'], 'pip install "toy-missing-network>=2"'),
        (["toy-missing-network; extra == 'dev'", "toy-missing-network; extra == 'big'"], 'pip install "toy-lost[big]"'),
        (["torch", "toy-python-network>=1"], 'It needs what is not installed: pip install "toy-python-network>=1"'),
    ],
)
def test_what_its_distribution_declares_is_what_to_install(install: Install, requires: list[str], advice: str):
    lose(install, "toy_missing_network.deep", *requires)
    assert message("toy-lost").endswith(advice)


@pytest.mark.parametrize("requires", [[], ["torch"], ["other; extra == 'dev'"]])
def test_a_module_that_nobody_declared_is_never_advised_to_be_installed(install: Install, requires: list[str]):
    lose(install, "toy_network", *requires)
    said = message("toy-lost")
    assert "pip install" not in said
    assert "toy-lost declares no dependency 'toy_network', so it may be a file of its own that was left out" in said
    assert f"Look for 'toy_network' in {plugins_folder()}" in said
    assert "install nothing for its name alone" in said


def test_a_module_of_its_own_package_is_said_to_be_missing_from_it(install: Install):
    lose(install, "toy_lost.network")
    said = message("toy-lost")
    assert "Look for 'toy_lost/network.py' in" in said
    assert "pip install" not in said


def test_a_file_of_its_own_that_is_missing_is_the_packages_fault_and_another_is_not(install: Install):
    lose(install, "math")
    assert "toy-lost (toy_lost:load_file) does not import: FileNotFoundError" in message("toy-lost-file")
    assert "Look for 'toy_weights.pt' in" in message("toy-lost-file")
    with pytest.raises(FileNotFoundError, match=r"/there/is/none.pt"):
        fd.load_generator("toy-other-file")


def test_the_parts_say_the_same(install: Install):
    lose(install, "math", "toy-missing-network")
    (point,) = plugins("generators")["toy-lost"]
    assert declared(point, "toy_missing_network") == "toy-missing-network"
    assert declared(point, "toy_network") is None
    assert not left_out(ValueError(), point)
    assert install_hint(ValueError(), point) == "Reinstall or uninstall toy-lost; the other plugins still work."


def plugins_folder() -> Path:
    (point,) = plugins("generators")["toy-lost"]
    return Path(str(point.load().__code__.co_filename)).parent


def test_what_is_required_is_told_with_the_extra_that_brings_it():
    require("generators: a toy needs", "toys", "json", "torch")
    with pytest.raises(PluginImportError) as told:
        require("generators: a toy needs", "toys", "json", "no_such_module")
    assert str(told.value) == "generators: a toy needs 'no_such_module'. Install it: pip install \"fusedream-sdk[toys]\""
