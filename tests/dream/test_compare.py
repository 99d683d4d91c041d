"""Methods side by side, on toy models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.dream.compare import TIMES, compare
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput, OutputError, UnknownPlugin
from fusedream_sdk.methods.base import Method
from fusedream_sdk.optim.state import State
from fusedream_sdk.run.task import Task

QUIET: dict[str, Any] = {"progress": False}
PROMPTS = ["a red ball", "a blue ball"]
METHODS = ["fusedream", "clip-adam", "random-search?population=4"]


def unable(task: Task) -> Any:
    raise InvalidInput("start", expected="a class latent", got="none", fix="Choose another generator.")


def test_every_method_draws_every_prompt_from_every_seed_as_it_would_alone(dream: FuseDream):
    found = compare(PROMPTS, methods=METHODS, dream=dream, seeds=[0, 1], **QUIET)
    assert [contender.name for contender in found.contenders] == METHODS
    assert found.prompts == (PROMPTS[0], PROMPTS[0], PROMPTS[1], PROMPTS[1])
    for name in METHODS:
        alone = dream.generate(PROMPTS, seeds=[0, 1], method=name, **QUIET)
        contender = found[name]
        assert contender.result is not None
        assert torch.equal(contender.result.images, alone.images)
        assert contender.mean("augclip") == pytest.approx(float(alone.scores["augclip"].mean()))
        assert (contender.seconds or 0) > 0
        chosen = fd.load_method(name)
        assert contender.evaluations == chosen.evaluations(chosen.settings_for(dream.settings, {}))


def test_the_models_may_be_named(toys: Path):
    found = fd.compare("a red ball", methods=["fusedream", "clip-adam"], models="toy", **QUIET)
    assert [contender.models for contender in found.contenders] == ["toy with toy"] * 2
    assert all(contender.mean("judge") is not None for contender in found.contenders)


def test_a_name_may_carry_its_own_pair(toys: Path, dream: FuseDream):
    found = compare("a red ball", methods=["fusedream@toy", "fusedream", "clip-adam@toy"], dream=dream, **QUIET)
    assert [c.models for c in found.contenders] == ["toy with toy", dream.engine.label, "toy with toy"]
    alone = compare("a red ball", methods=["fusedream@toy"], **QUIET)
    assert alone.contenders[0].mean("clip") == found.contenders[0].mean("clip")


def test_a_setting_is_for_those_methods_that_have_a_use_for_it(dream: FuseDream):
    found = compare("a red ball", methods=METHODS, dream=dream, steps=2, views=1, basis=2, **QUIET)
    histories = [c.result.history["augclip"] for c in found.contenders if c.result is not None]
    assert [len(history) for history in histories] == [3, 3, 3]


def test_a_method_that_cannot_draw_is_told_in_its_place_and_the_others_go_on(dream: FuseDream):
    found = compare("a red ball", methods=[Method(starts=unable), "fusedream"], dream=dream, **QUIET)
    first, second = found.contenders
    assert first.result is None
    assert first.told == "start: expected a class latent, got none. Choose another generator."
    assert second.result is not None


def test_a_plugin_that_does_not_import_is_told_in_its_place(dream: FuseDream, install: Callable[..., Path]):
    install("bad", "[fusedream_sdk.methods]\nbad = bad_method:make\n", bad_method="import a_package_that_is_not_there\n")
    first, second = compare("a red ball", methods=["bad", "fusedream"], dream=dream, **QUIET).contenders
    assert "does not import: ModuleNotFoundError" in first.told
    assert second.result is not None


@pytest.mark.parametrize(
    ("methods", "error", "message"),
    [
        (["fusedraem"], UnknownPlugin, "Did you mean 'fusedream'"),
        (["fusedream@tory"], UnknownPlugin, "models: expected one of"),
        (["clip-adam?lr=3"], InvalidInput, "methods: expected an option of 'clip-adam'"),
        (["fusedream", "clip-adam", "fusedream"], InvalidInput, "methods: expected methods that differ, got fusedream twice"),
        ([], InvalidInput, "methods: expected at least one method, got an empty list"),
        ("fusedream", InvalidInput, "methods: expected a list of methods, got a str. Put a single one in a list"),
        ([3], InvalidInput, "methods: expected names of methods, or Methods, got an int"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_drawn(dream: FuseDream, methods: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        compare("a red ball", methods=methods, dream=dream, **QUIET)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"models: expected models for fusedream, got none. Give models=..., or name a pair behind it: fusedream@emoji"),
        ({"models": "toy", "dream": "dream"}, "dream: expected a FuseDream, got a str"),
        ({"models": "toy", "steps": 0}, "steps: expected an integer of at least 1"),
        ({"models": "toy", "stepz": 3}, "Did you mean 'steps'"),
        ({"models": "toy", "seeds": -1}, "seeds: expected integers from 0"),
    ],
)
def test_what_is_the_same_for_all_is_refused_at_once(given: dict[str, Any], message: str, toys: Path):
    with pytest.raises(InvalidInput, match=message):
        compare("a red ball", methods=["fusedream"], **given, **QUIET)


def test_two_kinds_of_models_are_refused(dream: FuseDream):
    with pytest.raises(InvalidInput, match="models: expected nothing beside dream, got both"):
        compare("a red ball", methods=["fusedream"], models="toy", dream=dream, **QUIET)


def test_pictures_are_kept_in_a_folder_for_each_method_and_drawn_once(dream: FuseDream, tmp_path: Path):
    drawn: list[str] = []

    def watched(name: str) -> Method:
        def starts(task: Task) -> Any:
            drawn.append(name)
            return fd.load_method("fusedream").starts(task)

        return Method(starts=starts, settings={"steps": 3}, options={"name": name})

    methods = [watched("one"), watched("two")]
    first = compare(PROMPTS, methods=methods, dream=dream, into=tmp_path / "out", **QUIET)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(names) == 2
    assert all((tmp_path / "out" / name / "result.safetensors").is_file() for name in names)
    into = fd.Folder(tmp_path / "out", resume=True)
    again = compare(PROMPTS, methods=[*methods, "clip-adam"], dream=dream, into=into, **QUIET)
    for a, b in zip(first.contenders, again.contenders, strict=False):
        assert a.result is not None
        assert b.result is not None
        assert torch.equal(a.result.images, b.result.images)
        assert b.seconds == pytest.approx(a.seconds)  # of the run that drew them
    assert again.contenders[2].result is not None
    with pytest.raises(OutputError, match="exists"):
        compare(PROMPTS, methods=methods, dream=dream, into=tmp_path / "out", **QUIET)


def test_an_ended_comparison_goes_on_where_it_was(dream: FuseDream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = FuseDream.generate
    calls: list[int] = []

    def stopping(self: FuseDream, *given: Any, watch: Any, **options: Any) -> Any:
        def seen(state: State, rows: Any) -> None:
            watch(state, rows)
            calls.append(rows[0])
            if len(calls) == 12:  # in the midst of the second picture of the first method
                raise KeyboardInterrupt

        return real(self, *given, watch=seen, **options)

    monkeypatch.setattr(FuseDream, "generate", stopping)
    found = compare(PROMPTS, methods=METHODS[:2], dream=dream, into=tmp_path / "out", **QUIET)
    assert found.stopped
    assert found.contenders[1].told == "Not begun: the comparison was stopped."
    times = json.loads((tmp_path / "out" / "fusedream" / TIMES).read_text())
    assert times["pictures"] == 2
    calls.clear()
    calls.extend([0] * 100)
    again = compare(PROMPTS, methods=METHODS[:2], dream=dream, into=fd.Folder(tmp_path / "out", resume=True), **QUIET)
    assert not again.stopped
    assert set(calls[100:107]) == {1}  # the first picture was kept
    whole = real(dream, PROMPTS, **QUIET)
    assert again.contenders[0].result is not None
    assert torch.equal(again.contenders[0].result.images, whole.images)


def test_a_folder_of_other_prompts_is_no_fault_of_a_method(dream: FuseDream, tmp_path: Path):
    compare(PROMPTS, methods=["fusedream"], dream=dream, into=tmp_path / "out", **QUIET)
    with pytest.raises(InvalidInput, match=r"resume: expected what .* was begun with"):
        compare("a green ball", methods=["fusedream"], dream=dream, into=fd.Folder(tmp_path / "out", resume=True), **QUIET)
