"""Spans of the samples: together all rows in order, no problem in two of them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ManifestMismatch
from factory.shard.spans import ordered_samples, read_span
from tests.unit.shard.sample_artifacts import sample, write_samples


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 9), st.booleans(), st.integers())
def test_spans_hold_all_rows_in_order_and_whole_problems(
    tmp_path_factory: pytest.TempPathFactory,
    problems: list[int],
    rows_per_part: int,
    shuffled: bool,
    seed: int,
) -> None:
    root = tmp_path_factory.mktemp("spans")
    samples = [
        sample(number, problem_id=f"p-{problem}") for number, problem in enumerate(sorted(problems))
    ]
    written = random.Random(seed).sample(samples, k=len(samples)) if shuffled else samples
    folder = write_samples(root / "select", written, rows_per_part=rows_per_part)
    found = ordered_samples(folder, root / "work")
    spans = found.by_problem()
    tables = [pa.concat_tables(read_span(span)) for span in spans]
    assert [one for table in tables for one in table.to_pylist()] == [
        one.model_dump(mode="json") for one in samples
    ]
    assert [span.stop - span.start for span in spans] == [table.num_rows for table in tables]
    seen = [set(table["problem_id"].to_pylist()) for table in tables]
    assert sum(len(one) for one in seen) == len(set(problems))
    first = np.unique(found.problems, return_index=True)[1]
    assert [samples[row].problem_id for row in first] == sorted({one.problem_id for one in samples})
    assert found.rows == len(samples)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_range_of_rows_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("range")
    samples = [sample(number) for number in range(20)]
    folder = write_samples(root / "select", samples, rows_per_part=data.draw(st.integers(1, 20)))
    start = data.draw(st.integers(0, 20))
    stop = data.draw(st.integers(start, 20))
    span = ordered_samples(folder, root / "work").span(start, stop)
    uuids = [one for table in read_span(span, ["uuid"]) for one in table["uuid"].to_pylist()]
    assert uuids == [one.uuid for one in samples[start:stop]]


def test_a_part_that_is_cut_is_named(tmp_path: Path) -> None:
    folder = write_samples(tmp_path / "select", [sample(number) for number in range(20)])
    part = folder / "samples-00000.parquet"
    content = bytearray(part.read_bytes())
    content[4 : len(content) // 2] = b"\0" * (len(content) // 2 - 4)
    part.write_bytes(content)
    with pytest.raises(ManifestMismatch, match=r"samples-00000\.parquet: cannot be read"):
        list(read_span(ordered_samples(folder, tmp_path / "work").span(0, 20)))
