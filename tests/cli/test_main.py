from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.toys import environment

IMPORTED = """
import sys
from fusedream_sdk.cli import main
code = main({words})
print([module for module in {heavy} if module in sys.modules], code)
"""
HEAVY = ["torch", "transformers", "kornia", "numpy", "PIL", "toy_models"]


@pytest.mark.parametrize(
    "words", [["--help"], ["generate", "--help"], ["compose", "--help"], ["bank", "build", "--help"], ["--version"], []]
)
def test_help_imports_nothing_heavy(words, toys, tmp_path):
    code = IMPORTED.format(words=words, heavy=HEAVY)
    env = environment(toys, tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_listing_plugins_imports_no_plugin_and_no_torch(toys, tmp_path):
    code = IMPORTED.format(words=["plugins"], heavy=HEAVY)
    env = environment(toys, tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert "toy-models" in done.stdout
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_module_draws_a_picture_in_a_process_of_its_own(process):
    running = process("generate", "a red disc", "--models", "toy", "--out", "red.png", "--progress", "none")
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert out.startswith("red.png  augclip ")
    assert err == ""
    assert Path("red.png").is_file()


def test_ctrl_c_saves_the_best_so_far_and_says_so(process):
    words = ("--models", "toy", "--out", "red.png", "--steps", "1000000", "--progress", "pictures", "--every", "1")
    running = process("generate", "a red disc", *words)
    deadline = time.monotonic() + 120
    while not Path("red-steps/step-0002.png").is_file():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert "stopped early: the best so far is saved." in err
    assert out.rstrip().endswith("(cancelled)")
    assert Path("red.png").is_file()
