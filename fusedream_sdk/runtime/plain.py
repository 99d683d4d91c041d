"""Reading JSON that a stranger wrote: small, shallow, of whole letters, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fusedream_sdk.runtime.paths import readable_file

DEEPEST = 20  # a recipe nests its lists and objects five deep
MOST, LONGEST = 1 << 20, 64  # of a number, and of a list of layers, in the config of a network
LARGEST = 64 << 20  # bytes of a file: no configuration or recipe comes near it


def parse_json(text: str, *, unique: bool = False) -> Any:
    """What a text says.

    Args:
        text: to read.
        unique: whether an object that has one name twice is refused; otherwise the last one counts.

    Raises:
        ValueError: no JSON, nested beyond reason, an integer of thousands of digits, or text that no file can hold.
    """
    try:
        values = json.loads(text, object_pairs_hook=each_once if unique else None)
    except RecursionError as error:
        raise ValueError(f"nested more than {DEEPEST} deep") from error
    check_plain(values)
    return values


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of names with values. Raises ValueError where a name is there twice."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} twice")
    return values


def read_json(path: Path) -> Any:
    """What a file says. Raises ValueError as `parse_json`, for a file of another encoding or size, too, and OSError."""
    readable_file("file", path)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MB")
    return parse_json(path.read_text(encoding="utf-8"))


def check_plain(values: Any) -> None:
    """Containers are not nested beyond reason, and texts are whole. Raises ValueError."""
    level = [values]
    for _ in range(DEEPEST + 1):
        for text in level:
            if isinstance(text, str) and not text.isascii():
                text.encode()  # a UnicodeEncodeError is a ValueError: half of a letter
        lists = [value for value in level if isinstance(value, list)]
        objects = [value for value in level if isinstance(value, dict)]
        level = [inner for value in lists for inner in value]
        level += [inner for value in objects for pair in value.items() for inner in pair]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} deep")


def excess(value: Any, *, most: int = MOST, longest: int = LONGEST) -> str:
    """What of a number or of lists of them is beyond the sizes of any network, in words; empty where nothing is."""
    if isinstance(value, list):
        too_long = f"a list of {len(value)}" if len(value) > longest else ""
        return too_long or next(filter(None, (excess(one, most=most, longest=longest) for one in value)), "")
    if isinstance(value, (int, float)) and not -most <= value <= most:
        return f"a number beyond {most:,}"
    return ""


def is_text(value: object) -> bool:
    """A text, or nothing."""
    return value is None or isinstance(value, str)
