"""The grader of mathematics: extraction, cheap tiers here, hard pairs in worker processes."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Self

from factory.grade.contract import Item, Verdict
from factory.grade.math.compare import Finding, reading_of, settle
from factory.grade.math.extract import Extraction, Found, final_answer, joined_boxed, last_boxed
from factory.grade.math.pool import WorkerPool
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.math_policy import MathPolicy
from schemas.verdict import Status

_Pair = tuple[str, str]

VERSION: Final = 5
"""Raised with every change after which some answer is graded otherwise."""
_REMEMBERED: Final = 50_000
"""Answers repeat: findings of so many pairs are kept."""
_SHORT: Final = 300
"""Longer pairs are not remembered."""
_KEPT_CHARS: Final = 2000
"""A longer answer is cut in `extracted`."""


class MathGrader:
    """Symbolic equality with the gold answer. May be used from many threads at once."""

    def __init__(self, limits: GradeMath, workers: int | None = None) -> None:
        self.limits = limits
        self._reading = reading_of(limits.policy)
        self._pool = WorkerPool(limits, workers or os.cpu_count() or 1)
        self._known: dict[_Pair, Finding] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the workers' template, so that no pair has to wait for it.

        Raises:
            GraderError: It does not start.
        """
        self._pool.start()

    def worker_pids(self) -> list[int]:
        """Process ids of the workers that are alive and idle."""
        return self._pool.worker_pids()

    def close(self) -> None:
        """Stop the workers; they start again if the grader is used again."""
        self._pool.close()

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item, in their order; see `factory.grade.contract.Grader`.

        Raises:
            GraderError: A worker cannot be started.
        """
        return self.grade_texts(
            [(item.problem.gold, item.text, item.finish_reason) for item in items]
        )

    def grade_texts(self, items: Sequence[tuple[str, str, FinishReason]]) -> list[Verdict]:
        """The same for (gold, response, finish reason)."""
        begun = [_begin_response(*item) for item in items]
        verdicts = self._grade(begun)
        for place, one in enumerate(begun):
            if verdicts[place].status in _NOT_EQUAL:
                verdicts[place] = self._fuller(one) or verdicts[place]
        return verdicts

    def _fuller(self, one: _Begun) -> Verdict | None:
        """The verdict on a fuller pair that is equal; the cheap tiers alone look for it."""
        for pair in one.fuller:
            start = time.monotonic()
            finding = settle(*pair, self.limits.policy, self._reading)
            if finding is not None and finding.status is Status.CORRECT:
                return one._replace(pair=pair).verdict(finding, time.monotonic() - start)
        return None

    def grade_answers(self, items: Sequence[tuple[str, str]]) -> list[Verdict]:
        """The same for (gold, answer) where the answer is extracted already."""
        return self._grade([_begin_answer(gold, answer) for gold, answer in items])

    def _grade(self, begun: Sequence[_Begun]) -> list[Verdict]:
        found: dict[_Pair, tuple[Finding, float]] = {}
        hard: dict[_Pair, None] = {}
        for pair in dict.fromkeys(one.pair for one in begun if one.pair is not None):
            start = time.monotonic()
            finding = self._known.get(pair) or settle(*pair, self.limits.policy, self._reading)
            if finding is None:
                hard[pair] = None
            else:
                found[pair] = (finding, time.monotonic() - start)
        found.update(zip(hard, self._pool.run(list(hard)), strict=True))
        for pair, (finding, _) in found.items():
            if len(pair[0]) + len(pair[1]) < _SHORT and finding.status not in _NOT_REMEMBERED:
                self._known[pair] = finding
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        return [one.nothing or one.verdict(*found[one.pair or ("", "")]) for one in begun]


_NOT_EQUAL: Final = frozenset({Status.INCORRECT, Status.UNPARSABLE})
_NOT_REMEMBERED: Final = frozenset({Status.TIMEOUT, Status.MEMORY})
"""Verdicts that another try, on a machine that is less busy, may change."""


class _Begun(NamedTuple):
    """An item after extraction: a pair to compare, or the verdict that there is none."""

    pair: _Pair | None
    found: str
    wall_s: float
    nothing: Verdict | None
    fuller: tuple[_Pair, ...] = ()
    """Pairs to compare where the first is not equal; see `extract`."""

    def verdict(self, finding: Finding, wall_s: float) -> Verdict:
        assert self.pair is not None
        detail = finding.detail or self.found
        answer = self.pair[1][:_KEPT_CHARS]
        return Verdict(finding.status, answer, finding.method, detail, self.wall_s + wall_s)


def _begin_response(gold: str, text: str, finish_reason: FinishReason) -> _Begun:
    start = time.monotonic()
    extraction = final_answer(text, finish_reason)
    if not extraction.answer or _cut(extraction, text, finish_reason):
        wall_s = time.monotonic() - start
        return _Begun(None, "", wall_s, _nothing(extraction, finish_reason, wall_s))
    answers = tuple(filter(None, (extraction.answer, extraction.fuller)))
    pair, *fuller = [(one, answer) for one in gold_answers(gold) for answer in answers]
    wall_s = time.monotonic() - start
    return _Begun(pair, _FOUND[extraction.found], wall_s, None, tuple(fuller))


def _begin_answer(gold: str, answer: str) -> _Begun:
    answer = gold_answer(answer)
    if not answer:
        return _Begun(None, "", 0.0, Verdict(Status.UNPARSABLE, "", "extraction", "empty", 0.0))
    return _Begun((gold_answer(gold), answer), "answer: given", 0.0, None)


_FOUND: Final = {found: f"answer: {found.value}" for found in Found}


def gold_answer(gold: str) -> str:
    """The answer in a gold: what follows the last `####`, or stands in the last box, or all."""
    if "####" in gold:
        return gold.rpartition("####")[2].strip() or gold.strip()
    if "\\boxed" in gold or "\\fbox" in gold:
        return last_boxed(gold) or gold
    return gold.strip()


def gold_answers(gold: str) -> tuple[str, ...]:
    """The answer in a gold, and the list of those in its last boxes where they are joined."""
    joined = joined_boxed(gold) if "\\boxed" in gold and "####" not in gold else None
    return (gold_answer(gold),) if joined is None else (gold_answer(gold), joined)


def grade(
    gold: str,
    response: str,
    *,
    policy: MathPolicy | None = None,
    finish_reason: FinishReason = FinishReason.STOP,
    deadline_s: float = 5.0,
    memory_bytes: int = 1024 * 1024 * 1024,
) -> Verdict:
    """Grade one response against one gold; callable from any thread of any process.

    Workers are shared by all calls with the same settings and end with the process.

    Args:
        gold: Plain text or LaTeX; with `####` or `\\boxed` only the answer there.
        response: A whole completion, with or without `<think>`.
        policy: What counts as equal where mathematics leaves a choice.
        finish_reason: `length` for a completion that was cut.
        deadline_s: Seconds that one comparison may take.
        memory_bytes: Address space that one comparison may take.

    Raises:
        GraderError: A worker cannot be started.
    """
    grader = _shared(os.getpid(), _written(policy), deadline_s, memory_bytes)
    return grader.grade_texts([(gold, response, finish_reason)])[0]


def grade_batch(
    items: Iterable[tuple[str, str]],
    *,
    policy: MathPolicy | None = None,
    deadline_s: float = 5.0,
    memory_bytes: int = 1024 * 1024 * 1024,
) -> list[Verdict]:
    """`grade` for (gold, response) pairs: verdicts in their order, hard pairs at the same time."""
    grader = _shared(os.getpid(), _written(policy), deadline_s, memory_bytes)
    return grader.grade_texts([(gold, text, FinishReason.STOP) for gold, text in items])


def _written(policy: MathPolicy | None) -> str:
    return (policy or MathPolicy()).model_dump_json()


@lru_cache(maxsize=8)
def _shared(_pid: int, policy: str, deadline_s: float, memory_bytes: int) -> MathGrader:
    limits = GradeMath(
        deadline_s=deadline_s,
        memory_bytes=memory_bytes,
        policy=MathPolicy.model_validate_json(policy),
    )
    grader = MathGrader(limits)
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
    detail = "cut before its answer" if extraction.answer else extraction.found.value
    return Verdict(status, "", "extraction", detail, wall_s)
