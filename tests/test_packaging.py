"""What is given away: the wheel and the source archive, whole, without junk, and drawing where nothing else of ours is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.imaging.pictures import read_recipe
from tests.cli.toys import ROOT
from tests.fresh import fresh_environment

pytest.importorskip("hatchling")

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
TARGETS = PYPROJECT["tool"]["hatch"]["build"]["targets"]
NAME = f"fusedream_sdk-{PROJECT['version']}"
JUNK = ("__pycache__", ".pyc", ".venv", ".git/", "_cache", ".hypothesis", ".egg-info", ".ipynb_checkpoints")


def build(source: Path, into: Path, *kinds: str) -> None:
    """Without an environment of its own, so without a network."""
    which = [word for kind in kinds for word in ("-t", kind)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", into, *which], cwd=source, check=True, capture_output=True
    )


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist", "wheel")
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def unpacked(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(dist / f"{NAME}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / NAME


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_packages_weights_and_licences_and_nothing_they_were_made_with(wheel: Path):
    found = names(wheel)
    packages = {Path(name).name for name in TARGETS["wheel"]["packages"]}
    assert {name.split("/")[0] for name in found} == {*packages, f"{NAME}.dist-info"}
    world = {name.removeprefix("fusedream_emoji/") for name in found if name.startswith("fusedream_emoji/")}
    assert {f"weights/{model}/model.safetensors" for model in ("generator", "scorer", "judge", "vqgan")} <= world
    assert {"NOTICE", "licenses/Apache-2.0.txt", "licenses/MIT-Fluent.txt", "weights/scorer/README.md"} <= world
    licences = {name.split("/licenses/", 1)[1] for name in found if name.startswith(f"{NAME}.dist-info/licenses/")}
    beside = "plugins/fusedream_emoji"
    assert {"LICENSE", f"{beside}/NOTICE", f"{beside}/licenses/Apache-2.0.txt"} <= licences
    assert not [name for name in world if name.startswith(("art", "training", "painting"))]
    assert not [
        name for name in found if "test" in Path(name).stem and name != "fusedream_sdk/testing.py" and "/templates/" not in name
    ]
    assert not [name for name in found if any(junk in name for junk in JUNK)]


def test_nothing_that_the_wheel_leaves_out_is_imported_by_what_it_has(wheel: Path):
    left_out = {Path(name).stem for name in TARGETS["wheel"]["exclude"]}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".py"):
                text = archive.read(name).decode()
                assert not [module for module in left_out if f"fusedream_emoji.{module} import" in text], name


def test_the_version_stands_in_one_place(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        about = Parser().parsestr(archive.read(f"{NAME}.dist-info/METADATA").decode())
    assert about["Version"] == PROJECT["version"]
    assert about["License-Expression"] == "MIT"
    assert PROJECT["version"] not in (ROOT / "CITATION.cff").read_text()
    assert PROJECT["version"] not in (ROOT / "fusedream_sdk" / "__init__.py").read_text()


def test_the_page_says_how_large_the_wheel_is(wheel: Path):
    megabytes = wheel.stat().st_size / 1e6
    page = (ROOT / "docs" / "install.md").read_text()
    said = float(page.split("The wheel has ")[1].split(" MB")[0])
    assert said == pytest.approx(megabytes, rel=0.1)


def test_the_source_archive_has_what_is_needed_and_no_junk(unpacked: Path):
    files = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()]
    assert {path.name for path in unpacked.iterdir()} <= {*TARGETS["sdist"]["only-include"], "PKG-INFO", ".gitignore"}
    assert {"tests/conftest.py", "docs/index.md", "plugins/fusedream_emoji/art/noto.webp", "CITATION.cff"} <= set(files)
    assert not [name for name in files if any(junk in name for junk in JUNK)]


def test_the_source_archive_makes_the_same_wheel(unpacked: Path, wheel: Path, tmp_path: Path):
    build(unpacked, tmp_path, "wheel")
    assert names(tmp_path / wheel.name) == names(wheel)


def test_the_citation_names_the_paper():
    yaml: Any = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    (paper,) = cited["references"]
    assert paper["url"] in (ROOT / "README.md").read_text()
    assert len(paper["authors"]) == 6


def test_who_installs_the_wheel_draws_a_picture_and_runs_the_tests_of_the_source_archive(
    wheel: Path, unpacked: Path, tmp_path: Path
):
    folder = fresh_environment(tmp_path / "environment")
    python, work = folder / "bin" / "python", tmp_path / "work"
    (work / "source").mkdir(parents=True)
    quiet = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "FUSEDREAM_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }

    def run(*words: str | Path, at: Path = work) -> str:
        done = subprocess.run(words, cwd=at, env=quiet, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(python, "-m", "pip", "install", "--no-deps", "--no-index", "--ignore-installed", wheel)
    run(folder / "bin" / "fusedream", "generate", "a blue dog", "--models", "emoji-tiny", "--out", "dog.png")
    assert read_recipe(work / "dog.png")["prompt"] == "a blue dog"
    assert PROJECT["version"] in run(folder / "bin" / "fusedream", "--version")
    home = run(python, "-c", "import fusedream_sdk, fusedream_emoji; print(fusedream_sdk.__file__, fusedream_emoji.__file__)")
    assert all(str(folder) in where for where in home.split())
    (work / "source" / "tests").symlink_to(unpacked / "tests")
    (work / "source" / "pyproject.toml").symlink_to(unpacked / "pyproject.toml")
    told = run(python, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", "tests/test_errors.py", at=work / "source")
    assert " passed" in told
