"""Texts that nothing can read: empty, endless, undecodable, or with what a terminal would obey."""

# pyright: reportArgumentType=false
from __future__ import annotations

import fusedream_sdk as fd
from fusedream_sdk.scoring.prompt import as_prompt
from tests.hostile.rows import Call, Line

LONG, BYTE, NUL, ESCAPE = "word " * 20_000, "a red\udcff disc", "a\x00b", "a\x1b[31mb"
BAD = {
    LONG: r"expected at most 10,000 letters, got 100,000\. Say less",
    BYTE: r"expected a readable text, got a byte that is no UTF-8 as letter 6\. Remove it\.",
    ESCAPE: r"expected a readable text, got the control character '\\x1b' as letter 2\. Remove it\.",
    NUL: r"expected a readable text, got the control character '\\x00' as letter 2\. Remove it\.",
    "": r"expected a sentence, got an empty one\.",
    " \n\t": r"expected a sentence, got an empty one\.",
    "a | | b": r"expected parts that say something, between the \|, got 'a \| \| b'\.",
    "a:-1 |": r"expected a part with a weight above 0, got 'a:-1 \|'\.",
    "|".join(f"word {i}" for i in range(101)): r"expected at most 100 parts, got 101\. Leave some out\.",
    "a:1 | image(0123456789ab)": r"expected the picture of image\(0123456789ab\), got its name alone\.",
}

LINES: list[Line] = [
    *[(["generate", text, "-m", "toy"], rf"prompts\[0\]: {said}") for text, said in BAD.items()],
    *[(["compose", "a", text, "-m", "toy"], rf"prompts\[1\]: {said}") for text, said in BAD.items()],
    *[(["compose", "a", "-m", "toy", "--background", text], rf"--background: {said}") for text, said in BAD.items()],
    *[(["compose", "a", "-m", "toy", "--foreground", text], rf"--foreground: {said}") for text, said in BAD.items()],
    (["generate", "a", "-m", "no\nsuch\x1b[31m"], r"expected one of .*; got 'no\\nsuch\\x1b\[31m'"),
    (["generate", "a", "-m", "x" * 100_000], r"models: expected one of "),
    (["generate", "a", "-m", "toy", "--method", "x" * 10_000], r"methods: expected one of "),
    (["generate", "a", "-m", "toy", "--device", "\udcff"], r"--device: expected a device of this machine, got"),
    (["generate", "a", "-m", "toy", "--dtype", "\udcff"], r"--dtype: expected 'auto' or one of"),
    (["x" * 10_000], r"No such command"),
]

LATE: list[Line] = []

CALLS: list[tuple[Call, str]] = [
    *[(lambda dream, text=text: dream.generate(text), rf"^prompts: {said}") for text, said in BAD.items()],
    *[(lambda dream, text=text: dream.iterate(["a", text]), rf"^prompts\[1\]: {said}") for text, said in BAD.items()],
    *[(lambda dream, text=text: fd.Layer(prompt=text), rf"^prompt: {said}") for text, said in BAD.items()],
    *[(lambda dream, text=text: dream.compose("a", background=text), rf"^background: {said}") for text, said in BAD.items()],
    (lambda dream: fd.Prompt(LONG), r"^Prompt: expected at most 10,000 letters, got 100,000"),
    (lambda dream: fd.Prompt(BYTE), r"^Prompt: expected a readable text, got a byte"),
    (lambda dream: fd.Prompt("a") + NUL, r"^Prompt: expected a readable text, got the control character"),
    (
        lambda dream: fd.Prompt("a:9e8 |") + "a:9e8 |",
        r"^Prompt: expected weights from -1,000,000,000 to 1,000,000,000, got 1800000000",
    ),
    (lambda dream: fd.Prompt("a") * 1e308, r"^Prompt: expected weights from"),
    (lambda dream: fd.Prompt("a") / 0, r"^weight: expected a number other than 0"),
    (lambda dream: fd.Prompt("a") / 1e-320, r"^weight: expected a finite number to multiply a prompt by, got inf"),
    (lambda dream: as_prompt(5), r"^Prompt: expected a text, got an int\."),
]
