"""A source -> its light table: one small row per candidate, in files that are mapped, not read.

The rows stand in the order of (problem id, round, index), equal ones as the files have them, and
those of which a source has only the id after the others; the candidates of a problem are
neighbours. Texts are looked at once, for their length, a few at a time. About 250 bytes per
candidate are held while it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factory.errors import ManifestMismatch
from factory.shown.progress import progress
from retort.explore.id_lookup import IdLookup
from retort.explore.light_files import (
    FACETS,
    NUMBERS,
    PROBLEMS_FILE,
    ROWS_FILE,
    SPANS_FILE,
    TableHead,
    write_columns,
)
from retort.explore.light_rows import PROBLEMS, Kind, Source
from retort.explore.word_codes import WordCodes

OF_PROBLEM: Final = ("domain", "source", "category", "level", "grader")
OF_ROW: Final = ("verdict", "reason", "teacher", "round", "finish_reason")
_SHOWN: Final = {
    "run": (Kind.CANDIDATES, Kind.FAILURES),
    "dataset": (Kind.DATA, Kind.DROPPED),
}
_MOST_VALUES: Final = 500
"""Of a facet, as `/api/about` lists it."""


def build_light(source: Source, folder: Path) -> TableHead:
    """Write the light table of a source into a folder, with progress.

    Raises:
        ManifestMismatch: A file cannot be read, or an id stands in two rows.
    """
    problems = _problems(source)
    of_problem = IdLookup(problems["problem_id"], "problem")
    shown = problems.select("problem_id", "statement", "place", "row")
    write_columns(folder / PROBLEMS_FILE, {one.name: one.to_arrow() for one in shown})
    problems = problems.select(OF_PROBLEM)
    del shown
    rows, ids, codes = _rows(source, of_problem)
    rounds, absent = rows.pop("round_number"), rows["place"] < 0
    order = np.lexsort((rows["index"], rounds, absent, rows["problem"]))
    rows = {name: rows.pop(name)[order] for name in list(rows)}
    ids = ids[order]
    _take_ends(source, rows, ids, codes["reason"])
    counted = rows.pop("counted")
    _fill_pass_rates(rows, codes["verdict"], counted, len(problems))
    for name in OF_PROBLEM:
        own = WordCodes()
        rows[name] = own.of(problems[name])[rows["problem"]]
        codes[name] = own
    for name in NUMBERS:
        rows[f"by_{name}"] = _permutation(rows[name])
    rows["by_place"] = _with_texts(source, rows)
    head = _head(rows, codes, len(problems))
    write_columns(folder / ROWS_FILE, {"candidate_id": ids.to_arrow(), **rows})
    ends = np.searchsorted(rows["problem"], np.arange(len(problems) + 1)).astype(np.int32)
    write_columns(
        folder / SPANS_FILE, {"first": ends[:-1], "count": np.diff(ends).astype(np.int32)}
    )
    return head


def _problems(source: Source) -> pl.DataFrame:
    frames = [PROBLEMS.to_frame(), *source.problems()]
    problems = pl.concat(frames).unique("problem_id", keep="first", maintain_order=True)
    return problems.sort("problem_id").with_columns(pl.col(pl.String).fill_null(""))


Columns = dict[str, NDArray[Any]]


def _rows(source: Source, of_problem: IdLookup) -> tuple[Columns, pl.Series, dict[str, WordCodes]]:
    """Columns in the order of the files, the ids, and the codes of columns of words."""
    codes = {name: WordCodes() for name in OF_ROW}
    blocks: dict[str, list[NDArray[Any]]] = {}
    ids: list[pl.Series] = [pl.Series("candidate_id", [], pl.String)]
    places = [one for one in source.places if one.kind in _SHOWN[source.kind]]
    total = sum(pq.read_metadata(one.path).num_rows for one in places)
    with progress("explore", total, "rows") as bar:
        for frame in source.rows():
            at = of_problem.find(frame["problem_id"])
            if (lost := np.flatnonzero(at < 0)).size:
                raise ManifestMismatch(
                    f"{source.title}: candidate {frame['candidate_id'][int(lost[0])]}: expected a "
                    f"problem of it, found none with the id {frame['problem_id'][int(lost[0])]}"
                )
            ids.append(frame["candidate_id"])
            block: Mapping[str, NDArray[Any]] = {
                "problem": at.astype(np.int32),
                "index": _int(frame["index"]),
                "round_number": _int(frame["round"]),
                **{name: codes[name].of(frame[name]) for name in OF_ROW},
                "pass_rate": _rate(frame["pass_rate"]),
                "tokens": _int(frame["tokens"]),
                "chars": _int(frame["chars"]),
                "counted": frame["counted"].fill_null(False).to_numpy(),
                "place": _int(frame["place"]),
                "row": _int(frame["row"]),
            }
            for name, column in block.items():
                blocks.setdefault(name, []).append(column)
            bar.update(len(frame))
    if not blocks:
        raise ManifestMismatch(f"{source.title}: expected rows to show, found none")
    joined = {name: np.concatenate(blocks.pop(name)) for name in list(blocks)}
    return joined, pl.concat(ids), codes


def _rate(column: pl.Series) -> NDArray[np.float32]:
    """Not a number where there is none, or one that is none."""
    found = column.fill_null(float("nan")).to_numpy()
    return np.where(np.isfinite(found), found, np.float32("nan"))


def _int(column: pl.Series) -> NDArray[np.int32]:
    return column.fill_null(-1).to_numpy().astype(np.int32)


def _take_ends(source: Source, rows: Columns, ids: pl.Series, reasons: WordCodes) -> None:
    """Why each row was dropped, and where that is said."""
    lookup = IdLookup(ids, "candidate")
    rows["end_place"] = np.full(len(ids), -1, np.int32)
    rows["end_row"] = np.full(len(ids), -1, np.int32)
    for frame in source.ends():
        at = lookup.find(frame["candidate_id"])
        known = at >= 0
        at = at[known]
        rows["reason"][at] = reasons.of(frame["reason"])[known]
        rows["end_place"][at] = _int(frame["place"])[known]
        rows["end_row"][at] = _int(frame["row"])[known]


def _fill_pass_rates(
    rows: Columns, verdicts: WordCodes, counted: NDArray[np.bool_], problems: int
) -> None:
    """correct / graded of the problem, where the source does not say it."""
    code = verdicts.known.get("correct", -1)
    graded = np.bincount(rows["problem"][counted], minlength=problems)
    correct = counted & (rows["verdict"] == code)
    right = np.bincount(rows["problem"][correct], minlength=problems)
    rates = np.full(problems, np.nan, np.float32)
    np.divide(right, graded, out=rates, where=graded > 0, casting="unsafe")
    said = rows["pass_rate"]
    rows["pass_rate"] = np.where(np.isnan(said), rates[rows["problem"]], said).astype(np.float32)


def _permutation(column: NDArray[Any]) -> NDArray[np.int32]:
    """Rows by a number, those without one last; equal ones stay in their order."""
    absent = np.isnan(column) if column.dtype.kind == "f" else column < 0
    return np.lexsort((column, absent)).astype(np.int32)


def _with_texts(source: Source, rows: Columns) -> NDArray[np.int32]:
    """The rows that have a text, in the order of the files; padded with -1 to all rows."""
    kinds = np.array([one.kind in (Kind.CANDIDATES, Kind.DATA) for one in source.places])
    order = np.lexsort((rows["row"], rows["place"]))
    place = rows["place"][order]
    some = order[(place >= 0) & kinds[place]]
    padded = np.full(len(order), -1, np.int32)
    padded[: len(some)] = some
    return padded


def _head(rows: Columns, codes: Mapping[str, WordCodes], problems: int) -> TableHead:
    facets: dict[str, list[tuple[str, int]]] = {}
    values = {name: list(codes[name].known) for name in FACETS}
    for name in FACETS:
        counts = np.bincount(rows[name], minlength=len(values[name]))
        found = [(v, int(n)) for v, n in zip(values[name], counts, strict=True) if n]
        if any(value for value, _ in found):
            found.sort(key=lambda one: (-one[1], one[0]))
            facets[name] = found[:_MOST_VALUES]
    ranges: dict[str, tuple[float, float]] = {}
    for name in NUMBERS:
        column = rows[name]
        there = column[~np.isnan(column)] if column.dtype.kind == "f" else column[column >= 0]
        if there.size:
            ranges[name] = (float(there.min()), float(there.max()))
    return TableHead(
        rows=len(rows["problem"]), problems=problems, values=values, facets=facets, ranges=ranges
    )
