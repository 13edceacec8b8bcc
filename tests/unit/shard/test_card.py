"""The card: its head is YAML that a hub reads, its tables come from the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.digest import canonical_json
from schemas.problem import Domain
from schemas.recipe import Generate, OpenaiTeacher, Prompt, Rest, RoundRule, Sampling
from tests.unit.shard.sample_artifacts import build, sample


def card(root: Path, *samples: Any, **settings: Any) -> tuple[dict[str, Any], str]:
    build(root, samples, **settings)
    text = (root / "shard" / "dataset" / "README.md").read_text(encoding="utf-8")
    _, head, body = text.split("---\n", 2)
    return yaml.safe_load(head), body


def test_the_head_is_yaml_with_configs_licence_size_and_tags(tmp_path: Path) -> None:
    head, _ = card(tmp_path, sample(1), sample(2, license="Apache-2.0"), title='A "set": one')
    assert head["pretty_name"] == 'A "set": one'
    assert head["license"] == ["apache-2.0", "mit"]
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "data/train-*.parquet"}],
        }
    ]
    assert "reasoning" in head["tags"]
    assert "dataset_info" not in head


def test_a_licence_that_no_hub_knows_is_other_and_stands_in_the_table(tmp_path: Path) -> None:
    head, body = card(tmp_path, sample(1, license="ask | the\nauthors"))
    assert head["license"] == ["other"]
    assert "| unit | math | ask \\| the\\nauthors | 1 |" in body


def test_the_tables_say_what_the_rows_say(tmp_path: Path) -> None:
    rows = [sample(number) for number in range(10)]
    _, body = card(tmp_path, *rows, sample(10, rows[0].messages[-1].content))
    assert "| unit-teacher@abc | 10 |" in body
    assert "| shard | 11 | 10 | exact_duplicate 1 |" in body
    assert "| math | string | 10 |" in body
    assert "| 1.0 | 2 |" in body
    assert "| 0.2 to below 0.3 | 2 |" in body
    assert "| math | 10 | 4 | 8 | 9 |" in body


def test_sampling_is_told_where_it_is_known(tmp_path: Path) -> None:
    generate = Generate(
        teacher=OpenaiTeacher(engine="openai", model="m", revision="1"),
        sampling=Sampling(temperature=0.6),
        prompt=Prompt(think_prefix="<think>\n"),
    )
    _, body = card(tmp_path / "1", sample(1), generate=generate)
    assert "| temperature | 0.6 |" in body
    assert "| forced start | &lt;think>\\n |" in body
    _, body = card(tmp_path / "2", sample(1))
    assert "temperature" not in body


def test_sampling_is_told_of_all_rounds_and_of_prompts_without_a_chain_of_thought(
    tmp_path: Path,
) -> None:
    generate = Generate(
        teacher=OpenaiTeacher(engine="openai", model="m", revision="1"),
        round_sizes=[2, 4],
        domains={Domain.CODE: RoundRule(candidates=9)},
        rest=Rest(sampling=Sampling(temperature=0.3), prompt=Prompt(plain_prefix="So:")),
    )
    _, body = card(tmp_path, sample(1), generate=generate)
    assert "| candidates per problem, by round | 2, 4 |" in body
    assert "| candidates per problem of code, by round | 9 |" in body
    assert "| temperature | 1.0 |" in body
    assert "| temperature, without a chain of thought | 0.3 |" in body
    assert "| forced start, without a chain of thought | So: |" in body


@pytest.mark.parametrize(
    ("method", "says"),
    [("majority", "had no gold answer"), ("given", "nothing was checked")],
)
def test_what_no_program_checked_is_said(tmp_path: Path, method: str, says: str) -> None:
    info = canonical_json({"grader": method, "method": method, "extracted": "1"})
    _, body = card(tmp_path / "1", sample(1, verification_info=info))
    assert says in body
    assert "\n\n\n" not in body
    _, body = card(tmp_path / "2", sample(1))
    assert says not in body
    assert "\n\n\n" not in body


def test_an_empty_dataset_has_a_card_too(tmp_path: Path) -> None:
    head, _ = card(tmp_path)
    assert head["license"] == ["other"]
