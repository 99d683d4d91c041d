"""What `fusedream doctor` looks at: of each what was found, and, where something lacks, the command that mends it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from fusedream_sdk.errors import FuseDreamError
from fusedream_sdk.runtime.room import gigabytes, total_memory

PACKAGE = "fusedream-sdk"
EXTRAS = {
    "video": "films as .mp4",
    "vqgan": "the generator vqgan",
    "openclip": "the scorers openclip and hpsv2",
    "diffusers": "the generators diffusion, sd-turbo and sdxl-turbo",
    "plots": "plots of results, evaluations and ablations",
    "evaluation": "FID, IS and KID",
    "populations": "the methods cma, basin-cma and clip-glass",
    "ray": "batches on a Ray cluster",
    "web": "the page, fusedream web",
}
"""What the extras for users are for."""

FLAGS = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "HF_HOME", "FUSEDREAM_CACHE", "FUSEDREAM_DEBUG", "NO_COLOR")
SIDE, SECONDS = 1024, 0.3  # of a matrix product, and for how long it is repeated
STEPS = 4  # of the emoji picture; the first one is not counted


class State(StrEnum):
    """How a finding is."""

    OK = "ok"
    MISSING = "missing"  # something that can be done without
    BROKEN = "broken"  # something that is needed


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        part: which of its parts it is in.
        name: of it.
        found: what there is.
        state: how that is.
        fix: the command that mends it; empty where there is nothing to mend.
    """

    part: str
    name: str
    found: str
    state: State = State.OK
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a program has it."""
        return asdict(self)


def findings(*, speed: bool = True) -> Iterator[Finding]:
    """Everything, part by part. What raises an error is a finding too: broken."""
    parts: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("versions", versions),
        ("extras", extras),
        ("devices", devices),
        ("caches", caches),
        ("settings", settings),
    ]
    for part, look in [*parts, *([("speed", speeds)] if speed else [])]:
        try:
            yield from look()
        except Exception as error:  # whatever a broken installation sets off
            told = f"{type(error).__name__}: {error}"
            yield Finding(part, part, told, State.BROKEN, f'pip install --force-reinstall "{PACKAGE}"')


def versions() -> Iterator[Finding]:
    """Python, this package, and the packages that it needs."""
    from fusedream_sdk import __version__

    yield Finding("versions", "fusedream-sdk", __version__)
    yield Finding("versions", "python", f"{platform.python_version()} on {platform.platform()}")
    for name in needed():
        try:
            yield Finding("versions", name, version(name))
        except PackageNotFoundError:
            yield Finding("versions", name, "not installed", State.BROKEN, f"pip install {name}")


def extras() -> Iterator[Finding]:
    """The extras: all of their packages there, or which are not."""
    for extra, purpose in EXTRAS.items():
        lacking = [name for name in needed(extra) if not _installed(name)]
        if lacking:
            found = f"{purpose}; not installed: {', '.join(lacking)}"
            yield Finding("extras", extra, found, State.MISSING, f'pip install "{PACKAGE}[{extra}]"')
        else:
            yield Finding("extras", extra, purpose)


def needed(extra: str = "") -> list[str]:
    """Names of the packages that this one declares, of an extra or of none."""
    lines = requires(PACKAGE) or []
    own = [
        line for line in lines if (re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", line) if extra else ";" not in line)
    ]
    return [re.split(r"[\s\[<>=~!;@(]", line, maxsplit=1)[0] for line in own]


def devices() -> Iterator[Finding]:
    """Where models can run, in which number format by themselves, and how much memory there is."""
    import torch

    from fusedream_sdk.runtime.device import free_memory, resolve_dtype

    places = [torch.device("cpu"), *(torch.device("cuda", index) for index in range(torch.cuda.device_count()))]
    places += [torch.device("mps")] if torch.backends.mps.is_available() else []
    threads = torch.get_num_threads()
    for place in places:
        dtype = str(resolve_dtype("auto", place)).removeprefix("torch.")
        about = f"{threads} {'thread' if threads == 1 else 'threads'}" if place.type == "cpu" else _card(place)
        total = total_memory() if place.type == "cpu" else None
        whole = "" if total is None else f" of {gigabytes(total)}"
        free = "" if place.type == "mps" else f", {gigabytes(free_memory(place))}{whole} free"
        yield Finding("devices", str(place), f"{about}{free}; auto is {dtype}")
    if len(places) == 1 and os.path.exists("/dev/nvidia0"):
        fix = "the command for your driver stands at https://pytorch.org/get-started/locally"
        yield Finding("devices", "cuda", "a GPU that this build of torch cannot use", State.MISSING, fix)


def caches() -> Iterator[Finding]:
    """Folders of banks and weights: how large, and what in them is unfinished."""
    from huggingface_hub import constants

    from fusedream_sdk.runtime.files import cache_folder
    from fusedream_sdk.search.unfinished import SUFFIX

    own = cache_folder()
    size, files = measured(own)
    banks = sum(path.suffix == ".safetensors" and path.parent.name == "banks" for path in files)
    begun = sum(path.suffix in (SUFFIX, ".partial") for path in files)
    yield Finding("caches", "fusedream", f"{own}: {gigabytes(size)}, {banks} banks, {begun} unfinished")
    hub = Path(constants.HF_HUB_CACHE)
    size, files = measured(hub)
    begun = sum(path.suffix == ".incomplete" for path in files)
    yield Finding("caches", "hugging face", f"{hub}: {gigabytes(size)}, {begun} unfinished")


def measured(folder: Path) -> tuple[int, list[Path]]:
    """Bytes of all files under a folder, links not followed, and the files."""
    files = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    size = 0
    for path in files:
        with suppress(OSError):  # gone meanwhile
            size += path.lstat().st_size
    return size, files


def settings() -> Iterator[Finding]:
    """Variables of the environment that change what is done."""
    for name in FLAGS:
        if name in os.environ:
            offline = name.endswith("_OFFLINE") and os.environ[name].upper() in ("1", "ON", "YES", "TRUE")
            yield Finding("settings", name, os.environ[name] + (": nothing is fetched from the hub" if offline else ""))


def speeds() -> Iterator[Finding]:
    """A large matrix product, and a step of an emoji picture, on the device that `auto` takes."""
    import torch

    from fusedream_sdk.dream.fusedream import FuseDream
    from fusedream_sdk.runtime.device import resolve_device

    place = resolve_device("auto")
    a = torch.ones(SIDE, SIDE, device=place)
    float((a @ a)[0, 0])  # whatever is set up once
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < SECONDS:
        float((a @ a)[0, 0])  # waits for the device
        count += 1
    rate = 2 * SIDE**3 * count / (time.perf_counter() - begin) / 1e9
    yield Finding("speed", "matrix product", f"{rate:,.3g} GFLOP/s in float32 on {place}")
    try:
        times = [time.perf_counter() for _ in FuseDream("emoji").iterate("a red apple", steps=STEPS, samples=1, basis=1)]
    except FuseDreamError as error:
        yield Finding("speed", "emoji", str(error), State.BROKEN, f'pip install --force-reinstall --no-deps "{PACKAGE}"')
        return
    yield Finding("speed", "emoji", f"{1000 * (times[-1] - times[1]) / (len(times) - 2):,.0f} ms for a step of one picture")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return importlib.util.find_spec(name.replace("-", "_")) is not None
    return True


def _card(place: Any) -> str:
    """The name of an accelerator."""
    import torch

    return torch.cuda.get_device_name(place) if place.type == "cuda" else "Apple's GPU"
