"""Files of weights and their configurations: what cannot be is refused with the name of what is wrong, and no code is run."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

import fusedream_emoji
from fusedream_biggan.checkpoint import load_deep
from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.registry import load_generator
from fusedream_sdk.models.weights import read_tensors
from tests.hostile import weights
from tests.hostile.ground import refuse
from tests.plugins.biggan.conftest import TINY, make_model, save

BIGGAN = ("generate", "a", "--generator", "tiny", "--scorer", "toy", "-o", "new.png")
VQGAN = ("generate", "a", "--generator", "vqgan:tiny", "--scorer", "toy", "-o", "new.png")
CLIP = ("generate", "a", "--generator", "toy", "--scorer", "clip:tiny", "-o", "new.png")
ENTRY = "generator.gen_z.weight_orig"


@pytest.fixture(autouse=True)
def ground(toys: Path) -> None: ...


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return dict(make_model(TINY).state_dict())


@pytest.fixture
def tiny(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a BigGAN-deep, whose config.json lies in the folder `tiny`."""
    save(Path("tiny"), TINY, state)
    return dict(state)


@pytest.mark.parametrize("case", weights.TENSORS)
@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.safetensors"])
def test_an_entry_that_cannot_be_is_refused_by_its_name(case: str, file: str, tiny: Any, capsys: pytest.CaptureFixture[str]):
    change, message = weights.TENSORS[case]
    tiny[ENTRY] = change(tiny[ENTRY])
    if file.endswith("bin"):
        torch.save(tiny, Path("tiny", file))
    else:
        save_file({name: x.contiguous() for name, x in tiny.items()}, Path("tiny", file))
    assert f"tiny/{file}: {ENTRY}: {message}" in refuse(BIGGAN, capsys)


@pytest.mark.parametrize("case", weights.PICKLED)
def test_a_pickle_holds_all_that_it_promises(case: str, tiny: Any, capsys: pytest.CaptureFixture[str]):
    change, message = weights.PICKLED[case]
    torch.save({**tiny, ENTRY: change(tiny[ENTRY])}, "tiny/pytorch_model.bin")
    assert message in refuse(BIGGAN, capsys)


@pytest.mark.parametrize("case", weights.KEPT)
def test_what_is_safe_to_cast_is_cast(case: str, tiny: Any):
    before = load_deep(Path("tiny/config.json"), Path("tiny/pytorch_model.bin"))
    torch.save({name: weights.KEPT[case](x) for name, x in tiny.items()}, "tiny/pytorch_model.bin")
    assert load_deep(Path("tiny/config.json"), Path("tiny/pytorch_model.bin")).fingerprint == before.fingerprint


@pytest.mark.parametrize("case", weights.JSONS)
@pytest.mark.parametrize("words", [BIGGAN, CLIP], ids=["biggan", "clip"])
def test_a_config_that_is_no_object_is_refused(case: str, words: Any, tiny: Any, capsys: pytest.CaptureFixture[str]):
    text, message = weights.JSONS[case]
    Path("tiny/config.json").write_text(text)
    said = refuse(words, capsys)
    assert message in said or words == CLIP


@pytest.mark.parametrize("case", weights.BIGGAN)
def test_a_config_that_no_biggan_can_have_is_refused(case: str, tiny: Any, capsys: pytest.CaptureFixture[str]):
    changes, message = weights.BIGGAN[case]
    Path("tiny/config.json").write_text(json.dumps({**TINY, **changes}))
    assert message in refuse(BIGGAN, capsys)


def vqgan(**changes: Any) -> None:
    """A copy of the emoji VQGAN with another config.yaml."""
    pytest.importorskip("taming")
    shutil.copytree(fusedream_emoji.WEIGHTS / "vqgan", "tiny")
    values = yaml.safe_load(Path("tiny/config.yaml").read_text())
    params = values["model"]["params"]
    for name, value in changes.items():
        (params if name in params else params["ddconfig"])[name] = value
    Path("tiny/config.yaml").write_text(yaml.safe_dump(values))


@pytest.mark.parametrize("case", weights.YAMLS)
def test_a_yaml_that_is_no_config_is_refused_and_runs_nothing(case: str, capsys: pytest.CaptureFixture[str]):
    text, message = weights.YAMLS[case]
    vqgan()
    Path("tiny/config.yaml").write_text(text)
    before = os.listdir()
    assert f"tiny/config.yaml: {message}" in refuse(VQGAN, capsys)
    assert os.listdir() == before


@pytest.mark.parametrize("case", weights.VQGAN)
def test_a_config_that_no_vqgan_can_have_is_refused(case: str, capsys: pytest.CaptureFixture[str]):
    changes, message = weights.VQGAN[case]
    vqgan(**changes)
    assert message in refuse(VQGAN, capsys)


@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors"])
@pytest.mark.parametrize("target", ["/dev/zero", "nothing", "itself", "pipe"])
def test_a_link_to_what_is_no_file_is_no_file(name: str, target: str, capsys: pytest.CaptureFixture[str]):
    vqgan()
    os.mkfifo("pipe")
    Path("tiny", name).unlink()
    os.symlink(name if target == "itself" else os.path.abspath(target), Path("tiny", name))
    assert "weights: expected config.yaml and model.safetensors" in refuse(VQGAN, capsys)


def test_a_link_to_a_file_is_followed_as_the_hubs_cache_needs_it():
    vqgan()
    shutil.move("tiny/model.safetensors", "blob")
    os.symlink("../blob", "tiny/model.safetensors")
    assert load_generator("vqgan:tiny")


@pytest.mark.parametrize("case", weights.CLIP)
def test_a_config_that_no_dual_encoder_can_have_is_refused(case: str, capsys: pytest.CaptureFixture[str]):
    changes, message = weights.CLIP[case]
    values = clip()
    values["text_config"] |= changes
    Path("tiny/config.json").write_text(json.dumps(values))
    assert message in refuse(CLIP, capsys)


@pytest.mark.parametrize(
    ("value", "message"), [("long", "expected numbers of floating point, got I64"), (3e38, "squares float32")]
)
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_a_dual_encoder_of_other_numbers_is_refused(value: Any, message: str, file: str, capsys: pytest.CaptureFixture[str]):
    clip()
    found = load_file("tiny/model.safetensors")
    name = next(name for name in found if name.endswith("text_projection.weight"))
    found[name] = found[name].long() if value == "long" else torch.full_like(found[name].float(), value)
    Path("tiny/model.safetensors").unlink()
    if file.endswith("bin"):
        torch.save(found, Path("tiny", file))
    else:
        save_file(found, Path("tiny", file), {"format": "pt"})
    said = refuse(CLIP, capsys)
    assert name in said
    assert message.replace("I64", "int64" if file.endswith("bin") else "I64") in said


def clip() -> dict[str, Any]:
    """A copy of the emoji scorer; what its config.json says."""
    shutil.copytree(fusedream_emoji.WEIGHTS / "scorer", "tiny")
    return json.loads(Path("tiny/config.json").read_text())


@pytest.mark.parametrize(
    "words", [("convert", "bomb.ckpt", "x.safetensors"), ("convert", "bomb.ckpt", "x.safetensors", "--trust")]
)
def test_an_archive_that_unpacks_to_more_than_it_is_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    torch.save({"a": torch.zeros(4_000_000)}, "good.ckpt")
    with zipfile.ZipFile("good.ckpt") as good, zipfile.ZipFile("bomb.ckpt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for entry in good.infolist():
            bomb.writestr(entry.filename, good.read(entry), zipfile.ZIP_DEFLATED)
    assert "bomb.ckpt: expected an archive as torch.save writes it, but" in refuse(words, capsys)


@pytest.mark.parametrize("cut", [1, 30, 300, 3_000])
@pytest.mark.parametrize("trust", [[], ["--trust"]], ids=["", "trust"])
def test_an_archive_that_is_cut_or_spoilt_is_refused(cut: int, trust: list[str], capsys: pytest.CaptureFixture[str]):
    torch.save({"a": torch.zeros(1_000)}, "good.ckpt")
    whole = Path("good.ckpt").read_bytes()
    Path("bad.ckpt").write_bytes(whole[:-cut])
    assert "bad.ckpt" in refuse(["convert", "bad.ckpt", "x.safetensors", *trust], capsys)
    Path("bad.ckpt").write_bytes(whole[: -cut - 20] + b"\xff" * 20 + whole[-cut:])
    from fusedream_sdk.cli import main

    assert main(["convert", "bad.ckpt", "x.safetensors", *trust]) in (0, 2)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x05\x06", b"PK\x03\x04" + b"\0" * 100, b"\x80\x04.", b"\x80\x04](" * 50, b"[" * 9]
)
@pytest.mark.parametrize("name", ["a.ckpt", "a.safetensors"])
def test_bytes_that_are_no_weights_are_refused(content: bytes, name: str):
    Path(name).write_bytes(content)
    with pytest.raises(WeightsError, match=name):
        read_tensors(Path(name))
