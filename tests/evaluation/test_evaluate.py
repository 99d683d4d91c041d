"""Whole evaluations of folders, by toy models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import fusedream_sdk as fd
from fusedream_sdk.errors import InvalidInput, PluginFault, WeightsError
from fusedream_sdk.evaluation.evaluate import evaluate
from fusedream_sdk.testing import ToyReward, ToyScorer
from tests.evaluation.toys import CAPTIONS, discs

QUICK: dict[str, Any] = {"resamples": 50, "progress": False}
EVERY = ["r-precision", "fid", "is", "kid"]


def test_every_figure_of_a_strangers_folder_has_an_interval(toys: Path):
    theirs, real = discs(Path("theirs")), discs(Path("real"), 9, seed=1)
    found = evaluate(theirs, CAPTIONS, metrics=EVERY, reference=real, judge="toy", features="toy", **QUICK)
    assert [one.title for one in found.figures] == [
        "R-precision by toy, of 6",
        "FID by toy features",
        "IS by toy with captions as classes",
        "KID by toy features",
    ]
    assert all(one.interval.low <= one.interval.value <= one.interval.high for one in found.figures)
    assert {(one.system, one.captions, one.pictures) for one in found.figures} == {("theirs", 6, 6)}
    assert found.notes == ()


def test_the_same_pictures_give_the_same_figures_and_are_at_no_distance_from_themselves(toys: Path):
    theirs = discs(Path("theirs"))
    one, two = (
        evaluate(theirs, CAPTIONS, metrics=EVERY, reference=theirs, judge="toy", features="toy", **QUICK) for _ in range(2)
    )
    assert one == two
    assert one["fid"].interval.value == pytest.approx(0, abs=1e-4)


def test_pictures_that_were_made_for_their_captions_are_told_from_those_that_were_not(toys: Path):
    dream = fd.FuseDream("toy", settings={"steps": 30, "basis": 2})
    prompts = ["a red ball", "the blue sea at night", "nothing"]
    dream.generate(prompts, seeds=[0, 1], into="ours", progress=False)
    found = evaluate("ours", metrics=["r-precision"], **QUICK)["r-precision"]
    assert found.interval.value > 0.6
    assert (found.captions, found.pictures) == (3, 6)
    names = sorted(path.name for path in Path("ours").glob("*.png"))
    shifted = [prompts[(i // 2 + 1) % 3] for i in range(6)]
    Path("wrong.csv").write_text("\n".join(["file,caption", *map(",".join, zip(names, shifted, strict=True))]))
    assert evaluate("ours", "wrong.csv", judge="toy", **QUICK)["r-precision"].interval.value < 0.4


def test_a_judge_that_was_optimised_is_told_in_the_table(toys: Path):
    fd.FuseDream("toy").generate(["a red ball", "a cat"], into="ours", progress=False)
    found = evaluate("ours", metrics=["r-precision", "is"], features="toy", **QUICK)
    told = "toy is the scorer that was optimised, so this figure flatters the pictures"
    assert [one.note for one in found.figures] == [told] * 2
    assert found.to_markdown().count(told) == 2
    theirs = discs(Path("theirs"))
    assert evaluate(theirs, CAPTIONS, judge="toy", **QUICK).figures[0].note == ""
    assert evaluate(theirs, CAPTIONS, judge="toy", optimised="toy", **QUICK).figures[0].note == told


def test_several_folders_stand_in_one_table_by_their_names_or_where_these_are_the_same_by_their_paths(toys: Path):
    for name in ("one", "two"):
        Path(name).mkdir()
        discs(Path(name) / "pictures", seed=len(name))
    found = evaluate([discs(Path("a")), "one/pictures", "two/pictures"], CAPTIONS, judge="toy", **QUICK)
    assert [one.system for one in found.figures] == ["a", "one/pictures", "two/pictures"]


def test_a_reward_may_judge_and_objects_may_be_given(toys: Path):
    found = evaluate(
        discs(Path("theirs")), CAPTIONS, metrics=["r-precision", "is"], judge=ToyReward(), features=ToyScorer(), **QUICK
    )
    assert [one.title for one in found.figures] == [
        "R-precision by a ToyReward, of 6",
        "IS by a ToyScorer with captions as classes",
    ]


def test_without_captions_distances_are_measured_all_the_same_and_captions_ranked_are_asked_for(toys: Path):
    theirs = discs(Path("theirs"))
    found = evaluate(theirs, metrics=["fid"], reference=theirs, features="toy", **QUICK)
    assert (found["fid"].captions, found["fid"].interval.known) == (0, True)
    for metric, message in (("r-precision", "the captions of the pictures"), ("is", "captions, which are the classes")):
        with pytest.raises(InvalidInput, match=f"^captions: expected {message}"):
            evaluate(theirs, metrics=[metric], judge="toy", features="toy", **QUICK)


def test_holes_broken_files_and_other_sizes_are_told_below_the_table(toys: Path):
    theirs = discs(Path("theirs"))
    (theirs / "2.png").write_bytes(b"broken")
    discs(theirs, 1, side=48, names=["3.png"])
    found = evaluate(theirs, CAPTIONS, judge="toy", **QUICK)
    assert found["r-precision"].pictures == 5
    assert [note.partition(";")[0] for note in found.notes] == [
        "theirs: 1 of 6 pictures cannot be read and count for nothing",
        "theirs: pictures of 2 sizes (4 of 32 x 32, 1 of 48 x 48), each scaled by itself.",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"folders": "nowhere"}, "folder: expected a folder of pictures, got nowhere"),
        ({"folders": []}, "folder: expected a folder of pictures, or several"),
        ({"folders": 5}, "folder: expected a folder of pictures, or several"),
        (
            {"captions": CAPTIONS[:4]},
            "captions: expected a caption for each picture, .* got 4 captions for 6 pictures in theirs",
        ),
        ({"captions": ["a"] * 6}, "captions: expected at least two that differ, got 1"),
        ({"metrics": ["fid"]}, "reference: expected a folder of pictures that fid compares with, got none"),
        ({"reference": "theirs"}, "reference: expected nothing, as no metric compares with other pictures, got theirs"),
        ({"metrics": ["fid"], "reference": "one"}, "folder: expected at least 2 pictures for FID, IS and KID, got 1 in one"),
        (
            {"metrics": ["is"], "folders": "one", "captions": ["a"]},
            "folder: expected at least 2 pictures for FID, IS and KID, got 1 in one",
        ),
        ({"judge": None}, "judge: expected the scorer that ranks the pictures of theirs, got none"),
        ({"level": 2}, "level: expected a number"),
        ({"repeats": 0}, "repeats: expected an integer"),
        ({"resample": 3}, "resample: expected an option of evaluate.*Did you mean 'resamples'"),
        ({"optimised": 3}, "optimised: expected the name of a scorer, got an int"),
        ({"device": "tpu"}, "device: expected"),
        ({"progress": "no"}, "progress: expected True or False"),
    ],
)
def test_a_mistake_is_refused_in_a_sentence(toys: Path, given: dict[str, Any], message: str):
    discs(Path("theirs"))
    discs(Path("one"), 1)
    asked = {"folders": "theirs", "captions": CAPTIONS, "judge": "toy", "features": "toy", **QUICK, **given}
    with pytest.raises(InvalidInput, match=f"^{message}"):
        evaluate(asked.pop("folders"), asked.pop("captions"), **asked)


def test_an_inception_that_cannot_be_had_is_told_before_any_picture_is_read(toys: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TORCH_HOME", str(toys))
    theirs = discs(Path("theirs"))
    (theirs / "0.png").write_bytes(b"broken")
    with pytest.raises(WeightsError, match=r"^features: expected the weights of Inception, got neither"):
        evaluate(theirs, CAPTIONS, metrics=["fid"], reference=theirs, **QUICK)


def test_an_error_of_a_scorers_own_code_is_told_with_its_name(toys: Path, monkeypatch: pytest.MonkeyPatch):
    import toy_models  # pyright: ignore[reportMissingImports]

    class Faulty(ToyScorer):
        def encode_image(self, images: torch.Tensor) -> torch.Tensor:
            return toy_models.faulty()

    with pytest.raises(PluginFault, match="ZeroDivisionError: a plugin divided by zero"):
        evaluate(discs(Path("theirs")), CAPTIONS, judge=Faulty(), **QUICK)


def test_an_object_that_judges_is_told_by_its_class_where_it_fails(toys: Path):
    class Failing(ToyScorer):
        def encode_image(self, images: torch.Tensor) -> torch.Tensor:
            raise ZeroDivisionError

    with pytest.raises(PluginFault, match="the judge, a Failing of the module"):
        evaluate(discs(Path("theirs")), CAPTIONS, judge=Failing(), **QUICK)


def test_with_the_weights_of_inception_figures_are_called_as_published(toys: Path, inception: Path):
    theirs = discs(Path("theirs"))
    given = {"metrics": ["kid", "is"], "features": f"inception:{inception}", "reference": discs(Path("real"), seed=1)}
    found = evaluate(theirs, CAPTIONS, **given, **QUICK)
    assert [one.title for one in found.figures] == ["KID", "IS"]
    assert found["is"].interval.value >= 1


def test_the_result_is_public(toys: Path):
    found = fd.evaluate(discs(Path("theirs")), CAPTIONS, judge="toy", **QUICK)
    assert isinstance(found, fd.Evidence)
    assert isinstance(found.figures[0], fd.Measured)
    assert json.loads(json.dumps(found.to_json()))["figures"][0]["metric"] == "r-precision"
