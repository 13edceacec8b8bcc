"""Decided rows for the tests of journeys and pairs: one per candidate, as select decides them."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import strategies as st

DECIDED = pl.Schema(
    {
        "candidate_id": pl.String(),
        "problem_id": pl.String(),
        "domain": pl.String(),
        "teacher": pl.String(),
        "status": pl.String(),
        "reason": pl.String(),
        "detail": pl.String(),
        "rewrites": pl.String(),
        "tokens": pl.Int64(),
        "finish_reason": pl.String(),
        "extracted": pl.String(),
        "style": pl.String(),
    }
)


def row(candidate_id: str, problem_id: str, **fields: Any) -> dict[str, Any]:
    """A sample of one teacher, unless its fields say otherwise; its reason follows its status."""
    status = fields.get("status", "correct")
    usual: dict[str, Any] = {
        "candidate_id": candidate_id,
        "problem_id": problem_id,
        "domain": "math",
        "teacher": "one",
        "status": status,
        "reason": None if status == "correct" else status,
        "detail": "",
        "rewrites": None,
        "tokens": 10,
        "finish_reason": "stop",
        "extracted": "7",
        "style": "think",
    }
    return usual | fields


def decided(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=DECIDED)


_FIELDS = st.fixed_dictionaries(
    {
        "problem": st.sampled_from(["p1", "p2", "p3"]),
        "teacher": st.sampled_from(["one", "two"]),
        "status": st.sampled_from(
            ["correct", "correct", "incorrect", "incorrect", "error", "truncated", "unparsable"]
        ),
        "surplus": st.booleans(),
        "rewrites": st.sampled_from([None, None, None, "another"]),
        "tokens": st.sampled_from([None, 5, 50]),
        "finish_reason": st.sampled_from(["stop", "stop", "length"]),
        "style": st.sampled_from([None, "think", "think", "plain"]),
    }
)


def _row(at: int, fields: dict[str, Any]) -> dict[str, Any]:
    problem, surplus = fields.pop("problem"), fields.pop("surplus")
    fields["domain"] = "code" if problem == "p3" else "math"
    if surplus and fields["status"] == "correct":
        fields["reason"] = "surplus"
    return row(f"c{at:03d}", problem, **fields)


FRAMES = st.lists(_FIELDS, max_size=40).map(
    lambda found: decided([_row(at, dict(fields)) for at, fields in enumerate(found)])
)
"""Candidates of three problems and two teachers, with every kind of verdict and style."""
