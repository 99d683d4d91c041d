"""A folder of pictures by any system, and which caption each of them was made for."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from fusedream_sdk.errors import FuseDreamError, InvalidInput
from fusedream_sdk.evaluation.captions import Captions
from fusedream_sdk.imaging.pictures import read_picture, read_recipe
from fusedream_sdk.run.folder import MANIFEST
from fusedream_sdk.runtime.paths import user_path
from fusedream_sdk.runtime.plain import read_json
from fusedream_sdk.scoring.prompt import BAR, as_prompt

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
PAIR = "Give a csv with the columns file,caption, which says it for each."


@dataclass
class Gallery:
    """Pictures in a folder.

    Attributes:
        name: what a table calls it.
        paths: of the pictures, in order.
        captions: of each picture; empty where none are known or wanted.
        scorers: names and fingerprints of what was optimised in making them, as far as their recipes say.
        models: the names of generator and scorer, as far as the recipes say; None where they do not.
        notes: sentences on what is otherwise than one might think.
        size: (H, W) of most pictures, once they are read.
    """

    name: str
    paths: list[Path]
    captions: list[str] = field(default_factory=list)
    scorers: frozenset[str] = frozenset()
    models: tuple[Any, Any] | None = None
    notes: list[str] = field(default_factory=list)
    size: tuple[int, ...] = ()

    def rename(self, name: str) -> None:
        """Call it otherwise, where another has the same name."""
        self.name = name

    def believe(self, *scorers: str) -> None:
        """Note what was optimised, where no recipe says it."""
        self.scorers |= frozenset(filter(None, scorers))

    def read(self) -> Iterator[tuple[int, Tensor]]:
        """The number of each picture that can be read, and (3, H, W) in [0, 1]; one at a time.

        Afterwards the notes say which could not, and whether sizes differ. Raises InvalidInput where none could.
        """
        broken: list[str] = []
        sizes: Counter[tuple[int, ...]] = Counter()
        for place, path in enumerate(self.paths):
            try:
                picture = read_picture("pictures", path)
            except InvalidInput as error:
                broken.append(f"{path.name} ({str(error.got).removeprefix(str(path)).strip(' ()')})")
                continue
            sizes[tuple(picture.shape[1:])] += 1
            yield place, picture
        if not sizes:
            raise InvalidInput("folder", expected="pictures that can be read", got=f"{self.name}, where none can: {broken[0]}")
        self.size = sizes.most_common(1)[0][0]
        if broken:
            rest = f"{len(broken)} of {len(self.paths)} pictures cannot be read and count for nothing"
            self.notes.append(f"{self.name}: {rest}; the first is {broken[0]}.")
        if len(sizes) > 1:
            some = ", ".join(f"{n} of {w} x {h}" for (h, w), n in sizes.most_common(3))
            rest = ", ..." if len(sizes) > 3 else ""
            self.notes.append(f"{self.name}: pictures of {len(sizes)} sizes ({some}{rest}), each scaled by itself.")


def open_gallery(argument: str, folder: str | Path, captions: Captions | None, *, paired: bool = True) -> Gallery:
    """The pictures of a folder with their captions.

    A csv says which file has which caption. Without one, a folder that this package filled says it in its manifest, or in its
    pictures' recipes; of any other the captions belong to the file names in order, numbers by their value.

    Args:
        argument: what an error calls it.
        folder: of pictures, those in folders inside it left out.
        captions: as `captions_of` has them; None takes those that the folder itself knows.
        paired: whether there have to be captions; a reference needs none.

    Raises:
        InvalidInput: no folder, no pictures, or captions that do not match them.
    """
    path = user_path(argument, folder)
    if not os.path.isdir(path):  # unlike pathlib's, never raises
        raise InvalidInput(argument, expected="a folder of pictures", got=f"{folder}", fix="Write where the pictures are.")
    found = sorted((one for one in path.iterdir() if _is_picture(one)), key=lambda one: natural(one.name))
    if not found:
        got = f"{folder} without any ({', '.join(sorted(SUFFIXES))})"
        raise InvalidInput(argument, expected="a folder with pictures in it", got=got)
    manifest = _manifest(path)
    scorers, models = _made_by(manifest, found[0])
    gallery = Gallery(os.path.basename(os.path.abspath(path)), found, scorers=scorers, models=models)
    if captions is not None and captions.files is not None:
        return _by_name(argument, gallery, dict(zip(captions.files, captions.texts, strict=True)), "the csv")
    named = _of_manifest(manifest) or _of_recipes(found)
    if named:
        _check_known(gallery, named, captions)
        return _by_name(argument, gallery, named, MANIFEST if manifest else "their recipes")
    return _in_order(argument, gallery, captions) if paired or captions is not None else gallery


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key by which file names are sorted: digits by their value, so that 2.png comes before 10.png."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part[:1000]), part) if part[0].isdecimal() else (1, 0, part) for part in parts]


def said(prompt: str) -> str:
    """The caption in a prompt: of a weighted one the text that counts most."""
    with suppress(InvalidInput):
        return (as_prompt(prompt).subject or prompt) if BAR in prompt else prompt
    return prompt


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and os.path.isfile(path)


def _manifest(folder: Path) -> Mapping[str, Any]:
    """What a folder of ours says of itself; empty for another's, or a damaged one."""
    with suppress(OSError, ValueError, FuseDreamError):
        found = read_json(folder / MANIFEST)
        if isinstance(found, dict) and isinstance(found.get("asked"), dict):
            return found
    return {}


def _of_manifest(manifest: Mapping[str, Any]) -> dict[str, str]:
    """File name -> caption, of a manifest that has both."""
    names, prompts = manifest.get("pictures"), manifest.get("asked", {}).get("prompts")
    if not isinstance(names, list) or not isinstance(prompts, list) or len(names) != len(prompts):
        return {}
    return dict(zip(map(str, names), map(said, map(str, prompts)), strict=True))


def _of_recipes(paths: Sequence[Path]) -> dict[str, str]:
    """The same, of the recipes of pictures, where all have one; empty otherwise."""
    named: dict[str, str] = {}
    for path in paths:
        try:
            named[path.name] = said(str(read_recipe(path)["prompt"]))
        except (InvalidInput, KeyError):
            return {}
    return named


def _made_by(manifest: Mapping[str, Any], first: Path) -> tuple[frozenset[str], tuple[Any, Any] | None]:
    """What was optimised, and the names of the models, as the folder or its first picture says; nothing of another's."""
    recipe = manifest.get("asked", {}).get("recipe")
    with suppress(InvalidInput):
        recipe = recipe if isinstance(recipe, dict) else read_recipe(first)
    if not isinstance(recipe, dict) or not isinstance(recipe.get("scorer"), dict):
        return frozenset(), None
    name, generator = recipe["scorer"].get("name"), recipe.get("generator")
    names = [name] if isinstance(name, str) else list(name) if isinstance(name, (list, dict)) else []  # of an ensemble
    scorers = frozenset(str(one) for one in [*names, recipe["scorer"].get("fingerprint")] if one)
    return scorers, (generator.get("name") if isinstance(generator, dict) else None, name)


def _by_name(argument: str, gallery: Gallery, named: Mapping[str, str], by: str) -> Gallery:
    """Only the pictures that have a caption by their file name, and a note on those that are missing."""
    there = {path.name: path for path in gallery.paths}
    missing = [name for name in named if name not in there]
    kept = [name for name in named if name in there]
    if not kept:
        raise InvalidInput(argument, expected=f"the pictures that {by} names", got=f"none of them in {gallery.name}", fix=PAIR)
    if missing:
        rest = f"{len(missing)} of {len(named)} pictures that {by} names are missing; the first is {missing[0]}"
        gallery.notes.append(f"{gallery.name}: {rest}.")
    if len(there) > len(kept):
        extra = f"{len(there) - len(kept)} pictures that {by} does not name are left out"
        gallery.notes.append(f"{gallery.name}: {extra}.")
    return replace(gallery, paths=[there[name] for name in kept], captions=[named[name] for name in kept])


def _check_known(gallery: Gallery, named: Mapping[str, str], captions: Captions | None) -> None:
    """The captions of a folder of ours are among those that were given. Raises InvalidInput."""
    known = set(() if captions is None else captions.texts)
    strange = [text for text in named.values() if text not in known]
    if captions is not None and strange:
        expected, got = f"captions with those of {gallery.name}", f"none {strange[0]!r}, which one of its pictures was made for"
        raise InvalidInput("captions", expected=expected, got=got, fix="Leave them out: the folder knows its own.")


def _in_order(argument: str, gallery: Gallery, captions: Captions | None) -> Gallery:
    if captions is None:
        got = f"none, and {gallery.name} has neither a {MANIFEST} nor recipes that say it"
        raise InvalidInput(
            "captions", expected="the captions of the pictures", got=got, fix="Give a file with one on each line."
        )
    if len(captions) != len(gallery.paths):
        got = f"{len(captions):,} captions for {len(gallery.paths):,} pictures in {gallery.name}"
        raise InvalidInput("captions", expected="a caption for each picture, in the order of the file names", got=got, fix=PAIR)
    return replace(gallery, captions=list(captions.texts))
