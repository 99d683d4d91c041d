from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from fusedream_sdk.imaging.pictures import read_recipe
from tests.cli.test_main import HEAVY, IMPORTED
from tests.cli.toys import ROOT, add_distribution, environment

KINDS = ["generator", "scorer", "method"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_own_test_before_a_line_is_changed(kind, fusedream, toys, tmp_path):
    code, out, _ = fusedream("plugins", "new", "my_model", "--kind", kind)
    assert (code, out) == (0, "my_model\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    env = environment(toys, tmp_path / "cache")
    done = subprocess.run(command, cwd="my_model", capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 passed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_registers_its_name_for_its_kind(kind, fusedream):
    fusedream("plugins", "new", "my_model", "--kind", kind)
    project = tomllib.loads(Path("my_model/pyproject.toml").read_text())["project"]
    assert project["name"] == "my-model"
    assert project["entry-points"] == {f"fusedream_sdk.{kind}s": {"my_model": "my_model:load"}}
    assert sorted(path.name for path in Path("my_model").iterdir()) == [
        *("README.md", "my_model.py", "pyproject.toml", "test_my_model.py")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_in_its_readme_draws_with_it(kind, fusedream, tmp_path, monkeypatch):
    name = f"my_own_{kind}"
    fusedream("plugins", "new", name, "--kind", kind)
    entry = f"[fusedream_sdk.{kind}s]\n{name} = {name}:load\n"
    installed = add_distribution(tmp_path / "installed", "my-own", entry, {name: Path(name, f"{name}.py").read_text()})
    monkeypatch.syspath_prepend(str(installed))
    (command,) = re.findall(r"^    fusedream (generate .+)$", Path(name, "README.md").read_text(), re.MULTILINE)
    code, out, err = fusedream(*shlex.split(command.replace(" emoji", " toy")))
    assert code == 0, err
    assert Path(out.split("  ")[0]).is_file()


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
    assert Path("a folder/my_model.py").is_file()


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
        (["my_gan", "--kind", "critic"], "'critic' is not one of 'generator', 'scorer', 'method'"),
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
    Path("my_gan/my_gan.py").write_text("mine")
    code, _, err = fusedream("plugins", "new", "my_gan", "--kind", "scorer")
    assert code == 2
    assert "out: expected a new folder, but my_gan exists. Choose another name, or remove it." in err
    assert Path("my_gan/my_gan.py").read_text() == "mine"


def test_a_new_method_is_read_without_torch_and_drawn_with_by_name_and_option(fusedream, tmp_path, monkeypatch, toys):
    fusedream("plugins", "new", "my_method", "--kind", "method")
    source = Path("my_method/my_method.py").read_text()
    entry = "[fusedream_sdk.methods]\nmy_method = my_method:load\n"
    installed = add_distribution(tmp_path / "installed", "my-method", entry, {"my_method": source})
    loaded = [sys.executable, "-c", "import my_method, sys; print('torch' in sys.modules)"]
    env = environment(toys, tmp_path / "cache")
    done = subprocess.run(loaded, cwd=installed, capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "False\n"

    monkeypatch.syspath_prepend(str(installed))
    named = ["--models", "toy", "--method", "my_method?momentum=0&penalty=0.1", "--out", "a.png"]
    assert fusedream("generate", "red", *named)[0] == 0
    recipe = read_recipe("a.png")
    assert recipe["steering"] == {"name": "my_method", "options": {"momentum": 0, "penalty": 0.1}}
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
