"""The card's section on the judge: there where one graded rows, with its agreement or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from factory.grade.judge_agreement import Agreement
from factory.shard.card import Facts, render_card
from factory.shard.description import read_description
from factory.shard.rows import index_samples
from schemas.recipe import Shard
from tests.unit.shard.sample_artifacts import build, sample

JUDGE = {
    "model": "judge|model",
    "revision": "7",
    "prompt": "reference-1",
    "temperature": 0.0,
    "max_tokens": 1024,
}


def card(root: Path, judge: dict[str, Any] | None) -> str:
    build(root, [sample(1), sample(2)])
    rows = index_samples(root / "select", dedupe=True).filter(pl.col("kept"))
    described = read_description(root / "shard" / "dataset")
    shard = Shard(name="unit-set", version="1.0.0")
    return render_card(Facts(shard, described, rows, None, judge))


def test_a_dataset_without_a_judge_says_nothing_of_one(tmp_path: Path) -> None:
    text = card(tmp_path, None)
    assert "## The judge" not in text
    assert text == (tmp_path / "shard" / "dataset" / "README.md").read_text(encoding="utf-8")


def test_the_judge_is_named_with_its_settings(tmp_path: Path) -> None:
    text = card(tmp_path, JUDGE)
    assert "\n\n## The judge\n\n" in text
    assert "| model | judge\\|model |\n| revision | 7 |\n| prompt | reference-1 |" in text
    assert "| temperature | 0.0 |" in text
    assert "Its agreement with people was not measured" in text
    assert "\n\n## Pass rates and lengths\n\n" in text


def test_agreement_stands_in_a_table(tmp_path: Path) -> None:
    text = card(tmp_path, JUDGE | {"agreement": Agreement(20, 5, 10, 15, 1).figures()})
    assert "| verdicts equal to the label | 35 of 50, 70.0% (56.2% to 80.9%) |" in text
    assert "| false accepts, of answers labelled wrong | 10 of 25, 40.0% (23.4% to 59.3%) |" in text
    assert "| false rejects, of answers labelled right | 5 of 25, 20.0% (8.9% to 39.1%) |" in text
    assert "| no reply in form | 1 of 50 |" in text
    assert "| Cohen's kappa | 0.40 |" in text
    assert "not measured" not in text
    assert "\n\n\n" not in text
