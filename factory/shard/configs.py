"""What a dataset publishes beside its default config: the same rows, or others, in other columns.

A config is a folder of Parquet files that `datasets.load_dataset(folder, NAME)` loads.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.arrow import SAMPLE

DEFAULT: Final = "default"
REASONING_CONTENT: Final = "reasoning_content"
PREFERENCE: Final = "preference"
PROBLEMS: Final = "problems"

FOLDERS: Final = {
    DEFAULT: "data",
    REASONING_CONTENT: "reasoning_content",
    PREFERENCE: "preference",
    PROBLEMS: "problems",
}
"""Config -> its folder."""

_CLOSE: Final = "</think>"
_MESSAGES: Final = pa.list_(
    pa.field(
        "element",
        pa.struct(
            [
                pa.field("role", pa.string(), nullable=False),
                pa.field("content", pa.large_string(), nullable=False),
                pa.field("reasoning_content", pa.large_string()),
            ]
        ),
        nullable=False,
    )
)
REASONING: Final = pa.schema(
    [
        *(SAMPLE.field(name) for name in ("uuid", "problem_id", "source", "domain")),
        pa.field("messages", _MESSAGES, nullable=False),
        SAMPLE.field("license"),
    ]
)
"""Rows of the config `reasoning_content`."""


def with_reasoning(samples: pa.Table) -> pa.Table:
    """Samples as rows of `REASONING`, in their order.

    The last message has its reasoning in `reasoning_content` and its answer in `content`, without
    tags and without the line breaks between them, as the chat templates of Qwen3 and DeepSeek put
    them in again; messages without reasoning, and all others, have null. The answer is what
    follows the last `</think>`, as for grading.
    """
    conversations: Any = samples["messages"].combine_chunks()
    offsets = conversations.offsets.to_numpy() - conversations.offsets[0].as_py()
    turns = conversations.flatten()
    content = turns.field("content")
    last = offsets[1:] - 1
    reasoning, answer = split_reasoning(content.take(pa.array(last)))
    is_last = np.zeros(len(turns), dtype=bool)
    is_last[last] = True
    parts = [
        turns.field("role"),
        _replace(content, is_last, answer),
        _replace(pa.nulls(len(turns), pa.large_string()), is_last, reasoning),
    ]
    struct = pa.StructArray.from_arrays(parts, fields=list(_MESSAGES.value_type))
    messages = pa.ListArray.from_arrays(pa.array(offsets), struct, type=_MESSAGES)
    columns = [messages if f.name == "messages" else samples[f.name] for f in REASONING]
    return pa.table(columns, schema=REASONING)


def _replace(values: pa.Array, where: NDArray[np.bool_], new: pa.Array) -> pa.Array:
    return pc.call_function("replace_with_mask", [values, pa.array(where), new])


def split_reasoning(completions: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Reasoning (null where a completion has none) and answer of each."""
    text = pl.Series("text", completions)
    pieces = text.str.split(_CLOSE)
    frame = pl.DataFrame({"text": text, "pieces": pieces}).select(
        reasoning=pl.when(pl.col("pieces").list.len() > 1).then(
            pl.col("pieces")
            .list.head(pl.col("pieces").list.len() - 1)
            .list.join(_CLOSE)
            .str.replace(r"^\s*<think>", "")
            .str.strip_chars("\n")
        ),
        answer=pl.when(pl.col("pieces").list.len() > 1)
        .then(pl.col("pieces").list.last().str.strip_chars_start("\n"))
        .otherwise("text"),
    )
    wanted = pa.large_string()
    return frame["reasoning"].to_arrow().cast(wanted), frame["answer"].to_arrow().cast(wanted)
