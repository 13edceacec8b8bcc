"""retort.command: its options are part of its face; a new one is a decision, not an accident."""

from __future__ import annotations

import re

import pytest

from retort.command import main

OPTIONS = {
    ("summary",): {"--json", "--machine"},
    ("doctor",): {"--json", "--machine"},
    ("report",): {"--out", "--machine"},
    ("compare",): {"--suite", "--json", "--machine"},
    ("ledger",): {"--json", "--machine", "--problem", "--full"},
    ("dedupe",): {
        *("--out", "--id", "--field", "--threshold", "--words", "--keep", "--skip-bad"),
        *("--workers", "--machine"),
    },
    ("decontaminate",): {
        *("--out", "--against", "--recipe", "--id", "--field", "--words", "--share", "--mark"),
        *("--skip-bad", "--workers", "--machine"),
    },
    ("pin",): {"--check", "--update"},
    ("explore",): {"--port", "--marks", "--machine", "--no-search", "--rebuild"},
    ("plan",): {"--machine", "--json", "--tokens-per-s", "--accept-rate"},
    ("train",): {
        *("--dataset", "--student", "--out", "--machine", "--hostfile", "--check", "--rows"),
        "--json",
    },
    ("validate",): {
        *("--suite", "--list", "--recipe", "--revision", "--model", "--responses", "--endpoint"),
        *("--api-key-env", "--k", "--max-tokens", "--max-model-len", "--temperature", "--top-p"),
        *("--think", "--seed", "--dtype", "--limit", "--data", "--out", "--machine", "--json"),
    },
    ("grade", "code"): {"--out", "--workers", "--machine"},
    ("grade", "math"): {"--out", "--workers", "--policy", "--deadline-s", "--memory-bytes"},
    ("grade", "judge"): {
        *("--out", "--model", "--revision", "--base-url", "--api-key-env", "--prompt"),
        *("--temperature", "--max-tokens", "--machine", "--json"),
    },
    ("dataset", "show"): {"--machine", "--json", "--rows"},
    ("dataset", "verify"): {"--machine", "--json"},
    ("dataset", "diff"): {"--machine", "--json", "--rows"},
    ("dataset", "card"): {"--machine"},
    ("dataset", "push"): {"--machine", "--repo", "--private", "--dry-run", "--endpoint"},
    ("dataset", "rebuild"): {"--machine", "--yes", "--json"},
}


@pytest.mark.parametrize("command", OPTIONS, ids=" ".join)
def test_each_command_has_these_options_and_no_others(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    options = set(re.findall(r"^ {2}(?:-h, )?(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert options == OPTIONS[command] | {"--help"}


def test_these_are_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    found: set[tuple[str, ...]] = set()
    for before in ((), ("grade",), ("dataset",)):
        with pytest.raises(SystemExit):
            main([*before, "--help"])
        names = re.findall(r"^ {4}([a-z]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
        found |= {(*before, name) for name in names if name not in ("grade", "dataset")}
    assert found == set(OPTIONS)


@pytest.mark.parametrize("command", [["grade"], ["grade", "math", "in.jsonl"], ["nothing"]])
def test_a_command_that_is_not_whole_is_refused(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(command)
    assert left.value.code == 2
    assert "usage: retort" in capsys.readouterr().err
