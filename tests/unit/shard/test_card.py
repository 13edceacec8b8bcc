"""The card: its head is YAML that a hub reads, its tables come from facts and say nothing else."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
import yaml

from factory.shard import card_checks
from factory.shard.card import render_card
from factory.shard.card_facts import Facts
from schemas.manifest import LedgerEntry
from tests.unit.shard.card_facts_made import facts, index_of
from tests.unit.shard.sample_artifacts import sample


def read(given: Facts) -> tuple[dict[str, Any], str]:
    _, head, body = render_card(given).split("---\n", 2)
    assert "\n\n\n" not in body
    return yaml.safe_load(head), body


def test_the_head_is_yaml_with_configs_licence_size_and_tags() -> None:
    rows = [sample(1), sample(2, license="Apache-2.0")]
    head, _ = read(facts(rows, shard={"title": 'A "set": one'}))
    assert head["pretty_name"] == 'A "set": one'
    assert head["license"] == ["apache-2.0", "mit"]
    assert head["size_categories"] == ["n<1K"]
    assert [one["config_name"] for one in head["configs"]] == ["default", "reasoning_content"]
    assert head["configs"][1]["data_files"] == [
        {"split": "train", "path": "reasoning_content/train-*.parquet"}
    ]
    assert "reasoning" in head["tags"]
    assert "dpo" not in head["tags"]
    assert "dataset_info" not in head
    assert "license_name" not in head


def test_every_config_that_is_there_can_be_loaded_by_the_head_and_is_counted() -> None:
    configs = {"default": 6, "preference": 4, "problems": 1_234}
    head, body = read(facts(configs=configs))
    folders = {
        one["config_name"]: one["data_files"][0]["path"].split("/")[0] for one in head["configs"]
    }
    assert folders == {"default": "data", "preference": "preference", "problems": "problems"}
    assert {"dpo", "rlvr"} <= set(head["tags"])
    assert "`default` 6, `preference` 4, `problems` 1,234." in body
    assert '"reasoning_content", split' not in body
    assert "trl-dpo.yaml" in body
    assert "axolotl" not in body


@pytest.mark.parametrize(
    ("license", "hub", "name"),
    [
        ("CC-BY-SA-4.0", "cc-by-sa-4.0", None),
        ("our own terms", "other", "our own terms"),
    ],
)
def test_the_licence_of_the_whole_stands_in_the_head(
    license: str, hub: str, name: str | None
) -> None:
    head, body = read(facts(shard={"license": license}))
    assert head["license"] == [hub]
    assert head.get("license_name") == name
    assert f"as a whole is published under `{license}`" in body


def test_problems_that_are_published_without_an_answer_have_licences_too() -> None:
    assert read(facts())[0]["license"] == ["mit"]
    configs = {"default": 6, "problems": 9}
    assert read(facts(configs=configs))[0]["license"] == ["cc-by-sa-4.0", "mit"]


def test_the_language_is_told_where_every_source_has_one() -> None:
    assert read(facts())[0]["language"] == ["en"]
    assert "language" not in read(facts([sample(1), sample(2, source="elsewhere")]))[0]


def test_a_family_of_rows_is_source_licence_and_teacher() -> None:
    rows = [
        *(sample(number) for number in range(3)),
        sample(3, license="ask | the\nauthors"),
        sample(4, source="other", license="CC-BY-SA-4.0", generation_model="embedded:teacher@1"),
    ]
    licenses = {"unit-teacher": "openai-terms"}
    head, body = read(facts(rows, shard={"model_licenses": licenses}))
    assert head["license"] == ["cc-by-sa-4.0", "mit", "other"]
    assert "| unit | math | MIT | unit-teacher@abc | openai-terms | 3 |" in body
    assert "| unit | math | ask \\| the\\nauthors | unit-teacher@abc | openai-terms | 1 |" in body
    assert "| other | math | CC-BY-SA-4.0 | embedded:teacher@1 | Apache-2.0 | 1 |" in body
    assert "- `ask | the authors`: not known to Retort" in body
    assert "- `CC-BY-SA-4.0`: credit to the authors" in body
    assert "- `openai-terms`: no models that compete" in body


def test_a_teacher_without_a_stated_licence_is_called_so() -> None:
    assert "| unit | math | MIT | unit-teacher@abc | not stated | 6 |" in read(facts())[1]


def test_the_tables_say_what_the_rows_say() -> None:
    rows = index_of([sample(number) for number in range(11)], reason=[None] * 10 + ["too_long"])
    ledger = [LedgerEntry(stage="shard", rows_in=11, rows_out=10, drops={"exact_duplicate": 1})]
    _, body = read(facts(index=rows, ledger=ledger))
    assert "| shard | 11 | 10 | exact_duplicate 1 |" in body
    assert "| math | string | 10 |" in body
    assert "| 1.0 | 2 |" in body
    assert "| 0.2 to below 0.3 | 2 |" in body
    assert "| math | 10 | 4 | 8 | 9 |" in body
    assert "![Histogram of rows by the length of their completion in tokens" in body


def test_sampling_is_told_where_it_is_known() -> None:
    generate = {
        "sampling": {"temperature": 0.6},
        "prompt": {"think_prefix": "<think>\n", "templates": {"code": "Do {statement}."}},
    }
    _, body = read(facts(generate=generate))
    assert "| temperature | 0.6 |" in body
    assert "| forced start | &lt;think>\\n |" in body
    assert "| message for code | Do {statement}. |" in body
    file = {"source": "unit", "path": "x"}
    imported = {"teacher": {"engine": "import", "model": "m", "files": [file]}}
    _, body = read(facts(generate=imported))
    assert "temperature" not in body
    assert "how they were drawn is not known" in body


def test_sampling_is_told_of_all_rounds_and_of_prompts_without_a_chain_of_thought() -> None:
    generate = {
        "round_sizes": [2, 4],
        "domains": {"code": {"candidates": 9}},
        "rest": {"sampling": {"temperature": 0.3}, "prompt": {"plain_prefix": "So:"}},
    }
    _, body = read(facts(generate=generate))
    assert "| candidates per problem, by round | 2, 4 |" in body
    assert "| candidates per problem of code, by round | 9 |" in body
    assert "| temperature | 1.0 |" in body
    assert "| temperature, without a chain of thought | 0.3 |" in body
    assert "| forced start, without a chain of thought | So: |" in body


def test_forms_are_told_where_there_are_others_than_completions() -> None:
    assert "A journey is made" not in read(facts())[1]
    rows = index_of([sample(1), sample(2)], form=["completion", "journey"])
    teacher = {"engine": "openai", "model": "re/writer", "revision": "7"}
    rewrite = {"teacher": teacher, "template": "{statement} {response}"}
    _, body = read(facts(index=rows, rewrite=rewrite))
    assert "| journey | 1 |" in body
    assert "| model | re/writer@7 |" in body


def test_the_rules_of_select_have_counts_and_rates_by_source() -> None:
    assert "What `select` left out" not in read(facts())[1]
    rules = {
        "incorrect": {"a": [10, 40], "b": [0, 60]},
        "repetition": {"a": [0, 30], "b": [0, 60]},
    }
    _, body = read(facts(figures={"select": {"rules": rules}}))
    assert "| incorrect | a | 10 | 40 | 25.00% |" in body
    assert "| incorrect | b |" not in body
    assert "| repetition | all | 0 | 90 | 0.00% |" in body


def test_mistakes_of_the_graders_that_accepted_rows_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    counts = {"n": 40, "wrong": 0, "false_accepts": 0, "right": 40, "false_rejects": 1}
    said = {"set": "s|1", "about": "made", "version": 4, "date": "2026-01-02"}
    entries = [{"grader": name, **said, **counts} for name in ("code", "math")]
    file = tmp_path / "verifiers.json"
    file.write_text(json.dumps({"entries": entries}))
    monkeypatch.setattr(card_checks, "VERIFIERS", file)
    rows = index_of([sample(1), sample(2)], grader=["math", "choice"])
    _, body = read(facts(index=rows))
    assert "| math | s\\|1: made | no such answers | 1 of 40, 2.50% (0.44% to 12.88%) | 4," in body
    assert "| code |" not in body
    assert "For the grader `choice` there is no labelled set" in body
    assert "For the grader `math`" not in body


def test_the_measured_mistakes_are_those_of_graders_that_exist() -> None:
    content = json.loads(card_checks.VERIFIERS.read_text())
    keys = {"grader", "set", "about", "n", "wrong", "right", "false_accepts", "false_rejects"}
    for one in content["entries"]:
        assert one.keys() == keys | {"version", "date"}
        assert one["n"] == one["wrong"] + one["right"]
    assert {"math", "number", "code"} <= {one["grader"] for one in content["entries"]}


@pytest.mark.parametrize(
    ("method", "says"),
    [("majority", "had no gold answer"), ("given", "nothing was checked")],
)
def test_what_no_program_checked_is_said(method: str, says: str) -> None:
    rows = index_of([sample(1)], grader=[method], method=[method])
    assert says in read(facts(index=rows))[1]
    assert says not in read(facts())[1]


def test_duplicates_are_told_with_their_parameters() -> None:
    reasons = ["exact_duplicate", "near_duplicate", "near_duplicate", None]
    rows = index_of([sample(number) for number in range(4)], reason=reasons)
    near = {"threshold": 0.9, "words": 7}
    _, body = read(facts(index=rows, shard={"near": near, "keep": "longest"}))
    assert "| Jaccard similarity, at least | 0.9 |" in body
    assert "| words of an n-gram | 7 |" in body
    assert "| chance that it finds a pair at the threshold | 99." in body
    assert "| row of a cluster that stays | the longest |" in body
    assert "| left out as exact duplicates | 1 |" in body
    assert "| left out as near duplicates | 2 |" in body
    _, body = read(facts(shard={"dedupe": "exact"}))
    assert "Jaccard" not in body
    assert "Near duplicates were not looked for." in body
    assert "Duplicates were not looked for." in read(facts(shard={"dedupe": "none"}))[1]


def test_contamination_is_counted_by_benchmark() -> None:
    assert "were compared with any benchmark" in read(facts())[1]
    rows = index_of(
        [sample(number) for number in range(4)],
        benchmark=["aime", "aime", "gpqa", None],
        reason=["contaminated_sample", "contaminated_sample", None, None],
    )
    benchmarks = [{"name": name, "path": name} for name in ("aime", "gpqa", "quiet")]
    figures = {"collect": {"contaminated_by_benchmark": {"quiet": 5}}}
    _, body = read(facts(index=rows, figures=figures, collect={"benchmarks": benchmarks}))
    assert "| aime | 0 | 2 | 0 |" in body
    assert "| gpqa | 0 | 0 | 1 |" in body
    assert "| quiet | 5 | 0 | 0 |" in body
    assert "13 successive words of it, or 50% of its runs of eight words, stand" in body
    assert "Samples were not compared" not in body
    assert "\n\nOnly the benchmarks in the table were compared" in body
    one = facts(shard={"decontaminate": False}, collect={"benchmarks": benchmarks})
    assert "Samples were not compared" in read(one)[1]


def test_an_empty_dataset_has_a_card_too() -> None:
    head, body = read(facts(index=index_of([sample(1)], reason=["near_duplicate"])))
    assert head["license"] == ["other"]
    assert "0 samples" in body


def test_equal_facts_give_equal_text_whatever_the_order_of_rows() -> None:
    rows = index_of([sample(number) for number in range(20)])
    one = render_card(facts(index=rows))
    assert one == render_card(facts(index=rows.sample(fraction=1.0, shuffle=True, seed=3)))
    assert one != render_card(facts(index=rows.filter(pl.col("num_tokens") > 3)))
