"""Every generator, scorer, perceptual distance and method of the package keeps its contract.

A new plugin needs one row here: how to load it small and without a network, from a file in its real format.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.models import registry
from fusedream_sdk.protocols import Scorer
from fusedream_sdk.testing import check_generator, check_method, check_perceptual, check_reward, check_scorer

Options = dict[str, Any]


def check_scorer_or_reward(model: Any) -> None:
    """The contract of what it is: both are found among the scorers."""
    (check_scorer if isinstance(model, Scorer) else check_reward)(model)


CHECKS: dict[str, Callable[[Any], None]] = {
    "generators": check_generator,
    "scorers": check_scorer_or_reward,
    "perceptual": check_perceptual,
    "methods": check_method,
}
PLACED = {"generators", "scorers", "perceptual"}  # kinds that are given a device


def as_shipped(folder: Path) -> Options:
    """It needs nothing: its weights come with the package, or it has none."""
    return {}


def biggan_deep(folder: Path) -> Options:
    """A folder as pytorch-pretrained-biggan has it."""
    from tests.plugins.biggan.conftest import TINY, make_model, save

    return {"weights": save(folder, TINY, dict(make_model(TINY).state_dict()))}


def cached_biggan_deep(folder: Path, *, name: str) -> Options:
    """The same where its download would be kept."""
    biggan_deep(folder / name)
    return {"cache_dir": folder}


def biggan(folder: Path, *, side: int, suffix: str) -> Options:
    """A BigGAN of one resolution, with few channels; as BigGAN-PyTorch saves it, or as its converter does."""
    from tests.plugins.biggan.conftest import converted, make_shallow, narrow, write

    weights = make_shallow(narrow(side))
    form = weights if suffix == ".pth" else converted(weights)
    return {"weights": write(folder / f"biggan-{side}{suffix}", form)}


def vqgan(folder: Path) -> Options:
    """A folder in the layouts of taming and Lightning."""
    from tests.plugins.vqgan.conftest import lightning, make_reference, save

    return {"weights": save(folder, "vq", lightning(make_reference("vq").state_dict()))}


def emoji_vqgan(folder: Path) -> Options:
    """Nothing, but the extra of its plugin."""
    pytest.importorskip("taming")
    return {}


def diffusion(folder: Path, *, kind: str) -> Options:
    """A folder as diffusers saves a pipeline."""
    pytest.importorskip("diffusers")
    from tests.plugins.diffusion.conftest import save

    return {"weights": save(folder, kind)}


def emoji_turbo(folder: Path) -> Options:
    """Nothing, but the extra of its plugin."""
    pytest.importorskip("diffusers")
    return {}


def stylegan2(folder: Path) -> Options:
    """A file as rosinality's training saves it."""
    from tests.plugins.stylegan2.conftest import make_rosinality, save_rosinality

    return {"weights": save_rosinality(folder, make_rosinality())}


def clip(folder: Path) -> Options:
    """A folder as transformers saves it."""
    from tests.plugins.clip.conftest import make_clip

    return {"weights": make_clip(folder)}


def openclip(folder: Path) -> Options:
    """A file as OpenCLIP's training saves it."""
    from tests.plugins.openclip.conftest import add_architectures, make_model, save

    add_architectures(folder)
    return {"weights": f"tiny-test:{save(make_model(), folder)['pt']}"}


def reward(folder: Path, *, name: str) -> Options:
    """Files in the format of the published ones, of a small model."""
    from tests.plugins.rewards import conftest

    (folder / name).mkdir()
    return getattr(conftest, name)(folder / name)


def lpips(folder: Path) -> Options:
    """A trunk in torchvision's format."""
    from tests.plugins.lpips.conftest import save

    return {"weights": save("alex", folder)}


def of_a_scorer(folder: Path) -> Options:
    """The scorer in use."""
    return {"scorer": registry.load("scorers", "emoji", device="cpu")}


def as_recommended(folder: Path) -> Options:
    """Settings of the models in place of the published ones, which are long."""
    return {"published": False}


ROWS: dict[str, dict[str, Callable[[Path], Options]]] = {
    "generators": {
        "biggan": biggan_deep,
        "biggan-128": partial(biggan, side=128, suffix=".pth"),
        "biggan-256": partial(biggan, side=256, suffix=".pt"),
        "biggan-512": partial(biggan, side=512, suffix=".safetensors"),
        "biggan-deep-128": partial(cached_biggan_deep, name="biggan-deep-128"),
        "biggan-deep-256": partial(cached_biggan_deep, name="biggan-deep-256"),
        "biggan-deep-512": partial(cached_biggan_deep, name="biggan-deep-512"),
        "diffusion": partial(diffusion, kind="sd"),
        "emoji": as_shipped,
        "emoji-turbo": emoji_turbo,
        "emoji-vqgan": emoji_vqgan,
        "fourier": as_shipped,
        "pixels": as_shipped,
        "sd-turbo": partial(diffusion, kind="sd"),
        "sdxl-turbo": partial(diffusion, kind="xl"),
        "stylegan2": stylegan2,
        "vqgan": vqgan,
    },
    "scorers": {
        "aesthetic": partial(reward, name="aesthetic"),
        "clip": clip,
        "emoji": as_shipped,
        "emoji-judge": as_shipped,
        "hpsv2": partial(reward, name="hpsv2"),
        "imagereward": partial(reward, name="imagereward"),
        "openclip": openclip,
        "pickscore": partial(reward, name="pickscore"),
    },
    "perceptual": {
        "clip-features": clip,
        "emoji": as_shipped,
        "lpips": lpips,
        "scorer": of_a_scorer,
    },
    "methods": {
        "attack": as_shipped,
        "basin-cma": lambda folder: {"population": 5, "updates": 2, "last": 4},
        "big-sleep": as_recommended,
        "clip-adam": as_shipped,
        "clip-glass": as_shipped,
        "cma": as_shipped,
        "fgsm": as_shipped,
        "fusedream": as_shipped,
        "fusedream-code": as_recommended,
        "random-search": as_shipped,
        "reno": as_shipped,
        "styleclip": lambda folder: {"published": False, "anywhere": True},
        "vqgan-clip": as_recommended,
    },
}


def registered(kind: str) -> list[str]:
    """The names of a kind that are the package's own."""
    return [name for name, points in registry.plugins(kind).items() if registry.package(points[0]) == "fusedream-sdk"]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in CHECKS for name in registered(kind)])
def test_every_plugin_of_the_package_keeps_its_contract(kind: str, name: str, tmp_path: Path) -> None:
    make = ROWS[kind].get(name)
    if make is None:
        fix = f"Add one to ROWS[{kind!r}] that says how to load it; `{name!r}: as_shipped` if that needs nothing."
        pytest.fail(f"{name!r}, a name of {kind}, has no row in {Path(__file__).name}. {fix}")
    options = {"device": "cpu"} if kind in PLACED else {}
    CHECKS[kind](registry.load(kind, name, **options, **make(tmp_path)))


def test_every_row_is_of_a_registered_plugin() -> None:
    assert {kind: sorted(rows) for kind, rows in ROWS.items()} == {kind: registered(kind) for kind in CHECKS}
