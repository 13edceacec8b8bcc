"""A dataset's folder of test size, as it is published and as anyone might make one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def write_dataset(folder: Path, completions: Sequence[str]) -> Path:
    """A row per completion, each of a problem of its own."""
    rows = [
        {
            "uuid": f"{number:032x}",
            "problem_id": f"p{number}",
            "messages": [
                {"role": "user", "content": f"What is {number} + {number}?"},
                {"role": "assistant", "content": completion},
            ],
        }
        for number, completion in enumerate(completions)
    ]
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-00000-of-00001.parquet")
    return folder


def doubled(count: int) -> list[str]:
    """Right answers to the questions of `write_dataset`."""
    return [f"<think>\n{n}, twice.\n</think>\n\n{2 * n}" for n in range(count)]
