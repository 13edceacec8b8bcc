"""`retort dataset diff`: what came, went or changed, and the cause that is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.dataset.causes import Cause
from factory.dataset.difference import Difference, difference
from factory.dataset.difference_text import difference_text
from factory.dataset.explained_rows import ROWS
from factory.dataset.rows_compared import compare_rows
from factory.digest import canonical_json
from factory.errors import ManifestMismatch
from factory.shard.description import read_description
from retort.command import main
from schemas.recipe import Recipe
from schemas.sample import Drop, Sample
from tests.unit.dataset.written_datasets import dropped, write_dataset
from tests.unit.shard.sample_artifacts import sample, unit_recipe

Drops = list[dict[str, str]]


def recipe(**tables: dict[str, Any]) -> Recipe:
    """The second version, with keys of its tables that are not as in the first."""
    made = unit_recipe(version="1.1.0")
    for table, values in tables.items():
        content = made.model_dump(mode="json", by_alias=True)
        content[table] |= values
        made = Recipe.model_validate(content)
    return made


def compared(
    root: Path,
    before: list[Sample],
    after: list[Sample],
    *,
    drops_before: Drops | None = None,
    drops_after: Drops | None = None,
    **made: Any,
) -> Difference:
    a = write_dataset(root / "a", before, drops=drops_before or [])
    b = write_dataset(root / "b", after, drops=drops_after or [], **{"recipe": recipe(), **made})
    return difference(a, b)[0]


def only(found: Difference) -> tuple[str, str, str]:
    [group] = found.groups
    return group.change, group.cause, group.because


KEPT = [sample(number) for number in range(3, 9)]


def test_a_dataset_beside_itself_has_no_difference(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, KEPT)
    found, rows = difference(folder, folder)
    assert (found.same, found.changed, found.went, found.came) == (6, 0, 0, 0)
    assert (found.recipe, found.code, found.groups, rows.height) == ([], [], [], 0)


@pytest.mark.parametrize(
    ("reason", "stage", "changes", "code", "because"),
    [
        ("surplus", "select", {"select": {"per_problem": 1}}, {}, "recipe: select.per_problem"),
        ("surplus", "select", {}, {}, "candidates: other candidates of its problem came or went"),
        ("code_block", "select", {}, {"select": 9}, "code: code of select 3 -> 9"),
        ("too_long", "select", {"select": {"max_tokens": 5}}, {}, "recipe: select.max_tokens"),
        ("merged", "select", {"select": {"journeys": {"share": 1.0}}}, {}, "recipe: select.jour"),
        ("incorrect", "select", {}, {"grade": 5}, "grader: code of grade 4 -> 5"),
        ("incorrect", "select", {"grade": {"math": {"deadline_s": 9}}}, {}, "grader: grade.math"),
        ("timeout", "select", {}, {}, "grader: another verdict by the same settings and code"),
        ("near_duplicate", "shard", {"shard": {"keep": "longest"}}, {}, "recipe: shard.keep"),
        ("exact_duplicate", "shard", {}, {}, "candidates: other candidates of its cluster"),
        (
            "contaminated_sample",
            "shard",
            {"collect": {"benchmarks": [{"name": "aime", "path": "aime.jsonl"}]}},
            {},
            "recipe: collect.benchmarks[aime]",
        ),
    ],
)
def test_a_row_that_went_is_explained_by_the_ledger_of_the_new_version(
    tmp_path: Path,
    reason: str,
    stage: str,
    changes: dict[str, Any],
    code: dict[str, int],
    because: str,
) -> None:
    drops = [dropped(1, reason, stage, detail="the evidence")]
    found = compared(
        tmp_path,
        [sample(1), *KEPT],
        KEPT,
        drops_after=drops,
        recipe=recipe(**changes),
        code=code,
    )
    assert (found.same, found.went, found.came) == (6, 1, 0)
    change, cause, why = only(found)
    assert change == "went"
    assert f"{cause}: {why}".startswith(because)
    [group] = found.groups
    assert (group.stage, group.reason) == (stage, reason)
    assert [(one.uuid, one.detail) for one in group.examples] == [(f"{1:032x}", "the evidence")]


@pytest.mark.parametrize(
    ("reason", "strict", "lax"),
    [
        ("surplus", {"select": {"per_problem": 3}}, {"select": {"per_problem": 5}}),
        ("surplus", {"select": {"quota": {"math": 3}}}, {}),
        ("too_long", {"select": {"max_tokens": 9}}, {}),
        ("too_short", {"select": {"min_chars": 9}}, {}),
        ("pass_rate", {"select": {"min_pass_rate": 0.1}}, {}),
        ("code_block", {}, {"select": {"code_block_in_math": False}}),
        ("near_duplicate", {"shard": {"near": {"threshold": 0.7}}}, {}),
    ],
)
def test_a_key_explains_drops_only_where_its_value_is_the_stricter_one(
    tmp_path: Path, reason: str, strict: dict[str, Any], lax: dict[str, Any]
) -> None:
    stage = "shard" if reason == "near_duplicate" else "select"
    drops = [dropped(1, reason, stage)]
    for name, before, after, cause in (
        ("stricter", lax, strict, Cause.RECIPE),
        ("laxer", strict, lax, Cause.CANDIDATES),
    ):
        root = tmp_path / name
        a = write_dataset(root / "a", [sample(1), *KEPT], recipe=recipe(**before))
        b = write_dataset(root / "b", KEPT, drops=drops, recipe=recipe(**after))
        [group] = difference(a, b)[0].groups
        assert (group.reason, group.cause) == (reason, cause)


def test_every_reason_for_which_graded_candidates_are_dropped_has_an_explanation(
    tmp_path: Path,
) -> None:
    not_of_candidates = {
        *(Drop.GOLD_REJECTED, Drop.DUPLICATE_PROBLEM, Drop.CONTAMINATED_PROBLEM, Drop.OTHER_KIND),
        *(Drop.BAD_ROW, Drop.BEYOND_LIMIT, Drop.FAILED, Drop.OVERLONG_PROMPT, Drop.OVER_LENGTH),
        Drop.HELD_OUT,
    }
    reasons = [one for one in Drop if one not in not_of_candidates]
    rows = [sample(100 + number) for number in range(len(reasons))]
    drops = [dropped(100 + number, reason) for number, reason in enumerate(reasons)]
    found = compared(tmp_path, [*rows, *KEPT], KEPT, drops_after=drops)
    assert {group.reason for group in found.groups} == set(reasons)
    assert all(group.cause in set(Cause) and group.because for group in found.groups)


def test_a_row_that_came_is_explained_by_the_ledger_of_the_old_version(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        KEPT,
        [sample(1), *KEPT],
        drops_before=[dropped(1, "code_block")],
        recipe=recipe(select={"code_block_in_math": False}),
    )
    assert only(found) == ("came", "recipe", "select.code_block_in_math")


def test_rows_of_a_source_that_is_no_longer_collected(tmp_path: Path) -> None:
    gone = sample(1, source="old-source", problem_id="old-1")
    found = compared(tmp_path, [gone, *KEPT], KEPT)
    assert only(found) == ("went", "source", "1.1.0 does not collect old-source")


def test_rows_of_a_problem_that_the_source_no_longer_has(tmp_path: Path) -> None:
    gone = sample(1, problem_id="unit/1")
    source = recipe().collect.sources[0].model_dump(mode="json") | {"limit": 3}
    changed = recipe(collect={"sources": [source]})
    found = compared(tmp_path / "1", [gone, *KEPT], KEPT, recipe=changed)
    assert only(found) == ("went", "source", "collect.sources[unit].limit")
    found = compared(tmp_path / "2", [gone, *KEPT], KEPT, upstream={"collect": "c1"})
    assert only(found) == ("went", "source", "the files of unit are others")


def test_rows_of_another_teacher(tmp_path: Path) -> None:
    old = [sample(number) for number in range(3)]
    new = [sample(number + 50, generation_model="new@1", problem_id="p-000") for number in range(3)]
    found = compared(tmp_path, old, new)
    assert [(one.change, one.cause, one.because) for one in found.groups] == [
        ("went", "teacher", "1.1.0 has nothing of unit-teacher@abc"),
        ("came", "teacher", "1.0.0 has nothing of new@1"),
    ]


def test_candidates_that_were_drawn_otherwise(tmp_path: Path) -> None:
    more = [*KEPT, sample(50, problem_id="p-001")]
    found = compared(tmp_path, KEPT, more, recipe=recipe(generate={"candidates": 16}))
    assert only(found) == ("came", "recipe", "generate.candidates")


def test_a_journey_takes_the_place_of_its_last_candidate(tmp_path: Path) -> None:
    end = sample(3, problem_id="p-000")
    journey = sample(99, problem_id="p-000", form="journey", made_of=[f"{7:032x}", end.uuid])
    found = compared(
        tmp_path,
        [end, *KEPT[1:3]],
        [journey, *KEPT[1:3]],
        drops_before=[dropped(7, "incorrect")],
        drops_after=[dropped(7, "merged")],
        recipe=recipe(select={"journeys": {"share": 0.5}}),
    )
    assert [(one.change, one.cause, one.because) for one in found.groups] == [
        ("went", "recipe", "select.journeys.share"),
        ("came", "recipe", "select.journeys.share"),
    ]
    went, came = (one.examples[0].detail for one in found.groups)
    assert went == f"a part of it stands in row {journey.uuid}"
    assert came == f"a part of it stands in row {end.uuid}"
    assert "1.1.0 has their candidates in other rows" in difference_text(found)


@pytest.mark.parametrize(
    ("fields", "cause", "because"),
    [
        ({"pass_rate": 0.5, "num_generations": 8}, "candidates", "another number of candidates"),
        ({"pass_rate": 0.25}, "grader", "other verdicts"),
        ({"verification_info": canonical_json({"grader": "number"})}, "grader", "other verdicts"),
        ({"license": "Apache-2.0"}, "source", "the license of its problem"),
        ({"problem": "How many?", "num_generations": 8}, "source", "the statement of its problem"),
        ({"num_tokens": 99}, "teacher", "the num_tokens of the candidate"),
        ({"dedup_cluster_id": "c"}, "candidates", "others of its cluster"),
        ({"contamination": "{}"}, "candidates", "another overlap"),
    ],
)
def test_rows_that_changed_name_their_columns_and_the_cause(
    tmp_path: Path, fields: dict[str, Any], cause: str, because: str
) -> None:
    found = compared(tmp_path, [sample(3), *KEPT[1:]], [sample(3, **fields), *KEPT[1:]])
    assert (found.same, found.changed, found.went, found.came) == (5, 1, 0, 0)
    change, told, why = only(found)
    assert (change, told) == ("changed", cause)
    assert why.startswith(because)
    assert sorted(found.groups[0].columns.split(", ")) == sorted(fields)


def test_messages_that_changed_with_the_prompt(tmp_path: Path) -> None:
    asked = [
        {"role": "user", "content": "Please: how many is it?"},
        sample(3).messages[1].model_dump(),
    ]
    changed = recipe(generate={"prompt": {"templates": {"math": "Please: {statement}"}}})
    found = compared(tmp_path, [sample(3)], [sample(3, messages=asked)], recipe=changed)
    assert only(found) == ("changed", "recipe", "generate.prompt.templates.math")


def test_differences_of_the_recipe_are_told_by_key_with_both_values(tmp_path: Path) -> None:
    changes = recipe(select={"per_problem": 1}, shard={"near": {"threshold": 0.7}})
    found = compared(tmp_path, KEPT, KEPT, recipe=changes, code={"grade": 5})
    assert {(one.key, one.a, one.b) for one in found.recipe} == {
        ("select.per_problem", "4", "1"),
        ("shard.near.threshold", "0.8", "0.7"),
        ("shard.version", '"1.0.0"', '"1.1.0"'),
    }
    assert [(one.stage, one.a, one.b) for one in found.code] == [("grade", 4, 5)]


def test_shards_that_are_equal_are_not_read(tmp_path: Path) -> None:
    a = write_dataset(tmp_path / "a", KEPT)
    b = write_dataset(tmp_path / "b", [*KEPT, sample(20)], recipe=recipe())
    for folder in (a, b):
        shard = next((folder / "data").glob("train-00000-*"))
        shard.write_bytes(b"whoever reads this shard fails")
    with pytest.raises(ManifestMismatch, match="cannot be read"):
        difference(a, b)
    found = compare_rows((a, b), (read_description(a), read_description(b)))
    assert (found.same, found.went.height) == (6, 0)
    assert found.came["uuid"].to_list() == [f"{20:032x}"]


def test_the_rows_can_be_had_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = write_dataset(tmp_path / "a", [sample(1), *KEPT])
    b = write_dataset(
        tmp_path / "b", [sample(50), *KEPT], drops=[dropped(1, "surplus")], recipe=recipe()
    )
    table = tmp_path / "rows.parquet"
    assert main(["dataset", "diff", str(a), str(b), "--json", "--rows", str(table)]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = pl.read_parquet(table)
    assert rows.columns == ROWS
    assert rows["change"].to_list() == ["went", "came"]
    assert sum(group["rows"] for group in told["groups"]) == rows.height
    assert main(["dataset", "diff", str(a), str(b)]) == 0
    said = capsys.readouterr().out
    assert "6 the same, 0 changed, 1 went, 1 came" in said
    assert "1.1.0 dropped them in select: surplus" in said
    assert "1.0.0 has no such candidate" in said


def test_evidence_stays_in_its_line_and_does_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_dataset(tmp_path / "a", [sample(1), *KEPT])
    drops = [dropped(1, "surplus", detail="so\n9 the same\x1b[2J\u202e")]
    b = write_dataset(tmp_path / "b", KEPT, drops=drops, recipe=recipe())
    assert main(["dataset", "diff", str(a), str(b)]) == 0
    said = capsys.readouterr().out
    assert "so 9 the same\u27e8U+001B\u27e9[2J\u27e8U+202E\u27e9\n" in said
    assert {one for one in said if not one.isprintable()} == {"\n"}


def test_a_folder_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_dataset(tmp_path / "a", KEPT)
    b = write_dataset(tmp_path / "b", [*KEPT[1:], sample(20)], recipe=recipe())
    next((b / "data").glob("train-00001-*")).write_bytes(b"nothing")
    assert main(["dataset", "diff", str(a), str(b)]) == 1
    assert "`retort dataset verify` names" in capsys.readouterr().err


@settings(max_examples=10, deadline=None)
@given(
    before=st.sets(st.integers(0, 12), min_size=1),
    after=st.sets(st.integers(0, 12), min_size=1),
    altered=st.sets(st.integers(0, 12)),
)
def test_every_row_of_both_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, before: set[int], after: set[int], altered: set[int]
) -> None:
    root = tmp_path_factory.mktemp("pair")
    a = write_dataset(root / "a", [sample(number) for number in before])
    rows = [sample(one, num_tokens=99) if one in altered else sample(one) for one in after]
    b = write_dataset(root / "b", rows, recipe=recipe())
    found, table = difference(a, b)
    assert (found.went, found.came) == (len(before - after), len(after - before))
    assert found.changed == len(before & after & altered)
    assert found.same + found.changed + found.went == found.a.rows
    assert found.same + found.changed + found.came == found.b.rows
    assert sum(group.rows for group in found.groups) == table.height
    assert table.height == found.went + found.came + found.changed
