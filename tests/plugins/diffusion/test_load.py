"""The plugin's door: names, options, and the extra that it needs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import fusedream_diffusion
import fusedream_sdk as fd
from fusedream_sdk.errors import PluginImportError


def test_a_folder_may_stand_in_the_name_with_options(folder: Path):
    generator = fd.load_generator(f"diffusion:{folder}?size=[32,16]")
    assert generator.resolution == (32, 16)


@pytest.mark.parametrize(
    ("make", "repository"),
    [(fusedream_diffusion.sd_turbo, "stabilityai/sd-turbo"), (fusedream_diffusion.sdxl_turbo, "stabilityai/sdxl-turbo")],
)
def test_the_named_models_are_those_of_stability(make, repository: str, monkeypatch: pytest.MonkeyPatch):
    asked = {}
    monkeypatch.setattr(fusedream_diffusion, "load", lambda **options: asked.update(options))
    make(device="cpu")
    assert asked == {"weights": repository, "variant": "fp16", "device": "cpu"}


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginImportError, match=r'needs \'diffusers\'. Install it: pip install "fusedream-sdk\[diffusers\]"'):
        fusedream_diffusion.load(weights=tmp_path)
