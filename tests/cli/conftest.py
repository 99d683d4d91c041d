from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fusedream_sdk.cli import main
from tests.cli.toys import environment

Outcome = tuple[int, str, str]
"""Exit code, stdout, stderr."""


@pytest.fixture
def fusedream(toys: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command line in this process."""

    def run(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(list(words))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def process(toys: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """The command line as a process of its own."""

    def start(*words: str) -> subprocess.Popen[str]:
        # A shell in the background has Ctrl-C ignored, and what it starts inherits that.
        heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        begin = "import sys; from fusedream_sdk.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", f"{heed}; {begin}", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment(toys, tmp_path / "cache"))

    return start
