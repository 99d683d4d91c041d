"""Where a reward's files are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusedream_rewards.files import find_file, is_cached
from fusedream_sdk.errors import WeightsError

NAME = "HPS_v2.1_compressed.pt"


def test_a_file_may_have_any_name_and_a_folder_holds_the_published_one(tmp_path: Path):
    (tmp_path / "mine.pt").touch()
    assert find_file("hpsv2", tmp_path / "mine.pt", NAME) == tmp_path / "mine.pt"
    with pytest.raises(WeightsError, match=rf"expected {NAME} in '.*', which holds mine.pt"):
        find_file("hpsv2", tmp_path, NAME)
    (tmp_path / NAME).touch()
    assert find_file("hpsv2", tmp_path, NAME) == tmp_path / NAME


def test_a_repository_in_the_cache_is_used_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commit = tmp_path / "models--owner--name" / "snapshots" / "abc"
    commit.mkdir(parents=True)
    (commit / NAME).touch()
    (commit.parents[1] / "refs").mkdir()
    (commit.parents[1] / "refs" / "main").write_text("abc")
    assert find_file("hpsv2", "owner/name", NAME, cache_dir=tmp_path) == commit / NAME
    assert not is_cached("owner/name", [NAME])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("owner/name", rf"hpsv2 is a reward without weights: {NAME} of 'owner/name' is not in the cache, and .*hpsv2:FOLDER"),
        ("some/where/else", r"'some/where/else' is no file or folder, nor a repository id such as owner/name. Name the file"),
    ],
)
def test_a_reward_without_weights_is_one_sentence(weights: str, message: str, tmp_path: Path):
    with pytest.raises(WeightsError, match=message) as caught:
        find_file("hpsv2", weights, NAME, cache_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert not is_cached(weights, [NAME])
