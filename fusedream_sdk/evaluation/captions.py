"""Which captions there are: a text file with one a line, or a table that says which picture each belongs to."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.checks import kind_of
from fusedream_sdk.runtime.paths import readable_file

COLUMNS = ("file", "caption")
EXPECTED = "a text file with a caption on each line, or a csv with the columns file,caption"
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Captions:
    """Captions in order.

    Attributes:
        texts: of them.
        files: the picture's file name of each; None where the file does not say.
    """

    texts: tuple[str, ...]
    files: tuple[str, ...] | None = None

    @property
    def pool(self) -> list[str]:
        """Those that differ, in order."""
        return list(dict.fromkeys(self.texts))

    def __len__(self) -> int:
        return len(self.texts)


CaptionsLike = str | Path | Sequence[str] | Captions | None
"""A file, captions themselves, or None for those that the pictures' own folder knows."""


def captions_of(captions: CaptionsLike, argument: str = "captions") -> Captions | None:
    """Captions by a file (see `read_captions`), as they are, or None. The argument is what an error calls them.

    Raises:
        InvalidInput: none of them, or a file that cannot be read.
    """
    try:
        return _captions(captions)
    except InvalidInput as error:
        raise InvalidInput(argument, expected=error.expected, got=error.got, fix=error.fix) from error


def _captions(captions: CaptionsLike) -> Captions | None:
    if captions is None or isinstance(captions, Captions):
        return captions
    if isinstance(captions, (str, Path)):
        return read_captions(captions)
    if not isinstance(captions, (list, tuple)) or not all(isinstance(text, str) for text in captions):
        fix = "Give a file, or a list of sentences."
        raise InvalidInput("captions", expected=EXPECTED, got=kind_of(captions), fix=fix)
    return _checked([" ".join(text.split()) for text in captions], None, "an empty list")


def read_captions(path: str | Path) -> Captions:
    """The captions of a .txt, one on each line, without the empty ones; or of a .csv with the columns `file` and `caption`.

    Raises:
        InvalidInput: no such file, another encoding than UTF-8, no captions, or a table without those columns, with a file that
            has none, or with one that comes twice.
    """
    file = readable_file("captions", path, EXPECTED, EXPECTED)
    if file.stat().st_size > MOST_BYTES:
        raise InvalidInput("captions", expected=f"at most {MOST_BYTES >> 20:,} MB", got=f"{path}", fix="Split it.")
    try:
        text = file.read_text(encoding="utf-8-sig")  # with or without the mark that some editors put first
    except UnicodeDecodeError as error:
        got = f"{path}, which is not from byte {error.start} on"
        raise InvalidInput("captions", expected="a file in UTF-8", got=got, fix="Save it in that encoding.") from error
    if "\0" in text:
        raise InvalidInput("captions", expected="a file in UTF-8", got=f"{path} with NUL", fix="Save it in that encoding.")
    if file.suffix.lower() == ".csv":
        return _table(text, str(path))
    return _checked([" ".join(line.split()) for line in text.splitlines()], None, f"{path} without any")


def _table(text: str, path: str) -> Captions:
    try:
        lines = list(csv.DictReader(StringIO(text, newline=""), skipinitialspace=True))
    except csv.Error as error:
        raise InvalidInput("captions", expected=EXPECTED, got=f"{path} ({error})") from error
    names = {str(name).strip().lower(): name for name in (lines[0] if lines else {})}
    missing = [column for column in COLUMNS if column not in names]
    if lines and missing:
        got = f"{path} with {', '.join(map(str, lines[0]))}"
        raise InvalidInput("captions", expected="the columns file,caption", got=got, fix="Name them in its first line.")
    rows = [[" ".join((line[names[column]] or "").split()) for column in COLUMNS] for line in lines]
    for number, (file, caption) in enumerate(rows, start=2):
        if not file or not caption:
            got = f"{path} with a line {number} that lacks one"
            raise InvalidInput("captions", expected="a file and a caption on each line", got=got)
    files = [file for file, _ in rows]
    if len(set(files)) < len(files):
        again = Counter(files).most_common(1)[0][0]
        raise InvalidInput("captions", expected="each file once", got=f"{path} with {again} twice", fix="Remove one of them.")
    return _checked([caption for _, caption in rows], files, f"{path} without any")


def _checked(texts: Sequence[str], files: Sequence[str] | None, nothing: str) -> Captions:
    kept = [text for text in texts if text]
    if not kept:
        raise InvalidInput("captions", expected="at least one caption", got=nothing, fix="Write one on each line.")
    return Captions(tuple(kept), None if files is None else tuple(files))
