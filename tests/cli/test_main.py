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


def test_a_mistake_gives_2_and_one_sentence_without_a_traceback(process):
    running = process("generate", "a red disc", "--models", "tony")
    _, err = running.communicate(timeout=120)
    assert running.returncode == 2
    assert err.splitlines()[-1].startswith("fusedream: models: expected one of ")
    assert "Did you mean 'toy'?" in err
    assert "Traceback" not in err


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


def test_ctrl_c_before_anything_can_be_saved_gives_130(fusedream):
    code, out, err = fusedream("generate", "a red disc", "--generator", "interrupted", "--scorer", "toy", "--out", "a.png")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "fusedream: interrupted; nothing was saved."
    assert not Path("a.png").exists()


def test_a_fault_of_ours_gives_1_and_says_how_to_see_the_traceback(fusedream, monkeypatch):
    words = ("generate", "a red disc", "--generator", "faulty", "--scorer", "toy")
    code, _, err = fusedream(*words)
    assert code == 1
    assert "ZeroDivisionError: a plugin divided by zero" in err
    assert "Set FUSEDREAM_DEBUG=1" in err
    assert "Traceback" not in err
    monkeypatch.setenv("FUSEDREAM_DEBUG", "1")
    code, _, err = fusedream(*words)
    assert code == 1
    assert "Traceback" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gnerate"], "No such command 'gnerate'"),
        (["generate"], "Missing argument 'PROMPT...'"),
        (["generate", "a", "--steps", "0"], "0 is not in the range x>=1"),
        (["generate", "a", "--views", "0"], "0 is not in the range x>=1"),
        (["generate", "a", "--seed", "-1"], "expected integers from 0"),
        (["generate", "a", "--seed", "3-1"], "expected integers from 0"),
        (["generate", "a", "--seed", "0-99999999999"], "expected integers from 0"),
        (["generate", "a", "--seed", "9223372036854775808"], "seeds: expected integers from 0 to 9223372036854775807"),
        (["generate", " ", "--models", "toy"], "expected a sentence, got an empty one"),
        (["generate", "a", "", "--models", "toy"], "prompts[1]: expected a sentence, got an empty one"),
        (["generate", "a", "--models", "toy", "--basis", "50"], "basis: expected at most samples = 32, got 50"),
        (["generate", "a", "--models", "broken"], "No module named 'a_module_that_is_not_there'"),
        (["generate", "a", "--models", "toy", "--device", "nowhere"], "device: expected a device of this machine"),
        (["generate", "a", "--models", "toy", "--dtype", "float7"], "dtype: expected 'auto' or one of"),
        (["generate", "a", "--generator", "./no-folder", "--scorer", "toy"], "no-folder"),
        (["replay", "missing.png", "--out", "b.png"], "picture: expected an existing file, got missing.png"),
        (["interpolate", "missing.png", "b.png", "--out", "f.gif"], "picture: expected an existing file"),
        (["interpolate", "a.png", "b.png", "--out", "f.avi"], "expected a file that ends in .gif or .mp4, got f.avi"),
        (["interpolate", "a.png", "b.png", "--out", "f.gif", "--frames", "1"], "1 is not in the range x>=2"),
    ],
)
def test_every_mistake_gives_2_and_says_what_was_expected(words, message, fusedream):
    code, out, err = fusedream(*words)
    assert code == 2, err
    assert message in err.splitlines()[-1]
    assert out == ""
    assert list(Path().iterdir()) == []
