"""`tests.benchmarks.claims`: when a claim holds, and that the page's figures are the command's."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.bootstrap import Interval
from tests.benchmarks import case_studies
from tests.benchmarks.claims import attacks, page
from tests.benchmarks.claims.__main__ import CLAIMS, made_by, main, parser, seeds_of
from tests.benchmarks.claims.verdict import (
    FAILS,
    HOLDS,
    UNKNOWN,
    UNRUN,
    Claim,
    Found,
    Mean,
    Outcome,
    Sheet,
    Statement,
    outcome,
    together,
)
from tests.cli.toys import ROOT

PAGE = ROOT / "docs" / "evidence.md"
ABOVE, BELOW = Statement("a", "more", "a less b"), Statement("b", "fewer", "share of b", bar=0.1, below=True, unit="share")
TWENTY = Statement("c", "about 20 times", "b over a", number=20.0, unit="times")
UNTOLD = Statement("d", "all of COCO", "", untold="needs COCO")
CLAIM = Claim(3, "a beats b", (ABOVE, BELOW, TWENTY))
FOUND = {"a": Interval(0.2, 0.1, 0.3), "b": Interval(0.05, 0.0, 0.2), "c": Interval(19.0, 12.0, 30.0)}


@pytest.mark.parametrize(
    ("statement", "ends", "verdict"),
    [
        (ABOVE, (0.01, 0.3), HOLDS),
        (ABOVE, (-0.3, -0.01), FAILS),
        (ABOVE, (-0.1, 0.3), UNKNOWN),
        (ABOVE, (0.0, 0.3), UNKNOWN),  # the bar itself is on neither side
        (ABOVE, (math.nan, math.nan), UNKNOWN),
        (BELOW, (-0.2, 0.09), HOLDS),
        (BELOW, (0.11, 0.3), FAILS),
        (BELOW, (0.0, 0.2), UNKNOWN),
        (TWENTY, (15.0, 30.0), HOLDS),
        (TWENTY, (2.0, 6.0), FAILS),
        (TWENTY, (21.0, 30.0), FAILS),
        (TWENTY, (2.0, 300.0), UNKNOWN),  # so wide an interval holds any number
    ],
)
def test_a_statement_is_judged_by_where_its_interval_lies(statement: Statement, ends: tuple[float, float], verdict: str):
    assert statement.verdict(Interval(sum(ends) / 2, *ends)) == verdict


def test_the_rule_is_told_in_the_units_of_the_effect():
    assert [one.rule for one in (ABOVE, BELOW, TWENTY)] == ["above 0", "below 10 %", "within 10 and 40, with 20 inside"]


def test_of_fewer_than_ten_prompts_nothing_is_told():
    assert [Found(ABOVE, FOUND["a"], count, 4 * count).verdict for count in (9, 10)] == [UNKNOWN, HOLDS]


def test_a_claim_says_all_of_its_statements_at_once():
    assert together([HOLDS, HOLDS]) == HOLDS
    assert together([HOLDS, UNKNOWN]) == UNKNOWN
    assert together([UNKNOWN, HOLDS, FAILS]) == FAILS
    assert together([]) == UNKNOWN


def test_a_statement_without_an_effect_cannot_be_told():
    found = outcome(Claim(3, "", (ABOVE, UNTOLD)), {"a": FOUND["a"]}, (20, 40))
    assert [one.verdict for one in found.found] == [HOLDS, UNKNOWN]
    assert found.verdict == UNKNOWN
    assert "needs COCO" in found.to_markdown().splitlines()[-1]
    with pytest.raises(ValueError, match="statements of claim 3, got z"):
        outcome(CLAIM, {"z": FOUND["a"]}, (20, 40))


def test_a_table_has_the_same_statements_and_rules_before_and_after():
    unrun, run = CLAIM.unrun().splitlines(), outcome(CLAIM, FOUND, (20, 40)).to_markdown().splitlines()
    assert unrun[0] == f"**Verdict: {UNRUN}.**"
    assert run[0] == "**Verdict: cannot be told here.** Its 3 statements: holds: 2; cannot be told here: 1."
    assert [row.split(" | ")[:3] for row in unrun[2:7]] == [row.split(" | ")[:3] for row in run[2:7]]
    assert run[4] == "| more | a less b | above 0 | 0.200 | 0.100 to 0.300 | 20 prompts, 40 rows | holds |"


def test_the_figures_behind_stand_below_the_table_a_line_for_each_way():
    means = [Mean("one", "first", Interval(0.95, 0.875, 1.0), True), Mean("one", "CLIP", Interval(-0.5, -0.6, -0.4))]
    means.append(Mean("other", "CLIP", Interval(0.25)))  # nothing is known of its interval
    lines = outcome(CLAIM, FOUND, (20, 40), means=means, notes=["A note."]).to_markdown().splitlines()
    assert lines[8:] == [
        "The figures behind it, each with its 95 % interval:",
        "",
        "|  | first | CLIP |",
        "| --- | --- | --- |",
        "| one | 95.0 % (87.5 % to 100.0 %) | −0.500 (−0.600 to −0.400) |",
        "| other |  | 0.250 |",
        "",
        "- A note.",
    ]


def test_the_plot_has_a_panel_for_each_rule_and_each_measure():
    means = [Mean(way, "CLIP", FOUND["a"]) for way in ("one", "other")]
    axes = outcome(CLAIM, FOUND, (20, 40), means=means).plot().axes
    titles = [one.get_title(loc="left") for one in axes]
    rules = [f"Holds where the interval is {one.rule}" for one in CLAIM.statements]
    assert titles == [*rules, "Behind it: CLIP"]
    marks = [line.get_xdata()[0] for one in axes for line in one.lines if line.get_linestyle() == "--"]  # pyright: ignore
    assert marks == [0.0, 10.0, 20.0]


# The page


def text_of(body: str = "old") -> str:
    begin, end = page.markers(3)
    return f"before\n{begin}\n{body}\n{end}\nafter, {page.markers(4)[0]}\n"


def test_only_what_is_between_the_markers_is_replaced():
    assert page.replaced(text_of(), 3, "new\n\nlines\n") == text_of("new\n\nlines")
    assert page.replaced(text_of("new"), 3, "new") == text_of("new")
    assert page.between(text_of("a\n\nb"), 3) == "a\n\nb"


def test_the_verdicts_of_a_page_stand_together_and_follow_it():
    begin, end = page.SUMMARY
    (third, third_end), (fourth, fourth_end) = page.markers(3), page.markers(4)
    other = f"## 4. Adam\n{fourth}\n**Verdict: does not hold.** Its 2 statements: holds: 1; does not hold: 1.\n\n{fourth_end}\n"
    text = f"{begin}\nold\n{end}\n## 3. Starts\n{third}\n{CLAIM.unrun()}\n{third_end}\n{other}"
    summed = page.summed_up(text)
    assert summed.partition(end)[0].splitlines()[1:] == [
        "",
        "|  | claim | verdict | its statements |",
        "| --- | --- | --- | --- |",
        "| 3 | Starts | not run yet |  |",
        "| 4 | Adam | does not hold | holds: 1; does not hold: 1 |",
        "",
    ]
    assert summed.partition(end)[2] == text.partition(end)[2]
    again = page.replaced(summed, 3, outcome(CLAIM, FOUND, (20, 40)).to_markdown())
    assert "| 3 | Starts | cannot be told here | holds: 2; cannot be told here: 1 |" in again
    assert page.summed_up(PAGE.read_text()) == PAGE.read_text()
    assert page.summed_up(text_of()) == text_of()  # a page without a place for them


@pytest.mark.parametrize("text", ["", text_of() * 2, "{1}\n{0}".format(*page.markers(3))], ids=["none", "twice", "order"])
def test_a_page_without_the_markers_is_refused(text: str):
    with pytest.raises(InvalidInput, match="claim 3"):
        page.replaced(text, 3, "new")


def test_what_was_found_and_its_plot_are_put_into_a_page(tmp_path: Path):
    place = tmp_path / "evidence.md"
    place.write_text(text_of())
    found = outcome(CLAIM, FOUND, (20, 40), sheets=[Sheet("ways", "Some", "a, then b.", Image.new("RGB", (9, 5)))])
    page.write(place, found, "`claims 2`")
    written = page.write(place, found, "`claims 3 --prompts 20`")  # again: the same page
    assert [path.name for path in written] == ["evidence.md", "claim-3.png", "claim-3-ways.png"]
    body = page.between(place.read_text(), 3)
    assert "(images/claim-3.png)\n\n![Some](images/claim-3-ways.png)\n\n*a, then b.*\n\nMade by" in body
    with Image.open(tmp_path / "images" / "claim-3-ways.png") as sheet:
        assert sheet.size == (9, 5)
    assert body.startswith(found.to_markdown())
    assert body.endswith("Made by `claims 3 --prompts 20`.")
    assert (tmp_path / "images" / "claim-3.png").stat().st_size > 1000
    assert page.replaced(place.read_text(), 3, "old") == text_of()


def test_the_page_of_evidence_states_every_rule_and_every_verdict_is_one_of_a_command():
    text = PAGE.read_text()
    for number, (claim, _) in CLAIMS.items():
        assert claim.number == number
        assert f"\n## {number}. {claim.title}\n" in text
        assert f"python -m tests.benchmarks.claims {number} --out" in text
        body = page.between(text, number)
        for row in claim.table().splitlines()[2:]:
            assert " | ".join(row.split(" | ")[:3]) in body
        verdict = re.match(r"\*\*Verdict: (.+?)\.\*\*", body)
        assert verdict
        assert verdict[1] in (UNRUN, HOLDS, FAILS, UNKNOWN)
        assert (verdict[1] == UNRUN) != ("\nMade by `claims" in body)


def test_keys_of_statements_are_there_once():
    for claim, _ in CLAIMS.values():
        keys = [one.key for one in claim.statements]
        assert len(set(keys)) == len(keys)


# The command


def test_seeds_are_read_as_ranges_and_lists():
    assert seeds_of("0-2,5,1") == (0, 1, 2, 5)
    assert parser().parse_args(["3", "--out", "x", "--seeds", "0-3"]).seeds == (0, 1, 2, 3)
    for wrong in (["--seeds", "3-1"], ["--prompts", "1"], ["--steps", "0"]):
        with pytest.raises(SystemExit):
            parser().parse_args(["3", "--out", "x", *wrong])


def test_what_cannot_be_done_is_said_before_anything_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "page.md").write_text("no markers")
    assert main(["3", "--out", str(tmp_path / "out"), "--write", str(tmp_path / "page.md")]) == 2
    assert "claim 3" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_command_writes_table_plot_and_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(CLAIMS, 3, (CLAIM, lambda asked: outcome(CLAIM, FOUND, (asked.prompts, 40))))
    place = tmp_path / "evidence.md"
    place.write_text(text_of())
    assert main(["3", "--out", str(tmp_path / "out"), "--prompts", "12", "--write", str(place)]) == 0
    assert {path.name for path in (tmp_path / "out").glob("claim-3.*")} == {"claim-3.json", "claim-3.md", "claim-3.png"}
    plain = json.loads((tmp_path / "out" / "claim-3.json").read_text())
    assert [one["verdict"] for one in plain["found"]] == [HOLDS, UNKNOWN, HOLDS]
    args = parser().parse_args(["3", "--out", str(tmp_path / "out"), "--prompts", "12"])
    assert page.between(place.read_text(), 3).endswith(f"Made by {made_by(args)}. [Its rows](rows/claim-3.zip).")
    assert str(tmp_path) not in place.read_text()


def test_a_claim_is_measured_from_end_to_end_and_again_from_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(case_studies, "VIEWS", 4)
    ask = ["1", "--out", str(tmp_path / "out"), "--prompts", "2"]
    assert main(ask) == 0
    table = (tmp_path / "out" / "claim-1.md").read_text()
    rows = [json.loads(path.read_text())["values"] for path in (tmp_path / "out" / "rows").rglob("*.json")]
    assert len(rows) == 6
    assert all(set(row) == set(attacks.MEASURES) for row in rows)
    assert "2 prompts, 2 rows" in table
    (tmp_path / "out" / "claim-1.md").unlink()
    monkeypatch.setattr(case_studies.Readers, "__call__", lambda *_: pytest.fail("measured again"))
    assert main([*ask, "--resume"]) == 0
    assert (tmp_path / "out" / "claim-1.md").read_text() == table


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]):
    def stopped(asked: object) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setitem(CLAIMS, 3, (CLAIM, stopped))
    assert main(["3", "--out", str(tmp_path / "out")]) == 130
    assert "--resume" in capsys.readouterr().err
