"""The grader of mathematics: extraction, cheap tiers here, hard pairs in worker processes."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Self

from factory.grade.contract import Item, Verdict
from factory.grade.math.compare import Finding, settle
from factory.grade.math.extract import Extraction, Found, final_answer, last_boxed
from factory.grade.math.pool import WorkerPool
from schemas.candidate import FinishReason
from schemas.recipe import GradeMath
from schemas.verdict import Status

_Pair = tuple[str, str]

_REMEMBERED: Final = 100_000
"""Answers repeat: findings of so many pairs are kept."""
_SHORT: Final = 300
"""Longer pairs are not remembered."""
_KEPT_CHARS: Final = 2000
"""A longer answer is cut in `extracted`."""


class MathGrader:
    """Symbolic equality with the gold answer. May be used from many threads at once."""

    def __init__(self, limits: GradeMath, workers: int | None = None) -> None:
        self.limits = limits
        self._pool = WorkerPool(limits, workers or os.cpu_count() or 1)
        self._known: dict[tuple[str, str], Finding] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers; they start again if the grader is used again."""
        self._pool.close()

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One grading per item, in their order; see `factory.grade.contract.Grader`.

        Raises:
            GraderError: A worker cannot be started.
        """
        return self.grade_texts(
            [(item.problem.gold, item.text, item.finish_reason) for item in items]
        )

    def grade_texts(self, items: Sequence[tuple[str, str, FinishReason]]) -> list[Verdict]:
        """The same for (gold, response, finish reason)."""
        begun: list[tuple[_Pair | None, Extraction, float]] = []
        found: dict[_Pair, tuple[Finding, float]] = {}
        hard: dict[_Pair, None] = {}
        for gold, text, finish_reason in items:
            start = time.monotonic()
            extraction = final_answer(text, finish_reason)
            pair = None
            if extraction.answer is not None and not _cut(extraction, text, finish_reason):
                pair = (gold_answer(gold), extraction.answer)
                if pair not in found and pair not in hard:
                    finding = self._known.get(pair) or settle(*pair)
                    if finding is None:
                        hard[pair] = None
                    else:
                        found[pair] = (finding, 0.0)
            begun.append((pair, extraction, time.monotonic() - start))
        found.update(zip(hard, self._pool.run(list(hard)), strict=True))
        self._remember({pair: finding for pair, (finding, _) in found.items()})
        return [
            _nothing(extraction, finish_reason, wall_s)
            if pair is None
            else _grading(extraction, *found[pair], wall_s)
            for (_, _, finish_reason), (pair, extraction, wall_s) in zip(items, begun, strict=True)
        ]

    def _remember(self, findings: dict[_Pair, Finding]) -> None:
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known.update(
            (pair, finding) for pair, finding in findings.items() if sum(map(len, pair)) < _SHORT
        )


def gold_answer(gold: str) -> str:
    """The answer in a gold: what follows the last `####`, or stands in the last box, or all."""
    if "####" in gold:
        return gold.rpartition("####")[2].strip()
    if "\\boxed" in gold or "\\fbox" in gold:
        return last_boxed(gold) or gold
    return gold.strip()


def grade(
    gold: str,
    response: str,
    *,
    finish_reason: FinishReason = FinishReason.STOP,
    limits: GradeMath | None = None,
) -> Verdict:
    """Grade one response against one gold; callable from any thread.

    Workers are shared by all calls with the same limits and end with the process.

    Args:
        gold: Plain text or LaTeX; with `####` or `\\boxed` only the answer there.
        response: A whole completion, with or without `<think>`.
        finish_reason: `length` for a completion that was cut.
        limits: Deadline and memory of a hard comparison.

    Raises:
        GraderError: A worker cannot be started.
    """
    limits = limits or GradeMath()
    grader = _shared(limits.deadline_s, limits.memory_bytes)
    return grader.grade_texts([(gold, response, finish_reason)])[0]


@lru_cache(maxsize=8)
def _shared(deadline_s: float, memory_bytes: int) -> MathGrader:
    grader = MathGrader(GradeMath(deadline_s=deadline_s, memory_bytes=memory_bytes))
    atexit.register(grader.close)
    return grader


def _cut(extraction: Extraction, text: str, finish_reason: FinishReason) -> bool:
    """Whether a cut completion ended before, or within, what looks like its answer."""
    if finish_reason is not FinishReason.LENGTH or extraction.found is Found.BOXED:
        return False
    return extraction.found is Found.LAST_NUMBER or text.rstrip().endswith(extraction.answer or "")


def _nothing(extraction: Extraction, finish_reason: FinishReason, wall_s: float) -> Verdict:
    cut = extraction.found is Found.UNFINISHED or finish_reason is FinishReason.LENGTH
    status = Status.TRUNCATED if cut else Status.UNPARSABLE
    detail = extraction.found.value if extraction.answer is None else "cut before its answer"
    return Verdict(status, "", "extraction", detail, wall_s)


def _grading(extraction: Extraction, finding: Finding, hard_s: float, wall_s: float) -> Verdict:
    answer = (extraction.answer or "")[:_KEPT_CHARS]
    detail = finding.detail or f"answer: {extraction.found.value}"
    return Verdict(finding.status, answer, finding.method, detail, wall_s + hard_s)
