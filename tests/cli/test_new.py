from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.cli import new
from fusedream_sdk.imaging.pictures import read_recipe
from tests.cli.test_main import HEAVY, IMPORTED
from tests.cli.toys import ROOT, add_distribution, environment

GROUPS = {
    "generator": "generators",
    "class-generator": "generators",
    "prompt-generator": "generators",
    "scorer": "scorers",
    "reward": "scorers",
    "perceptual": "perceptual",
    "method": "methods",
}
KINDS = list(GROUPS)


# As `python -m pytest` in each folder, each in a process of its own; what all of them import is imported once.
OWN_TESTS = """
import os, sys, pytest, fusedream_sdk.testing
sys.path[0] = ""
for folder in sys.argv[1:]:
    if not (child := os.fork()):
        os.chdir(folder)
        code = pytest.main(["-q", "-p", "no:cacheprovider", "-W", "error"])
        sys.stdout.flush()
        os._exit(code)
    print(folder, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_new_plugin_of_any_kind_passes_its_own_test_before_a_line_is_changed(fusedream, toys, tmp_path):
    names = [f"my_{kind.replace('-', '_')}" for kind in KINDS]
    for kind, name in zip(KINDS, names, strict=True):
        assert fusedream("plugins", "new", name, "--kind", kind)[:2] == (0, f"{name}\n")
    command = [sys.executable, "-c", OWN_TESTS, *names]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(toys, tmp_path / "cache"), check=True)
    for name in names:
        assert f"{name} 0\n" in done.stdout, done.stdout
    assert done.stdout.count("\n1 passed") == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_registers_its_name_for_its_kind(kind, fusedream):
    fusedream("plugins", "new", "my_model", "--kind", kind)
    whole = tomllib.loads(Path("my_model/pyproject.toml").read_text())
    assert whole["project"]["name"] == "my-model"
    assert whole["project"]["entry-points"] == {f"fusedream_sdk.{GROUPS[kind]}": {"my_model": "my_model:load"}}
    assert whole["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["my_model"]
    assert sorted(str(path.relative_to("my_model")) for path in Path("my_model").rglob("*") if path.is_file()) == [
        *("README.md", "my_model/__init__.py", "my_model/weights/README.md", "pyproject.toml", "test_my_model.py")
    ]


def test_every_kind_has_a_template_and_every_template_a_kind():
    templates = {path.name.removesuffix(".py.txt") for path in (ROOT / "fusedream_sdk/cli/templates").glob("*.py.txt")}
    assert templates == {*new.KINDS, "test"}
    assert {kind: about.group for kind, about in new.KINDS.items()} == GROUPS


@pytest.mark.parametrize("kind", KINDS)
def test_the_commands_in_its_readme_check_it_and_draw_with_it(kind, fusedream, tmp_path, monkeypatch):
    name = f"my_own_{kind.replace('-', '_')}"
    fusedream("plugins", "new", name, "--kind", kind)
    entry = f"[fusedream_sdk.{GROUPS[kind]}]\n{name} = {name}:load\n"
    installed = add_distribution(tmp_path / "installed", "my-own", entry)
    shutil.copytree(Path(name, name), installed / name)
    monkeypatch.syspath_prepend(str(installed))
    tried, drawn = re.findall(r"^    fusedream (.+)$", Path(name, "README.md").read_text(), re.MULTILINE)
    code, out, err = fusedream(*shlex.split(tried))
    assert (code, out) == (0, f"{GROUPS[kind]}  {name}  ok\n"), err
    code, out, err = fusedream(*shlex.split(drawn.replace(" emoji", " toy")))
    assert code == 0, err
    assert Path(out.split("  ")[0]).is_file()


def test_what_lies_in_the_folder_of_a_new_plugin_is_in_its_wheel(fusedream):
    """pip gets hatchling, as for who follows the page "Write a plugin"; also what git ignores is packed."""
    fusedream("plugins", "new", "my_gan")
    Path("my_gan/my_gan/network.py").write_text("NAME = 3")
    Path("my_gan/my_gan/weights/gan.pt").write_bytes(b"tensors")
    Path("my_gan/.gitignore").write_text("*.pt\n")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", "./my_gan"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile("dist/my_gan-0.1.0-py3-none-any.whl") as packed:
        assert {"my_gan/__init__.py", "my_gan/network.py", "my_gan/weights/gan.pt"} <= set(packed.namelist())


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed; it comes with the extra `dev`")
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_has_nothing_that_our_linter_minds(kind, fusedream):
    fusedream("plugins", "new", "my_model", "--kind", kind)
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["select"]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--line-length", "110"]
    done = subprocess.run([*command, "--select", ",".join(rules), "my_model"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_out_says_which_folder_to_make(fusedream):
    code, out, err = fusedream("plugins", "new", "my_model", "--out", "a folder")
    assert (code, out) == (0, "a folder\n")
    assert "cd 'a folder'" in err
    assert Path("a folder/my_model/__init__.py").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["my-gan"], "name: expected a lower-case Python name of at most 50 letters, such as my_gan, got 'my-gan'. Try"),
        (["MyGAN"], "got 'MyGAN'. Try mygan."),
        (["2gan"], "got '2gan'. Try gan."),
        (["my__gan"], "got 'my__gan'. Try my_gan."),
        (["../gan"], "got '../gan'. Try gan."),
        (["gän"], "such as my_gan, got 'gän'."),
        ([""], "got ''."),
        (["lambda"], "got 'lambda', a word of the language. Try my_lambda."),
        (["torch"], "name: expected a name that no module has yet, got 'torch'. Try my_torch."),
        (["my_gan", "--kind", "critic"], "'critic' is not one of 'generator', 'class-generator'"),
        (["my_gan", "--out", "."], "out: expected a new folder, but . exists."),
        (["my_gan", "--out", "missing/my_gan"], "out: expected an existing folder, got missing."),
        (["x" * 51], "Try " + "x" * 50),
        (["my_gan", "--out", "x" * 300], "out: expected a file name of at most 255 bytes"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_a_plugin_that_cannot_be_made_gives_2_and_one_sentence_and_leaves_nothing(words, message, fusedream):
    code, out, err = fusedream("plugins", "new", *words)
    assert code == 2, err
    assert message in err.splitlines()[-1]
    assert out == ""
    assert list(Path().iterdir()) == []


def test_an_existing_folder_is_left_as_it_is(fusedream):
    fusedream("plugins", "new", "my_gan")
    Path("my_gan/my_gan/__init__.py").write_text("mine")
    code, _, err = fusedream("plugins", "new", "my_gan", "--kind", "scorer")
    assert code == 2
    assert "out: expected a new folder, but my_gan exists. Choose another name, or remove it." in err
    assert Path("my_gan/my_gan/__init__.py").read_text() == "mine"


def test_a_new_method_is_read_without_torch_and_drawn_with_by_name_and_option(fusedream, tmp_path, monkeypatch, toys):
    fusedream("plugins", "new", "own_method", "--kind", "method")
    source = Path("own_method/own_method/__init__.py").read_text()
    entry = "[fusedream_sdk.methods]\nown_method = own_method:load\n"
    installed = add_distribution(tmp_path / "installed", "own-method", entry, {"own_method": source})
    loaded = [sys.executable, "-c", "import own_method, sys; print('torch' in sys.modules)"]
    env = environment(toys, tmp_path / "cache")
    done = subprocess.run(loaded, cwd=installed, capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "False\n"

    monkeypatch.syspath_prepend(str(installed))
    named = ["--models", "toy", "--method", "own_method?momentum=0&penalty=0.1", "--out", "a.png"]
    assert fusedream("generate", "red", *named)[0] == 0
    recipe = read_recipe("a.png")
    assert recipe["steering"] == {"name": "own_method", "options": {"momentum": 0, "penalty": 0.1}}
    assert recipe["settings"]["lr"] == 0.5
    assert fusedream("replay", "a.png", "--out", "b.png")[0] == 0
    with Image.open("a.png") as drawn, Image.open("b.png") as again:
        assert drawn.tobytes() == again.tobytes()


@pytest.mark.parametrize("words", [["plugins", "--help"], ["plugins", "new", "--help"], ["plugins", "new", "my_gan"]])
def test_neither_help_nor_a_new_plugin_imports_anything_heavy(words, toys, tmp_path):
    code = IMPORTED.format(words=words, heavy=HEAVY)
    env = environment(toys, tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"
