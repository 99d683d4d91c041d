"""A recipe comes from anybody: a malformed one is refused in a sentence, and none loads what its reader did not choose."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from fusedream_sdk.cli import main
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.replay import replay
from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.imaging.pictures import KEY, read_recipe, save_png
from fusedream_sdk.models import registry
from fusedream_sdk.run.result import Result
from tests.hostile import recipes
from tests.hostile.ground import QUICK, deep, dumped, no_models, put_chunk, put_text, recipe, refuse

REPLAY = ("replay", "bad.png", "--out", "new.png")
WALK = ("interpolate", "bad.png", "bad.png", "--out", "new.gif")


@pytest.fixture(autouse=True)
def ground(toys: Path) -> None:
    Path("here/model").mkdir(parents=True)


@pytest.mark.parametrize("words", [REPLAY, WALK], ids=["replay", "interpolate"])
@pytest.mark.parametrize("case", recipes.TEXTS)
def test_a_text_that_is_no_recipe_is_refused(case: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    text, message = recipes.TEXTS[case]
    put_text("bad.png", text)
    assert f"{recipes.WHOLE}{message}" in refuse(words, capsys)


def name_of(value: Any) -> str:
    return dumped(value)[:50] if isinstance(value, (dict, list, str)) else ""


@pytest.mark.parametrize(("changes", "message"), recipes.BROKEN, ids=name_of)
def test_a_part_that_cannot_be_used_is_refused_before_a_model_is_loaded(
    changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    no_models(monkeypatch)
    put_text("bad.png", dumped({name: value for name, value in {**recipe(), **changes}.items() if value is not None}))
    begun = ("--start", "bad.png") if isinstance(changes.get("start"), dict) else ()
    assert f"{recipes.WHOLE} {message}" in refuse([*REPLAY, *begun], capsys)


@pytest.mark.parametrize("words", [REPLAY, WALK], ids=["replay", "interpolate"])
@pytest.mark.parametrize(("part", "name", "message"), recipes.NAMED, ids=name_of)
def test_a_model_that_the_user_did_not_choose_is_not_loaded(
    part: str,
    name: Any,
    message: str,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    no_models(monkeypatch)
    put_text("bad.png", dumped(recipe(**{part: {"name": name, "class": "c", "fingerprint": "f"}})))
    said = refuse(words, capsys)
    assert message in said
    with pytest.raises((InvalidInput, LookupError)):
        replay("bad.png", progress=False)


@pytest.mark.parametrize(("method", "message"), recipes.METHODS, ids=name_of)
def test_a_method_that_is_not_installed_or_cannot_be_made_is_refused(
    method: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    no_models(monkeypatch)
    put_text("bad.png", dumped(recipe(steering=method)))
    assert message in refuse(REPLAY, capsys)


def test_leave_to_download_is_for_hub_ids_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    real = registry.load

    def load(kind: str, name: str, **options: Any) -> Any:
        if kind == "methods":
            return real(kind, name, **options)
        asked.append(name)
        raise WeightsError(f"weights: {name} cannot be had.")

    monkeypatch.setattr(registry, "load", load)
    for name in ("stranger/model", "/etc/passwd"):
        put_text("bad.png", dumped(recipe(generator={"name": name, "class": "c", "fingerprint": "f"})))
        refuse([*REPLAY, "--allow-download"], capsys)
        refuse([*WALK, "--allow-download"], capsys)
    assert asked == ["stranger/model"] * 2


def test_what_the_user_names_is_taken_in_place_of_what_the_recipe_names(capsys: pytest.CaptureFixture[str]):
    (picture,) = saved().parent.glob("*.png")
    whole = read_recipe(picture)
    for part in ("generator", "scorer"):
        whole[part]["name"] = "/mnt/theirs"
    save_png(Image.open(picture), "bad.png", whole)
    assert "--generator: expected a model that a picture may name" in refuse(REPLAY, capsys)
    assert "--scorer: expected a model that a picture may name" in refuse([*REPLAY, "--generator", "toy"], capsys)
    assert main([*REPLAY, "--generator", "toy", "--scorer", "toy"]) == 0
    assert read_recipe("new.png")["generator"]["name"] == "toy"
    capsys.readouterr()
    assert main([*WALK, "--generator", "toy", "--scorer", "toy", "--frames", "2"]) == 0


def test_a_chunk_that_unpacks_without_end_is_refused_at_once(capsys: pytest.CaptureFixture[str]):
    bomb = zlib.compress(b"[" * (200 << 20), 9)
    for kind, head in ((b"iTXt", KEY.encode() + b"\0\1\0\0\0"), (b"zTXt", KEY.encode() + b"\0\0")):
        put_chunk("bad.png", kind, head + bomb)
        assert "picture: expected a readable PNG, got bad.png (Decompressed data too large" in refuse(REPLAY, capsys)


def test_a_picture_of_too_many_pixels_is_not_decoded(capsys: pytest.CaptureFixture[str]):
    Image.new("1", (20_000, 20_000)).save("bad.png")
    assert "20000 x 20000" in refuse(REPLAY, capsys) or "decompression bomb" in refuse(REPLAY, capsys)


def saved() -> Path:
    quick = {name: value for name, value in QUICK.items() if name != "start"}
    FuseDream("toy", dtype="float32", settings=quick).generate("a red disc", progress=False).save("one")
    return Path("one/result.safetensors")


DAMAGE = {
    "NaN latents": ("latents.z", lambda x: x.fill_(torch.nan), "latents.z with values that are not finite"),
    "infinite colours": ("images", lambda x: x.fill_(torch.inf), "images with values that are not finite"),
    "colours of bytes": ("images", lambda x: x * 255, r"images outside \[0, 1\]"),
    "two rows of latents": ("latents.z", lambda x: x.repeat(2, 1), "latents.z of shape"),
    "no rows": ("images", lambda x: x[:0], "images of shape"),
    "flat images": ("images", lambda x: x[0], "images of shape"),
    "grey images": ("images", lambda x: x[:, :1], "images of shape"),
    "integers": ("latents.z", lambda x: x.long(), "latents.z of torch.int64"),
    "a number for latents": ("latents.z", lambda x: x.sum(), "latents.z of shape"),
    "scores of no row": ("scores.augclip", lambda x: x[:0], "scores.augclip of shape"),
    "a flat history": ("history.augclip", lambda x: x[:, 0], "history.augclip of shape"),
}
SAID = {
    "no rows said": {"prompts": [], "seeds": [], "status": []},
    "a seed too many": {"seeds": [1, 2]},
    "a seed of text": {"seeds": ["1"]},
    "a prompt of numbers": {"prompts": [1]},
    "prompts as a text": {"prompts": "a"},
    "an unknown status": {"status": ["perfect"]},
    "starts of another number": {"starts": ["a", "b"]},
    "a recipe of nothing": {"recipe": {}},
    "a recipe of a list": {"recipe": []},
}


@pytest.mark.parametrize("case", DAMAGE)
def test_tensors_that_do_not_fit_are_refused(case: str, capsys: pytest.CaptureFixture[str]):
    name, change, message = DAMAGE[case]
    path = saved()
    tensors = load_file(path)
    name = name if name in tensors else next(other for other in tensors if other.startswith(name.partition(".")[0]))
    tensors[name] = change(tensors[name].clone()).contiguous()
    save_file(tensors, path, {"about": about(path)})
    with pytest.raises(
        WeightsError, match=f"expected a folder that Result.save wrote .{message.replace('history.augclip', name)}"
    ):
        Result.load("one")
    assert "result one/result.safetensors: expected" in refuse(["interpolate", "one", "one", "-o", "a.gif"], capsys)
    refuse(["generate", "a", "-m", "toy", "-o", "b.png", "--start", "one"], capsys)


@pytest.mark.parametrize("case", SAID)
def test_what_is_said_of_the_tensors_has_to_fit_them(case: str, capsys: pytest.CaptureFixture[str]):
    path = saved()
    tensors, said = load_file(path), json.loads(about(path))
    save_file(tensors, path, {"about": dumped({**said, **SAID[case]})})
    assert "result one/result.safetensors: expected" in refuse(["interpolate", "one", "one", "-o", "a.gif"], capsys)


@pytest.mark.parametrize("text", ["", "[]", "{}", deep(100_000), "1" * 5_000, '{"prompts": null}'], ids=lambda text: text[:8])
def test_a_bundle_of_other_words_is_refused(text: str, capsys: pytest.CaptureFixture[str]):
    path = saved()
    save_file(load_file(path), path, {"about": text})
    assert "result one/result.safetensors: expected" in refuse(["interpolate", "one", "one", "-o", "a.gif"], capsys)


def about(path: Path) -> str:
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        return file.metadata()["about"]
