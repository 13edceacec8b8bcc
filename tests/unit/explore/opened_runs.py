"""Small runs and datasets, opened as the command opens them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from starlette.testclient import TestClient

from factory.recipe_file import load_machine
from factory.shard.description import Description
from factory.shard.layout import DATASET
from retort.explore.index_folder import Opened, open_source
from retort.explore.marks import MarkFile
from retort.explore.named_source import source_of
from retort.explore.search import Search
from retort.explore.search_build import build_texts
from retort.explore.server import app

HERE = "http://127.0.0.1"
POST = {"X-Retort": "1", "Content-Type": "application/json"}
WORDS = ("prime", "number", "sum", "of", "the", "digits", "is", "even", "so", "we", "add", "two")


def opened(named: str, root: Path, machine: Path, *, rebuild: bool = False) -> Opened:
    """A run or dataset with the index of its texts built."""
    (root / "explore").mkdir(exist_ok=True)
    found = source_of(named, load_machine(str(machine)))
    here = open_source(found, root / "explore", rebuild=rebuild)
    build_texts(here.folder)
    return here


@contextmanager
def client(here: Opened, marks: Path, *, search: bool = True) -> Iterator[TestClient]:
    """Asks the application, as a page of it."""
    index = Search.started(here.folder, here.table) if search else None
    try:
        with TestClient(app(here, MarkFile(marks), index), base_url=HERE) as one:
            yield one
    finally:
        if index is not None:
            index.close()


def rows(one: TestClient, **parameters: Any) -> tuple[int, list[dict[str, Any]]]:
    """Total and page of a list that must be answered."""
    answer = one.get("/api/rows", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["total"], answer.json()["rows"]


def made_rows(count: int) -> list[dict[str, Any]]:
    """Rows of a dataset that others made; every value follows from the number."""
    found: list[dict[str, Any]] = []
    for n in range(count):
        problem = n // 3
        text = " ".join(WORDS[(n * k + k) % len(WORDS)] for k in range(1, 4 + n % 9))
        found.append(
            {
                "uuid": f"{(n * 7919) % 10_007:05d}",
                "problem_id": f"p{problem}",
                "source": f"source-{problem % 4}",
                "domain": ("math", "code", "stem")[problem % 3],
                "category": f"kind {problem % 5}",
                "level": f"Level {problem % 2}",
                "generation_model": f"teacher-{n % 2}",
                "finish_reason": ("stop", "length")[n % 7 == 0],
                "num_tokens": None if n % 11 == 0 else (n * 31) % 97,
                "pass_rate": (n % 13) / 12,
                "messages": [
                    {
                        "role": "user",
                        "content": f"How much is {problem}? Ask {WORDS[problem % 12]}.",
                    },
                    {"role": "assistant", "content": f"<think>\n{text}\n</think>\n\n{n}"},
                ],
            }
        )
    return found


def write_data(folder: Path, some: list[dict[str, Any]], *, files: int = 3) -> Path:
    """A folder with nothing but `data/*.parquet`, in small row groups; and a machine file."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    each = -(-len(some) // files)
    for number in range(files):
        table = pa.Table.from_pylist(some[number * each : (number + 1) * each])
        pq.write_table(table, folder / "data" / f"train-{number}.parquet", row_group_size=16)
    machine = folder.parent / "machine.toml"
    machine.write_text(f'[paths]\nruns = "{folder.parent}/runs"\n', encoding="utf-8")
    return machine


def describe(folder: Path, name: str) -> None:
    """Make the folder a dataset of Retort's, as far as its `dataset.json` goes."""
    about = Description(
        name=name,
        version="1.0.0",
        rows=0,
        digest="0" * 64,
        files=[],
        columns=[],
        recipe="unit",
        upstream={},
        ledger=[],
    )
    (folder / DATASET).write_text(about.model_dump_json(), encoding="utf-8")
