"""Completion, by a real bash."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fusedream_sdk.cli.completion import SHELLS
from tests.cli.toys import environment

BASH = shutil.which("bash")
Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(toys: Path, tmp_path: Path, fusedream) -> Complete:
    """What a bash that has read the script offers for the last word of a line."""
    command = tmp_path / "bin" / "fusedream"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m fusedream_sdk "$@"\n')
    command.chmod(0o755)
    script = fusedream("completion", "bash")[1]
    env = environment(toys, tmp_path / "cache")
    env["PATH"] = f"{command.parent}{os.pathsep}{env['PATH']}"

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        call = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; COMPREPLY=()"
        asked = f'{script}\n{call}\n_fusedream_completion fusedream\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run([str(BASH), "--norc", "-c", asked], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return ask


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_bash_completes_verbs_options_and_names_of_models(complete: Complete):
    assert complete("fusedream inte") == ["interpolate"]
    assert complete("fusedream generate --ima") == ["--image-prompt"]
    assert complete("fusedream generate --mix p") == ["paper"]
    assert complete("fusedream generate --models to") == ["toy"]
    assert complete("fusedream compose --generator toy-") == ["toy-48"]


@pytest.mark.skipif(BASH is None, reason="no bash")
def test_bash_registers_the_function_for_the_command(fusedream):
    script = fusedream("completion", "bash")[1]
    asked = [str(BASH), "--norc", "-c", f"{script}\ncomplete -p fusedream"]
    assert "_fusedream_completion fusedream" in subprocess.run(asked, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell, fusedream):
    code, out, err = fusedream("completion", shell)
    assert (code, err) == (0, "")
    assert f"_FUSEDREAM_COMPLETE={shell}_complete" in out


def test_another_shell_is_refused(fusedream):
    code, out, err = fusedream("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "'tcsh' is not one of" in err
