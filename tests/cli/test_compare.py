"""Methods side by side, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream

WORDS = ("compare", "a red disc", "a blue disc", "--methods", "fusedream,clip-adam", "-m", "toy", "-o", "two.png")


def test_a_sheet_a_table_and_the_pictures_of_each_method(fusedream):
    code, out, err = fusedream(*WORDS)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("| method | models | judge |")
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["fusedream", "clip-adam"]
    assert all(line.split("|")[3].strip() for line in lines[2:])  # the judge's
    assert sorted(path.name for path in Path().iterdir()) == ["two", "two.png"]
    assert len(list(Path("two/fusedream").glob("*.png"))) == len(list(Path("two/clip-adam").glob("*.png"))) == 2
    assert "fusedream: fusedream: 2 pictures" in err
    assert "sheet: two.png, pictures: two" in err
    with Image.open("two.png") as sheet:
        assert sheet.width > 3 * 128


def test_settings_seeds_and_json(fusedream):
    code, out, _ = fusedream(*WORDS, "--json", "-s", "0,1", "--steps", "2", "--basis", "2", "--progress", "none")
    told = json.loads(out)
    assert (code, told["seeds"]) == (0, [0, 1, 0, 1])
    assert [method["method"] for method in told["methods"]] == ["fusedream", "clip-adam"]
    assert all(method["evaluations"] for method in told["methods"])


def test_options_of_a_method_may_have_commas(fusedream):
    names = "fusedream,random-search?population=3&spread=0.5"
    code, out, _ = fusedream("compare", "a red disc", "--methods", names, "-m", "toy", "-o", "a.png", "--pictures", "all")
    assert code == 0
    assert "| random-search?population=3&spread=0.5 | toy with toy |" in out
    assert len(list(Path("all").iterdir())) == 2


def test_a_pair_behind_a_name_needs_no_other_models(fusedream):
    code, out, _ = fusedream("compare", "a red disc", "--methods", "fusedream@toy", "-o", "a.png")
    assert code == 0
    assert "| fusedream@toy | toy with toy |" in out


def test_a_comparison_goes_on_and_takes_more_methods(fusedream):
    assert fusedream(*WORDS)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("two").rglob("*.png")}
    code, _, err = fusedream(*WORDS)
    assert code == 2
    assert "--out: expected a new file, but two.png exists." in err
    more = [word.replace("clip-adam", "clip-adam,random-search?population=3") for word in WORDS]
    code, out, _ = fusedream(*more, "--resume")
    assert code == 0
    assert len(out.splitlines()) == 5
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--methods", "fusedraem"), "Did you mean 'fusedream'?"),
        (("--methods", "fusedream,,clip-adam"), "expected names between commas; got 'fusedream,,clip-adam'."),
        (("--methods", "fusedream@tory"), "models: expected one of"),
        (("-o", "two.jpg"), "--out: expected a file that ends in .png, got two.jpg."),
        (("-o", "two.png", "--pictures", "two.png"), "--pictures: expected another place than the sheet's"),
        (("--steps", "0"), "expected an integer of at least 1; got '0'."),
    ],
)
def test_a_mistake_is_refused_in_one_sentence_and_nothing_is_written(fusedream, words, message):
    code, out, err = fusedream(*WORDS, *words)
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not list(Path().iterdir())


def test_where_no_method_can_draw_the_table_says_why_and_the_code_too(fusedream, monkeypatch):
    from fusedream_sdk.errors import InvalidInput

    def unable(*_given, **_options):
        raise InvalidInput("start", expected="a class latent", got="none", fix="Choose another generator.")

    monkeypatch.setattr(FuseDream, "generate", unable)
    code, out, _ = fusedream(*WORDS)
    assert code == 2
    assert out.count("start: expected a class latent, got none. Choose another generator.") == 2
