"""Fetching weights for plugins: once, whole, and only if they are the file that the plugin means."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from fusedream_sdk.errors import FuseDreamError, InvalidInput, OutputError, WeightsError
from fusedream_sdk.runtime.files import cache_folder
from fusedream_sdk.runtime.progress import Tally, bar, is_silent
from fusedream_sdk.runtime.room import check_disk

PIECE = 1 << 20  # bytes at a time
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PATIENCE = 30  # seconds without a byte


def download(
    url: str, *, sha256: str, licence: str, plugin: str, name: str | None = None, tell: Callable[[str], None] | None = None
) -> Path:
    """The file behind an address, from the SDK's cache folder or fetched into it.

        path = download(URL, sha256="9f86...", licence="MIT, by A. Uthor", plugin="my_gan")
        tensors = read_tensors(path)  # of fusedream_sdk.models.weights

    The file appears under its name when it is whole and has the digest; until then a `.partial` lies beside it, with which a
    further call goes on. What is there already is used without a network. Two processes do not fetch it twice.

    Args:
        url: http or https.
        sha256: of the file, 64 hexadecimal digits: what was published, so that nothing else is ever loaded.
        licence: of the weights, and whose they are; shown before the file is fetched.
        plugin: whose folder of the cache it goes into.
        name: of the file; by default the last part of the address.
        tell: is given the line that says what is fetched, from where and under which licence; by default, stderr shows it.

    Returns:
        `weights/<plugin>/<first digits of sha256>/<name>` in the cache folder (`FUSEDREAM_CACHE` moves it).

    Raises:
        InvalidInput: an argument that cannot be used. OutputError: the cache cannot be written.
        WeightsError: it cannot be fetched, or has another digest.
    """
    name = _checked(url, sha256, licence, plugin, name)
    target = cache_folder("weights", plugin, sha256[:12].lower()) / name
    line = f"fetching {name} of {plugin} from {url}. Licence: {licence}"
    try:
        fetch_file(url, target, sha256=sha256, tell=lambda: (tell or _tell)(line))
    except DigestError as error:
        raise WeightsError(f"weights: {url} is not the file that {plugin} means: {error}") from error
    return target


class DigestError(WeightsError):
    """A file that is whole and another than was meant."""


def fetch_file(
    url: str,
    target: Path,
    *,
    sha256: str = "",
    tell: Callable[[], None] = lambda: None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Bring the file behind an address to a place, unless it is there; as `download` does.

    Args:
        url: http or https.
        target: the file; its folder is made.
        sha256: of the file, or the first digits of that; empty where it is not known.
        tell: called before anything is fetched.
        headers: of the request, such as a token; they are not sent to where it may be sent on.

    Raises:
        OutputError: there is no room, or the folder cannot be made. WeightsError: it cannot be fetched. DigestError: it has
        another digest; nothing of it stays.
    """
    from filelock import FileLock

    if target.is_file():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"to: expected a writable folder, got {target.parent} ({error.strerror}).") from error
    lock = f"{hashlib.sha256(os.fsencode(os.path.abspath(target))).hexdigest()[:32]}.lock"
    with FileLock(cache_folder("locks") / lock):  # not beside it, as the folder may be carried elsewhere
        if target.is_file():  # another process may have finished it while we waited
            return
        tell()
        partial = target.with_name(f"{target.name}.partial")
        _fetch_whole(url, partial, target, headers)
        with partial.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(sha256.lower()):
            partial.unlink()
            raise DigestError(f"sha256: expected {sha256.lower()}, but {target.name} of {url} has {found}.")
        os.replace(partial, target)


def _checked(url: str, sha256: str, licence: str, plugin: str, name: str | None) -> str:
    """The name of the file. Raises InvalidInput."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInput("url", expected="an address that begins with https://", got=url)
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidInput("sha256", expected="64 hexadecimal digits", got=sha256)
    if not licence.strip():
        fix = "Where nobody states one, ask whoever published them."
        raise InvalidInput("licence", expected="the licence of the weights", got=repr(licence), fix=fix)
    name = unquote(parts.path).rpartition("/")[2] if name is None else name
    for argument, word in (("name", name), ("plugin", plugin)):
        if not re.fullmatch(r"\w[\w.+-]*", word):
            raise InvalidInput(argument, expected="a name without spaces and slashes", got=repr(word))
    return name


def _fetch_whole(url: str, partial: Path, target: Path, headers: Mapping[str, str]) -> None:
    """Append to a partial file what it lacks of an address. Raises WeightsError; the partial file stays."""
    try:
        with bar(f"fetching {target.name}", True) as advance:
            if not _fetch(url, partial, advance, headers):
                partial.unlink()  # it was as long as the whole, or of something else
                _fetch(url, partial, advance, headers)
    except FuseDreamError:
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise _unfetched(url, target, error) from error
        again = "Make room, and try again: it goes on where it stopped."
        raise OutputError(f"to: {partial} could not be written ({error.strerror}). {again}") from error
    except Exception as error:  # network, certificate, disk: each has its own
        raise _unfetched(url, target, error) from error


def _unfetched(url: str, target: Path, error: Exception) -> WeightsError:
    """What went wrong on the way, and what to do."""
    from fusedream_sdk.models.weights import first_line  # which imports torch

    return WeightsError(
        f"weights: cannot fetch {url} ({type(error).__name__}: {first_line(error)}). "
        f"Try again to go on where it stopped, or put the file there by hand: {target}"
    )


def _fetch(url: str, partial: Path, advance: Tally, own: Mapping[str, str]) -> bool:
    """One request; False where the server cannot go on from what is there."""
    done = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
    try:
        request = Request(url, headers=headers)
        for name, value in own.items():
            request.add_unredirected_header(name, value)
        with urlopen(request, timeout=PATIENCE) as answer:
            if answer.status != 206:  # the whole once more, whatever was asked for
                done = 0
            length = answer.headers.get("Content-Length")
            total = None if length is None else done + int(length)
            check_disk("to", partial.parent, int(length or 0), "Make room, or choose another place.")
            with partial.open("ab" if done else "wb") as file:
                while piece := answer.read(PIECE):
                    file.write(piece)
                    done += len(piece)
                    advance(done >> 20, (total or done) >> 20, lambda: "MiB")
    except HTTPError as error:
        if error.code == 416 and done:
            return False
        raise
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")
    return True


def _tell(line: str) -> None:
    if not is_silent():
        sys.stderr.write(f"fusedream: {line}\n")
