"""Benchmarks of generation: what can be tried without a model still works, and counts right."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.generate.rounds import Brief
from factory.recipe_file import ROOT, load_recipe


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, imported as it is when it is run."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("adaptive_rounds")


@pytest.mark.slow
def test_the_replay_draws_everything_once_and_resumes(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = ("benchmarks/generate.py", "replay", "--candidates", "1600", "--json", str(result))
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
    figures = json.loads(result.read_text(encoding="utf-8"))["figures"]
    drawn = {name: (one["candidates"], one["drawn"]) for name, one in figures["runs"].items()}
    assert drawn == {
        "all drawn": (1600, 1600),
        "nothing missing, parts there": (1600, 0),
        "nothing missing, no parts": (1600, 0),
        "1% missing, no parts": (1616, 16),
    }
    assert figures["candidates_per_s"] > 0
    assert 40 < figures["store_bytes_per_candidate"] < 500  # texts stand in the parts alone


def test_a_fixed_number_takes_the_first_candidates_of_every_problem(rounds: Any) -> None:
    pool = {
        "easy": [rounds.Drawn(correct=True, tokens=10)] * 16,
        "hard": [rounds.Drawn(correct=False, tokens=30)] * 15
        + [rounds.Drawn(correct=True, tokens=30)],
    }
    spent = rounds.fixed(pool, 4, 1)
    assert (spent.candidates, spent.tokens, spent.correct, spent.accepted) == (8, 160, 4, 1)
    assert rounds.fixed(pool, 16, 2).accepted == 3
    assert rounds.fixed(pool, 16, 2).solved == 1.0


def test_rounds_stop_at_easy_problems_and_give_up_hopeless_ones(rounds: Any) -> None:
    pool = {
        "easy": [rounds.Drawn(correct=True, tokens=10)] * 16,
        "hopeless": [rounds.Drawn(correct=False, tokens=10)] * 16,
    }
    problems = [Brief(name, "math", "", votes=False) for name in pool]
    settings = load_recipe("recipes/demo.toml").generate.model_copy(
        update={"round_sizes": [2, 2, 4, 8], "max_rounds": 4, "give_up_after": 8}
    )
    spent = rounds.adaptive(problems, pool, settings, "rounds")
    assert spent.candidates == 2 + 8
    assert (spent.accepted, spent.solved, spent.tokens) == (1, 0.5, 100)
    assert rounds.saving(spent, pool, 16) == "5.00 of fixed, 1"
