"""Models that cannot be used, from the command line: exit code 2, one sentence, no traceback, and the others go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

ENTRIES = """
    [fusedream_sdk.generators]
    toy-beyond = bad_plugins:beyond
    toy-stiff = bad_plugins:stiff
    toy-crash = crash_at_import:load
    [fusedream_sdk.scorers]
    toy-numb = bad_plugins:numb
    """
SOURCES = {
    "bad_plugins": """
        from fusedream_sdk.testing import ToyGenerator, ToyScorer

        class Beyond(ToyGenerator):
            def __call__(self, latents): return 2 * super().__call__(latents) - 1

        class Stiff(ToyGenerator):
            def __call__(self, latents): return super().__call__(latents).detach()

        class Numb(ToyScorer):
            def encode_image(self, images): return super().encode_image(images.detach())

        def beyond(device): return Beyond()
        def stiff(device): return Stiff()
        def numb(device): return Numb()
        """,
    "crash_at_import": "raise RuntimeError('no driver')",
}


class Bomb:
    """What an attacker would pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made",)


@pytest.fixture
def refused(fusedream: Callable[..., Any], install: Callable[..., Path]) -> Callable[..., str]:
    """Run a line that cannot work, and give what it says."""
    install("bad-package", ENTRIES, **SOURCES)

    def run(*words: str) -> str:
        code, out, err = fusedream("generate", "red", "--out", "red.png", *words)
        assert (code, out) == (2, ""), err
        said = [line for line in err.splitlines() if "loading the models" not in line]
        assert len(said) == 1, err
        assert not Path("red.png").exists()
        return said[0]

    return run


def write(name: str, content: object) -> str:
    torch.save(content, name)
    return name


def test_files_that_are_no_model_are_refused(refused: Callable[..., str], torchscript: Path) -> None:
    def generator(name: str) -> str:
        return refused("--generator", name, "--scorer", "toy")

    said = generator(write("other.pth", {"b": torch.ones(1), "a": torch.ones(1)}))
    assert "other.pth: not the entries of a BigGAN: 'blocks.0.0.conv1.weight' is missing and 'a' is unexpected. Exp" in said
    said = generator(write("bomb.pth", {"shared.weight": Bomb()}))
    assert "mkdir', which was refused. Ask for a .safetensors file; or, if you trust its source: fusedream convert bomb" in said
    assert not Path("made").exists()
    whole = Path(write("short.pth", {"shared.weight": torch.ones(999)}))
    whole.write_bytes(whole.read_bytes()[:2000])
    assert "short.pth: damaged or cut short" in generator("short.pth")
    assert "TorchScript archive, a program, which was refused" in refused("--generator", "toy", "--scorer", str(torchscript))


def test_a_vqgan_without_its_weights_or_its_sections_says_what_it_needs(refused: Callable[..., str]) -> None:
    pytest.importorskip("taming")
    assert "weights: expected a value, as 'vqgan' of generators has none of its own" in refused("--generator", "vqgan")
    Path("mine").mkdir()
    Path("mine/config.yaml").write_text("model: {target: taming.models.vqgan.VQModel}")
    write("mine/last.ckpt", {})
    assert "it holds config.yaml, last.ckpt. If it is a VQGAN, say so: vqgan:mine" in refused("--generator", "./mine")
    said = refused("--generator", "vqgan:mine")
    assert "config.yaml: model.params: expected a section, as in taming's configs of a VQGAN; got no such section." in said


def test_plugins_that_break_their_promise_are_told_which(refused: Callable[..., str]) -> None:
    said = refused("--generator", "toy-beyond", "--scorer", "toy")
    assert "generator: expected images in [0, 1], got values from -" in said
    assert said.endswith("Map [-1, 1] with (x + 1) / 2.")
    said = refused("--generator", "toy-stiff", "--scorer", "toy")
    assert "generator: expected images with a gradient to the latents, got none. Call it without torch.no_grad" in said
    said = refused("--generator", "toy", "--scorer", "toy-numb")
    assert "scorer.encode_image: expected a gradient to the images, got none. Call it without torch.no_grad" in said


@pytest.mark.parametrize(
    ("scorers", "said"),
    [
        (["0*toy", "0*toy-numb"], "weights: expected at least one that is not 0, got [0.0, 0.0]. Give those that"),
        (["0*toy"], "weights: expected at least one that is not 0, got [0.0]."),
        (["toy", "-2000000*toy-numb"], "weights: expected finite numbers"),
    ],
)
def test_weights_of_nothing_or_beyond_bounds_are_refused(refused: Callable[..., str], scorers: list[str], said: str) -> None:
    assert said in refused("--generator", "toy", *(word for name in scorers for word in ("--scorer", name)))


def test_a_plugin_that_does_not_import_leaves_the_others_working(
    refused: Callable[..., str], fusedream: Callable[..., Any]
) -> None:
    said = refused("--generator", "toy-crash", "--scorer", "toy")
    reason = "does not import: RuntimeError: no driver. Reinstall or uninstall bad-package; the other plugins still work."
    assert f"'toy-crash' of bad-package (crash_at_import:load) {reason}" in said
    _, out, _ = fusedream("plugins", "--check")
    (line,) = [line for line in out.splitlines() if "toy-crash" in line]
    assert "BROKEN: RuntimeError: no driver. Reinstall or uninstall bad-package; the other plugins still work." in line
    assert fusedream("generate", "red", "--models", "toy", "--out", "red.png")[0] == 0
