"""What to do about a plugin that does not import: what to install, or where to look for what was left out of its package."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from pathlib import Path

from fusedream_sdk.errors import PluginImportError

FOR_AUTHORS = {"dev", "test", "tests", "docs", "all"}  # extras that nobody installs to draw


def require(needing: str, extra: str, *modules: str) -> None:
    """Refuse to go on without modules of an extra of this package, whose names may not be those of the packages.

    Args:
        needing: beginning of the sentence, such as "generators: a VQGAN needs".
        extra: that installs them.
        modules: by which they are imported.

    Raises:
        PluginImportError: one of them is not there.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise PluginImportError(f'{needing} {module!r}. Install it: pip install "fusedream-sdk[{extra}]"')


def install_hint(error: BaseException, point: EntryPoint) -> str:
    """What to do when a plugin did not import, or did not find a file of its own.

    A package is named for installation only where the plugin's distribution declares it. The name of a module that is missing
    says nothing about who publishes a package of that name.
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing_module(error.name, point)
    if left_out(error, point):
        return _left_out(Path(str(getattr(error, "filename", ""))).name, point)
    return f"Reinstall or uninstall {_owner(point)}; the other plugins still work."


def left_out(error: BaseException, point: EntryPoint) -> bool:
    """Whether an error says that a file is missing where the plugin's own files lie."""
    name = getattr(error, "filename", None)
    return isinstance(error, FileNotFoundError) and isinstance(name, str) and _folder(point) in Path(name).parents


def declared(point: EntryPoint, module: str) -> str | None:
    """What to give pip for a module, where the plugin's distribution declares a dependency of that name; else None."""
    found = [line for line in _requirements(point) if _canonical(_name(line)) == _canonical(module)]
    extras = [extra for line in found if (extra := _extra(line))]
    if any(not _extra(line) for line in found):
        return next(line.partition(";")[0].strip() for line in found if not _extra(line))
    useful = [extra for extra in extras if extra not in FOR_AUTHORS] or extras
    return f"{_owner(point)}[{useful[0]}]" if useful else None


def _missing_module(module: str, point: EntryPoint) -> str:
    """The hint for a module that was not found."""
    top, owner = module.split(".")[0], _owner(point)
    wanted = declared(point, top)
    if wanted is not None:
        return f"Install what it needs: pip install {_quoted(wanted)}"
    if module == point.module.split(".")[0]:
        return f"Reinstall or uninstall {owner}; the other plugins still work."
    if top == point.module.split(".")[0]:
        return _left_out(f"{module.replace('.', '/')}.py", point)
    lacking = [line for line in _requirements(point) if ";" not in line and not _installed(_name(line))]
    if lacking:
        return f"It needs what is not installed: pip install {' '.join(map(_quoted, lacking))}"
    return (
        f"{owner} declares no dependency {top!r}, so it may be a file of its own that was left out. {_left_out(top, point)} "
        f"Or its author forgot to declare it: ask, and install nothing for its name alone."
    )


def _left_out(what: str, point: EntryPoint) -> str:
    """The hint for a file that is missing from the package itself."""
    return (
        f"Look for {what!r} in {_folder(point)}: the package {_owner(point)} has to contain it. A wheel packs a folder whole, "
        f"but of single files only the one that is named like the distribution: see 'Write a plugin', step 7."
    )


def _requirements(point: EntryPoint) -> list[str]:
    return list(point.dist.requires or ()) if point.dist is not None else []


def _name(requirement: str) -> str:
    """`Some.Package[extra]>=1; marker` to `Some.Package`."""
    return re.split(r"[\s\[<>=~!;@(]", requirement.strip(), maxsplit=1)[0]


def _extra(requirement: str) -> str | None:
    """The extra that a requirement belongs to, if any."""
    found = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", requirement.partition(";")[2])
    return found[1] if found else None


def _canonical(name: str) -> str:
    """A name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _quoted(requirement: str) -> str:
    """A requirement for a shell."""
    return requirement if re.fullmatch(r"[\w.-]+", requirement) else f'"{requirement}"'


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "its package"


def _folder(point: EntryPoint) -> Path:
    """Where the plugin's own files lie."""
    spec = importlib.util.find_spec(point.module.split(".")[0])
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin).parent if spec is not None and spec.origin else Path()
