"""Where the files of a reward are: named, in a folder, in the cache of the hub's client, or on the hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

from fusedream_sdk.errors import WeightsError
from fusedream_sdk.models.weights import first_line
from fusedream_sdk.runtime.paths import user_path


def find_file(reward: str, weights: str | Path, name: str, *, cache_dir: str | Path | None = None) -> Path:
    """A file of a reward.

    Args:
        reward: what a message calls it.
        weights: the file itself under any name, a folder that holds it, or a repository id of the Hugging Face hub.
        name: of the file in a folder or repository.
        cache_dir: where downloads are kept. Default: Hugging Face's cache.

    Raises:
        WeightsError: it is not there, and cannot be had.
    """
    path = user_path("weights", weights)
    if os.path.isfile(path):
        return path
    if os.path.isdir(path):
        return in_folder(reward, path, name)
    try:
        known = try_to_load_from_cache(str(weights), name, cache_dir=cache_dir)
        return Path(known if isinstance(known, str) else hf_hub_download(str(weights), name, cache_dir=cache_dir))
    except HFValidationError as error:
        raise WeightsError(
            f"weights: {reward} is a reward without weights: {str(weights)!r} is no file or folder, nor a repository id such "
            f"as owner/name. Name the file {name}, or a folder that holds it."
        ) from error
    except Exception as error:  # network, disk, licence: each has its own
        offline = isinstance(error, (LocalEntryNotFoundError, OfflineModeIsEnabled))
        why = "the hub cannot be reached" if offline else first_line(error).rstrip(".")
        raise WeightsError(
            f"weights: {reward} is a reward without weights: {name} of {str(weights)!r} is not in the cache, and {why}. "
            f"Get it where there is a network, and name the file or its folder: {reward}:FOLDER"
        ) from error


def in_folder(reward: str, folder: Path, name: str) -> Path:
    """A file of a folder. Raises WeightsError where it is not there."""
    if (folder / name).is_file():
        return folder / name
    there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    what = f"expected {name} in {str(folder)!r}, which holds {there}"
    raise WeightsError(f"weights: {reward} is a reward without weights: {what}.")


def is_cached(repository: str, names: Sequence[str]) -> bool:
    """Whether all these files of a repository id are in Hugging Face's cache."""
    try:
        return all(isinstance(try_to_load_from_cache(repository, name), str) for name in names)
    except HFValidationError:
        return False
