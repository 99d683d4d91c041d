"""The bounds of every number."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.inversion.likeness import InversionSettings
from fusedream_sdk.run.settings import Settings
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import Bounds, grouped_digits, is_number, names_of
from fusedream_sdk.scenes.settings import SceneSettings

TABLES = {Settings: bounds.SETTINGS, SceneSettings: bounds.SCENE, InversionSettings: bounds.INVERSION}
FREE = {Settings(): {}, SceneSettings(): {"feather"}, InversionSettings(): {"seed"}}  # checked in words of their own


@pytest.mark.parametrize("choices", FREE, ids=lambda x: type(x).__name__)
def test_every_number_of_every_setting_has_bounds(choices: object):
    numbers = {name for name in names_of(choices) if is_number(getattr(choices, name))}
    assert numbers <= set(TABLES[type(choices)]) | set(FREE[choices])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in TABLES.items() for name in table])
def test_a_number_past_its_bound_is_told_the_bound(kind: type, name: str):
    most = TABLES[kind][name].most
    with pytest.raises(InvalidInput) as caught:
        kind(**{name: 2 * most})
    assert str(caught.value).startswith(f"{name}: expected ")
    assert f"at most {grouped_digits(most)}" in str(caught.value)


@pytest.mark.parametrize("bound", [x for x in vars(bounds).values() if isinstance(x, Bounds)], ids=str)
def test_every_bound_is_finite_and_takes_its_own_end(bound: Bounds):
    assert bound.most < 1e15 or bound is bounds.SEED
    assert bound.check("x", bound.most) == bound.most


def test_the_command_line_reads_them_without_torch():
    code = "import sys, fusedream_sdk.runtime.bounds; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
