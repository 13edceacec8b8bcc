"""The Arrow schema of each row model; `tests/contract` proves that model and schema agree."""

from __future__ import annotations

from typing import Final

import pyarrow as pa


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


MESSAGES: Final = pa.list_(
    pa.field(
        "element",
        pa.struct([_required("role", pa.string()), _required("content", pa.large_string())]),
        nullable=False,
    )
)

PROBLEM: Final = pa.schema(
    [
        _required("problem_id", pa.string()),
        _required("statement", pa.large_string()),
        _required("gold", pa.large_string()),
        _required("grader", pa.string()),
        _required("domain", pa.string()),
        _required("source", pa.string()),
        _required("license", pa.string()),
        _required("category", pa.string()),
        _required("level", pa.string()),
        _required("reasoning", pa.bool_()),
        _required("solution", pa.large_string()),
        _required("history", MESSAGES),
        _required("author", pa.string()),
    ]
)

CANDIDATE: Final = pa.schema(
    [
        _required("candidate_id", pa.string()),
        _required("problem_id", pa.string()),
        _required("index", pa.int32()),
        _required("round", pa.int32()),
        _required("teacher", pa.string()),
        _required("sampling_digest", pa.string()),
        _required("prompt_digest", pa.string()),
        _required("text", pa.large_string()),
        _required("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("seed", pa.int64()),
        pa.field("rewrites", pa.string()),
        pa.field("label", pa.bool_()),
        _required("server", pa.string()),
        _required("engine", pa.string()),
        _required("created_unix_s", pa.float64()),
        pa.field("wall_s", pa.float64()),
    ]
)

VERDICT: Final = pa.schema(
    [
        _required("candidate_id", pa.string()),
        _required("problem_id", pa.string()),
        _required("index", pa.int32()),
        _required("round", pa.int32()),
        _required("status", pa.string()),
        _required("extracted", pa.large_string()),
        _required("method", pa.string()),
        _required("detail", pa.large_string()),
        pa.field("passed", pa.int32()),
        pa.field("total", pa.int32()),
        _required("wall_s", pa.float64()),
    ]
)

SAMPLE: Final = pa.schema(
    [
        _required("uuid", pa.string()),
        _required("problem_id", pa.string()),
        _required("source", pa.string()),
        _required("domain", pa.string()),
        _required("category", pa.string()),
        _required("problem", pa.large_string()),
        _required("answer", pa.large_string()),
        _required("messages", MESSAGES),
        _required("generation_model", pa.string()),
        _required("finish_reason", pa.string()),
        pa.field("num_tokens", pa.int32()),
        _required("pass_rate", pa.float64()),
        _required("num_generations", pa.int32()),
        _required("verification_info", pa.large_string()),
        _required("form", pa.string()),
        _required("made_of", pa.list_(pa.field("element", pa.string(), nullable=False))),
        pa.field("dedup_cluster_id", pa.string()),
        pa.field("contamination", pa.string()),
        _required("license", pa.string()),
    ]
)

PREFERENCE: Final = pa.schema(
    [
        _required("uuid", pa.string()),
        _required("problem_id", pa.string()),
        _required("rejected_id", pa.string()),
        _required("rejected_reason", pa.string()),
        _required("source", pa.string()),
        _required("domain", pa.string()),
        _required("prompt", MESSAGES),
        _required("chosen", MESSAGES),
        _required("rejected", MESSAGES),
        _required("generation_model", pa.string()),
        _required("license", pa.string()),
    ]
)
"""A sample (`uuid`) beside a rejected candidate of its problem: `chosen` and `rejected` are one
assistant turn each. `rejected_reason` is the verdict."""

DROPPED: Final = pa.schema(
    [
        _required("candidate_id", pa.string()),
        _required("problem_id", pa.string()),
        _required("stage", pa.string()),
        _required("reason", pa.string()),
        _required("detail", pa.large_string()),
    ]
)
"""A dataset's `ledger/dropped-*.parquet`: every graded candidate that is no row, and why."""

CLUSTER: Final = pa.schema(
    [
        _required("uuid", pa.string()),
        _required("problem_id", pa.string()),
        _required("cluster_id", pa.string()),
        _required("kept", pa.bool_()),
        _required("similarity", pa.float64()),
    ]
)
"""A dataset's `ledger/clusters-*.parquet`: every sample that has a duplicate. `similarity` is the
highest with another row of its cluster; 1.0 of exact duplicates."""
