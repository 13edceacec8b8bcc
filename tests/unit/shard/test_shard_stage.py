"""Building a dataset: every sample accounted for, one digest for one content, files that load."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import LedgerMismatch, ManifestMismatch, RecipeError, SchemaMismatch
from factory.recipe_file import ROOT
from factory.shard.description import check_files, read_description
from factory.shard.layout import shard_sizes
from factory.shard.spans import ordered_samples
from schemas.arrow import PROBLEM, SAMPLE
from tests.unit.select.graded_artifacts import write_artifact
from tests.unit.shard.sample_artifacts import build, sample, write_samples

TWELVE = [sample(number) for number in range(12)]


def published_rows(root: Path) -> list[dict]:
    files = sorted((root / "shard" / "dataset" / "data").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_the_digest_is_that_of_the_content_not_of_parts_order_or_shards(tmp_path: Path) -> None:
    shuffled = random.Random(2).sample(TWELVE, k=12)
    first = build(tmp_path / "1", TWELVE)
    second = build(tmp_path / "2", shuffled, rows_per_part=5)
    third = build(tmp_path / "3", TWELVE, shard_bytes=100)
    assert first.figures["digest"] == second.figures["digest"] == third.figures["digest"]
    assert first == second
    assert third.figures["shards"] > 1
    assert published_rows(tmp_path / "1") == published_rows(tmp_path / "2")
    assert published_rows(tmp_path / "1") == published_rows(tmp_path / "3")
    other = build(tmp_path / "4", [*TWELVE[:-1], sample(11, "<think>x</think>y")])
    assert other.figures["digest"] != first.figures["digest"]


def test_a_cluster_keeps_its_shortest_row_then_the_smallest_uuid(tmp_path: Path) -> None:
    samples = [
        sample(0, "so  it is\n4"),
        sample(1, "so it is 4"),
        sample(2, "so it is 4"),
        sample(3, "So it is 4"),
    ]
    result = build(tmp_path, samples, dedupe="exact")
    rows = published_rows(tmp_path)
    assert [row["uuid"] for row in rows] == [samples[1].uuid, samples[3].uuid]
    assert rows[0]["dedup_cluster_id"] is not None
    assert rows[1]["dedup_cluster_id"] is None
    assert result.ledger.drops == {"exact_duplicate": 2}


def test_without_dedupe_every_row_stays(tmp_path: Path) -> None:
    result = build(tmp_path, [sample(0, "same"), sample(1, "same")], dedupe="none")
    assert (result.ledger.rows_out, result.ledger.drops) == (2, {})
    assert [row["dedup_cluster_id"] for row in published_rows(tmp_path)] == [None, None]


TEXTS = st.lists(
    st.sampled_from(["a b", "a  b", " a b ", "b a", "A b", "\u00e9", "e\u0301"]), max_size=20
)


@settings(max_examples=8, deadline=None)
@given(TEXTS, st.integers(1, 9), st.integers(1, 400))
def test_rows_in_are_rows_out_plus_drops_and_every_cluster_has_one_survivor(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], size: int, shard_bytes: int
) -> None:
    root = tmp_path_factory.mktemp("dedupe")
    samples = [sample(number, text) for number, text in enumerate(texts)]
    result = build(root, samples, rows_per_part=size, shard_bytes=shard_bytes, dedupe="exact")
    rows = published_rows(root)
    assert result.ledger.rows_in == len(texts)
    assert result.ledger.rows_in == result.ledger.rows_out + sum(result.ledger.drops.values())
    assert len(rows) == result.ledger.rows_out == result.figures["rows"]
    clusters: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        clusters[" ".join(text.replace("e\u0301", "\u00e9").split())].append(text)
    assert len(rows) == len(clusters)
    assert sum(row["dedup_cluster_id"] is not None for row in rows) == sum(
        len(cluster) > 1 for cluster in clusters.values()
    )


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 100))
def test_shards_hold_all_rows_and_only_the_last_is_small(sizes: list[int], wanted: int) -> None:
    found = shard_sizes(pl.Series(sizes, dtype=pl.Int64), wanted)
    assert sum(found) == len(sizes)
    assert len(found) >= 1
    start = 0
    for rows in found[:-1]:
        assert sum(sizes[start : start + rows]) >= wanted
        assert sum(sizes[start : start + rows - 1]) < wanted
        start += rows


def test_the_description_names_every_file_and_where_every_row_went(tmp_path: Path) -> None:
    result = build(tmp_path, [*TWELVE, sample(12, TWELVE[0].messages[-1].content)])
    folder = tmp_path / "shard" / "dataset"
    description = read_description(folder)
    check_files(folder, description)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {file.path for file in description.files} | {"dataset.json"} == files
    assert {part.path for part in result.parts} == {f"dataset/{path}" for path in files}
    assert description.upstream == {"select": "key-select"}
    assert [one.stage for one in description.ledger] == ["select", "shard"]
    assert description.columns == SAMPLE.names
    assert "unix" not in json.dumps(description.model_dump())


def test_shards_are_parquet_of_the_schema_with_zstd_and_a_page_index(tmp_path: Path) -> None:
    build(tmp_path, TWELVE)
    [file] = (tmp_path / "shard" / "dataset" / "data").iterdir()
    assert file.name == "train-00000-of-00001.parquet"
    footer = pq.read_metadata(file)
    column = footer.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index
    assert pq.read_schema(file).names == SAMPLE.names


def test_valid_shards_are_kept_broken_ones_made_again_and_strays_removed(tmp_path: Path) -> None:
    first = build(tmp_path, TWELVE, shard_bytes=300)
    data = tmp_path / "shard" / "dataset" / "data"
    files = sorted(data.iterdir())
    before = files[0].stat().st_mtime_ns
    files[1].write_bytes(files[1].read_bytes()[:50])
    (data / ".train-00009-of-00010.parquet.77").write_bytes(b"half")
    assert build(tmp_path, TWELVE, shard_bytes=300) == first
    assert files[0].stat().st_mtime_ns == before
    assert sorted(data.iterdir()) == files


def test_an_empty_dataset_has_one_empty_shard(tmp_path: Path) -> None:
    result = build(tmp_path, [])
    assert result.figures["rows"] == 0
    assert published_rows(tmp_path) == []


def test_a_sample_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestMismatch, match="more than once"):
        build(tmp_path, [sample(1), sample(1)])


def test_stages_that_do_not_add_up_build_no_dataset(tmp_path: Path) -> None:
    verdicts = write_artifact(tmp_path / "grade", "grade", "verdicts", [], SAMPLE)
    with pytest.raises(LedgerMismatch, match="grade gave 0 rows but select took 12"):
        build(tmp_path, TWELVE, upstream={"grade-1": verdicts})
    assert not (tmp_path / "shard" / "dataset" / "dataset.json").exists()


def test_samples_of_another_schema_are_refused(tmp_path: Path) -> None:
    wrong = write_artifact(tmp_path / "select", "select", "samples", [], PROBLEM)
    with pytest.raises(SchemaMismatch, match="expected columns"):
        ordered_samples(wrong, tmp_path / "work")


@pytest.mark.parametrize(("files", "wanted"), [("dataset/data/train-*", 8), ("work/index/*", 5)])
def test_a_killed_build_goes_on_and_gives_the_same_digest(
    tmp_path: Path, files: str, wanted: int
) -> None:
    many = [sample(number) for number in range(45)]
    whole = build(tmp_path / "whole", many, shard_bytes=1, rows_per_part=3)
    root = tmp_path / "killed"
    write_samples(root / "select", many, rows_per_part=3)
    killed_build(root, files=files, wanted=wanted)
    assert not (root / "shard" / "dataset" / "dataset.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in (root / "shard").glob(files)}
    assert kept
    assert build(root, many, shard_bytes=1, rows_per_part=3) == whole
    if files.startswith("dataset"):
        found = {path: path.stat().st_mtime_ns for path in (root / "shard").glob(files)}
        assert kept.items() <= found.items()
    assert not (root / "shard" / "work").exists()


def killed_build(root: Path, *, files: str, wanted: int) -> None:
    """Build in a process and SIGKILL it once so many files are there."""
    script = (
        "import sys; from pathlib import Path; from factory.shard.stage import build_shards; "
        "from schemas.machine import Machine; "
        "from tests.unit.shard.sample_artifacts import unit_recipe; "
        "root = Path(sys.argv[1]); "
        "build_shards(root / 'select', unit_recipe(shard_bytes=1), upstream={}, "
        "machine=Machine(workers=1), out_dir=root / 'shard', key='k')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(root)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        if len(list((root / "shard").glob(files))) >= wanted:
            break
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the build ended before the kill"


def test_rows_whose_licence_forbids_the_use_are_not_built(tmp_path: Path) -> None:
    rows = [sample(0), sample(1, license="CC-BY-NC-4.0")]
    with pytest.raises(RecipeError, match="CC-BY-NC"):
        build(tmp_path, rows, use="commercial", model_licenses={"unit-teacher": "MIT"})
    assert not (tmp_path / "shard" / "dataset").exists()
    build(tmp_path, rows[:1], use="commercial", model_licenses={"unit-teacher": "MIT"})


def test_the_same_answer_to_two_questions_is_no_duplicate(tmp_path: Path) -> None:
    asked = [
        sample(0, "Hello!"),
        sample(
            1,
            "Hello!",
            problem_id="p-001",
            messages=[
                {"role": "user", "content": "Good morning."},
                {"role": "assistant", "content": "Hello!"},
            ],
        ),
    ]
    assert build(tmp_path, asked).ledger.drops == {}
