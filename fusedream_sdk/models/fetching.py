"""Fetching weights ahead: whole and checked, or not at all; what was begun goes on."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusedream_sdk.errors import OutputError, WeightsError
from fusedream_sdk.models.downloads import DigestError, fetch_file
from fusedream_sdk.models.sources import HubFiles, Part, WebFile
from fusedream_sdk.runtime.room import check_disk

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

UNSTATED = "not stated"


@dataclass(frozen=True)
class Fetched:
    """A file that is here.

    Attributes:
        path: of it.
        source: its address, or its repository.
        size: bytes.
        sha256: of the file.
        checked: what its hash was compared with: "the hub", "the plugin", "you"; empty where nobody has published one.
        licence: of the weights.
    """

    path: Path
    source: str
    size: int
    sha256: str
    checked: str
    licence: str


def fetch_part(part: Part, to: Path | None, tell: Callable[[str], None], *, sha256: str = "") -> Iterator[Fetched]:
    """Bring the files of a part here, each told as it is whole.

    Args:
        part: what is wanted.
        to: the folder for them, in place of where its plugin looks.
        tell: is given a line with what is fetched, its size and licence, before that begins.
        sha256: that you know of a file for which nobody has published one.

    Raises:
        WeightsError: they cannot be had, or are not what was published; nothing of that stays under its name.
        OutputError: there is no room, or another file lies in the way.
    """
    yield from (_from_web(part, to, tell, sha256) if isinstance(part, WebFile) else _from_hub(part, to, tell))


def _from_web(part: WebFile, to: Path | None, tell: Callable[[str], None], sha256: str) -> Iterator[Fetched]:
    """The file at an address."""
    target = part.target if to is None else to / part.folder / part.target.name
    wanted = part.sha256 or sha256
    if target.is_file() and not digest(target).startswith(wanted.lower()):
        raise OutputError(f"to: {target} is there and is not the file that is meant. Remove it, or choose another folder.")
    fetch_file(
        part.url, target, sha256=wanted, tell=lambda: tell(f"fetching {target.name} from {part.url}. Licence: {part.licence}")
    )
    checked = "the plugin" if part.sha256 else "you" if sha256 else ""
    yield Fetched(target, part.url, target.stat().st_size, digest(target), checked, part.licence)


def _from_hub(part: HubFiles, to: Path | None, tell: Callable[[str], None]) -> Iterator[Fetched]:
    """Files of a repository, by the hub's own client, which goes on with what was begun."""
    from huggingface_hub import HfApi, constants

    folder = None if to is None else to / part.folder
    with hub_errors(part.repository):
        about = HfApi().model_info(part.repository, revision=part.revision, files_metadata=True)
    files = picked(part, {one.rfilename: one for one in about.siblings or []})
    licence = _licence(about)
    size = sum(one.size or 0 for one in files)
    place = folder or Path(part.cache_dir or constants.HF_HUB_CACHE)
    there = next(one for one in (place, *place.parents) if one.is_dir())
    tell(f"fetching {len(files)} files of {part.repository}, {size / 1e6:,.3g} MB, at {about.sha}. Licence: {licence}")
    for one in files:
        path = _one_of_hub(part, one, folder, there)
        yield Fetched(path, part.repository, path.stat().st_size, digest(path), "the hub", licence)
    if folder is not None:
        shutil.rmtree(folder / ".cache" / "huggingface", ignore_errors=True)  # what its client notes of a folder


def _one_of_hub(part: HubFiles, about: RepoSibling, folder: Path | None, there: Path) -> Path:
    """One file, in a folder or in the cache. Its client begins large ones anew in every call, so these are fetched by ours."""
    from huggingface_hub import hf_hub_download

    if folder is not None and (path := folder / about.rfilename).is_file():
        if _is_published(path, about):
            return path
        raise OutputError(f"to: {path} is there and is not the file that is meant. Remove it, or choose another folder.")
    wrong = f"{about.rfilename} of {part.repository} is not what the hub says it is. It was removed: try again."
    if not _is_cached(part, about) or folder is not None:
        fix = "Make room, or choose another place: HF_HOME, --to."
        check_disk("to" if folder else "cache", there, about.size or 0, fix)
        if about.lfs is not None:
            _large(part, about, folder, wrong)
    if folder is not None and about.lfs is not None:
        return folder / about.rfilename
    where: dict[str, Any] = {"cache_dir": part.cache_dir} if folder is None else {"local_dir": folder}
    with hub_errors(part.repository):
        path = Path(hf_hub_download(part.repository, about.rfilename, revision=part.revision, **where))
    if not _is_published(path, about):
        _discard(path)
        raise WeightsError(f"weights: {wrong}")
    return path


def _large(part: HubFiles, about: RepoSibling, folder: Path | None, wrong: str) -> None:
    """A large file, into a folder or to where the hub's client looks for it in its cache before it fetches."""
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import build_hf_headers

    sha256 = about.lfs.sha256 if about.lfs is not None else ""
    if folder is None:
        cache = Path(part.cache_dir or constants.HF_HUB_CACHE)
        target = cache / repo_folder_name(repo_id=part.repository, repo_type="model") / "blobs" / sha256
    else:
        target = folder / about.rfilename
    url = hf_hub_url(part.repository, about.rfilename, revision=part.revision)
    try:
        fetch_file(url, target, sha256=sha256, headers=build_hf_headers())
    except DigestError as error:
        raise WeightsError(f"weights: {wrong}") from error


def picked(part: HubFiles, files: dict[str, RepoSibling]) -> list[RepoSibling]:
    """Of the files of a repository those that a part names. Raises WeightsError where its weights are not among them."""

    def matched(pattern: str) -> list[str]:
        return [name for name in files if fnmatch(name, pattern)]

    weights = next((names for names in part.one_of if all(map(matched, names))), None)
    if weights is None:
        expected = " or ".join(", ".join(names) for names in part.one_of)
        there = ", ".join(sorted(files)[:5]) or "nothing"
        raise WeightsError(f"weights: expected {expected} in the repository {part.repository!r}; it holds {there}.")
    names = dict.fromkeys(name for pattern in (*weights, *part.also) for name in matched(pattern))
    return [files[name] for name in names]


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_published(path: Path, about: RepoSibling) -> bool:
    """Whether a file is the one of which the hub states a hash: that of its content, or of small ones as git has it."""
    if about.lfs is not None:
        return digest(path) == about.lfs.sha256
    data = path.read_bytes()
    known = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return about.blob_id in (None, known)


def _is_cached(part: HubFiles, about: RepoSibling) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(part.repository, about.rfilename, part.cache_dir, part.revision), str)


def _discard(path: Path) -> None:
    """Remove a file, and what a link of the hub's cache leads to."""
    real = Path(os.path.realpath(path))
    path.unlink(missing_ok=True)
    real.unlink(missing_ok=True)


def _licence(about: Any) -> str:
    """What the card of a repository states."""
    card = about.card_data
    said = [str(card.get(name)) for name in ("license_name", "license") if card is not None and card.get(name)]
    return said[0] if said else UNSTATED


@contextmanager
def hub_errors(repository: str) -> Iterator[None]:
    """What the hub's client raises inside is told as one sentence. Raises WeightsError."""
    try:
        yield
    except Exception as error:  # network, disk, leave: its client, the system and the network's library have their own
        raise WeightsError(f"weights: {repository} cannot be fetched: {why(error)}") from error


def why(error: Exception) -> str:
    """What went wrong on the way to the hub, and what to do."""
    from huggingface_hub import constants, errors

    from fusedream_sdk.models.weights import first_line

    again = "Try again to go on where it stopped."
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set. Unset it, or fetch where there is a network, with --to FOLDER."
    if isinstance(error, errors.GatedRepoError):
        return "its owner wants you to agree to terms first. Do so on its page, then: hf auth login"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "there is no such repository, or it is private: hf auth login"
    if isinstance(error, errors.RevisionNotFoundError):
        return "it has no such revision."
    if isinstance(error, errors.HFValidationError):
        return "that is no repository id such as owner/name."
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"{error.strerror}. Make room, or choose another place. {again}"
    return f"{type(error).__name__}: {first_line(error).rstrip('.')}. Is there a network? {again}"
