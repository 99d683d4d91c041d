"""What the doctor looks at."""

from __future__ import annotations

import tomllib
from pathlib import Path

from fusedream_sdk.cli import checkup
from fusedream_sdk.cli.checkup import State

FOR_AUTHORS = {"test", "docs", "dev"}


def test_every_extra_for_users_has_its_purpose():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(checkup.EXTRAS) == set(project["optional-dependencies"]) - FOR_AUTHORS


def test_what_is_needed_is_what_the_package_declares():
    assert {"torch", "click", "safetensors"} <= set(checkup.needed())
    assert checkup.needed("ray") == ["ray"]
    assert "ray" not in checkup.needed()


def test_unfinished_files_are_counted(own_cache: Path):
    (own_cache / "banks").mkdir()
    (own_cache / "banks" / "a.safetensors").write_bytes(b"x" * 1000)
    (own_cache / "weights").mkdir()
    (own_cache / "weights" / "b.pth.partial").write_bytes(b"x" * 500)
    found = next(one for one in checkup.caches() if one.name == "fusedream").found
    assert found.endswith("1 banks, 1 unfinished")
    assert checkup.measured(own_cache)[0] == 1500


def test_flags_are_shown_only_where_they_are_set(monkeypatch):
    for name in checkup.FLAGS:
        monkeypatch.delenv(name, raising=False)
    assert list(checkup.settings()) == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert [one.found for one in checkup.settings()] == ["0", "https://mirror.example"]


def test_a_look_that_fails_is_a_finding(monkeypatch):
    def broken():
        raise RuntimeError("no luck")

    monkeypatch.setattr(checkup, "caches", broken)
    (bad,) = [one for one in checkup.findings(speed=False) if one.state is State.BROKEN]
    assert (bad.part, bad.found) == ("caches", "RuntimeError: no luck")


def test_speed_is_of_a_product_and_of_a_step(monkeypatch):
    monkeypatch.setattr(checkup, "SIDE", 64)
    monkeypatch.setattr(checkup, "SECONDS", 0.01)
    product, step = checkup.speeds()
    assert product.found.endswith("GFLOP/s in float32 on cpu")
    assert step.found.endswith("ms for a step of one picture")
    assert (product.state, step.state) == (State.OK, State.OK)
