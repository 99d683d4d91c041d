"""Workers that are actors of a Ray cluster, on this machine or on many: each has its models, and all of them the same banks.

Ray (https://www.ray.io) is an extra: `pip install "fusedream-sdk[ray]"`. Every machine of the cluster needs this package, in
the same version, and the same plugins.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import numpy as np
import torch

from fusedream_sdk.batch.dispatch import Death, Reply
from fusedream_sdk.batch.executor import Draw, Drawn, Load, attempt
from fusedream_sdk.batch.plan import Unit
from fusedream_sdk.errors import FuseDreamError, InvalidInput, PluginFault, PluginImportError
from fusedream_sdk.search.bank import BankRecipe, LatentBank

LOCAL, AUTO = "local", "auto"  # a cluster that is begun here and ends with this process; the one that runs here, or RAY_ADDRESS
PATIENCE = 5.0  # seconds in which an address has to answer; Ray itself would ask for minutes
START = "Begin one: ray start --head; or use this machine alone: --ray local."

Shelf = Sequence[tuple[BankRecipe, np.ndarray[Any, Any]]]
"""Latent banks as Ray's object store holds them: every actor of a machine reads the same memory."""


class Cluster:
    """A connection to a Ray cluster.

    Args:
        address: `auto`, `local`, `host:port`, or `ray://host:port` for Ray's client.
        processors: that a local one says it has, at least.

    Attributes:
        ray: the module.

    Raises:
        PluginImportError: Ray is not installed. InvalidInput: nothing answers at the address.
    """

    def __init__(self, address: str, processors: int = 1) -> None:
        self.ray = _ray()
        self._ours = not self.ray.is_initialized()
        if not self._ours:
            return
        given = os.environ.get("RAY_ADDRESS", "") if address == AUTO else address
        check_answers(given or address)
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address == LOCAL:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a run of ours reports to nobody
            os.environ.setdefault("RAY_worker_niceness", "0")  # they are no work in the background
            options |= {"num_cpus": max(processors, os.cpu_count() or 1), "include_dashboard": False}
        try:
            with quiet():
                self.ray.init(address=address, **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise refused(address, str(error).strip().partition("\n")[0].rstrip(".")) from error

    @property
    def gpus(self) -> int:
        """How many GPUs it has."""
        return int(self.ray.cluster_resources().get("GPU", 0))

    def room(self, threads: int, *, accelerated: bool = False) -> int:
        """How many workers of so many threads, and with a GPU each where there are any, it has room for; at least 1."""
        processors = max(1, int(self.ray.cluster_resources().get("CPU", 1)) // threads)
        return min(processors, self.gpus or processors) if accelerated else processors

    def close(self) -> None:
        """Leave it. One that was begun here ends."""
        if self._ours:
            with quiet():
                self.ray.shutdown()


class Actors:
    """A crew of actors.

    Args:
        cluster: where they live.
        load: what each of them loads.
        threads: of torch, in each of them; as many processors are asked for.
        banks: which they need not look for.
        accelerated: whether each of them asks for a GPU, where the cluster has any.
    """

    def __init__(
        self, cluster: Cluster, load: Load, threads: int, banks: Sequence[LatentBank], *, accelerated: bool = False
    ) -> None:
        self._ray, self._load, self._threads, self._numbers = cluster.ray, load, threads, count()
        self._banks = self._ray.put([(bank.recipe, bank.embeddings.numpy()) for bank in banks])
        gpus = 1 if accelerated and cluster.gpus else 0
        self._kind = self._ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=0)(Painter)
        self._asked: dict[Any, Any] = {}  # what was asked -> of whom
        self._there: list[Any] = []

    def hire(self) -> Any:
        """As `Crew.hire`."""
        actor = self._kind.remote()
        self._there.append(actor)
        self._asked[actor.load.remote(self._load, next(self._numbers), self._threads, self._banks)] = actor
        return actor

    def give(self, hand: Any, unit: Unit) -> None:
        """As `Crew.give`."""
        self._asked[hand.draw.remote(unit)] = hand

    def wait(self) -> list[tuple[Any, Reply]]:
        """As `Crew.wait`. Who dies without having been asked for anything is missed when something is."""
        ready, _ = self._ray.wait(list(self._asked), num_returns=1)
        return [(self._asked.pop(one), self._read(one)) for one in ready]

    def close(self) -> None:
        """As `Crew.close`."""
        for actor in self._there:
            with suppress(Exception):  # it is gone already, or the cluster is
                self._ray.kill(actor)

    def _read(self, asked: Any) -> Reply:
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(asked)
        except exceptions.RayTaskError as error:
            return PluginFault(str(error.cause or error))
        except exceptions.RayError as error:  # the actor, its machine, or what it had to say is gone
            return Death(type(error).__name__)


class Painter:
    """What an actor is: models that are loaded once, and rows that come as tasks."""

    def __init__(self) -> None:
        self._draw: Draw | None = None

    def load(self, load: Load, number: int, threads: int, banks: Shelf) -> Reply:
        """Load the models; an error is handed over, as Ray would wrap it."""
        torch.set_num_threads(threads)
        try:
            self._draw = load(number, [LatentBank(recipe, mapped(embeddings)) for recipe, embeddings in banks])
        except FuseDreamError as error:
            return error
        except Exception as error:
            return PluginFault(f"{type(error).__name__}: {error}")
        return []

    def draw(self, unit: Unit) -> list[Drawn]:
        """What comes of some rows. Raises PluginFault before `load`."""
        if self._draw is None:
            raise PluginFault("an actor was given rows before it had loaded its models.")
        return attempt(self._draw, unit)


def mapped(embeddings: np.ndarray[Any, Any]) -> torch.Tensor:
    """An array of the object store as a tensor on the same memory, which is only read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(embeddings)


def check_answers(address: str) -> None:
    """Somebody listens at `host:port`; other words are Ray's to read. Raises InvalidInput where nobody does."""
    match = re.fullmatch(r"(?:ray://)?\[?([\w.:-]+?)\]?:(\d{1,5})", address)
    if match is None:
        return
    try:
        socket.create_connection((match[1], int(match[2])), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise refused(address, f"no answer within {PATIENCE:.0f} s ({error})") from error
    if address.startswith("ray://"):
        return
    try:  # somebody listens: Ray's own question, in a process that can be ended, whether it is Ray
        command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check", "--address", address]
        subprocess.run(command, capture_output=True, timeout=3 * PATIENCE, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise refused(address, "what listens there does not answer as Ray does") from error


def refused(address: str, why: str) -> InvalidInput:
    """The error for a cluster that cannot be had."""
    return InvalidInput("ray", expected="the address of a Ray cluster that answers", got=f"{address} ({why})", fix=START)


@contextmanager
def quiet() -> Iterator[None]:
    """A block in which Ray's warnings about itself are not ours to show."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _ray() -> Any:
    try:
        with quiet():
            import ray
            import ray.exceptions
    except ImportError as error:
        fix = 'Install it: pip install "fusedream-sdk[ray]"'
        raise PluginImportError(f"ray: expected the package ray, which cannot be imported ({error}). {fix}") from error
    return ray
