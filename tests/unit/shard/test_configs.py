"""The configs of a dataset: what each holds, and that datasets, polars and pyarrow load them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.parts import as_table
from factory.select.pass_rates import PASS_RATE
from factory.shard.configs import FOLDERS, split_reasoning, with_reasoning
from factory.shard.content import content_digest
from factory.shard.description import read_description
from schemas.arrow import DROPPED, PREFERENCE, SAMPLE
from schemas.generate_settings import Prompt
from schemas.problem import Domain, GraderName, Problem
from tests.unit.select.graded_artifacts import asked, problem, write_problems
from tests.unit.shard.sample_artifacts import build, sample

ALL = ["reasoning_content", "preference", "problems"]
SAMPLES = [sample(number) for number in range(6)] + [sample(6, "4"), sample(7, sample(6).answer)]
PROBLEMS = [
    problem("p-000", category="Algebra"),
    problem("p-001", gold="5"),
    problem("never-asked", domain=Domain.CODE, reasoning=False),
    problem("given", grader=GraderName.GIVEN, gold=""),
    problem("voted", grader=GraderName.MAJORITY, gold=""),
    Problem.model_validate(
        problem("talk").model_dump()
        | {"history": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hi!"}]}
    ),
]


def pair(uuid: str, rejected: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "problem_id": "p-000",
        "rejected_id": rejected,
        "rejected_reason": "incorrect",
        "source": "unit",
        "domain": "math",
        "prompt": [{"role": "user", "content": "How many is it?"}],
        "chosen": [{"role": "assistant", "content": "4"}],
        "rejected": [{"role": "assistant", "content": f"5, says {rejected}"}],
        "generation_model": "unit-teacher@abc",
        "license": "MIT",
    }


def rate(problem_id: str, correct: int) -> dict[str, Any]:
    row = dict.fromkeys(PASS_RATE.names)
    words = {"problem_id": problem_id, "source": "unit", "domain": "math", "category": ""}
    counts = {"num_generations": 4, "correct": correct, "pass_rate": correct / 4, "samples": 1}
    return {**row, **words, **counts, "state": "solved"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with all configs; sample 7 is an exact duplicate of sample 6."""
    root = tmp_path_factory.mktemp("configs")
    doubled = SAMPLES[7].model_copy(
        update={"messages": SAMPLES[6].messages, "problem_id": SAMPLES[6].problem_id}
    )
    pairs = [pair(SAMPLES[0].uuid, "r1"), pair(doubled.uuid, "r2"), pair(SAMPLES[1].uuid, "r3")]
    reason = {"candidate_id": "c", "problem_id": "p-000", "reason": "incorrect", "detail": "no"}
    build(
        root,
        [*SAMPLES[:7], doubled],
        shard_bytes=300,
        configs=ALL,
        generate=asked(Prompt(system="Think.", templates={Domain.MATH: "{statement} Box it."})),
        upstream={"collect": write_problems(root / "collect", PROBLEMS)},
        beside={
            "preference": as_table(pairs, PREFERENCE),
            "pass_rates": as_table([rate("p-000", 1), rate("p-001", 4)], PASS_RATE),
            "dropped": pa.Table.from_pylist(
                [reason],
                schema=pa.schema([DROPPED.field(name) for name in reason]),
            ),
        },
    )
    return root / "shard" / "dataset"


def rows_of(dataset: Path, config: str) -> list[dict[str, Any]]:
    files = sorted((dataset / FOLDERS[config]).glob("train-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("config", list(FOLDERS))
def test_datasets_loads_each_config(
    dataset: Path, tmp_path: Path, config: str, streaming: bool
) -> None:
    from datasets import load_dataset

    rows = load_dataset(
        str(dataset), config, split="train", streaming=streaming, cache_dir=str(tmp_path)
    )
    wanted = rows_of(dataset, config)
    assert list(rows) == wanted
    assert len(wanted) == read_description(dataset).configs[config] > 0


def test_datasets_knows_the_four_configs_and_no_ledger(dataset: Path) -> None:
    from datasets import get_dataset_config_names, get_dataset_split_names

    assert sorted(get_dataset_config_names(str(dataset))) == sorted(FOLDERS)
    for config in FOLDERS:
        assert get_dataset_split_names(str(dataset), config) == ["train"]


@pytest.mark.parametrize("config", list(FOLDERS))
def test_polars_and_pyarrow_load_each_config(dataset: Path, config: str) -> None:
    folder = dataset / FOLDERS[config]
    wanted = rows_of(dataset, config)
    assert pl.read_parquet(folder / "*.parquet").height == len(wanted)
    assert pl.scan_parquet(folder).select(pl.len()).collect().item() == len(wanted)
    assert pq.read_table(folder).num_rows == len(wanted)


def test_reasoning_stands_in_a_field_of_its_own(dataset: Path) -> None:
    default, shown = rows_of(dataset, "default"), rows_of(dataset, "reasoning_content")
    assert [row["uuid"] for row in shown] == [row["uuid"] for row in default]
    for row, own in zip(default, shown, strict=True):
        *before, last = own["messages"]
        text = row["messages"][-1]["content"]
        if last["reasoning_content"] is None:
            assert (last["content"], text) == ("4", "4")
        else:
            assert f"<think>\n{last['reasoning_content']}\n</think>\n\n{last['content']}" == text
        assert all(turn["reasoning_content"] is None for turn in before)
    assert any(row["messages"][-1]["reasoning_content"] is None for row in shown)


PIECES = st.lists(st.sampled_from(["<think>", "</think>", "\n", "a", " b", "\n\n"]), max_size=8)


@given(st.lists(PIECES.map("".join), max_size=5))
def test_no_text_is_lost_but_tags_and_line_breaks_and_none_closes_in_the_answer(
    texts: list[str],
) -> None:
    reasoning, answer = (
        one.to_pylist() for one in split_reasoning(pa.array(texts, pa.large_string()))
    )
    for text, thought, said in zip(texts, reasoning, answer, strict=True):
        assert "</think>" not in said
        if "</think>" not in text:
            assert (thought, said) == (None, text)
            continue
        bare = text.replace("<think>", "").replace("</think>", "").replace("\n", "")
        whole = (thought + said).replace("<think>", "").replace("</think>", "")
        assert whole.replace("\n", "").replace(" ", "") == bare.replace(" ", "")


def test_rows_with_several_turns_keep_all_of_them() -> None:
    turns = [
        {"role": role, "content": content}
        for role, content in [
            ("user", "<think>no</think>"),
            ("assistant", "<think>x</think>y"),
            ("user", "?"),
            ("assistant", "<think>z</think>w"),
        ]
    ]
    rows = [sample(0).model_dump(mode="json"), sample(1, messages=turns).model_dump(mode="json")]
    table = as_table(rows, SAMPLE)
    shown = pa.concat_tables([with_reasoning(table.slice(at, 1)) for at in range(2)])
    assert shown.equals(with_reasoning(table))
    [*before, last] = shown["messages"].to_pylist()[1]
    assert [{key: turn[key] for key in ("role", "content")} for turn in before] == turns[:3]
    assert last == {"role": "assistant", "content": "w", "reasoning_content": "z"}


def test_pairs_of_published_samples_alone_are_published(dataset: Path) -> None:
    rows = rows_of(dataset, "preference")
    assert [(row["uuid"], row["rejected_id"]) for row in rows] == [
        (SAMPLES[0].uuid, "r1"),
        (SAMPLES[1].uuid, "r3"),
    ]
    assert rows[0]["chosen"] == [{"role": "assistant", "content": "4"}]


def test_problems_have_the_teachers_prompt_gold_and_pass_rate(dataset: Path) -> None:
    rows = {row["problem_id"]: row for row in rows_of(dataset, "problems")}
    assert list(rows) == ["p-000", "p-001", "never-asked", "talk"]
    assert rows["p-000"]["prompt"] == [
        {"role": "system", "content": "Think."},
        {"role": "user", "content": "How many is p-000? Box it."},
    ]
    assert (rows["p-000"]["pass_rate"], rows["p-000"]["num_generations"]) == (0.25, 4)
    assert rows["p-000"]["category"] == "Algebra"
    assert (rows["p-001"]["gold"], rows["p-001"]["pass_rate"]) == ("5", 1.0)
    assert (rows["never-asked"]["pass_rate"], rows["never-asked"]["num_generations"]) == (None, 0)
    assert [turn["role"] for turn in rows["talk"]["prompt"]] == [
        *("system", "user", "assistant", "user")
    ]


def test_the_ledger_has_what_both_stages_dropped(dataset: Path) -> None:
    [file] = (dataset / "ledger").glob("dropped-*.parquet")
    table = pq.read_table(file)
    assert table.schema.remove_metadata().equals(DROPPED)
    assert [(row["stage"], row["reason"]) for row in table.to_pylist()] == [
        ("select", "incorrect"),
        ("shard", "exact_duplicate"),
    ]
    drops = {one.stage: one.drops for one in read_description(dataset).ledger}
    assert drops == {"collect": {}, "select": {"incorrect": 1}, "shard": {"exact_duplicate": 1}}


def test_digests_of_configs_are_those_of_their_files(dataset: Path) -> None:
    about = read_description(dataset)
    assert set(about.digests) == {"preference", "problems"}
    for config, digest in {"default": about.digest, **about.digests}.items():
        files = sorted((dataset / FOLDERS[config]).glob("*.parquet"))
        assert content_digest(reversed(files)) == digest
        assert config != "default" or len(files) > 1


def test_a_dataset_says_what_it_was_made_of(dataset: Path) -> None:
    about = read_description(dataset)
    written = json.loads((dataset / "recipe.json").read_text(encoding="utf-8"))
    assert set(about.sections) == {name for name, value in written.items() if value is not None} - {
        "name",
        "description",
    }
    assert about.code_versions == {"collect": 1, "select": 1, "shard": 3}
