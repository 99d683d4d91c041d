"""Where a checkpoint's files are: a folder, a file, the package's own addresses, or the Hugging Face hub.

What fetches is imported where something may have to be fetched: a folder needs neither the package nor the hub's client.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch

from fusedream_sdk.errors import InvalidInput, WeightsError
from fusedream_sdk.models.sources import HubFiles, Sources, WebFile
from fusedream_sdk.models.trust import hub_cached
from fusedream_sdk.models.weights import first_line
from fusedream_sdk.runtime.paths import user_path

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # in order of preference
FORMATS = (".pth", ".pt", ".bin", ".safetensors")  # of a file that is given by itself
REPOSITORY = re.compile(r"\w[\w.-]*/[\w.-]+")
LICENCE = "none is stated at the address; see github.com/huggingface/pytorch-pretrained-BigGAN"
EXPECTED = f"{CONFIG} and {' or '.join(WEIGHTS)}"


@dataclass(frozen=True)
class Files:
    """The files of a checkpoint, and what to call it in messages. Without a config.json, its shapes have to say it all."""

    config: Path | None
    weights: Path
    source: str


def locate(weights: str | Path, *, cache_dir: str | Path | None = None, revision: str | None = None) -> Files:
    """Find a file, or the files of a folder, a pretrained name or a repository id; download what the cache lacks.

    Raises:
        WeightsError: no such thing, files missing, or not cached and no connection.
    """
    name = str(weights)
    folder = user_path("weights", name) if name else Path()
    local = name != "" and (os.path.isdir(folder) or folder.suffix in FORMATS)
    if not local and REPOSITORY.fullmatch(name):
        return from_hub(name, cache_dir, revision)
    if revision is not None:
        raise InvalidInput("revision", expected=f"None, as {name!r} is no repository id", got=revision)
    if local:
        return in_folder(folder) if os.path.isdir(folder) else by_itself(folder)
    pretrained = addresses()
    if name in pretrained:
        return from_package(pretrained[name], Path(cache_dir or Path(torch.hub.get_dir()) / "checkpoints") / name)
    known = ", ".join(pretrained)
    places = f"a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file, a folder, or a repository id such as owner/name"
    raise WeightsError(f"weights: expected one of {known}, {places}; got {name!r}.")


def is_cached(name: str) -> bool:
    """Whether the files of a pretrained name or a repository id are here already."""
    if REPOSITORY.fullmatch(name) or name not in addresses():
        return hub_cached(name, *WEIGHTS)
    folder = Path(torch.hub.get_dir(), "checkpoints", name)
    return all((folder / file).is_file() for file in (CONFIG, WEIGHTS[1]))


def sources_of(name: str, cache_dir: str | Path | None = None, revision: str | None = None) -> Sources:
    """Where the files of a pretrained name or a repository id come from. Raises WeightsError for anything else."""
    if REPOSITORY.fullmatch(name):
        weights = tuple((file,) for file in WEIGHTS)
        return Sources((HubFiles(name, weights, (CONFIG,), revision, cache_dir),), "biggan:{folder}")
    known = addresses()
    if name not in known:
        raise WeightsError(f"weights: expected one of {', '.join(known)}, or a repository id such as owner/name; got {name!r}.")
    folder = Path(cache_dir or Path(torch.hub.get_dir()) / "checkpoints") / name
    config, weights = known[name]
    parts = WebFile(weights, folder / WEIGHTS[1], LICENCE), WebFile(config, folder / CONFIG, LICENCE)
    return Sources(parts, "biggan:{folder}")


def addresses() -> dict[str, tuple[str, str]]:
    """The package's names, each with the addresses of its config.json and of its weights."""
    from pytorch_pretrained_biggan import model

    configs = model.PRETRAINED_CONFIG_ARCHIVE_MAP
    return {name: (configs[name], weights) for name, weights in model.PRETRAINED_MODEL_ARCHIVE_MAP.items()}


def by_itself(file: Path) -> Files:
    """A file without a config.json."""
    if not os.path.isfile(file):  # unlike pathlib's, never raises
        raise WeightsError(f"weights: no such file: {str(file)!r}.")
    return Files(None, file, str(file))


def in_folder(folder: Path) -> Files:
    """The files of a local checkpoint."""
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not found or not (folder / CONFIG).is_file():
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        other = any(folder.glob("*.yaml")) or any(folder.glob("configs/*.yaml"))
        fix = f" If it is a VQGAN, say so: vqgan:{folder}" if other else ""
        raise WeightsError(f"weights: expected {EXPECTED} in the folder {str(folder)!r}; it holds {there}.{fix}")
    return Files(folder / CONFIG, found[0], str(folder))


def from_package(urls: tuple[str, str], folder: Path) -> Files:
    """The files behind one of the package's names, downloaded once into a folder that then serves offline."""
    return Files(download(urls[0], folder / CONFIG), download(urls[1], folder / WEIGHTS[1]), folder.name)


def download(url: str, target: Path) -> Path:
    """Fetch a file unless it is there; the target appears only when it is whole, and a broken download is resumed."""
    from filelock import FileLock

    if target.is_file():
        return target
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(target.name + ".lock")), partial.open("ab") as file:
            if not target.is_file():  # another process may have finished it while we waited
                fetch(url, file, shown=f"{target.parent.name}/{target.name}")
                file.close()
                os.replace(partial, target)
    except Exception as error:  # network, certificate, disk: each library has its own
        raise WeightsError(
            f"weights: cannot download {url} to {target} ({type(error).__name__}: {first_line(error)}). "
            f"Try again to resume, or put the file there by hand."
        ) from error
    return target


def fetch(url: str, file: BinaryIO, *, shown: str) -> None:
    """Append what a file lacks of an address."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get

    plain = {"Accept-Encoding": "identity"}  # ranges of a compressed stream would not fit together
    try:
        http_get(url, file, resume_size=file.tell(), headers=plain, displayed_filename=shown)
    except HfHubHTTPError as error:
        if error.response.status_code == 416:  # the part is as long as the whole, or is of something else: start afresh
            file.truncate(0)
        raise


def from_hub(repository: str, cache_dir: str | Path | None, revision: str | None) -> Files:
    """The files of a Hugging Face repository: from the cache without asking anybody, else the hub (which resumes)."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    def cached(name: str) -> Path | None:
        found = try_to_load_from_cache(repository, name, cache_dir=cache_dir, revision=revision)
        return Path(found) if isinstance(found, str) else None

    def get(name: str) -> Path:
        return Path(hf_hub_download(repository, name, cache_dir=cache_dir, revision=revision))

    try:
        config, weights = cached(CONFIG), cached(WEIGHTS[0]) or cached(WEIGHTS[1])
        if config is not None and weights is not None:
            return Files(config, weights, repository)
        config = get(CONFIG)
        try:
            return Files(config, get(WEIGHTS[0]), repository)
        except EntryNotFoundError:  # not in the repository, or no connection
            return Files(config, get(WEIGHTS[1]), repository)
    except LocalEntryNotFoundError as error:
        raise WeightsError(f"weights: {repository!r} is not in the cache, and the hub cannot be reached.") from error
    except EntryNotFoundError as error:
        raise WeightsError(f"weights: expected {EXPECTED} in the repository {repository!r}.") from error
    except Exception as error:  # no such repository or revision, no permission, no space
        raise WeightsError(f"weights: cannot get {repository!r} from the hub: {first_line(error)}") from error
