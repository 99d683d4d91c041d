"""Where the files of a pipeline are: a folder in diffusers' layout, or a repository of the Hugging Face hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.sources import HubFiles
from fusedream_sdk.models.weights import first_line, refuse_programs
from fusedream_sdk.runtime import plain
from fusedream_sdk.runtime.paths import user_path

INDEX = "model_index.json"
XL = "StableDiffusionXLPipeline"
SUPPORTED = ("StableDiffusionPipeline", XL)
NETWORKS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
ENCODERS = {"text_encoder": "model", "text_encoder_2": "model"}
TOKENIZERS = ("tokenizer", "tokenizer_2")
SMALL = [INDEX, "*/*config.json", *(f"{name}/*" for name in TOKENIZERS)]


def locate(weights: Any, *, variant: str = "", cache_dir: str | Path | None = None) -> Path:
    """The folder of a pipeline, fetched first where it is a repository id that is not all in the cache.

    Raises:
        InvalidInput: a file, or an option that is none. WeightsError: nothing there, no pipeline, or no network.
    """
    folder = user_path("weights", weights)
    if os.path.isfile(folder):  # unlike pathlib's, never raises
        refuse_programs(folder)
        expected = f"a folder with {INDEX}, or a repository id"
        fix = "Load a single file with diffusers' from_single_file, and save it with save_pretrained."
        raise InvalidInput("weights", expected=expected, got=f"the file {str(folder)!r}", fix=fix)
    if os.path.isdir(folder):
        return folder
    found = in_cache(str(weights), variant, cache_dir)
    return fetched(str(weights), variant, cache_dir) if found is None else found


def in_cache(name: str, variant: str, cache_dir: str | Path | None = None) -> Path | None:
    """The folder of a repository in the hub's cache, if all of it is there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository, revision = revised(name)
    try:
        folder = Path(snapshot_download(repository, revision=revision, local_files_only=True, cache_dir=cache_dir))
        index = read_index(folder)
    except (HFValidationError, LocalEntryNotFoundError, WeightsError, OSError):
        return None
    parts = {part: stem for part, stem in (NETWORKS | ENCODERS).items() if is_there(index, part)}
    return folder if all(weights_of(folder / part, stem, variant) for part, stem in parts.items()) else None


def fetched(name: str, variant: str, cache_dir: str | Path | None) -> Path:
    """Fetch what is needed of a repository, and no more: one format of its weights. Raises WeightsError."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    large = large_files(variant)
    repository, revision = revised(name)
    where = {"revision": revision, "cache_dir": cache_dir}
    try:
        read_index(Path(snapshot_download(repository, allow_patterns=SMALL, **where)))  # before the large files
        return Path(snapshot_download(repository, allow_patterns=[*SMALL, *large], **where))
    except WeightsError:
        raise
    except HFValidationError as error:
        raise WeightsError(f"weights: {name!r} is neither a folder nor a repository id such as owner/name.") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise WeightsError(
            f"weights: {name!r} is neither a folder nor all in the cache, and the hub cannot be reached."
        ) from error
    except Exception as error:  # the hub's client has many of its own
        raise WeightsError(f"weights: {name!r} cannot be fetched: {first_line(error).rstrip('.')}.") from error


def large_files(variant: str) -> list[str]:
    """Patterns of the weights of a pipeline, in one format."""
    end = f".{variant}" if variant else ""
    return [
        f"{part}/{stem}{more}"
        for part, stem in (NETWORKS | ENCODERS).items()
        for more in (f"{end}.safetensors", f".safetensors.index{end}.json", f"{end}-*.safetensors", f"-*{end}.safetensors")
    ]


def hub_files(name: str, variant: str, cache_dir: str | Path | None) -> HubFiles:
    """What is needed of a repository, and no more."""
    repository, revision = revised(name)
    end = f".{variant}" if variant else ""
    stem = f"unet/{NETWORKS['unet']}"
    whole = (f"{stem}{end}.safetensors",), (f"{stem}.safetensors.index{end}.json",)
    return HubFiles(repository, tuple((INDEX, *one) for one in whole), (*SMALL, *large_files(variant)), revision, cache_dir)


def revised(name: str) -> tuple[str, str | None]:
    """A repository id and its revision: owner/name@revision; None for the main branch."""
    repository, _, revision = name.partition("@")
    return repository, revision or None


def read_index(folder: Path) -> dict[str, Any]:
    """What model_index.json says: name of a part -> [library, class]. Raises WeightsError for another kind of pipeline."""
    index = read_json(folder / INDEX)
    kind = index.get("_class_name")
    if kind not in SUPPORTED:
        raise WeightsError(
            f"weights: expected a pipeline of Stable Diffusion or Stable Diffusion XL ({' or '.join(SUPPORTED)}), "
            f"got {kind!r} in {folder / INDEX}."
        )
    return index


def read_json(path: Path) -> dict[str, Any]:
    """A file of settings. Raises WeightsError where it is missing or no mapping."""
    try:
        found = plain.read_json(path)
    except (OSError, InvalidInput) as error:
        there = ", ".join(sorted(x.name for x in path.parent.iterdir())[:5]) if path.parent.is_dir() else ""
        got = f"; it holds {there}" if there else ", which is empty or missing"
        raise WeightsError(f"weights: expected {path.name} in the folder {str(path.parent)!r}{got}.") from error
    except ValueError as error:
        raise WeightsError(f"{path}: not read as JSON: {first_line(error)}.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"{path}: expected names with values, got a {type(found).__name__}.")
    return found


def is_there(index: Mapping[str, Any], part: str) -> bool:
    """Whether a pipeline has a part: one that is left out stands as [null, null]."""
    said = index.get(part)
    return isinstance(said, list) and len(said) == 2 and said[1] is not None


def weights_of(folder: Path, stem: str, variant: str = "") -> list[Path]:
    """The safetensors files of a part: one, or the several that an index names; none where there are none.

    The variant that was asked for, or else the plain ones, or else those of half precision.
    """
    for end in dict.fromkeys((f".{variant}" if variant else "", "", ".fp16")):
        if (folder / f"{stem}{end}.safetensors").is_file():
            return [folder / f"{stem}{end}.safetensors"]
        several = folder / f"{stem}.safetensors.index{end}.json"
        if several.is_file():
            named = read_json(several).get("weight_map")
            names = sorted({Path(str(name)).name for name in named.values()}) if isinstance(named, dict) else []
            return [folder / name for name in names]
    return []
