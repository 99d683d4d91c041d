"""Options without effect, that contradict each other, or that name what is not there: before the models are loaded."""

from __future__ import annotations

import torch

import fusedream_sdk as fd
from tests.hostile.rows import Call, Line

PICTURE = torch.zeros(3, 16, 16)


def line(*words: str) -> list[str]:
    return ["generate", "a red disc", "-m", "toy", *words]


LINES: list[Line] = [
    (
        line("--dtype", "int8"),
        r"--dtype: expected 'auto' or one of \['bfloat16', 'float16', 'float32'\], got int8\. Leave it out",
    ),
    (line("--dtype", ""), r"--dtype: expected 'auto' or one of .*, got \. Leave it out"),
    (line("--device", "toaster"), r"--device: expected a device of this machine, got toaster\. Use 'cpu'"),
    (line("--device", "meta"), r"--device: expected a device of this machine, got meta\. Use 'cpu'"),
    (line("--device", "cuda:" + "9" * 30), r"--device: expected a device of this machine, got cuda:9+\. Use 'cpu'"),
    (line("--device", ""), r"--device: expected a device of this machine, got \. Use 'cpu'"),
    (
        line("--method", "clip-adam", "--views", "3"),
        r"--views: expected nothing, as clip-adam has no use for it, got 3\. Leave it",
    ),
    (
        line("--method", "random-search", "--lr", "0.1"),
        r"--lr: expected nothing, as random-search has no use for it, got 0\.1\.",
    ),
    (line("--method", "random-search?populatoin=3"), r"methods: expected an option of .*Did you mean 'population'\?"),
    (line("--method", "random-search?population"), r"random-search: expected options as NAME\?key=value&key=value"),
    (line("--method", "fusedraem"), r"methods: expected one of .*Did you mean 'fusedream'\?"),
    (
        line("--every", "5"),
        r"--every: expected nothing, as there are no pictures so far\. Leave it out, or add --progress pictures",
    ),
    (line("--progress", "none", "--every", "5"), r"--every: expected nothing, as there are no pictures so far\."),
    (line("--plain", "--augment", "ours"), r"--plain is --augment none; got --augment ours too\. Leave one of them out"),
    (line("--mix", "mean"), r"Invalid value for '--mix': 'mean' is not one of 'best', 'paper', 'random'"),
    (line("--start", "paper"), r"--start: expected an existing picture, or a saved folder of one, got paper\. .*--mix paper"),
    (line("--step", "3"), r"No such option '--step'.*--steps"),
    (["generate"], r"Missing argument 'PROMPT\.\.\.'"),
    (["generate", "a", "-m", "toyy"], r"models: expected one of .*Did you mean 'toy'\?"),
    (["bank", "show", "--size", "3"], r"--size: expected nothing, as no models are named\. Leave it out, or name some"),
    (["bank", "show", "--plain"], r"--plain: expected nothing, as no models are named\."),
    (["bank", "show", "--device", "cpu"], r"--device: expected nothing, as no models are named\."),
    (["bank", "show", "--dtype", "float32"], r"--dtype: expected nothing, as no models are named\."),
    (["bank", "show", "--memory-gb", "1"], r"--memory-gb: expected nothing, as a bank is built a few latents at a time\."),
    (["bank", "build", "-m", "toy", "--memory-gb", "1"], r"--memory-gb: expected nothing, as a bank is built"),
    (["bank", "build", "-m", "toy", "--dtype", "int8"], r"--dtype: expected 'auto' or one of"),
    (
        ["compose", "a", "-m", "toy", "--alpha", "2", "--direction", "linear"],
        r"--alpha: expected nothing with the direction linear",
    ),
    (["compose", "a", "-m", "toy", "--coefficient", "2"], r"--coefficient: expected nothing with the direction bi-level"),
    (["compose", "a", "-m", "toy", "--place", "middle"], r"Invalid value for '--place': 'middle' is not one of 'top-left'"),
    (["compose", "a", "-m", "toy", "--device", "toaster"], r"--device: expected a device of this machine, got toaster"),
    (["invert", "-m", "toy"], r"Missing argument 'PICTURE\.\.\.'"),
    (["replay"], r"Missing argument 'PICTURE'"),
    (["interpolate", "a.png"], r"Missing argument 'B'"),
]

LATE: list[Line] = [
    (line("--plain", "--views", "3"), r"--views: expected nothing, as without random views there is one, got 3\. Leave it out"),
    (line("--basis", "1", "--mix", "best"), r"--mix: expected nothing, as a basis of 1 is not mixed, got best\."),
    (
        line("--samples", "1", "--basis", "1", "--bank", "30"),
        r"--bank: expected nothing, as 1 sample is not searched, got 30\.",
    ),
    (
        ["compose", "a", "-m", "toy", "--plain", "--views", "3"],
        r"--views: expected nothing, as without random views there is one",
    ),
]

DRAWN: list[Line] = [
    (
        ["replay", "drawn.png", "-o", "b.png", "--image-prompt", "drawn.png"],
        r"--image-prompt: expected nothing, as there is no picture",
    ),
    (
        ["replay", "drawn.png", "-o", "b.png", "--background-picture", "drawn.png"],
        r"--background-picture: expected nothing, as the pic",
    ),
    (
        ["replay", "drawn.png", "-o", "b.png", "--foreground-picture", "drawn.png"],
        r"--foreground-picture: expected nothing, as the pic",
    ),
    (
        ["replay", "drawn.png", "-o", "b.png", "--start", "drawn.png"],
        r"--start: expected nothing, as a search began the picture",
    ),
    (
        ["replay", "drawn.png", "-o", "b.png", "--perceptual", "toy"],
        r"--perceptual: expected nothing, as the picture was not composed",
    ),
    (
        ["replay", "drawn.png", "-o", "b.png", "--device", "toaster"],
        r"--device: expected a device of this machine, got toaster",
    ),
    (["replay", "drawn.png", "-o", "b.jpg"], r"--out: expected a file that ends in \.png, got b\.jpg"),
    (
        line("--start", "drawn.png", "--basis", "3"),
        r"--basis: expected nothing, as a start is neither searched nor mixed, got 3",
    ),
    (
        line("--start", "drawn.png", "--mix", "best"),
        r"--mix: expected nothing, as a start is neither searched nor mixed, got best",
    ),
]
"""Of a picture that is there, drawn.png."""

CALLS: list[tuple[Call, str]] = [
    (
        lambda dream: dream.compose("a", alpha=2.0, direction="linear"),
        r"^alpha: expected nothing with the direction linear, got 2",
    ),
    (lambda dream: dream.compose("a", coefficient=2.0), r"^coefficient: expected nothing with the direction bi-level, got 2"),
    (
        lambda dream: dream.generate("a", method="clip-adam", basis=2),
        r"^basis: expected nothing, as clip-adam has no use for it",
    ),
    (
        lambda dream: dream.generate("a", basis=1, mix="best"),
        r"^mix: expected nothing, as a basis of 1 is not mixed, got best\.",
    ),
    (
        lambda dream: dream.generate("a", augment=fd.NO_VIEWS, views=3),
        r"^views: expected nothing, as without random views there",
    ),
    (
        lambda dream: dream.generate("a", samples=1, basis=1, bank=50),
        r"^bank: expected nothing, as 1 sample is not searched, got",
    ),
    (
        lambda dream: dream.compose("a", augment=fd.NO_VIEWS, views=3),
        r"^views: expected nothing, as without random views there",
    ),
    (
        lambda dream: dream.generate("a", start=PICTURE, basis=3),
        r"^basis: expected nothing, as a start is neither searched nor",
    ),
    (
        lambda dream: dream.generate("a", start=PICTURE, mix="best"),
        r"^mix: expected nothing, as a start is neither searched nor",
    ),
    (lambda dream: dream.bank(steps=3), r"^steps: expected a setting of a bank: bank, bank_views, .*, got an unknown name"),
]
