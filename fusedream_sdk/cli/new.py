"""`fusedream plugins new`: the distribution that a plugin of one's own begins with."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shlex
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from fusedream_sdk.cli.paths import PATH
from fusedream_sdk.cli.speech import say


@dataclass(frozen=True)
class Kind:
    """What a new plugin can be.

    Attributes:
        group: of its entry point.
        contract: what its test checks it to be: `check_<contract>` of `fusedream_sdk.testing`.
        draws: how its README draws a picture, after `fusedream`.
        yours: what its author puts in place.
    """

    group: str
    contract: str
    draws: str
    yours: str = "model"


GENERATE = 'generate "a red picture"'
KINDS = {
    "generator": Kind("generators", "generator", f"{GENERATE} --generator $name --scorer emoji"),
    "class-generator": Kind("generators", "generator", f"{GENERATE} --generator $name --scorer emoji"),
    "prompt-generator": Kind("generators", "generator", f"{GENERATE} --generator $name --scorer emoji"),
    "scorer": Kind("scorers", "scorer", f"{GENERATE} --generator emoji --scorer $name"),
    "reward": Kind("scorers", "reward", f"{GENERATE} --generator emoji --scorer $name"),
    "perceptual": Kind("perceptual", "perceptual", 'compose "a red picture" --models emoji --perceptual $name --place top'),
    "method": Kind("methods", "method", f"{GENERATE} --models emoji --method $name", "choice of parts"),
}
LONGEST = 50  # letters of a name


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(KINDS)), default="generator", show_default=True, help="What it adds.")
@click.option("-o", "--out", type=PATH, help="The folder to make. [default: NAME]")
def new(name: str, kind: str, out: Path | None) -> None:
    """Write a plugin that works: a package to install, with an entry point and a test of the contract.

    \b
    fusedream plugins new my_gan
    fusedream plugins new my_scorer --kind scorer --out work/my-scorer
    fusedream plugins new my_method --kind method
    fusedream plugins new my_classes --kind class-generator

    NAME is the Python package, and what --generator, --scorer, --perceptual or --method will take.
    """
    folder = write(name, kind, out)
    click.echo(folder)
    say(f"next: cd {shlex.quote(str(folder))}; pip install -e . pytest; python -m pytest")


def write(name: str, kind: str, out: Path | None = None) -> Path:
    """Write the distribution of a new plugin, whole or not at all.

    Args:
        name: of its import package and of its entry point, such as `my_gan`.
        kind: a name of `KINDS`.
        out: the folder to make; by default `name`, in the working folder.

    Returns:
        The folder.

    Raises:
        InvalidInput: the name cannot be used. OutputError: the folder exists or cannot be made.
    """
    from fusedream_sdk.runtime.files import atomic_folder

    _check_name(name)
    folder = Path(name) if out is None else out.expanduser()
    about = KINDS[kind]
    words = {
        "name": name,
        "what": kind.replace("-", " ").replace("class generator", "class-conditional generator"),
        "group": about.group,
        "contract": about.contract,
        "check": f"check_{about.contract}",
        "distribution": name.replace("_", "-"),
        "class_name": name.title().replace("_", ""),
        "draws": Template(about.draws).substitute(name=name),
        "yours": about.yours,
    }
    parts = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{name}/__init__.py": f"{kind}.py",
        f"{name}/weights/README.md": "weights",
        f"test_{name}.py": "test.py",
    }
    templates = files("fusedream_sdk.cli") / "templates"
    with atomic_folder(folder) as temporary:
        for target, template in parts.items():
            text = (templates / f"{template}.txt").read_text(encoding="utf-8")
            (temporary / target).parent.mkdir(parents=True, exist_ok=True)
            (temporary / target).write_text(Template(text).substitute(words), encoding="utf-8")
    return folder


def _check_name(name: str) -> None:
    """A name that works as a module, as a distribution and on the command line. Raises InvalidInput."""
    from fusedream_sdk.errors import InvalidInput

    expected, fix = f"a lower-case Python name of at most {LONGEST} letters, such as my_gan", ""
    suggestion = re.sub(r"[^a-z0-9]+", "_", name.lower()).lstrip("_0123456789")[:LONGEST].rstrip("_")
    if name.isascii() and suggestion and not keyword.iskeyword(suggestion):
        fix = f"Try {suggestion}."
    if len(name) > LONGEST or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise InvalidInput("name", expected=expected, got=repr(name), fix=fix)
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise InvalidInput("name", expected=expected, got=f"{name!r}, a word of the language", fix=f"Try my_{name}.")
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.origin is not None:  # a mere folder of that name has no origin, and hides nothing
        raise InvalidInput("name", expected="a name that no module has yet", got=repr(name), fix=f"Try my_{name}.")
