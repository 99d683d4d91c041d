"""Files of captions: a sentence a line, tables, JSON lines, and COCO's annotations. All are read into the same thing."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from fusedream_sdk.batch.columns import NAME, SEED, plain_name, prompt_column, settings_of
from fusedream_sdk.batch.text import read_text
from fusedream_sdk.errors import InvalidInput, shown
from fusedream_sdk.runtime.bounds import MOST_ROWS
from fusedream_sdk.runtime.checks import check_count, check_seed
from fusedream_sdk.runtime.paths import user_path
from fusedream_sdk.runtime.plain import parse_json
from fusedream_sdk.scoring.prompt import PromptLike, check_prompt

COCO, IDS = "annotations", ("image_id", "id")  # of COCO's file: the list of its captions, and what else they have
NONE_GIVEN: Mapping[str, Any] = {}

Record: TypeAlias = tuple[int, Any, Mapping[str, Any]]
"""The number of a line, from 1, its sentence, and what its other columns have."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A line of a file of captions.

    Attributes:
        prompt: what to draw.
        seed: to draw it from alone; None takes every seed that is asked for.
        settings: that differ for this line, as keywords of `FuseDream.generate`.
        name: of its pictures, in place of a number and the prompt; empty for none.
        more: what its other columns have, which a table of results carries along.
        line: its number in the file, from 1; 0 for one that is from none.
    """

    prompt: PromptLike
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: NONE_GIVEN)
    name: str = ""
    more: Mapping[str, str] = field(default_factory=lambda: NONE_GIVEN)
    line: int = 0

    @property
    def where(self) -> str:
        """What an error calls it."""
        return f"captions line {self.line}" if self.line else "captions"


def read_captions(
    path: str | Path, *, column: str | None = None, encoding: str | None = None, limit: int | None = None
) -> list[Caption]:
    """Read a file of captions.

    Args:
        path: `.txt`, a sentence a line; `.csv` or `.tsv`, a table whose first line has the names of its columns; `.jsonl`, an
            object a line; `.json`, COCO's file of captions. Of a table, `prompt` or `caption` has the sentence; `seed`, `name`
            and every setting by its name are for that line, where they are not empty.
        column: which column has the sentence, if it is another.
        encoding: of the text; by default what its byte order mark says, or UTF-8.
        limit: how many captions are read, the first ones; by default all.

    Returns:
        The captions, in their order; empty lines are left out, which the log notes. One that stands there twice is there twice.

    Raises:
        InvalidInput: the file or a line of it cannot be used, it has no captions, or more than a million.
    """
    file = user_path("captions", path)
    if limit is not None:
        check_count("limit", limit)
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        expected = f"a file that ends in one of {', '.join(READERS)}"
        raise InvalidInput("captions", expected=expected, got=shown(str(file), 300), fix="Rename it as what it is.")
    records = reader(read_text(file, encoding), file, column)
    found = list(islice(records, MOST_ROWS + 1 if limit is None else min(limit, MOST_ROWS + 1)))
    if len(found) > MOST_ROWS:
        fix = "Split it, or say how many to take: --limit."
        raise InvalidInput("captions", expected=f"at most {MOST_ROWS:,} captions", got=f"more in {file}", fix=fix)
    if not found:
        raise InvalidInput("captions", expected="at least one caption", got=f"none in {file}")
    return found


def of_lines(text: str, file: Path, column: str | None) -> Iterator[Caption]:
    """A sentence a line."""
    refuse_column(column, file)
    return read_records(((line, said, {}) for line, said in enumerate(lines_of(text), 1)), file)


def of_table(text: str, file: Path, column: str | None) -> Iterator[Caption]:
    """Cells with commas, semicolons or tabs between."""
    header = text[: text.find("\n") + 1] or text
    between = "\t" if file.suffix.lower() == ".tsv" else max(",;\t", key=header.count)
    table = csv.reader(io.StringIO(text), delimiter=between, strict=True)

    def records() -> Iterator[Record]:
        names = [plain_name(name) for name in next(table, [])]
        prompt = prompt_column(names, column, str(file))
        for cells in table:
            if len(cells) not in (0, len(names)):
                got = f"{len(cells)} in line {table.line_num} of {file}"
                fix = 'Put a sentence with commas in "quotes".'
                raise InvalidInput("captions", expected=f"{len(names)} cells, as the first line has", got=got, fix=fix)
            rest = dict(zip(names, cells, strict=False))
            yield table.line_num, rest.pop(prompt, ""), rest

    try:
        yield from read_records(records(), file)
    except csv.Error as error:
        got = f"line {table.line_num} of {file} ({error})"
        raise InvalidInput("captions", expected="a table of cells", got=got) from error


def of_objects(text: str, file: Path, column: str | None) -> Iterator[Caption]:
    """A JSON object a line."""
    known: dict[tuple[str, ...], str] = {}  # names of columns -> which of them has the prompt

    def records() -> Iterator[Record]:
        for line, said in enumerate(lines_of(text), 1):
            if not said.strip():
                yield line, "", {}
                continue
            where = f"line {line} of {file}"
            values = json_of(said, where)
            if not isinstance(values, dict):
                expected = 'objects, as {"prompt": "a blue dog"}'
                raise InvalidInput("captions", expected=expected, got=f"something else in {where}")
            names = tuple(map(plain_name, values))
            if names not in known:
                known[names] = prompt_column(names, column, where)
            rest = dict(zip(names, values.values(), strict=True))
            yield line, rest.pop(known[names]), rest

    return read_records(records(), file)


def of_coco(text: str, file: Path, column: str | None) -> Iterator[Caption]:
    """COCO's file of captions, or another with its layout."""
    refuse_column(column, file)
    values = json_of(text, str(file))
    listed = values.get(COCO) if isinstance(values, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) and isinstance(one.get("caption"), str) for one in listed):
        expected = f'COCO\'s layout, {{"{COCO}": [{{"image_id": 1, "id": 2, "caption": "a dog"}}]}}'
        raise InvalidInput("captions", expected=expected, got=f"another in {file}", fix="Lines of objects are a .jsonl.")
    records = ((place, one["caption"], {name: one[name] for name in IDS if name in one}) for place, one in enumerate(listed, 1))
    return read_records(records, file)


READERS: dict[str, Callable[[str, Path, str | None], Iterator[Caption]]] = {
    ".txt": of_lines,
    ".csv": of_table,
    ".tsv": of_table,
    ".jsonl": of_objects,
    ".json": of_coco,
}


def read_records(records: Iterable[Record], file: Path) -> Iterator[Caption]:
    """Captions of records, and a note of how many of them are empty. Raises InvalidInput, which names the line."""
    empty = 0
    for line, said, rest in records:
        if is_empty(said) and all(map(is_empty, rest.values())):
            empty += 1
            continue
        try:
            yield caption_of(line, said, rest)
        except InvalidInput as error:
            where = f"captions line {line}" if error.argument == "prompt" else f"captions line {line}: {error.argument}"
            raise InvalidInput(where, expected=error.expected, got=error.got, fix=error.fix) from error
    if empty:
        lines = "1 empty line is" if empty == 1 else f"{empty:,} empty lines are"
        logging.getLogger(__name__).info(f"{file.name}: {lines} left out.")


def caption_of(line: int, said: Any, rest: Mapping[str, Any]) -> Caption:
    """The caption of one record. Raises InvalidInput: it says nothing, or has what cannot be used."""
    if not isinstance(said, str):
        raise InvalidInput("prompt", expected="a sentence", got=said)
    check_prompt("prompt", said)
    if not rest:  # the usual case, of which there may be a million
        return Caption(said.strip(), line=line)
    settings, name = settings_of(rest), rest.get(NAME)
    more = {key: str(value) for key, value in rest.items() if key not in (SEED, NAME, *settings) and not is_empty(value)}
    called = "" if name is None else str(name).strip()
    return Caption(said.strip(), seed_of(rest.get(SEED)), settings or NONE_GIVEN, called, more or NONE_GIVEN, line)


def is_empty(value: Any) -> bool:
    """Whether a cell says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def seed_of(value: Any) -> int | None:
    """The seed of a line; None where its cell is empty. Raises InvalidInput for what is no seed."""
    if is_empty(value):
        return None
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 30 else value
    return check_seed("seed", number)


def refuse_column(column: str | None, file: Path) -> None:
    """A column is said only of what has several. Raises InvalidInput."""
    if column is not None:
        raise InvalidInput("column", expected=f"nothing, as {file} has no columns", got=column, fix="Leave it out.")


def lines_of(text: str) -> list[str]:
    """Lines of a text; one that it ends in is none more."""
    return text.removesuffix("\n").split("\n")


def json_of(text: str, where: str) -> Any:
    """What a text says. Raises InvalidInput for what is no JSON, or says one name twice."""
    try:
        return parse_json(text, unique=True)
    except ValueError as error:
        raise InvalidInput("captions", expected="JSON", got=f"{where} ({shown(str(error), 200)})") from error
