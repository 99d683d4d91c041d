"""The text of a file of captions, whatever encoding it is in."""

from __future__ import annotations

import codecs
from pathlib import Path

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.runtime.paths import readable_file

LARGEST = 1 << 30  # bytes: a million captions of a thousand letters
MARKS = {  # what a file may begin with; that of UTF-16 is the beginning of one of UTF-32, so it comes last
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OTHERS = "Say which encoding it is in (--encoding cp1252, say), or save it as UTF-8."


def read_text(path: str | Path, encoding: str | None = None) -> str:
    """A file's text, with its lines ended by line feeds and without a byte order mark.

    Args:
        path: of the file.
        encoding: of its text; by default what its byte order mark says, or UTF-8.

    Raises:
        InvalidInput: it cannot be read, has more than a gigabyte, or is in another encoding.
    """
    file = readable_file("captions", path, "an existing file of captions", "a file of captions")
    try:
        if file.stat().st_size > LARGEST:
            fix = "Split it, and draw it in several calls."
            raise InvalidInput("captions", expected="a file of at most 1 GB", got=f"{file}, which is larger", fix=fix)
        content = file.read_bytes()
    except OSError as error:
        raise InvalidInput("captions", expected="a readable file", got=f"{file} ({error.strerror})") from error
    text = decoded(content, encoding or next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8"), file)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def decoded(content: bytes, encoding: str, file: Path) -> str:
    """Bytes as text. Raises InvalidInput, which names the line, for bytes of another encoding, or one that is not known."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        got = f"the byte 0x{content[error.start]:02x} in line {line} of {file}"
        raise InvalidInput("captions", expected=f"text in {encoding}", got=got, fix=OTHERS) from error
    except (LookupError, ValueError) as error:  # UnicodeError is a ValueError, and so is that of a name with a NUL
        expected, fix = "the name of an encoding of text, as Python knows it", "Common ones: utf-8, utf-16, cp1252, latin-1."
        raise InvalidInput("encoding", expected=expected, got=encoding, fix=fix) from error
