"""How a row stands, or ended."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fusedream_sdk.optim.status import Status


def test_a_status_is_the_word_that_files_and_users_know():
    words = ["running", "plateau", "failed", "dropped", "cancelled", "done"]
    assert [str(status) for status in Status] == words
    assert (Status.DONE, Status.FAILED) == ("done", "failed")
    assert [Status(word) for word in json.loads(json.dumps(list(Status)))] == list(Status)


def test_another_word_is_no_status():
    with pytest.raises(ValueError, match="stopped"):
        Status("stopped")


def test_it_can_be_asked_for_without_torch(child_env: dict[str, str]):
    code = "import sys, fusedream_sdk.optim.status; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=child_env, check=False).returncode == 0
