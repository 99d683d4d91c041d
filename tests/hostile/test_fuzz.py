"""Recipes, configurations, chunks of a PNG and command lines that nobody thought of: a sentence or success, never a traceback.

Sizes are bounded, so that what is a run is a short one.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fusedream_biggan.config import read_config as read_biggan
from fusedream_sdk.cli import main
from fusedream_sdk.errors import FuseDreamError
from fusedream_sdk.run.recipe import Recipe
from tests.hostile.ground import dumped, lay_traps, put_chunk, put_text, recipe
from tests.plugins.biggan.conftest import TINY

pytestmark = pytest.mark.filterwarnings("ignore")
FIXED = {"suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow], "deadline": None}

small = st.integers(-3, 30)
numbers = st.one_of(small, st.sampled_from([0.5, -1.0, float("nan"), float("inf"), 1e300, 10**12, 10**400, 2**63]))
words = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["toy", "toy-48", "a/b", "/etc", "paper", "best", "float32", "compose", "invert", "random-search", "x" * 400]
    ),
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)


@pytest.fixture(autouse=True)
def ground(toys: Path) -> None:
    lay_traps()
    os.remove("full/steps/step-0000.png")


def places(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in nested values."""
    inner = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn, whole: Any) -> Any:
    """Good values, with others, more, or nothing in one place or two."""
    values = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(places(values)))
        if not place:
            continue
        holder = values
        for key in place[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.booleans()):
            action = draw(st.sampled_from(["drop", "add"]))
            if action == "drop":
                del holder[place[-1]]
            else:
                holder[draw(words)] = draw(plain)
        else:
            holder[place[-1]] = draw(plain)
    return values


def done_or_one_sentence(argv: list[str]) -> None:
    """Success, or a refusal of one sentence; remarks end in an ellipsis or say that they warn."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(argv)
    text = err.getvalue()
    assert "Traceback" not in text, text
    assert code in (0, 2) or "not finite" in text, (argv, text)
    remarks = (" ...", "warning: ", "pictures so far: ", "stopped at a value", "stopped early", "next: ", "this imported none")
    if code == 2:
        said = [line for line in text.splitlines() if not any(remark in line + "\n" for remark in (*remarks[1:], " ...\n"))]
        assert len(said) == 1, (argv, text)
        assert len(said[0]) < 3_000


COMPOSED = {
    "method": "compose",
    "scene": {"method": "bi-level", "alpha": 1.0, "free": False, "feather": 0.0},
    "layers": [{"prompt": None, "generator": None, "picture": False}] * 2,
    "placement": {"scale": 0.5, "x": 0.0, "y": 0.0},
    "perceptual": {"name": "toy", "class": "c", "fingerprint": "f"},
}
STEERED = {"steering": {"name": "random-search", "options": {"population": 2}}}


@settings(**FIXED, max_examples=100)
@given(st.one_of(spoilt(recipe()), spoilt(recipe(**COMPOSED)), spoilt(recipe(**STEERED))))
def test_a_recipe(values: Any):
    put_text("bad.png", dumped(values))
    done_or_one_sentence(["replay", "bad.png", "--out", "again.png", "--overwrite"])


@settings(**FIXED, max_examples=150)
@given(plain)
def test_anything_as_a_recipe(values: Any):
    with contextlib.suppress(FuseDreamError):
        Recipe.from_json(values)


@settings(**FIXED, max_examples=60)
@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"IDAT", b"tRNS", b"PLTE", b"iCCP"]), st.binary(max_size=60))
def test_a_chunk_of_a_picture(kind: bytes, data: bytes):
    put_chunk("bad.png", kind, b"fusedream\0" + data)
    done_or_one_sentence(["replay", "bad.png", "--out", "again.png", "--overwrite"])


@settings(**FIXED, max_examples=60)
@given(st.integers(0, 500), st.binary(min_size=1, max_size=6))
def test_bytes_in_a_picture(place: int, data: bytes):
    whole = Path("ok.png").read_bytes()
    Path("bad.png").write_bytes(whole[:place] + data + whole[place + len(data) :])
    for argv in (["replay", "bad.png", "-o", "a.png", "--overwrite"], ["interpolate", "bad.png", "ok.png", "-o", "a.avi"]):
        done_or_one_sentence(argv)


@settings(**FIXED, max_examples=150)
@given(spoilt(TINY))
def test_a_config_of_a_biggan(values: Any):
    Path("config.json").write_text(json.dumps(values))
    with contextlib.suppress(FuseDreamError):
        read_biggan(Path("config.json"))


YAML = {
    "model": {
        "target": "taming.models.vqgan.VQModel",
        "params": {
            "embed_dim": 4,
            "n_embed": 8,
            "ddconfig": {"double_z": False, "z_channels": 4, "resolution": 16, "in_channels": 3, "out_ch": 3, "ch": 32}
            | {"ch_mult": [1, 1], "num_res_blocks": 1, "attn_resolutions": [8], "dropout": 0.0},
        },
    }
}


@settings(**FIXED, max_examples=100)
@given(
    st.one_of(spoilt(YAML).map(lambda values: yaml.safe_dump(values)), st.text(alphabet="!&*[]{}:-?|>'\" \nabc1", max_size=30))
)
def test_a_config_of_a_vqgan(text: str):
    pytest.importorskip("taming")
    from fusedream_vqgan.config import read_config

    Path("config.yaml").write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(FuseDreamError):
        read_config(Path("config.yaml"))


PATHS = [
    "ok.png",
    "new.png",
    "file.txt",
    "pipe.png",
    "folder.png",
    "broken.png",
    "full",
    "",
    ".png",
    "~nobody/x",
    "/proc/x.png",
]
VALUES = st.one_of(
    st.sampled_from(
        [*PATHS, "toy", "1", "0", "-1", "nan", "1e999", "0-3", "9" * 5_000, "a | b:-1", "\x1b[31m", "a\nb", "🐶", "--"]
    ),
    st.text(st.characters(exclude_categories=()), max_size=5),
)
OPTIONS = [
    "--out",
    "--sheet",
    "--seed",
    "--models",
    "--generator",
    "--scorer",
    "--start",
    "--image-prompt",
    "--method",
    "--place",
]
OPTIONS += [
    "--background-picture",
    "--perceptual",
    "--progress",
    "--device",
    "--dtype",
    "--memory-gb",
    "--fps",
    "--frames",
    "--lr",
]
FLAGS = ["--overwrite", "--allow-download", "--trust", "--plain", "--free", "--nonsense", "-h"]
SHORT = ["--steps", "1", "--views", "1", "--samples", "2", "--bank", "4", "--basis", "1"]
VERBS: list[tuple[list[str], list[str]]] = [
    (["generate", "a"], ["-m", "toy", *SHORT]),
    (["compose", "a"], ["-m", "toy", "--scale", "0.5", *SHORT]),
    (["invert", "ok.png"], ["-m", "toy", "--steps", "1", "--candidates", "2", "--starts", "1", "--trial", "1"]),
    (["replay", "ok.png"], []),
    (["interpolate", "ok.png", "ok.png"], []),
    (["convert", "in.ckpt"], []),
    (["bank", "show"], ["-m", "toy"]),
    (["plugins", "new"], []),
    (["models"], []),
]
given_options = st.one_of(
    st.tuples(st.sampled_from(OPTIONS), VALUES).map(list),
    st.sampled_from(FLAGS).map(lambda flag: [flag]),
    VALUES.map(lambda v: [v]),
)


@settings(**FIXED, max_examples=150)
@given(st.sampled_from(VERBS), st.lists(given_options, max_size=3))
def test_a_command_line(verb: tuple[list[str], list[str]], given: list[list[str]]):
    first, last = verb
    done_or_one_sentence([*first, *(word for words in given for word in words), *last])
