"""`tests.benchmarks.claims.archive`: the rows behind a table as a file, on this machine and on another."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Interval
from tests.benchmarks.claims import archive, page
from tests.benchmarks.claims.__main__ import CLAIMS, main
from tests.benchmarks.claims.frame import Asked, one_by_one, paired
from tests.benchmarks.claims.verdict import Claim, Outcome, Statement, outcome

CLAIM = Claim(3, "a beats b", (Statement("a", "more", "a less b"),))
BEGIN, END = page.markers(3)


def measured(folder: Path) -> Path:
    """A folder as a command leaves it."""
    for name in (
        "asked.json",
        "rows/a/p-seed0.json",
        "rows/a/p-seed0.png",
        "rows/a/.p-seed1.png",
        "claim-3.md",
        "painter/0.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_rows_and_pictures_are_packed_and_what_is_made_of_them_is_not(tmp_path: Path):
    packed = archive.pack(measured(tmp_path / "runs"), tmp_path / "rows" / "claim-3.zip")
    archive.unpack(packed, tmp_path / "again")
    found = {path.relative_to(tmp_path / "again").as_posix() for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert found == {"asked.json", "rows/a/p-seed0.json", "rows/a/p-seed0.png"}
    assert (tmp_path / "again" / "rows" / "a" / "p-seed0.png").read_text() == "rows/a/p-seed0.png"


def test_the_same_rows_make_the_same_bytes(tmp_path: Path):
    one, other = (archive.pack(measured(tmp_path / name), tmp_path / f"{name}.zip") for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_rows_are_unpacked_into_a_new_folder_alone(tmp_path: Path):
    packed = archive.pack(measured(tmp_path / "runs"), tmp_path / "claim-3.zip")
    with pytest.raises(InvalidInput, match="not empty"):
        archive.unpack(packed, tmp_path / "runs")


@pytest.mark.parametrize("kind", ["missing", "no archive", "elsewhere", "damaged"])
def test_a_file_that_is_no_archive_of_rows_is_refused_and_nothing_is_written(kind: str, tmp_path: Path):
    path = tmp_path / "claim-3.zip"
    if kind == "no archive":
        path.write_text("rows")
    if kind == "elsewhere":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("../x", "x")
    if kind == "damaged":
        content = archive.pack(measured(tmp_path / "runs"), path).read_bytes()
        at = content.index(b"asked.json") + len("asked.json")
        path.write_bytes(content[:at] + b"????" + content[at + 4 :])
    with pytest.raises(InvalidInput, match="archive of rows"):
        archive.unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_command_packs_its_rows_beside_the_page_and_begins_with_them_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    calls = []

    def row(way: str, prompt: str, seed: int) -> dict[str, float]:
        calls.append(prompt)
        return {"x": 1.0}

    def measure(asked: Asked) -> Outcome:
        rows = paired(asked, ["one", "three", "fourth"][: asked.prompts], ["a"], one_by_one(row))
        return outcome(CLAIM, {"a": Interval(0.2, 0.1, 0.3)}, rows.counts)

    monkeypatch.setitem(CLAIMS, 3, (CLAIM, measure))
    (tmp_path / "evidence.md").write_text(f"{BEGIN}\nold\n{END}\n")
    write = ["--write", str(tmp_path / "evidence.md")]
    assert main(["3", "--out", str(tmp_path / "one"), "--prompts", "2", *write]) == 0
    assert "[Its rows](rows/claim-3.zip)." in page.between((tmp_path / "evidence.md").read_text(), 3)
    rows = ["--rows", str(tmp_path / "rows" / "claim-3.zip")]
    assert main(["3", "--out", str(tmp_path / "other"), "--prompts", "3", *rows]) == 0
    assert calls == ["one", "three", "fourth"]
