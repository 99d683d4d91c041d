from __future__ import annotations

import sys

from tests.cli.toys import add_distribution


def test_plugins_are_listed_with_their_packages(fusedream):
    code, out, err = fusedream("plugins")
    assert code == 0
    assert "plugins --check" in err
    assert "toy                toy-models (toy_models:generator)" in out
    assert "broken             toy-models (a_module_that_is_not_there:pair)" in out
    assert "toy_models" not in sys.modules


def test_check_reports_what_does_not_import_and_goes_on(fusedream):
    code, out, _ = fusedream("plugins", "--check")
    assert code == 2
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "BROKEN: ModuleNotFoundError: No module named 'a_module_that_is_not_there'" in lines["broken"]
    assert lines["toy"].endswith("ok")
    assert lines["lpips"].endswith("ok")
    assert lines["clip-features"].endswith("ok")


def test_a_name_that_two_packages_claim_is_shown_as_a_duplicate(fusedream, tmp_path, monkeypatch):
    other = add_distribution(tmp_path / "more", "more-models", "[fusedream_sdk.scorers]\ntoy = more_models:scorer\n")
    monkeypatch.syspath_prepend(str(other))
    code, out, _ = fusedream("plugins")
    assert code == 0
    (line,) = [line for line in out.splitlines() if "DUPLICATE" in line]
    assert "toy-models (toy_models:scorer)" in line
    assert "more-models (more_models:scorer)" in line


def test_models_shows_pairs_with_judge_and_settings_and_the_broken_one(fusedream):
    code, out, _ = fusedream("models")
    assert code == 0
    assert "judge      toy" in out
    assert "perceptual toy" in out
    assert "steps 4" in out
    assert "BROKEN     PluginImportError" in out
    assert "generators: " in out
