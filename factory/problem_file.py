"""The problems as one file that processes map into memory and take single problems from.

The parts of `collect` are written once, uncompressed, into the scratch folder of a stage. A worker
that needs the problems of a part maps the file: the pages are shared, and only those that are read
are loaded, so that memory does not grow with the number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factory.errors import SchemaMismatch
from factory.parts import iter_parts
from schemas.arrow import PROBLEM
from schemas.problem import Domain, Problem


def write_problem_file(problems_dir: Path, path: Path) -> None:
    """Write all admitted problems to one Arrow file.

    Raises:
        ManifestMismatch, SchemaMismatch: The artifact of collect is not whole.
    """
    known = pa.array([domain.value for domain in Domain])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, PROBLEM) as writer:
        for table in iter_parts(problems_dir, "problems", PROBLEM):
            found = pc.call_function("is_in", [table["domain"]], pc.SetLookupOptions(known))
            if (row := found.index(False).as_py()) >= 0:
                raise SchemaMismatch(
                    f"{problems_dir}: problem {table['problem_id'][row]}: expected one of the "
                    f"domains {', '.join(Domain)}, found {table['domain'][row]}; delete the folder "
                    f"and run again"
                )
            writer.write_table(table)


class ProblemFile:
    """Problems by id."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
            self._batches = [reader.get_batch(one) for one in range(reader.num_record_batches)]
        ids = [batch["problem_id"] for batch in self._batches]
        self._ids = pa.concat_arrays(ids) if ids else pa.array([], pa.string())
        sizes = [0, *(batch.num_rows for batch in self._batches)]
        self._starts = np.cumsum(np.array(sizes, np.int64))

    def distinct(self, ids: pa.ChunkedArray | pa.Array) -> tuple[pa.Table, NDArray[np.int64]]:
        """The problems that are named, each once, and for each id the row of its problem.

        Raises:
            KeyError: An id is not among the problems; the error holds it.
        """
        whole = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        coded = whole.dictionary_encode()
        found = pc.call_function("index_in", [coded.dictionary], pc.SetLookupOptions(self._ids))
        if found.null_count:
            raise KeyError(coded.dictionary.filter(found.is_null())[0].as_py())
        places = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return self._take(found.to_numpy().astype(np.int64)), places

    def problems(self, ids: Sequence[str]) -> dict[str, Problem]:
        """The problems that are named, by id. Raises `KeyError` as `distinct`."""
        table, _ = self.distinct(pa.array(ids, pa.string()))
        return {row["problem_id"]: Problem.model_validate(row) for row in table.to_pylist()}

    def _take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Rows in their order. Batch by batch: taking from a chunked table would copy it whole."""
        order = np.argsort(rows, kind="stable")
        wanted = rows[order]
        cuts = np.searchsorted(wanted, self._starts)
        pieces = [
            batch.take(pa.array(wanted[cuts[number] : cuts[number + 1]] - self._starts[number]))
            for number, batch in enumerate(self._batches)
            if cuts[number] < cuts[number + 1]
        ]
        if not pieces:
            return PROBLEM.empty_table()
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        return pa.Table.from_batches(pieces).combine_chunks().take(pa.array(back))


@lru_cache(maxsize=1)
def open_problems(path: Path, digest: str) -> ProblemFile:
    """The file, opened once per process.

    Args:
        digest: That of the manifest the file was made from, so that nothing goes stale.
    """
    return ProblemFile(path)
