"""Which captions there are: of any file that `batch` draws, or of a table that says which picture each belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fusedream_sdk.batch.captions import read_captions
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.checks import kind_of

FILE = "file"  # column of a table with the name of the picture
EXPECTED = "a file with a caption on each line, a table with the columns file,caption, or a list of sentences"


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
    """Captions by a file, as they are, or None. The argument is what an error calls them.

    A file is any that `read_captions` reads; where it is a table with a column `file`, each line says which picture it is of.

    Raises:
        InvalidInput: none of them, or as of `read_captions`; a column `file` that lacks one, or has one twice.
    """
    try:
        return _captions(captions)
    except InvalidInput as error:
        where = error.argument.replace("captions", argument, 1)  # a line of them, it may be
        raise InvalidInput(where, expected=error.expected, got=error.got, fix=error.fix) from error


def _captions(captions: CaptionsLike) -> Captions | None:
    if captions is None or isinstance(captions, Captions):
        return captions
    if isinstance(captions, (str, Path)):
        return _read(captions)
    if not isinstance(captions, (list, tuple)) or not all(isinstance(text, str) for text in captions):
        fix = "Give a file, or a list of sentences."
        raise InvalidInput("captions", expected=EXPECTED, got=kind_of(captions), fix=fix)
    kept = tuple(words for text in captions if (words := _plain(text)))
    if not kept:
        raise InvalidInput("captions", expected="at least one caption", got="an empty list")
    return Captions(kept)


def _read(path: str | Path) -> Captions:
    found = read_captions(path)
    texts = tuple(_plain(str(caption.prompt)) for caption in found)
    files = [str(caption.more.get(FILE, "")).strip() for caption in found]
    if not any(files):
        return Captions(texts)
    if "" in files:
        got = f"{path} with a line {found[files.index('')].line} that lacks one"
        raise InvalidInput("captions", expected="a file for each caption, or for none", got=got)
    if len(set(files)) < len(files):
        again = Counter(files).most_common(1)[0][0]
        raise InvalidInput("captions", expected="each file once", got=f"{path} with {again} twice", fix="Remove one of them.")
    return Captions(texts, tuple(files))


def _plain(text: str) -> str:
    return " ".join(text.split())
