"""Which caption a picture was made for, and folders that are not as they should be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.errors import InvalidInput
from fusedream_sdk.evaluation.captions import Captions
from fusedream_sdk.evaluation.gallery import Gallery, natural, open_gallery, said


def folder_of(folder: Path, names: Sequence[str], size: int = 16) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.new("RGB", (size, size), "red").save(folder / name)
    return folder


def pairs(gallery: Gallery) -> dict[str, str]:
    return {path.name: caption for path, caption in zip(gallery.paths, gallery.captions, strict=True)}


def test_captions_belong_to_file_names_in_order_with_numbers_by_their_value(tmp_path: Path):
    folder = folder_of(tmp_path / "theirs", ["10.png", "9.jpg", "100.png"])
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_bytes(b"")
    gallery = open_gallery("folder", folder, Captions(("a", "b", "c")))
    assert pairs(gallery) == {"9.jpg": "a", "10.png": "b", "100.png": "c"}
    assert (gallery.name, gallery.scorers, gallery.notes) == ("theirs", frozenset(), [])
    assert sorted(["b2", "b10", "a", "10", "9"], key=natural) == ["9", "10", "a", "b2", "b10"]


def test_a_table_says_it_for_each_and_what_is_not_there_is_told(tmp_path: Path):
    folder = folder_of(tmp_path / "theirs", ["x.png", "y.png", "z.png"])
    gallery = open_gallery("folder", folder, Captions(("a", "b", "c"), ("z.png", "x.png", "gone.png")))
    assert pairs(gallery) == {"z.png": "a", "x.png": "b"}
    assert gallery.notes == [
        "theirs: 1 of 3 pictures that the csv names are missing; the first is gone.png.",
        "theirs: 1 pictures that the csv does not name are left out.",
    ]


def test_a_folder_of_ours_knows_its_captions_and_what_was_optimised(dream: FuseDream, tmp_path: Path):
    result = dream.generate(["a red ball", "a blue ball"], seeds=[0, 1], into=tmp_path / "ours", progress=False)
    gallery = open_gallery("folder", tmp_path / "ours", None)
    assert gallery.captions == list(result.prompts)
    assert result.recipe.scorer.fingerprint in gallery.scorers
    (tmp_path / "ours" / "manifest.json").unlink()  # as `Result.save` leaves it
    again = open_gallery("folder", tmp_path / "ours", Captions(("a blue ball", "a red ball", "a cat")))
    assert (pairs(again), again.scorers) == (pairs(gallery), gallery.scorers)


def test_the_caption_of_a_weighted_prompt_is_what_counts_most(dream: FuseDream, tmp_path: Path):
    dream.generate("a red ball | text:-0.3", into=tmp_path / "ours", progress=False)
    assert open_gallery("folder", tmp_path / "ours", Captions(("a red ball",))).captions == ["a red ball"]
    assert [said(text) for text in ("a ball", "|", "a | b:2")] == ["a ball", "|", "b"]


def test_a_hole_in_a_folder_of_ours_is_told(dream: FuseDream, tmp_path: Path):
    dream.generate(["a red ball", "a blue ball"], into=tmp_path / "ours", progress=False)
    (tmp_path / "ours" / "00-a-red-ball-seed0.png").unlink()
    gallery = open_gallery("folder", tmp_path / "ours", None)
    assert gallery.captions == ["a blue ball"]
    told = "ours: 1 of 2 pictures that manifest.json names are missing; the first is 00-a-red-ball-seed0.png."
    assert gallery.notes == [told]


def test_captions_that_are_not_those_of_a_folder_of_ours_are_refused(dream: FuseDream, tmp_path: Path):
    dream.generate("a red ball", into=tmp_path / "ours", progress=False)
    with pytest.raises(InvalidInput, match=r"^captions: expected captions with those of ours, got none 'a red ball'"):
        open_gallery("folder", tmp_path / "ours", Captions(("a cat",)))


@pytest.mark.parametrize("text", ["", "[", '{"asked": 3}', json.dumps({"asked": {"prompts": ["a"]}, "pictures": []})])
def test_a_damaged_manifest_counts_as_none(tmp_path: Path, text: str):
    folder = folder_of(tmp_path / "theirs", ["x.png"])
    (folder / "manifest.json").write_text(text)
    assert pairs(open_gallery("folder", folder, Captions(("a",)))) == {"x.png": "a"}


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        (Captions(("a", "b")), "captions: expected a caption for each picture, .* got 2 captions for 3 pictures in theirs"),
        (None, "captions: expected the captions of the pictures, got none, and theirs has neither"),
        (Captions(("a",), ("gone.png",)), "folder: expected the pictures that the csv names, got none of them in theirs"),
    ],
)
def test_captions_that_do_not_match_are_refused_in_a_sentence(tmp_path: Path, captions, message):
    folder = folder_of(tmp_path / "theirs", ["x.png", "y.png", "z.png"])
    with pytest.raises(InvalidInput, match=f"^{message}"):
        open_gallery("folder", folder, captions)


def test_a_folder_that_is_none_or_has_no_pictures_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for path, message in ((tmp_path / "file", "a folder of pictures"), (tmp_path, "a folder with pictures in it")):
        with pytest.raises(InvalidInput, match=f"^reference: expected {message}"):
            open_gallery("reference", path, None, paired=False)


def test_broken_pictures_and_other_sizes_are_told_once_they_are_read(tmp_path: Path):
    folder = folder_of(folder_of(tmp_path / "theirs", ["1.png", "2.png"]), ["3.png"], size=40)
    (folder / "4.png").write_bytes(b"\x89PNG, it says")
    (folder / "5.png").write_bytes((folder / "3.png").read_bytes()[:60])
    gallery = open_gallery("reference", folder, None, paired=False)
    assert [(place, tuple(picture.shape)) for place, picture in gallery.read()] == [
        *((place, (3, 16, 16)) for place in (0, 1)),
        (2, (3, 40, 40)),
    ]
    first, second = gallery.notes
    assert first.startswith("theirs: 2 of 5 pictures cannot be read and count for nothing; the first is 4.png (cannot identify")
    assert second == "theirs: pictures of 2 sizes (2 of 16 x 16, 1 of 40 x 40), each scaled by itself."


def test_a_folder_of_nothing_but_broken_pictures_is_refused(tmp_path: Path):
    (tmp_path / "1.png").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"^folder: expected pictures that can be read, got .*, where none can: 1.png"):
        list(open_gallery("folder", tmp_path, Captions(("a",))).read())
