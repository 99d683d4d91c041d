"""The report of the doctor, and its exit code."""

from __future__ import annotations

import json

from fusedream_sdk.cli import checkup


def test_the_report_names_what_is_there_part_by_part(fusedream, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, out, err = fusedream("doctor", "--no-speed")
    assert (code, err) == (0, "")
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    assert heads == ["versions:", "extras:", "devices:", "caches:", "settings:"]
    for words in ("fusedream-sdk", "torch", "transformers", "python", "cpu", "auto is float32", "banks", "nothing is fetched"):
        assert words in out


def test_what_is_missing_stands_with_the_command_that_mends_it_and_breaks_nothing(fusedream, monkeypatch):
    known = checkup.needed
    monkeypatch.setattr(checkup, "needed", lambda extra="": ["nobody-has-this"] if extra == "ray" else known(extra))
    code, out, _ = fusedream("doctor", "--no-speed")
    assert code == 0
    assert "not installed: nobody-has-this  MISSING" in out
    assert 'pip install "fusedream-sdk[ray]"' in out


def test_what_is_needed_and_broken_gives_1(fusedream, monkeypatch):
    def broken():
        raise OSError("no such library")
        yield

    monkeypatch.setattr(checkup, "needed", lambda extra="": [] if extra else ["nobody-has-this"])
    monkeypatch.setattr(checkup, "devices", broken)
    code, out, err = fusedream("doctor", "--no-speed", "--json", "--quiet")
    found = [json.loads(line) for line in out.splitlines()]
    wrong = {one["name"]: one["fix"] for one in found if one["state"] == "broken"}
    assert code == 1
    assert wrong["nobody-has-this"] == "pip install nobody-has-this"
    assert set(wrong) == {"nobody-has-this", "devices"}
    assert err == "fusedream: 2 of what is needed are broken; the commands above mend it.\n"
