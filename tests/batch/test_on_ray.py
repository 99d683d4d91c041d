"""Workers that are actors of a real Ray, on this machine."""

from __future__ import annotations

import builtins
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from fusedream_sdk.batch import on_ray
from fusedream_sdk.batch.dispatch import Dispatch
from fusedream_sdk.batch.on_ray import Actors, Cluster, Painter, check_answers, mapped
from fusedream_sdk.errors import InvalidInput, PluginFault, PluginImportError
from fusedream_sdk.search.bank import BankRecipe, LatentBank
from tests.batch.toys import FAULTY, SLOW, BadLoad, ToyLoad, alone, found, painted, same
from tests.cli.toys import ROOT

ANY = pytest.mark.filterwarnings("ignore")  # Ray's own, of its threads and sockets


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.syspath_prepend(str(ROOT))
        joined = Cluster("local", 2)
        yield joined
        joined.close()


@ANY
def test_two_actors_draw_and_one_killed_from_outside_is_made_up_for(cluster: Cluster, load: ToyLoad):
    units = alone("a", "b", SLOW, "d", "e", "f")
    killer = load.kill_at(2)
    outcomes = found(Dispatch(Actors(cluster, load, 1, []), 2), units)
    killer.join()
    assert same(outcomes, units)
    assert len(load.begun(2)) >= 2


@ANY
def test_a_row_that_fails_is_told_and_so_are_actors_that_cannot_load(cluster: Cluster, load: ToyLoad):
    outcomes = found(Dispatch(Actors(cluster, load, 1, []), 1), alone("a", FAULTY, "c"))
    assert [outcomes[number].why for number in range(3)] == ["", "ZeroDivisionError: no picture", ""]
    with pytest.raises(PluginFault, match="FileNotFoundError: no weights"):
        found(Dispatch(Actors(cluster, BadLoad(), 1, []), 1), alone("a"))


@ANY
def test_a_cluster_that_is_there_is_joined_and_left_as_it_was(cluster: Cluster):
    again = Cluster("auto")
    again.close()
    assert cluster.ray.is_initialized()
    assert cluster.room(2) == max(1, int(cluster.ray.cluster_resources()["CPU"]) // 2)
    assert cluster.room(1000) == 1
    assert cluster.room(1, accelerated=True) == (cluster.gpus or cluster.room(1))


def test_an_actor_has_the_banks_of_the_object_store_without_copying_them():
    seen: list[LatentBank] = []

    def load(place: int, banks: Any) -> Any:
        seen.extend(banks)
        return painted

    array = np.arange(8, dtype=np.float16).reshape(4, 2)
    array.flags.writeable = False
    recipe, painter = BankRecipe("g", "s", 4), Painter()
    threads = torch.get_num_threads()
    assert painter.load(load, 0, 1, [(recipe, array)]) == []
    torch.set_num_threads(threads)
    assert seen[0].recipe == recipe
    assert seen[0].embeddings.data_ptr() == array.ctypes.data
    assert [outcome.number for outcome in painter.draw(alone("a")[0])] == [0]
    with pytest.raises(PluginFault, match="before it had loaded"):
        Painter().draw(alone("a")[0])


def test_an_array_that_is_only_read_becomes_a_tensor_without_a_warning():
    array = np.ones(3, dtype=np.float16)
    array.flags.writeable = False
    assert mapped(array).sum() == 3


def test_an_address_where_nobody_listens_is_one_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
        with pytest.raises(InvalidInput, match=r"ray: expected the address of a Ray cluster that answers, got .*no answer"):
            check_answers(address)


def test_a_listener_that_is_no_ray_is_told_within_its_patience(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(on_ray, "PATIENCE", 0.3)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InvalidInput, match="does not answer as Ray does"):
            check_answers(f"127.0.0.1:{other.getsockname()[1]}")


def test_a_word_is_left_to_ray():
    for word in ("auto", "local", "nonsense"):
        check_answers(word)


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999"])
@ANY
def test_an_address_that_is_none_is_one_sentence(address: str):
    ray: Any = pytest.importorskip("ray")
    if ray.is_initialized():  # by the fixture of this file, which is joined whatever is said
        ray.shutdown()
    with pytest.raises(InvalidInput, match="ray: expected the address of a Ray cluster"):
        Cluster(address)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    imported = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "ray":
            raise ImportError("No module named 'ray'")
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(PluginImportError, match=r'pip install "fusedream-sdk\[ray\]"'):
        Cluster("auto")
