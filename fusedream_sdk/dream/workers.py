"""Who draws the rows of a batch: models by their names, which any process can load, and how many workers of which kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fusedream_sdk.batch.dispatch import Dispatch
from fusedream_sdk.batch.executor import Draw, Executor, Here
from fusedream_sdk.batch.on_ray import Actors, Cluster
from fusedream_sdk.batch.plan import Job, distinct_settings
from fusedream_sdk.batch.processes import Processes
from fusedream_sdk.dream.fusedream import FuseDream
from fusedream_sdk.dream.prepare import searches
from fusedream_sdk.dream.stream import Drawer
from fusedream_sdk.errors import FingerprintMismatch
from fusedream_sdk.methods.base import Method
from fusedream_sdk.methods.loading import load_method
from fusedream_sdk.run.recipe import MethodRecord
from fusedream_sdk.runtime import bounds
from fusedream_sdk.runtime.checks import check_count, check_kind
from fusedream_sdk.search.bank import LatentBank


@dataclass(frozen=True)
class NamedModels:
    """Models by their names, so that any process can load them. Arguments as of `FuseDream`."""

    models: str | None = None
    generator: str | None = None
    scorer: str | dict[str, float] | None = None
    device: str = "auto"
    dtype: str = "auto"
    memory_gb: float | None = None
    compile: bool = False
    settings: Mapping[str, Any] | None = None

    def load(self, place: int = 0) -> FuseDream:
        """Load them; the workers of a machine with several GPUs take turns with these. Errors as of `FuseDream`."""
        models = {"generator": self.generator, "scorer": self.scorer, "settings": self.settings}
        machine: dict[str, Any] = {"dtype": self.dtype, "memory_gb": self.memory_gb, "compile": self.compile}
        return FuseDream(self.models, **models, device=device_at(self.device, place), **machine)


@dataclass(frozen=True)
class Workers:
    """Who draws.

    Args:
        count: workers. Without `ray`, 1 is this process and more are processes of this machine. None is 1, or with `ray` as
            many as the cluster has processors for.
        threads: of torch in each worker. Sums are rounded by how they are shared among threads, so the pictures of as many
            threads are the same to the bit, and those of others are not.
        ray: a cluster: `auto` for the one that runs here or that RAY_ADDRESS names, `host:port`, or `local` for one that is
            begun for this run. Empty for none.

    Raises:
        InvalidInput: a number outside its bounds.
    """

    count: int | None = None
    threads: int = 1
    ray: str = ""

    def __post_init__(self) -> None:
        if self.count is not None:
            check_count("workers", self.count, most=bounds.WORKERS.most)
        check_count("threads", self.threads, most=bounds.WORKERS.most)
        check_kind("ray", self.ray, str, "an address as text", "Leave it out for no cluster.")

    @property
    def alone(self) -> bool:
        """Whether it is this process."""
        return not self.ray and self.count in (None, 1)


@dataclass(frozen=True)
class Loader:
    """What a worker loads: a `batch.executor.Load`.

    Attributes:
        named: the models. method: name and options of the method.
        fingerprints: of generator and scorer, as they have to be.
    """

    named: NamedModels
    method: MethodRecord
    fingerprints: tuple[str, str]

    def __call__(self, place: int, banks: Sequence[LatentBank]) -> Draw:
        """Load them. Raises FingerprintMismatch: they are others here; and the errors of `FuseDream`."""
        engine = self.named.load(place).engine
        if (engine.generator.fingerprint, engine.scorer.fingerprint) != self.fingerprints:
            raise FingerprintMismatch(
                f"models: expected in a worker the weights of this process, got others of {engine.label}. "
                "Install the same packages and weights on every machine."
            )
        for bank in banks:
            engine.share_bank(bank)
        return Drawer(engine, load_method(str(self.method.name), **self.method.options))


@dataclass(frozen=True)
class Staff:
    """Whoever draws, with all that it takes.

    Attributes:
        workers: how many, of which kind. named: the models. method: how.
        cluster: the connection to one, where there is one.
    """

    workers: Workers
    named: NamedModels
    method: Method
    cluster: Cluster | None = None

    def executor(self, holder: list[FuseDream], left: Sequence[Job], *, progress: bool) -> Executor:
        """Those who will draw what is left.

        Args:
            holder: of the models of this process alone, which are let go of where others do the work.
            left: what they will draw.
            progress: show a bar on stderr where a latent bank is built.
        """
        dream = holder.pop()
        if self.workers.alone:
            return Here(Drawer(dream.engine, self.method))
        banks = banks_for(dream, self.method, left, progress=progress)
        fingerprints = dream.engine.generator.fingerprint, dream.engine.scorer.fingerprint
        del dream
        load = Loader(self.named, MethodRecord(self.method.name, self.method.options), fingerprints)
        count, threads = self.workers.count, self.workers.threads
        if self.cluster is None:
            return Dispatch(Processes(load, threads), count or 1)
        gpus = not self.named.device.startswith("cpu")
        actors = Actors(self.cluster, load, threads, banks, accelerated=gpus)
        return Dispatch(actors, count or self.cluster.room(threads, accelerated=gpus))


def banks_for(dream: FuseDream, method: Method, jobs: Sequence[Job], *, progress: bool) -> list[LatentBank]:
    """The latent banks that rows will search, each built now if it is not there: once, and not by every worker."""
    wanted = [settings for settings in distinct_settings(jobs) if searches(method, settings)] if dream.engine.has_bank else []
    found = [dream.engine.bank(settings, progress=progress) for settings in wanted]
    return list({bank.recipe: bank for bank in found}.values())


def device_at(device: str, place: int) -> str:
    """Where a worker loads its models: on machines with several GPUs each takes the next one, unless one was named."""
    several = torch.cuda.is_available() and torch.cuda.device_count() > 1
    return f"cuda:{place % torch.cuda.device_count()}" if several and device in ("auto", "cuda") else device
