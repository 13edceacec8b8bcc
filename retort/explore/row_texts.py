"""The texts in a row of candidates or of a dataset, and its values as JSON can hold them."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from retort.explore.light_rows import Kind, Place

Content = dict[str, Any]
"""What a page is told of one thing."""

TEXT_CHARS: Final = 200_000
"""Of one text in an answer."""


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
    return found | {n: v for n, v in info_of(row).items() if n == "grader"}


def info_of(row: Mapping[str, Any]) -> Content:
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
