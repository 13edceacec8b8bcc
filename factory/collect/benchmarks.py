"""The index of all that problems and samples may not overlap with: benchmarks and suites.

Of a suite the statements count, and earlier turns of a user; its solutions do not, because short
ones are what anybody would write. Of a named benchmark the columns count that the recipe names.
Items of procedural suites are filled templates: only a text that is one as a whole is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.collect.contamination import ADDED, asked_in
from factory.collect.sources import iter_problems
from factory.digest import fingerprint
from factory.errors import RetortError, SourceError
from factory.files.row_files import MISSING, read_rows, value_at
from factory.hub import hub_fingerprint, hub_rows
from factory.recipe_file import existing
from schemas.collect_settings import Benchmark, Overlap, Source
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.source_settings import ProceduralSource, ReasoningGymSource

if TYPE_CHECKING:
    from factory.overlap.benchmark_index import BenchmarkIndex


def load_index(
    benchmarks: Sequence[Benchmark],
    suites: Sequence[Source],
    overlap: Overlap,
    grade: Grade | None,
    machine: Machine,
) -> BenchmarkIndex:
    """The items of all benchmarks and suites, each under the name that the recipe gives it.

    Args:
        grade: For sources that make their problems in the sandbox; None: the defaults.
        suites: Sources of `[validate]`; read whole, whatever their limits, because an item that a
            run does not ask is still an item of the benchmark.

    Raises:
        SourceError: A file cannot be read, a row lacks a column or holds no text there, or a
            benchmark has no text at all; with file and row.
        RecipeError: A path is not there.
    """
    from factory.overlap.benchmark_index import BenchmarkIndex  # it loads numba

    index = BenchmarkIndex(overlap, added=ADDED)
    for source in suites:
        made = isinstance(source, ProceduralSource | ReasoningGymSource)
        problems = iter_problems(source, grade, machine)
        items = ((one.problem_id, text) for one in problems for text in asked_in(one))
        index.add(source.name, items, grams=not made)
    for benchmark in benchmarks:
        before = len(index)
        who = _who(benchmark)
        rows = _rows(benchmark, who, [*benchmark.columns, *filter(None, [benchmark.item_id])])
        remedy = "name other columns in [[collect.benchmarks]]"
        items = items_of(rows, benchmark.columns, benchmark.item_id, who, SourceError, remedy)
        index.add(benchmark.name, items)
        if len(index) == before:
            raise SourceError(
                f"benchmark {benchmark.name}: expected texts in its columns {benchmark.columns}, "
                f"found none in any row; correct `columns`"
            )
    return index


def benchmarks_fingerprint(benchmarks: Sequence[Benchmark]) -> dict[str, str]:
    """Name of each benchmark -> digest of what it reads, for keys; the settings are in the recipe.

    Raises:
        RecipeError: A path is not there, or a name on the hub has no revision.
    """
    return {
        one.name: hub_fingerprint(one, _who(one))
        if one.dataset
        else fingerprint(existing(one.path, _who(one)))
        for one in benchmarks
    }


def add_files(
    index: BenchmarkIndex,
    name: str,
    path: Path,
    columns: Sequence[str],
    error: type[RetortError],
) -> None:
    """Add the texts in these columns of a file, or of a folder of files, as a benchmark.

    Raises:
        `error`: Nothing is there, a file cannot be read, a row is not as it must be, or there is
            no text at all; with file and row.
    """
    before = len(index)
    if not path.exists():
        raise error(f"benchmark {name}: expected a file or folder at {path}, found none")
    rows = read_rows(path, error, required=columns)
    who = f"benchmark {name}"
    index.add(name, items_of(rows, columns, "", who, error, f"name other columns of {name}"))
    if len(index) == before:
        raise error(
            f"benchmark {name}: expected texts in the columns {list(columns)} of {path}, found "
            f"none; name other columns"
        )


def items_of(
    rows: Iterable[tuple[Any, int, dict[str, Any]]],
    columns: Sequence[str],
    item_id: str,
    who: str,
    error: type[RetortError],
    remedy: str,
) -> Iterator[tuple[str, str]]:
    """The texts of an item in each of the columns that has one, with its id.

    Args:
        rows: File or dataset, row number from 1, values by column.
        item_id: Column of the id; empty: the number of the row, from 0.
        who, remedy: For messages.

    Raises:
        `error`: A row lacks a column, or holds something else there than a text or null.
    """

    def value(values: dict[str, Any], column: str, where: str) -> Any:
        found = value_at(values, column)
        if found is MISSING:
            raise wrong(where, "a value", column, f"columns {sorted(values)}")
        return found

    def wrong(where: str, expected: str, column: str, found: object) -> RetortError:
        return error(
            f"{where}: expected {expected} in column {column!r}, found {found!r:.120}; correct "
            f"the row, or {remedy}"
        )

    for at, (place, number, values) in enumerate(rows):
        where = f"{who}: {place}, row {number}"
        item = value(values, item_id, where) if item_id else at
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise wrong(where, "text or a whole number", item_id, item)
        for column in columns:
            text = value(values, column, where)
            if text is not None and not isinstance(text, str):
                raise wrong(where, "text", column, text)
            if text and text.strip():
                yield str(item), text


def _who(benchmark: Benchmark) -> str:
    return f"benchmark {benchmark.name}"


def _rows(
    benchmark: Benchmark, who: str, named: Sequence[str]
) -> Iterator[tuple[Any, int, dict[str, Any]]]:
    if benchmark.path:
        return read_rows(existing(benchmark.path, who), SourceError, required=named)
    return hub_rows(benchmark, who, SourceError, required=named)
