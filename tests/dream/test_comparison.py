"""Sheet, table and numbers of a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusedream_sdk.dream.comparison import Comparison, Contender
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError

QUIET: dict[str, Any] = {"progress": False}
PROMPTS = ("a red ball", "a blue ball")


@pytest.fixture
def found(dream: FuseDream) -> Comparison:
    made = dream.generate(list(PROMPTS), **QUIET)
    first = Contender("fusedream", "toys", made, evaluations=1234, seconds=0.5)
    return Comparison(
        PROMPTS, (0, 0), (first, Contender("reno", "toys", told="no | noise latent."), Contender("cma", "toys", made[0]))
    )


def test_the_table_has_the_means_of_each_method_and_the_sentence_of_one_that_could_not_draw(found: Comparison):
    lines = found.to_markdown().splitlines()
    mean = found["fusedream"].mean("augclip")
    assert lines[0] == "| method | models | judge | AugCLIP | CLIP | evaluations | s per picture |"
    assert lines[2].startswith(f"| fusedream | toys |  | {mean:.3f} | ")
    assert lines[2].endswith("| 1,234 | 0.5 |")
    assert lines[3] == "| reno | no \\| noise latent. |  |  |  |  |  |"
    assert {line.replace("\\|", "").count("|") for line in lines} == {8}
    assert str(found) == found.to_markdown()


def test_json_has_every_number(found: Comparison, tmp_path: Path):
    found.save_json(tmp_path / "all.json")
    told = json.loads((tmp_path / "all.json").read_text())
    assert (told["prompts"], told["seeds"], told["stopped"]) == (list(PROMPTS), [0, 0], False)
    first, second, third = told["methods"]
    assert [picture["prompt"] for picture in first["pictures"]] == list(PROMPTS)
    assert first["augclip"] == pytest.approx(sum(p["augclip"] for p in first["pictures"]) / 2)
    assert (second["told"], second["augclip"], second["pictures"]) == ("no | noise latent.", None, [])
    assert (third["told"], len(third["pictures"])) == (None, 1)


def test_the_sheet_has_a_column_for_each_method_and_a_line_for_each_picture(found: Comparison):
    sheet = np.asarray(found.sheet())
    step = 128 + 6
    assert sheet.shape[1] == 6 + step * 4
    assert sheet.shape[0] > 2 * step
    first = sheet[-step:, 6 + step : 6 + 2 * step]
    assert np.array_equal(first[:128:8, :128:8], np.asarray(found["fusedream"].result.pil[1]))  # pyright: ignore
    assert found._repr_png_().startswith(b"\x89PNG")


def test_the_sheet_is_written_once(found: Comparison, tmp_path: Path):
    assert found.save(tmp_path / "sheet.png") == tmp_path / "sheet.png"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == found.sheet().size
    with pytest.raises(OutputError, match="path: expected a new file"):
        found.save(tmp_path / "sheet.png")
    found.save(tmp_path / "sheet.png", overwrite=True)
    with pytest.raises(InvalidInput, match=r"path: expected a file that ends in \.png"):
        found.save(tmp_path / "sheet.gif")


def test_a_method_that_is_not_there_is_a_key_error(found: Comparison):
    with pytest.raises(KeyError):
        found["fusedraem"]


def test_a_notebook_shows_a_table_of_pictures_with_means_and_the_sentence(found: Comparison):
    html = found._repr_html_()
    assert html.count("<tr>") == 1 + 1 + 2
    assert html.count("data:image/png") == 3
    assert f"augclip {found['fusedream'].mean('augclip'):.3f}" in html
    assert "no | noise latent." in html
