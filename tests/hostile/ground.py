"""The ground on which hostile rows are run: toy models, a working folder of traps, and what every refusal has to be."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, PngImagePlugin

from fusedream_sdk.cli import main
from fusedream_sdk.imaging.pictures import KEY, save_png
from fusedream_sdk.models.checks import identity
from fusedream_sdk.models.fingerprint import fingerprint_of
from fusedream_sdk.testing import ToyGenerator, ToyScorer

QUICK = {"steps": 2, "views": 2, "samples": 4, "basis": 2, "bank": 8, "bank_views": 1, "lr": 0.01, "noise": 0.0}
QUICK |= {"check_every": 1, "check_views": 2, "patience": None, "report_views": 2, "start": "paper"}
AUGMENT = {"colour": True, "translation": True, "resize": True, "cutout": True}


def recipe(**changes: Any) -> dict[str, Any]:
    """A whole recipe of a row that toy models draw in a moment; a change of None takes a part away."""
    models = {
        "generator": {"name": "toy", "class": "ToyGenerator", "fingerprint": identity(ToyGenerator())},
        "scorer": {"name": "toy", "class": "ToyScorer", "fingerprint": identity(ToyScorer())},
    }
    whole = {"method": "generate", "version": "0.2.0", **models, "dtype": "float32"}
    whole |= {
        "settings": {**QUICK, "augment": AUGMENT},
        "prompt": "a red disc",
        "seed": 1,
        "scores": {"augclip": 0.1},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def put_text(path: str | Path, text: str, *, packed: bool = True) -> None:
    """A picture with any text where a recipe should be."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt(KEY, text, zip=packed)
    Image.new("RGB", (32, 32), "red").save(path, pnginfo=info)


def put_chunk(path: str | Path, kind: bytes, data: bytes) -> None:
    """A picture with any chunk before its end."""
    Image.new("RGB", (32, 32), "red").save(path)
    whole = Path(path).read_bytes()
    chunk = len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    Path(path).write_bytes(whole[:-12] + chunk + whole[-12:])


def lay_traps() -> None:
    """The working folder of `tests.hostile.files`."""
    save_png(Image.new("RGB", (32, 32), "red"), "ok.png", recipe())
    for name in ("file.txt", "file-steps"):
        Path(name).write_text("text")
    Path("program.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n(touched) (w) file closefile showpage\n")
    for suffix in (".png", ".gif"):
        Path(f"folder{suffix}").mkdir()
        os.symlink(f"nothing{suffix}", f"broken{suffix}")
        os.symlink(f"loop{suffix}", f"loop{suffix}")
        os.mkfifo(f"pipe{suffix}")
    Path("ok.gif").write_bytes(b"GIF")
    os.symlink("nothing", "broken.png.folder")
    Path("full/steps").mkdir(parents=True)
    Path("full/steps/step-0000.png").write_text("mine")
    torch.save({"a": torch.ones(2)}, "in.ckpt")


def refuse(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command line that cannot be done; the one sentence that it gives, short of remarks that end in an ellipsis."""
    capsys.readouterr()
    code = main(list(words))
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if not line.endswith(" ...")]
    assert (code, len(lines)) == (2, 1), (code, shown.err)
    assert "Traceback" not in shown.err
    assert lines[0].startswith("fusedream: ")
    assert len(lines[0]) < 2_000
    return lines[0]


def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever loads a model from now on fails."""
    from fusedream_sdk.models import registry

    real: Callable[..., Any] = registry.load

    def load(kind: str, name: str, **options: Any) -> Any:
        if kind in ("generators", "scorers", "perceptual"):
            raise AssertionError(f"it loaded {name!r} of {kind} before it looked at what was asked")
        return real(kind, name, **options)

    monkeypatch.setattr(registry, "load", load)


def deep(levels: int) -> str:
    """JSON of so many lists inside each other."""
    return "[" * levels + "]" * levels


def dumped(values: Any) -> str:
    """JSON, with whatever Python's own writer allows."""
    return json.dumps(values)


def latents_fingerprint() -> str:
    """Identity of some latents."""
    return fingerprint_of({"z": torch.zeros(1, 4)})
