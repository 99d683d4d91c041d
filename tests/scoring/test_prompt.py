"""Prompts that add up."""

from __future__ import annotations

import math
import string
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.imaging.pictures import to_pil
from fusedream_sdk.scoring.prompt import Prompt, Term, check_prompts, check_text, parse, split_weight

PICTURE = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
WORDS = st.text(string.ascii_lowercase + " :.-0123456789", min_size=1).filter(str.strip)
WEIGHTS = st.floats(-1e3, 1e3).filter(lambda w: abs(w) > 1e-3)
PROMPTS = st.lists(st.tuples(WORDS, WEIGHTS), min_size=1, max_size=4).map(
    lambda parts: Prompt.of([Term(text.strip(), weight) for text, weight in parts])
)


def test_a_sentence_is_a_prompt_of_one_part():
    assert Prompt(" a blue dog ").terms == (Term("a blue dog", 1.0),)
    assert str(Prompt("a blue dog")) == "a blue dog"


def test_weights_are_read_where_there_is_a_bar():
    assert parse("a blue dog | text : -0.3") == [Term("a blue dog", 1.0), Term("text", -0.3)]
    assert parse("a:2|b:.5|c:1e-1|d:+3.") == [Term("a", 2.0), Term("b", 0.5), Term("c", 0.1), Term("d", 3.0)]
    assert parse("a dog:0.5 |") == [Term("a dog", 0.5)]


@pytest.mark.parametrize("text", ["a clock at 12:30", "ratio 3:2", "a dog:0.5"])
def test_without_a_bar_a_sentence_is_read_as_it_is(text: str):
    assert parse(text) == [Term(text, 1.0)]


def test_a_number_at_the_end_that_is_no_weight_stays_in_the_text():
    assert parse("at 12:30:1 | b:one | c:") == [Term("at 12:30", 1.0), Term("b:one", 1.0), Term("c:", 1.0)]


@pytest.mark.parametrize("text", ["", "  ", "|", "a || b", "| a", "a | :0.5"])
def test_an_empty_part_is_refused(text: str):
    with pytest.raises(InvalidInput, match=r"Prompt: expected parts that say something, between the \|, got"):
        Prompt(text)


def test_the_algebra_and_the_text_say_the_same():
    assert Prompt("a blue dog") - 0.3 * Prompt("text") == Prompt("a blue dog | text:-0.3")
    assert Prompt("a") + "b" == "a" + Prompt("b") == Prompt("a | b")
    assert "a" - Prompt("b") == Prompt("a | b:-1")
    assert Prompt("a") / 2 == Prompt("a:0.5 |")


@given(PROMPTS)
def test_a_prompt_can_be_read_back_from_its_text(prompt: Prompt):
    again = Prompt(str(prompt))
    assert again == prompt
    assert hash(again) == hash(prompt)


@given(PROMPTS, PROMPTS, WEIGHTS)
def test_prompts_are_a_vector_space(a: Prompt, b: Prompt, weight: float):
    assert weights(a + b) == pytest.approx(weights(b + a))
    assert weights(weight * (a + b)) == pytest.approx(weights(weight * a + weight * b))
    assert weights(a + a) == pytest.approx(weights(2 * a))
    assert not (a - a).terms


@given(PROMPTS)
def test_shares_add_up_to_one_in_magnitude_and_forget_the_scale(prompt: Prompt):
    assert sum(map(abs, prompt.shares())) == pytest.approx(1)
    assert (3 * prompt).shares() == pytest.approx(prompt.shares())


def weights(prompt: Prompt) -> dict[str, float]:
    return {term.text: term.weight for term in prompt.terms if not math.isclose(term.weight, 0, abs_tol=1e-9)}


@pytest.mark.parametrize("weight", [math.nan, math.inf, True, "2", None])
def test_only_finite_numbers_multiply_a_prompt(weight: object):
    with pytest.raises(InvalidInput, match="weight: expected a finite number to multiply a prompt by, got"):
        weight * Prompt("a")  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def test_a_prompt_and_something_else_do_not_add_up():
    with pytest.raises(TypeError):
        Prompt("a") + 3  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def test_a_prompt_is_a_text_or_a_picture():
    with pytest.raises(InvalidInput, match="Prompt: expected a text or an image, got both"):
        Prompt("a", image=PICTURE)
    with pytest.raises(InvalidInput, match="Prompt: expected a text or an image, got neither"):
        Prompt()


def test_a_picture_is_known_by_its_pixels(tmp_path: Path):
    to_pil(PICTURE).save(tmp_path / "a.png")
    same = [Prompt(image=tmp_path / "a.png"), Prompt(image=str(tmp_path / "a.png")), Prompt(image=to_pil(PICTURE))]
    assert len(set(same)) == 1
    assert Prompt(image=1 - PICTURE) != Prompt(image=PICTURE)


@pytest.mark.parametrize("bad", ["none.png", torch.zeros(3, 5000, 20), torch.zeros(20, 20), 7])
def test_a_picture_that_cannot_be_used_is_refused(bad: object):
    with pytest.raises(InvalidInput, match="image: expected a"):
        Prompt(image=bad)  # pyright: ignore[reportArgumentType]


def test_a_text_cannot_hold_a_picture_but_finds_it_again():
    whole = Prompt("a dog") + 0.5 * Prompt(image=PICTURE)
    read = Prompt(str(whole))
    assert read == whole
    name = whole.terms[1].text
    message = rf"prompts: expected the picture of {name[:5]}.*, got its name alone. .*image_prompts"
    with pytest.raises(InvalidInput, match=message):
        check_prompts(read)
    with pytest.raises(InvalidInput, match=message):
        check_prompts(read.with_pictures([1 - PICTURE]))
    (found,) = check_prompts(read.with_pictures([1 - PICTURE, PICTURE]))
    assert found.terms[1].picture is not None
    assert torch.equal(found.terms[1].picture, PICTURE)


def test_the_subject_is_the_text_that_counts_most():
    assert Prompt("a | b:3 | c:-9").subject == "b"
    assert (Prompt(image=PICTURE) + "a dog").subject == "a dog"
    assert Prompt(image=PICTURE).subject == ""


def test_one_prompt_or_several_are_taken_and_stripped():
    assert check_prompts(" a blue dog\n") == [Prompt("a blue dog")]
    assert check_prompts(("a", "b")) == [Prompt("a"), Prompt("b")]


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ("", "prompts: expected a sentence, got an empty one. Say what the picture should show."),
        (" \n", "prompts: expected a sentence, got an empty one. Say what the picture should show."),
        (["a", ""], "prompts[1]: expected a sentence, got an empty one. Say what the picture should show."),
        ([], "prompts: expected at least one sentence, got an empty list. Say what the picture should show."),
        (None, "prompts: expected a sentence or a list of sentences, got None. Say what the picture should show."),
        (
            ["a", 3],
            "prompts: expected a sentence or a list of sentences, got ['a', 3]. Say what the picture should show.",
        ),
        (
            ["a", -Prompt("b")],
            "prompts[1]: expected a part with a weight above 0, got 'b:-1 |'. Say what the picture should show.",
        ),
        (Prompt("a") - "a", "prompts: expected a part with a weight above 0, got ''. Say what the picture should show."),
        (b"a", "prompts: expected a sentence or a list of sentences, got b'a'. Say what the picture should show."),
    ],
)
def test_prompts_that_say_nothing_are_refused(prompts: object, message: str):
    with pytest.raises(InvalidInput) as caught:
        check_prompts(prompts)  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == message


@given(st.text(max_size=60) | st.text("a|:.0-9e+ \n\x00\udcff", max_size=60))
def test_any_text_is_refused_or_read_back_from_what_it_shows(text: str):
    try:
        prompt = Prompt(text)
    except InvalidInput:
        return
    assert Prompt(str(prompt)) == prompt or not prompt.terms


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "a" + " " * 9_990 + "b | c", ":" * 5_000 + "|" + "1:" * 2_000, "a:" + "9" * 9_000]
)
def test_the_longest_text_is_read_at_once(text: str):
    begun = time.perf_counter()
    assert Prompt(text).terms
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 10_001, "prompts: expected at most 10,000 letters, got 10,001. Say less: "),
        ("a\udcff", "prompts: expected a readable text, got a byte that is no UTF-8 as letter 2. Remove it."),
        ("a\x00b", r"prompts: expected a readable text, got the control character '\x00' as letter 2. Remove it."),
        ("a\x1b[31m", r"prompts: expected a readable text, got the control character '\x1b' as letter 2. Remove it."),
        (5, "prompts: expected a text, got an int."),
    ],
    ids=["long", "byte", "nul", "escape", "number"],
)
def test_what_no_scorer_can_read_is_refused(text: object, message: str):
    with pytest.raises(InvalidInput) as caught:
        check_text("prompts", text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["a:1e999 | b", "a:1e10 |", f"a:{'9' * 400} |", "a | b:-1e10"])
def test_a_weight_past_its_bound_is_refused(text: str):
    with pytest.raises(InvalidInput, match=r"Prompt: expected weights from -1,000,000,000 to 1,000,000,000, got"):
        Prompt(text)


def test_weights_that_grow_past_the_bound_and_parts_without_end_are_refused():
    with pytest.raises(InvalidInput, match="expected weights from"):
        Prompt("a:9e8 |") + Prompt("a:9e8 |")  # pyright: ignore[reportUnusedExpression]
    with pytest.raises(InvalidInput, match="weight: expected a number other than 0 to divide a prompt by, got 0"):
        Prompt("a") / 0  # pyright: ignore[reportUnusedExpression]
    with pytest.raises(InvalidInput, match=r"Prompt: expected at most 100 parts, got 101\. Leave some out\."):
        Prompt("|".join(f"word {i}" for i in range(101)))


def test_a_text_and_its_weight_are_told_apart():
    assert split_weight("sketch.png:0.5") == ("sketch.png", 0.5)
    assert split_weight("sketch.png : -2") == ("sketch.png", -2)
    assert split_weight("sketch.png") == ("sketch.png", 1)
    assert split_weight("C:/sketch.png") == ("C:/sketch.png", 1)


def test_a_notebook_shows_each_part_with_its_share():
    prompt = Prompt("a dog") - 0.5 * Prompt("a <cat>") + 0.5 * Prompt(image=torch.rand(3, 16, 16))
    html = prompt._repr_html_()
    assert "a &lt;cat&gt;" in html
    assert all(share in html for share in ("+50%", "-25%", "+25%"))
    assert html.count("data:image/png") == 1
