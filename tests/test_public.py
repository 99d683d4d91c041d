"""What `import fusedream_sdk as fd` offers, whatever else was imported before."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import fusedream_sdk as fd

IMPORT_EVERYTHING = """
import importlib, pkgutil
import fusedream_sdk as fd

names = [found.name for found in pkgutil.walk_packages(fd.__path__, "fusedream_sdk.") if not found.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
modules = [name for name in dir(fd) if type(getattr(fd, name)).__name__ == "module"]
print(len(names) > 50, modules)
"""


def test_no_public_name_is_a_module_after_everything_has_been_imported(child_env: dict[str, str]):
    command = [sys.executable, "-c", IMPORT_EVERYTHING]
    done = subprocess.run(command, env=child_env, capture_output=True, text=True, check=False)
    assert done.stdout == "True []\n", done.stderr


@pytest.mark.parametrize("name", dir(fd))
def test_every_public_name_is_there_and_is_no_module(name: str):
    assert not isinstance(getattr(fd, name), ModuleType)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'dreams'"):
        fd.dreams  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


LAZY = """
import sys
import fusedream_sdk as fd
fd.list_generators(), fd.list_scorers(), fd.list_perceptual(), fd.list_models(), fd.list_methods()
import fusedream_sdk.cli
print([name for name in sys.modules if name == "torch" or name.startswith(("fusedream_", "transformers"))
       and not name.startswith("fusedream_sdk")])
"""


def test_importing_the_package_its_command_line_and_listing_load_neither_torch_nor_a_plugin(child_env: dict[str, str]):
    done = subprocess.run([sys.executable, "-c", LAZY], env=child_env, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
