"""A problem with its candidates as a page shows them: rows, texts, verdicts, and what became of
each."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

import pyarrow.parquet as pq

from factory.audit.problem_path import clusters_of
from retort.explore.index_folder import Opened
from retort.explore.light_rows import Kind, Place
from retort.explore.row_reading import rows_at

TEXT_CHARS: Final = 200_000
"""Of one text in an answer."""
_ALL_CHARS: Final = 8_000_000
"""Of the texts of one answer together; after it each is cut short."""
_SHORT_CHARS: Final = 2_000
_REMEMBERED: Final = 4
NO_TEXTS: Final = "the texts of dropped candidates are not in a dataset; open the run to see them"
FAILED: Final = "the request failed, so there is no text"

Content = dict[str, Any]


class ProblemReader:
    """Reads problems from the files; the last few are kept."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._table = opened.table
        self._kept: OrderedDict[str, Content] = OrderedDict()
        self._begins: dict[int, int] | None = None
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
        place, number = self._where(int(rows[0]))
        if place is None or place.kind not in (Kind.CANDIDATES, Kind.DATA):
            return None
        columns = ["text"] if place.kind is Kind.CANDIDATES else ["messages"]
        return text_of(place, rows_at(Path(place.path), [number], columns)[0])

    # ---------------------------------------------------------------------------------- reading

    def _where(self, row: int, prefix: str = "") -> tuple[Place | None, int]:
        number = int(self._table.column(f"{prefix}place")[row])
        place = self._opened.table.places[number] if number >= 0 else None
        return place, int(self._table.column(f"{prefix}row")[row])

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
            one["fates"] = self._fates(row, ends.get(row, {}), known)
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
            place, number = self._where(row, prefix)
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
            place, number = self._where(row)
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
        place, _ = self._where(row)
        about = {**own, **_info(own)} if place is not None and place.kind is Kind.DATA else own
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

    # ------------------------------------------------------------------------------------ fates

    def _fates(self, row: int, end: Content, clusters: Mapping[str, str]) -> list[Content]:
        place, number = self._where(row, "end_")
        own, _ = self._where(row)
        if own is not None and own.kind is Kind.FAILURES:
            failed = rows_at(Path(own.path), [self._where(row)[1]])[0]
            return [fate("generate", failed["reason"], failed["detail"])]
        if place is None:
            return []
        if place.kind is Kind.DATA:
            return self._published(place, number, end, clusters)
        stage = place.stage or end["stage"]
        detail = clusters.get(end["candidate_id"]) if "duplicate" in end["reason"] else None
        dropped = fate(stage, end["reason"], detail or end["detail"])
        return [dropped] if stage != "shard" else [fate("select", "sample", ""), dropped]

    def _published(
        self, place: Place, number: int, end: Content, clusters: Mapping[str, str]
    ) -> list[Content]:
        uuid, made_of = str(end.get("uuid") or ""), end.get("made_of") or []
        chosen = fate("select", "sample", "")
        if len(made_of) > 1:
            other = ", ".join(made_of[:-1])
            chosen = fate("select", "journey", f"ends journey {uuid}, which begins with {other}")
        told = [f"row {self._begin(place) + number:,}" + (f" as {uuid}" if uuid else "")]
        told += [clusters[uuid]] if uuid in clusters else []
        if end.get("contamination"):
            told.append(f"marked: {end['contamination']}")
        return [chosen, fate("shard", "published", "; ".join(told))]

    def _begin(self, place: Place) -> int:
        """The number in the dataset of the first row of one of its files."""
        with self._lock:
            if self._begins is None:
                self._begins, rows = {}, 0
                for number, one in enumerate(self._table.places):
                    if one.kind is Kind.DATA:
                        self._begins[number] = rows
                        rows += pq.read_metadata(one.path).num_rows
            return self._begins[self._table.places.index(place)]


def fate(stage: str, what: str, detail: str) -> Content:
    """As `schemas.ledger.Fate`."""
    return {"stage": stage, "what": what, "detail": detail}


def text_of(place: Place, row: Mapping[str, Any]) -> str:
    """The completion of a row; of a dataset the last turn of the assistant."""
    if place.kind is Kind.CANDIDATES:
        return row["text"]
    turns = [one for one in row.get("messages") or [] if one.get("role") == "assistant"]
    if not turns:
        return ""
    content = said(turns[-1])
    thought = turns[-1].get("reasoning_content")
    return f"<think>\n{thought}\n</think>\n\n{content}" if thought else content


def said(turn: Mapping[str, Any]) -> str:
    """The content of a turn; one that is not text as JSON."""
    content = turn.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    return json.dumps(plain(content), ensure_ascii=False)


def of_problem(row: Content) -> Content:
    """What a row of a dataset says of its problem, under the names of a problem's columns."""
    renamed = {"problem": "statement", "answer": "gold"}
    turns = row.get("messages") or []
    asked = [one for one in turns if one.get("role") != "assistant"]
    found = {
        renamed.get(name, name): row[name]
        for name in ("problem", "answer", "source", "domain", "category", "level", "license")
        if name in row
    }
    if "problem" not in row and asked:
        found["statement"] = said(asked.pop())
    found["history"] = asked
    return found | {n: v for n, v in _info(row).items() if n == "grader"}


def _info(row: Mapping[str, Any]) -> Content:
    try:
        found = json.loads(row.get("verification_info") or "{}")
    except (ValueError, TypeError):
        return {}  # of another maker: whatever it is, it is no evidence of ours
    return found if isinstance(found, dict) else {}


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, bytes):
        return value[:TEXT_CHARS].hex()
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta | decimal.Decimal):
        return str(value)
    return value
