"""From what a verb raises to an exit code and one sentence."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from fusedream_sdk.cli import exits
from fusedream_sdk.errors import InvalidInput, NotEnoughMemory, WeightsError


def group(verb: Callable[[], Any]) -> click.Group:
    """A program with one verb, `do`."""
    made = click.Group("fusedream")
    made.add_command(click.Command("do", callback=verb))
    return made


def raising(error: BaseException) -> click.Group:
    def verb() -> None:
        raise error

    return group(verb)


@pytest.mark.parametrize(("given", "code"), [(None, 0), (0, 0), (1, 1), (2, 2), ("text", 0)])
def test_a_verb_may_say_its_exit_code(given: object, code: int):
    assert exits.run(group(lambda: given), ["do"]) == code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInput("steps", expected="more", got=0), 2, "fusedream: steps: expected more, got 0."),
        (WeightsError("a.pt: damaged."), 2, "fusedream: a.pt: damaged."),
        (click.UsageError("Missing argument."), 2, "fusedream: Missing argument."),
        (KeyboardInterrupt(), 130, "fusedream: interrupted; nothing was saved."),
        (
            MemoryError(),
            1,
            "fusedream: out of memory. Ask for less at a time: --memory-gb, fewer --views, or another",
        ),
        (NotEnoughMemory("memory: expected room for one row."), 2, "fusedream: memory: expected room for one row."),
        (KeyError("a"), 1, "fusedream: KeyError: 'a'. This is a fault of the SDK or of a plugin, not of what you asked."),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, BaseException) else "",
)
def test_what_is_raised_becomes_a_code_and_one_sentence(error, code, said, capsys, monkeypatch):
    monkeypatch.delenv(exits.DEBUG, raising=False)
    assert exits.run(raising(error), ["do"]) == code
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line]
    assert shown.out == ""
    assert len(lines) == 1
    assert lines[0].startswith(said)


def test_the_table_of_the_page_is_that_of_the_code_and_of_the_help(fusedream):
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    table = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE)}
    assert table == exits.CODES
    assert set(table) == {exits.DONE, exits.OURS, exits.YOURS, exits.INTERRUPTED}
    shown = " ".join(fusedream("--help")[1].split())
    assert all(f"{code} {' '.join(meaning.split())}" in shown for code, meaning in table.items())


def test_a_gpu_that_is_full_is_told_as_memory(capsys):
    class OutOfMemoryError(RuntimeError):
        pass

    assert exits.run(raising(OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")), ["do"]) == 1
    assert capsys.readouterr().err.startswith("fusedream: out of memory. Ask for less at a time")


def test_a_usage_error_says_where_the_help_is(capsys):
    assert exits.run(group(lambda: None), ["do", "--nothing"]) == 2
    assert capsys.readouterr().err == "fusedream: No such option '--nothing'. See: fusedream do --help\n"


@pytest.mark.parametrize("error", [InvalidInput("steps", expected="more", got=0), KeyError("a")], ids=["yours", "ours"])
def test_a_traceback_is_shown_to_those_who_ask(error, capsys, monkeypatch):
    monkeypatch.setenv(exits.DEBUG, "1")
    exits.run(raising(error), ["do"])
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert exits.DEBUG not in shown


def test_a_warning_is_one_line_without_its_source(capsys):
    before = warnings.showwarning

    def verb() -> None:
        warnings.simplefilter("always")
        warnings.warn("it may differ.", stacklevel=2)

    assert exits.run(group(verb), ["do"]) == 0
    assert capsys.readouterr().err == "fusedream: warning: it may differ.\n"
    assert warnings.showwarning is before


def test_a_mistake_gives_2_and_one_sentence_without_a_traceback(process):
    running = process("generate", "a red disc", "--models", "tony")
    _, err = running.communicate(timeout=120)
    assert running.returncode == 2
    assert err.splitlines()[-1].startswith("fusedream: models: expected one of ")
    assert "Did you mean 'toy'?" in err
    assert "Traceback" not in err


def test_ctrl_c_before_anything_can_be_saved_gives_130(fusedream):
    code, out, err = fusedream("generate", "a red disc", "--generator", "interrupted", "--scorer", "toy", "--out", "a.png")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "fusedream: interrupted; nothing was saved."
    assert not Path("a.png").exists()


def test_a_fault_of_ours_gives_1_and_says_how_to_see_the_traceback(fusedream, monkeypatch):
    words = ("generate", "a red disc", "--generator", "faulty", "--scorer", "toy")
    code, _, err = fusedream(*words)
    assert code == 1
    assert "ZeroDivisionError: a plugin divided by zero" in err
    assert "See where: fusedream --debug ..." in err
    assert "faulty" in err
    assert "Traceback" not in err
    code, _, err = fusedream("--debug", *words)
    assert code == 1
    assert "Traceback" in err
    monkeypatch.setenv("FUSEDREAM_DEBUG", "1")
    code, _, err = fusedream(*words)
    assert code == 1
    assert "Traceback" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gnerate"], "No such command 'gnerate'"),
        (["generate"], "Missing argument 'PROMPT...'"),
        (["generate", "a", "--steps", "0"], "'--steps': expected an integer of at least 1; got '0'."),
        (["generate", "a", "--views", "0"], "'--views': expected an integer of at least 1; got '0'."),
        (["generate", "a", "--seed", "-1"], "expected integers from 0"),
        (["generate", "a", "--seed", "3-1"], "expected integers from 0"),
        (["generate", "a", "--seed", "0-99999999999"], "expected integers from 0"),
        (["generate", "a", "--seed", "9223372036854775808"], "none above 9223372036854775807"),
        (["generate", " ", "--models", "toy"], "expected a sentence, got an empty one"),
        (["generate", "a", "", "--models", "toy"], "prompts[1]: expected a sentence, got an empty one"),
        (["generate", "a", "--models", "toy", "--basis", "50"], "basis: expected at most samples = 32, got 50"),
        (["generate", "a", "--models", "broken"], "No module named 'a_module_that_is_not_there'"),
        (["generate", "a", "--models", "toy", "--device", "nowhere"], "device: expected a device of this machine"),
        (["generate", "a", "--models", "toy", "--dtype", "float7"], "dtype: expected 'auto' or one of"),
        (["generate", "a", "--generator", "./no-folder", "--scorer", "toy"], "no-folder"),
        (["replay", "missing.png", "--out", "b.png"], "picture: expected an existing file, got missing.png"),
        (["interpolate", "missing.png", "b.png", "--out", "f.gif"], "picture: expected an existing file"),
        (["interpolate", "a.png", "b.png", "--out", "f.avi"], "expected a file that ends in .gif or .mp4, got f.avi"),
        (
            ["interpolate", "a.png", "b.png", "--out", "f.gif", "--frames", "1"],
            "'--frames': expected an integer of at least 2; got '1'.",
        ),
    ],
)
def test_every_mistake_gives_2_and_says_what_was_expected(words, message, fusedream):
    code, out, err = fusedream(*words)
    assert code == 2, err
    assert message in err.splitlines()[-1]
    assert out == ""
    assert list(Path().iterdir()) == []


def test_memory_that_torch_cannot_have_is_told_as_memory(capsys):
    error = RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: 99999999999 bytes.")
    assert exits.run(raising(error), ["do"]) == 1
    assert capsys.readouterr().err.startswith("fusedream: out of memory. Ask for less at a time")
