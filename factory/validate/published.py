"""Scores that others published for the suites that Retort knows, with their sources.

They stand beside a run's own scores and are never mixed with them: prompt, sampling and grader of
another harness are its own (docs/suites.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.row import Row

R1: Final = "DeepSeek-R1, arXiv 2501.12948, supplementary tables 6 and 15"
OPEN_R1: Final = "OpenR1-Distill-7B, model card"
LCB_WINDOW: Final = "contests from 2024-08 to 2025-01"


class PublishedScore(Row):
    """One published score."""

    model: str
    suite: str
    """A name of `schemas.known_suites`."""
    metric: str
    """`pass@1`, or `maj@64` for what the report calls cons@64."""
    value: float
    """In [0, 1]."""
    source: str
    condition: str = ""
    """What must be so in a run for the two to be of the same problems; empty: nothing more."""


_METRICS: Final = (
    ("aime-2024", "pass@1"),
    ("aime-2024", "maj@64"),
    ("math-500", "pass@1"),
    ("gpqa-diamond", "pass@1"),
    ("livecodebench", "pass@1"),
)

_PERCENT: Final[tuple[tuple[str, str, tuple[float | None, ...]], ...]] = (
    ("DeepSeek-R1-Distill-Qwen-1.5B", R1, (28.9, 52.7, 83.9, 33.8, 16.9)),
    ("DeepSeek-R1-Distill-Qwen-7B", R1, (55.5, 83.3, 92.8, 49.1, 37.6)),
    ("DeepSeek-R1-Distill-Qwen-14B", R1, (69.7, 80.0, 93.9, 59.1, 53.1)),
    ("DeepSeek-R1-Distill-Qwen-32B", R1, (72.6, 83.3, 94.3, 62.1, 57.2)),
    ("DeepSeek-R1-Distill-Llama-8B", R1, (50.4, 80.0, 89.1, 49.0, 39.6)),
    ("DeepSeek-R1-Distill-Llama-70B", R1, (70.0, 86.7, 94.5, 65.2, 57.5)),
    ("Qwen2.5-32B with RL alone", R1, (47.0, 60.0, 91.6, 55.0, 40.2)),
    ("OpenR1-Distill-7B", OPEN_R1, (52.7, None, 89.0, 52.8, 39.4)),
)
"""Model, source, and percent in the order of `_METRICS`; None where none was published."""


def published_scores(suites: Iterable[str]) -> list[PublishedScore]:
    """What is published for these suites, in the order of the models, then of the suites.

    Args:
        suites: Names as in a recipe; those for which nothing is published give nothing.
    """
    wanted = set(suites)
    return [
        PublishedScore(
            model=model,
            suite=suite,
            metric=metric,
            value=round(percent / 100, 4),
            source=source,
            condition=LCB_WINDOW if suite == "livecodebench" else "",
        )
        for model, source, row in _PERCENT
        for (suite, metric), percent in zip(_METRICS, row, strict=True)
        if suite in wanted and percent is not None
    ]
