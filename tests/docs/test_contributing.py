"""CONTRIBUTING.md, the hooks, the workflow and the forms say what is there, and the same as each other."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fusedream_sdk.cli import fusedream
from tests.cli.toys import ROOT
from tests.docs.blocks import blocks, commands

yaml: Any = pytest.importorskip("yaml")

PAGE = ROOT / "CONTRIBUTING.md"
TEXT = PAGE.read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
TEMPLATES = [*FORMS, ROOT / ".github" / "pull_request_template.md"]
FILE = re.compile(r"[\w.<>/-]+(/|/[\w.<>-]+|\.(md|py|toml|yaml|yml))")
SHELL = {".", "git", "python", "python3", "pip"}  # what a shell with a virtual environment has


def shell(page: Path) -> list[str]:
    """The commands of a page's blocks, also those joined by &&, and without the folder of the environment."""
    lines = [line for block in blocks(page) if block.language == "sh" for line in commands(block)]
    return [part.strip().removeprefix(".venv/bin/") for line in lines for part in line.split("&&")]


def workflow() -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def steps() -> list[dict[str, Any]]:
    return [step for job in workflow()["jobs"].values() for step in job["steps"]]


def hooks() -> list[str]:
    """What the hooks run, without the folder of the environment."""
    found = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    return [hook["entry"].replace(".venv/bin/", "") for repo in found for hook in repo["hooks"]]


def checks() -> list[str]:
    """The commands under the heading "Checks"."""
    (block,) = re.findall(r"^## Checks\n\n```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return block.splitlines()


def quoted(text: str) -> set[str]:
    """What stands between backticks, outside blocks."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)))


def test_every_file_that_is_named_exists():
    named = {name for name in quoted(TEXT) if FILE.fullmatch(name)}
    assert len(named) > 15
    missing = {name for name in named if not any(ROOT.glob(re.sub(r"<\w+>", "*", name)))}
    assert not missing


def test_every_link_leads_to_a_file_and_a_heading():
    for target, heading in re.findall(r"\]\(([^)#\s]+)#?([\w-]*)\)", TEXT):
        assert (ROOT / target).is_file(), target
        titles = re.findall(r"^#+ (.+)$", (ROOT / target).read_text(), re.MULTILINE)
        assert not heading or heading in {title.lower().replace(" ", "-") for title in titles}, f"{target}#{heading}"


def test_every_tool_is_in_the_environment_that_the_page_sets_up():
    wanted = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    packages = [re.split(r"[\[<>=~ ]", line)[0] for line in wanted]
    for command in shell(PAGE):
        tool = shlex.split(command)[0]
        brought = tool in SHELL or tool in PROJECT["scripts"] or any(f"{name}-".startswith(f"{tool}-") for name in packages)
        assert brought or os.access(ROOT / tool, os.X_OK), command


def test_every_verb_that_is_shown_exists():
    shown = [PAGE, *TEMPLATES]
    verbs = {verb for page in shown for verb in re.findall(r"\bfusedream ([a-z]+)\b", page.read_text())}
    assert verbs
    assert verbs <= set(fusedream.commands)


def test_the_groups_of_entry_points_are_those_of_the_project():
    groups = set(re.findall(r"`(fusedream_sdk\.[a-z]+)`", TEXT))
    assert groups
    assert groups <= set(PROJECT["entry-points"])


@pytest.mark.parametrize("command", checks())
def test_every_check_is_run_on_a_bare_machine_and_by_the_workflow(command: str):
    local = (ROOT / ".ci" / "run").read_text()
    assert re.search(rf"\.venv/bin/{re.escape(command)}( |$)", local, re.MULTILINE)
    assert command in [step.get("run") for step in steps()]


def test_the_workflow_runs_only_what_the_pages_say():
    said = {*shell(PAGE), *shell(ROOT / "README.md")}
    run = {step["run"] for step in steps() if "run" in step}
    assert run <= said
    uses = {step["uses"].split("@")[0] for step in steps() if "uses" in step}
    assert uses == {"actions/checkout", "actions/setup-python"}


def test_the_workflow_begins_with_the_oldest_python_that_may_be_used():
    versions = workflow()["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={versions[0]}"
    assert all(isinstance(version, str) for version in versions)  # 3.10 would be 3.1


def test_the_hooks_run_checks_of_the_page():
    assert hooks()
    for entry in hooks():
        assert any(f"{entry} ".startswith(f"{command} ") for command in checks()), entry


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_is_whole(form: Path):
    values = yaml.safe_load(form.read_text())
    if form.name == "config.yml":
        assert set(values) <= {"blank_issues_enabled", "contact_links"}
        return
    assert {"name", "description", "body"} <= set(values)
    ids = [field["id"] for field in values["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["type"] in ("input", "textarea") and field["attributes"]["label"] for field in values["body"])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_templates_name_only_commands_of_the_page(template: Path):
    named = {" ".join(name.split()) for name in re.findall(r"`([^`]+)`", template.read_text())}
    asked = {name for name in named if name.split()[0] in ("fusedream", "python", "pytest", "ruff", "pyright", "mkdocs")}
    assert asked <= {*shell(PAGE), *quoted(TEXT)}
