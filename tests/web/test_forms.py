"""What visitors ask for, read."""

from __future__ import annotations

import pytest

from fusedream_sdk.errors import InvalidInput, UnknownPlugin
from fusedream_sdk.web.forms import Form, named_method, number_in, two_methods
from fusedream_sdk.web.limits import Limits


def test_a_sentence_on_each_line_and_each_seed_once():
    prompts, seeds = Form("a dog\n\n  a cat ", "0-1,1").rows(Limits())
    assert ([str(prompt) for prompt in prompts], seeds) == (["a dog", "a cat"], [0, 1])


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (Form(""), "prompts: expected a sentence, got an empty one"),
        (Form(None), "prompts: expected a sentence, got an empty one"),
        (Form("a dog", None), "seeds: expected integers from 0"),
        (Form(" \n "), "prompts: expected a sentence, got an empty one"),
        (Form("a dog", "x"), "seeds: expected integers from 0"),
        (Form("a dog", ""), "seeds: expected integers from 0"),
        (Form("a dog", "-1"), "seeds: expected integers from 0"),
        (Form("a dog", "0-8"), "seeds: expected at most 8 pictures at a time on this page, got 9"),
        (Form("a dog | a cat:x\x00"), "prompts"),
    ],
)
def test_what_cannot_be_used_is_refused(form: Form, message: str):
    with pytest.raises(InvalidInput, match=message):
        form.rows(Limits())


def test_one_picture_is_one_prompt_and_one_seed():
    assert Form("a dog", "3").row()[1] == 3
    with pytest.raises(InvalidInput, match="seeds: expected at most 1 pictures"):
        Form("a dog\na cat").row()


def test_what_was_left_empty_is_not_given():
    numbers = {"steps": "3", "lr": None, "mix": " ", "noise": "0", "keep": "last", "views": ""}
    assert Form("x", numbers=numbers).given() == {"steps": 3, "noise": 0, "keep": "last"}


@pytest.mark.parametrize(("text", "number"), [("7", 7), (" 0.5 ", 0.5), ("1e-3", 0.001), ("many", "many"), ("", None), (3, 3)])
def test_a_number_is_read_and_what_is_none_is_left_to_be_refused(text: object, number: object):
    assert number_in(text) == number


def test_a_method_is_known_by_its_name_and_options_but_names_no_file():
    assert named_method(None).name == named_method(" ").name == "fusedream"
    assert named_method("random-search?population=4").members == 4
    with pytest.raises(UnknownPlugin, match="Did you mean 'clip-adam'"):
        named_method("clip-adm")
    with pytest.raises(InvalidInput, match="method: expected options that name no file, got /etc/passwd"):
        named_method("styleclip?source=/etc/passwd")


def test_two_methods_have_to_differ():
    assert [method.name for method in two_methods(["fusedream", "clip-adam"])] == ["fusedream", "clip-adam"]
    assert len(two_methods(["random-search?population=4", "random-search?population=8"])) == 2
    with pytest.raises(InvalidInput, match="methods: expected two that differ, got fusedream twice"):
        two_methods(["fusedream", None])
