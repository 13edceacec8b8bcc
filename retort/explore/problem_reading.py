"""A problem with its candidates as a page shows them: rows, texts, verdicts, and what became of
each."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from factory.audit.dataset_problem import clusters_of
from retort.explore.fates import Fates
from retort.explore.index_folder import Opened
from retort.explore.light_rows import Kind
from retort.explore.row_reading import rows_at
from retort.explore.row_texts import TEXT_CHARS, Content, info_of, of_problem, plain, text_of

_ALL_CHARS: Final = 8_000_000
"""Of the texts of one answer together; after it each is cut short."""
_SHORT_CHARS: Final = 2_000
_REMEMBERED: Final = 4
NO_TEXTS: Final = "the texts of dropped candidates are not in a dataset; open the run to see them"
FAILED: Final = "the request failed, so there is no text"


class ProblemReader:
    """Reads problems from the files; the last few are kept."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._table = opened.table
        self._kept: OrderedDict[str, Content] = OrderedDict()
        self._fates = Fates(opened.table)
        self._lock = Lock()

    def problem(self, problem_id: str) -> Content | None:
        """`problem`, `pass_rate` and `candidates` without marks; None where there is none.

        Raises:
            ManifestMismatch: A file is not what it was when it was opened.
        """
        with self._lock:
            if (kept := self._kept.get(problem_id)) is not None:
                self._kept.move_to_end(problem_id)
                return kept
        found = self._read(problem_id)
        if found is not None:
            with self._lock:
                self._kept[problem_id] = found
                while len(self._kept) > _REMEMBERED:
                    self._kept.popitem(last=False)
        return found

    def text(self, candidate_id: str) -> str | None:
        """The whole text of a candidate; None where there is none."""
        rows = self._table.rows_of([candidate_id])
        if not len(rows):
            return None
        place, number = self._table.where(int(rows[0]))
        if place is None or place.kind not in (Kind.CANDIDATES, Kind.DATA):
            return None
        columns = ["text"] if place.kind is Kind.CANDIDATES else ["messages"]
        return text_of(place, rows_at(Path(place.path), [number], columns)[0])

    # ---------------------------------------------------------------------------------- reading

    def _read(self, problem_id: str) -> Content | None:
        light = self._table.problem_of(problem_id)
        if light is None:
            return None
        rows = range(light["first"], light["first"] + light["count"])
        here = self._rows_read(rows, "")
        ends = self._rows_read(rows, "end_")
        verdicts = self._verdicts(rows)
        known: dict[str, str] = {}
        if self._opened.clusters is not None:
            known = clusters_of(self._opened.clusters, problem_id)
        rates = (self._table.number("pass_rate", row) for row in rows)
        left = _ALL_CHARS
        candidates: list[Content] = []
        for row in rows:
            one = self._candidate(row, here.get(row, {}), verdicts.get(row, {}))
            whole = one.pop("whole")
            fit = TEXT_CHARS if left > 0 else _SHORT_CHARS
            one["text"], one["cut"] = whole[:fit], len(whole) > fit
            left -= len(one["text"])
            one["fates"] = self._fates.of_row(row, ends.get(row, {}), known)
            candidates.append(one)
        return {
            "problem": self._problem(light, here, rows),
            "pass_rate": next((one for one in rates if one is not None), None),
            "candidates": candidates,
        }

    def _rows_read(self, rows: Sequence[int], prefix: str) -> dict[int, Content]:
        """Row of the table -> its row of the files."""
        by_place: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in rows:
            place, number = self._table.where(row, prefix)
            if place is not None:
                by_place[place.path].append((row, number))
        found: dict[int, Content] = {}
        for path, some in by_place.items():
            read = rows_at(Path(path), [number for _, number in some])
            found |= {row: one for (row, _), one in zip(some, read, strict=True)}
        return found

    def _verdicts(self, rows: Sequence[int]) -> dict[int, Content]:
        by_path: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in rows:
            place, number = self._table.where(row)
            if place is not None and place.verdicts:
                by_path[place.verdicts].append((row, number))
        found: dict[int, Content] = {}
        for path, some in by_path.items():
            read = rows_at(Path(path), [number for _, number in some])
            found |= {row: one for (row, _), one in zip(some, read, strict=True)}
        return found

    def _problem(self, light: Content, here: Mapping[int, Content], rows: Sequence[int]) -> Content:
        """All columns of the problem, or what the dataset's row says of it."""
        found: Content = {"problem_id": light["problem_id"], "statement": light["statement"]}
        if light["place"] < 0:
            return found
        place = self._table.places[light["place"]]
        row = rows_at(Path(place.path), [light["row"]])[0]
        if place.kind is Kind.DATA:
            row = of_problem(row)
        cut = [n for n, one in row.items() if isinstance(one, str) and len(one) > TEXT_CHARS]
        for name in cut:
            row[name] = row[name][:TEXT_CHARS]
        return found | plain(row) | ({"cut": cut} if cut else {})

    def _candidate(self, row: int, own: Content, verdict: Content) -> Content:
        table = self._table
        place, _ = self._table.where(row)
        about = {**own, **info_of(own)} if place is not None and place.kind is Kind.DATA else own
        whole, absent = "", NO_TEXTS
        if place is not None and place.kind is Kind.FAILURES:
            absent = FAILED
        elif place is not None:
            whole, absent = text_of(place, own), ""
        return plain(
            {
                "candidate_id": table.candidate_id(row),
                "index": table.number("index", row),
                "round": int(number) if (number := table.value("round", row)) else None,
                "teacher": table.value("teacher", row),
                "verdict": table.value("verdict", row),
                "reason": table.value("reason", row),
                "method": verdict.get("method", about.get("method", "")),
                "extracted": verdict.get("extracted", about.get("extracted", "")),
                "detail": verdict.get("detail", ""),
                "passed": verdict.get("passed"),
                "total": verdict.get("total"),
                "finish_reason": table.value("finish_reason", row),
                "tokens": table.number("tokens", row),
                "chars": table.number("chars", row),
                "wall_s": own.get("wall_s"),
                "grade_wall_s": verdict.get("wall_s"),
                "rewrites": own.get("rewrites"),
                "form": own.get("form", ""),
                "made_of": own.get("made_of") or [],
                "absent": absent,
                "whole": whole,
            }
        )
