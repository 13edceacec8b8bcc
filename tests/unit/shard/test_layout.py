"""Files of rows: what a change of a few rows leaves as it was, and where files end."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.shard.layout import new_shard, write_shards

SCHEMA = pa.schema([pa.field("uuid", pa.string()), pa.field("text", pa.large_string())])


def rows(numbers: Sequence[int]) -> pa.Table:
    ids = [sha256(b"%d" % number).hexdigest() for number in numbers]
    texts = [" ".join(one[at : at + 4] for at in range(0, 64, 4)) for one in ids]
    return pa.table([ids, texts], schema=SCHEMA)


def groups(file: Path) -> list[bytes]:
    """The bytes of each row group."""
    content, footer = file.read_bytes(), pq.read_metadata(file)
    found: list[bytes] = []
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        columns = [group.column(at) for at in range(group.num_columns)]
        starts = [one.dictionary_page_offset or one.data_page_offset for one in columns]
        sizes = [one.total_compressed_size for one in columns]
        ends = zip(starts, sizes, strict=True)
        found.append(b"".join(content[start : start + size] for start, size in ends))
    return found


def test_where_a_row_goes_only_its_row_group_changes(tmp_path: Path) -> None:
    numbers = list(range(40_000))
    for name, some in (("whole", numbers), ("less", [*numbers[:100], *numbers[101:]])):
        with new_shard(tmp_path, name, SCHEMA, "test") as file:
            file.write(rows(some))
    whole, less = groups(tmp_path / "whole"), groups(tmp_path / "less")
    assert len(whole) > 5
    assert len(set(less) - set(whole)) == 1
    assert pq.read_table(tmp_path / "whole").num_rows == 40_000


def test_within_a_row_group_the_pages_after_a_row_that_goes_stay_as_they_were(
    tmp_path: Path,
) -> None:
    numbers = list(range(1500))
    texts = [Random(number).randbytes(1000).hex() for number in numbers]
    table = rows(numbers).set_column(1, SCHEMA.field(1), pa.array(texts, pa.large_string()))
    for name, some in (("whole", table), ("less", pa.concat_tables([table[:100], table[101:]]))):
        with new_shard(tmp_path, name, SCHEMA, "test") as file:
            file.write(some)
    (whole,), (less,) = groups(tmp_path / "whole"), groups(tmp_path / "less")
    pairs = zip(reversed(whole), reversed(less), strict=False)
    same = next(at for at, (one, other) in enumerate(pairs) if one != other)
    assert same > 0.4 * len(whole)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_shard(tmp_path, "one", SCHEMA, "test") as file:
        file.write(rows(range(10)))
        raise KeyboardInterrupt
    assert not (tmp_path / "one").exists()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=6), st.integers(1, 3000))
def test_files_end_by_the_rows_whatever_tables_they_come_in(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], shard_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("layout")
    whole = rows(range(sum(sizes)))
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    tables = [whole.slice(start, size) for start, size in zip(starts, sizes, strict=True)]
    files = write_shards(folder / "1", tables, SCHEMA, shard_bytes=shard_bytes)
    again = write_shards(folder / "2", [whole], SCHEMA, shard_bytes=shard_bytes)
    assert files == again
    assert sorted(path.name for path in (folder / "1").iterdir()) == [name for name, _ in files]
    read = [pq.read_table(folder / "1" / name) for name, _ in files]
    assert pa.concat_tables(read).replace_schema_metadata(None).equals(whole)
    assert [one.num_rows for one in read] == [count for _, count in files]
    assert all((folder / "2" / n).read_bytes() == (folder / "1" / n).read_bytes() for n, _ in files)
