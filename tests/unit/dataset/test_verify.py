"""`retort dataset verify`: a whole dataset passes; tampering is named with its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from factory.dataset import row_checks
from factory.dataset.verify import must_be_whole, verify
from factory.errors import ManifestMismatch
from factory.executor import Executor
from factory.shard.content import content_digest
from factory.shard.description import read_description
from factory.shard.layout import DATASET
from retort.command import main
from tests.unit.dataset.written_datasets import (
    cluster,
    dropped,
    hashed_again,
    write_dataset,
    write_description,
)
from tests.unit.shard.sample_artifacts import sample

SHARD = "data/train-00001-of-00003.parquet"
BESIDE = "reasoning_content/train-00001-of-00003.parquet"
DROPPED = "ledger/dropped-00000-of-00001.parquet"
CLUSTERS = "ledger/clusters-00000-of-00001.parquet"
CLUSTER = "c" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole dataset: ten rows, one of them kept of a cluster, one a journey."""
    journey = {"form": "journey", "made_of": [f"{40:032x}", f"{41:032x}"]}
    rows = [sample(number) for number in range(8)]
    rows += [sample(8, dedup_cluster_id=CLUSTER), sample(9, **journey)]
    drops = [
        dropped(40, "merged"),
        dropped(50, "incorrect"),
        dropped(51, "incorrect"),
        dropped(20, "exact_duplicate", "shard"),
    ]
    clusters = [cluster(8, CLUSTER, kept=True), cluster(20, CLUSTER, kept=False)]
    return write_dataset(tmp_path / "set", rows, drops=drops, clusters=clusters)


def faults(folder: Path) -> dict[str, list[str]]:
    """Check -> its faults, of those that do not pass."""
    return {one.name: [str(f) for f in one.faults] for one in verify(folder) if not one.passed}


def change(folder: Path, path: str, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite a Parquet file with other rows; `dataset.json` stays."""
    table = pq.read_table(folder / path)
    pq.write_table(edit(table), folder / path, compression="zstd")


def rehash(folder: Path, path: str, **fields: Any) -> None:
    """Put the new SHA-256 of a file, and other fields, into `dataset.json`."""
    said = hashed_again(folder, read_description(folder), path)
    write_description(folder, said.model_copy(update=fields))


def other_answer(table: pa.Table) -> pa.Table:
    answers = ["7777", *table["answer"].to_pylist()[1:]]
    at = table.schema.get_field_index("answer")
    return table.set_column(at, table.schema.field(at), pa.array(answers, pa.large_string()))


def test_a_whole_dataset_passes_every_check(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert faults(folder) == {}
    assert must_be_whole(folder).rows == 10
    assert main(["dataset", "verify", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "is whole" in said
    assert "10 rows and 4 dropped candidates are the 14 graded ones" in said
    assert "WRONG" not in said


@pytest.mark.soak
def test_shards_are_read_in_several_processes_with_the_same_result(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_checks, "_WORTH_BYTES", 0)
    change(folder, SHARD, other_answer)
    rehash(folder, SHARD)
    names = {check.name for check in verify(folder, executor=Executor(2)) if not check.passed}
    assert names == {"rows"}


@pytest.mark.parametrize("path", [SHARD, BESIDE, DROPPED, CLUSTERS, "recipe.json", "README.md"])
def test_one_flipped_byte_is_found(folder: Path, path: str) -> None:
    content = bytearray((folder / path).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / path).write_bytes(content)
    found = faults(folder)
    assert any(f"{path}: expected SHA-256" in one for one in found["bytes"])
    rehash(folder, path)
    assert set(faults(folder)) == set(found) - {"bytes"}


def test_a_row_that_was_changed_and_hashed_again_has_another_digest(folder: Path) -> None:
    change(folder, SHARD, other_answer)
    rehash(folder, SHARD)
    found = faults(folder)
    assert list(found) == ["rows"]
    assert found["rows"][0].startswith("dataset.json: expected digest of rows")


def test_a_changed_row_with_a_new_digest_no_longer_fits_the_card(folder: Path) -> None:
    change(folder, SHARD, other_answer)
    digest = content_digest(sorted((folder / "data").iterdir()))
    rehash(folder, SHARD, digest=digest)
    assert faults(folder) == {
        "dataset.json": [
            f"README.md: expected the digest {digest} of dataset.json, found it is not there; copy "
            "the dataset again from where it was published, or rebuild it"
        ]
    }


def test_reasoning_that_is_not_that_of_the_row_is_found(folder: Path) -> None:
    def swap(table: pa.Table) -> pa.Table:
        turns = table["messages"].to_pylist()
        turns[1][-1]["reasoning_content"] = "other thoughts"
        at = table.schema.get_field_index("messages")
        field = table.schema.field(at)
        return table.set_column(at, field, pa.array(turns, field.type))

    change(folder, BESIDE, swap)
    rehash(folder, BESIDE)
    [fault] = faults(folder)["reasoning_content"]
    assert fault.startswith(f"{BESIDE}: expected each row as data has it, found another for")


def test_a_missing_file_is_named_and_the_others_are_still_checked(folder: Path) -> None:
    (folder / SHARD).unlink()
    (folder / "README.md").write_text("another", encoding="utf-8")
    found = faults(folder)
    assert found["files"] == [
        f"{SHARD}: expected a file, found none; copy the dataset again from where it was "
        "published, or rebuild it"
    ]
    assert len(found["bytes"]) == 1
    assert "rows" in found


def test_a_file_too_much_is_named_but_not_what_hubs_put_there(folder: Path) -> None:
    (folder / ".gitattributes").write_text("x", encoding="utf-8")
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "lock").touch()
    assert faults(folder) == {}
    (folder / "data" / "train-00009-of-00010.parquet").write_bytes(b"")
    [fault] = faults(folder)["files"]
    assert fault.startswith("data/train-00009-of-00010.parquet: expected no file that dataset.json")


def test_a_shard_that_is_no_parquet_is_named_once_per_check(folder: Path) -> None:
    (folder / SHARD).write_bytes(b"PAR1 and no more")
    rehash(folder, SHARD)
    found = faults(folder)
    assert list(found) == ["configs", "rows"]
    assert all("cannot be read" in lines[0] for lines in found.values())


def test_other_columns_are_named(folder: Path) -> None:
    change(folder, SHARD, lambda table: table.drop_columns(["license"]))
    rehash(folder, SHARD)
    assert any("expected the columns" in one for one in faults(folder)["configs"])


@pytest.mark.parametrize(
    ("edit", "check", "says"),
    [
        ({"version": "9.9.9"}, "dataset.json", "expected version '1.0.0', as recipe.json has it"),
        ({"rows": 11}, "dataset.json", "expected 11 rows"),
        ({"digest": "0" * 64}, "rows", f"expected digest of rows {'0' * 64}"),
        ({"recipe": "another"}, "dataset.json", "expected recipe 'unit'"),
        ({"sections": {"select": "0"}}, "dataset.json", "found others for collect, generate"),
        ({"configs": {"default": 10}}, "configs", "expected 0 rows of config reasoning_content"),
        ({"columns": ["uuid"]}, "configs", "expected columns uuid, problem_id"),
        ({"ledger": []}, "dataset.json", "found no stage shard"),
    ],
)
def test_an_edited_description_contradicts_what_it_describes(
    folder: Path, edit: dict[str, Any], check: str, says: str
) -> None:
    write_description(folder, read_description(folder).model_copy(update=edit))
    assert any(says in one for one in faults(folder)[check])


def test_a_description_that_was_formatted_by_hand_is_noticed(folder: Path) -> None:
    value = json.loads((folder / DATASET).read_text(encoding="utf-8"))
    (folder / DATASET).write_text(json.dumps(value), encoding="utf-8")
    assert list(faults(folder)) == ["dataset.json"]


def test_a_ledger_whose_drops_are_not_those_said_is_named(folder: Path) -> None:
    said = read_description(folder)
    ledger = [
        one.model_copy(update={"drops": {"incorrect": 1, "merged": 1, "surplus": 1}})
        if one.stage == "select"
        else one
        for one in said.ledger
    ]
    write_description(folder, said.model_copy(update={"ledger": ledger}))
    found = faults(folder)
    assert list(found) == ["ledger"]
    assert [one.split("; ")[0] for one in found["ledger"]] == [
        "ledger/dropped-*.parquet: expected 1 rows of select: incorrect, as dataset.json says, "
        "found 2",
        "ledger/dropped-*.parquet: expected 1 rows of select: surplus, as dataset.json says, "
        "found 0",
    ]


def test_a_candidate_that_is_row_and_drop_is_named(folder: Path) -> None:
    def published(table: pa.Table) -> pa.Table:
        ids = table["candidate_id"].to_pylist()
        ids[ids.index(f"{50:032x}")] = f"{3:032x}"
        return table.set_column(0, table.schema.field(0), pa.array(ids))

    change(folder, DROPPED, published)
    rehash(folder, DROPPED)
    [fault] = faults(folder)["ledger"]
    assert f"found {3:032x} more than once" in fault


def test_a_journey_whose_beginning_was_not_merged_is_named(folder: Path) -> None:
    def other(table: pa.Table) -> pa.Table:
        ids = table["candidate_id"].to_pylist()
        ids[ids.index(f"{40:032x}")] = f"{77:032x}"
        return table.set_column(0, table.schema.field(0), pa.array(ids))

    change(folder, DROPPED, other)
    rehash(folder, DROPPED)
    [fault] = faults(folder)["ledger"]
    assert f"found other for rows {9:032x}" in fault


@pytest.mark.parametrize("kept", [(True, True), (False, False), (False, True)])
def test_a_cluster_keeps_exactly_the_row_that_is_published(
    folder: Path, kept: tuple[bool, bool]
) -> None:
    def other(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index("kept")
        return table.set_column(at, table.schema.field(at), pa.array(kept))

    change(folder, CLUSTERS, other)
    rehash(folder, CLUSTERS)
    assert list(faults(folder)) == ["clusters"]


def test_rows_out_of_order_or_twice_are_named(folder: Path) -> None:
    def turned(table: pa.Table) -> pa.Table:
        return table.take(pc.array_sort_indices(table["uuid"], order="descending"))

    for path in (SHARD, BESIDE):
        change(folder, path, turned)
        rehash(folder, path)
    assert list(faults(folder)) == ["order"]

    def doubled(table: pa.Table) -> pa.Table:
        return pa.concat_tables([table.slice(0, 1), table.slice(0, 3)])

    for path in (SHARD, BESIDE):
        change(folder, path, doubled)
        rehash(folder, path)
    found = faults(folder)
    assert any("expected each uuid once" in one for one in found["order"])


def test_an_earlier_format_is_refused_with_a_remedy(folder: Path) -> None:
    said = read_description(folder)
    write_description(folder, said.model_copy(update={"format": 1}))
    with pytest.raises(ManifestMismatch, match=r"found 1.*build the dataset again"):
        list(verify(folder))


def test_the_command_fails_and_names_every_mismatch(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "README.md").write_text("another", encoding="utf-8")
    (folder / "more.txt").touch()
    assert main(["dataset", "verify", str(folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["whole"] is False
    named = {fault["file"] for check in told["checks"] for fault in check["faults"]}
    assert named == {"README.md", "more.txt"}
    assert all(
        set(fault) == {"file", "expected", "found", "remedy"}
        for check in told["checks"]
        for fault in check["faults"]
    )


def test_no_dataset_at_all_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dataset", "verify", str(tmp_path)]) == 1
    assert "expected a dataset's folder" in capsys.readouterr().err


def test_a_description_that_is_no_json_is_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / DATASET).write_text("{", encoding="utf-8")
    assert main(["dataset", "verify", str(folder)]) == 1
    assert "not a description of this version" in capsys.readouterr().err
