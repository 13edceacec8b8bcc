"""Samples that overlap with benchmarks, and the evidence.

Covered: the statement of a sample's problem, the turns of a conversation before it, and the
completion, each against every item, by the rules of `factory.overlap.benchmark_index`. The
template around a statement and system messages are left out: they are the same in every row. Not
covered: what those rules do not find, above all an item in other words or in another language.
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factory.digest import file_sha256
from factory.shard.texts import Turns

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex, Hit


def save_benchmarks(index: BenchmarkIndex, folder: Path) -> Path:
    """Write an index for the workers; the name of its file tells it from others."""
    index.find([""])  # makes its table, which each worker would make else
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "benchmarks.pickle"
    file.write_bytes(pickle.dumps(index, protocol=pickle.HIGHEST_PROTOCOL))
    return file.rename(folder / f"benchmarks-{file_sha256(file)}.pickle")


@lru_cache(maxsize=1)
def load_benchmarks(file: Path) -> BenchmarkIndex:
    """The index that `save_benchmarks` wrote; a worker reads it once."""
    return pickle.loads(file.read_bytes())


def find_overlaps(
    samples: pa.Table, turns: Turns, problems: NDArray[np.int64], benchmarks: Path | None
) -> list[Hit | None]:
    """The overlap of each sample: of its problem, of a turn before it, or else of its completion.

    Args:
        samples: With the column `problem`.
        turns: Their messages.
        problems: Number of each row's problem, from 0; the rows of one follow each other, and all
            have the same statement and the same turns before the last.
        benchmarks: The file of the index; None finds nothing.
    """
    if benchmarks is None:
        return [None] * samples.num_rows
    index = load_benchmarks(benchmarks)
    first = np.flatnonzero(np.diff(problems, prepend=-1))
    of_problem = index.find(samples["problem"].combine_chunks().take(pa.array(first)))
    for problem, row in enumerate(first.tolist()):
        if of_problem[problem] is None and (texts := _before_the_question(turns, row)):
            found = index.find(texts)
            of_problem[problem] = next((hit for hit in found if hit is not None), None)
    completions = index.find(turns.content.take(pa.array(turns.last)))
    return [
        of_problem[problem] or hit
        for problem, hit in zip(problems.tolist(), completions, strict=True)
    ]


def _before_the_question(turns: Turns, row: int) -> list[str]:
    start, stop = int(turns.offsets[row]), int(turns.offsets[row + 1]) - 2
    return [
        turns.content[at].as_py() for at in range(start, stop) if turns.role[at].as_py() != "system"
    ]
