"""No text crashes the grader, and equality is reflexive and symmetric.

`make soak` runs the same for an hour (RETORT_FUZZ_S sets another time) and holds a million easy
items against the memory of a worker.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.grade.math import MathGrader
from factory.grade.math.compare import CheapTiers, Hard, any_equal, spelling
from factory.grade.math.equal import Comparison, TooManyComparisons
from factory.grade.math.parse import Unreadable, parse
from schemas.grade_settings import GradeMath
from schemas.math_policy import MathPolicy
from schemas.verdict import Status
from tests.unit.grade.math.latex_fuzz import pair

FUZZ_S = float(os.environ.get("RETORT_FUZZ_S", "3600"))
LIMITS = GradeMath(deadline_s=2.0)
BATCH = 200


@pytest.fixture
def grader() -> Iterator[MathGrader]:
    with MathGrader(LIMITS, workers=2) as opened:
        yield opened


def cheap_equal(gold: str, answer: str) -> bool | None:
    """What the cheap tiers say; None where they say nothing. Any other exception is a crash."""
    policy = MathPolicy()
    try:
        golds, answers = parse(gold), parse(answer)
        return any_equal(golds, answers, Comparison(policy, CheapTiers(policy).same, 3000))
    except (Unreadable, Hard, TooManyComparisons, RecursionError):
        return None


def check(grader: MathGrader, seeds: range) -> None:
    pairs = [pair(seed) for seed in seeds]
    for gold, answer in pairs:
        spelling(gold)
        there, back = cheap_equal(gold, answer), cheap_equal(answer, gold)
        one_way = any(sign in gold + answer for sign in ("_", "%", "p.m."))  # by policy
        if there is not None and back is not None and not one_way:
            assert there == back, (gold, answer)
        assert cheap_equal(gold, gold) in (True, None), gold
    verdicts = grader.grade_answers(pairs + [(gold, gold) for gold, _ in pairs])
    for (gold, answer), verdict in zip(pairs, verdicts, strict=False):
        assert " in ours: " not in verdict.detail, (gold, answer, verdict.detail)
        assert verdict.wall_s < 5 * LIMITS.deadline_s, (gold, answer, verdict)
    for (gold, _), verdict in zip(pairs, verdicts[len(pairs) :], strict=True):
        if gold.strip() and "\\boxed" not in gold:
            assert verdict.status is Status.CORRECT, gold


def test_no_text_crashes_the_grader_and_equality_is_reflexive_and_symmetric(
    grader: MathGrader,
) -> None:
    for start in range(0, 2000, BATCH):
        check(grader, range(start, start + BATCH))


@pytest.mark.soak
def test_an_hour_of_texts_finds_no_crash(grader: MathGrader) -> None:
    start, begun = 10**6, time.monotonic()
    while time.monotonic() - begun < FUZZ_S:
        check(grader, range(start, start + BATCH))
        start += BATCH
    print(f"{start - 10**6} pairs in {time.monotonic() - begun:.0f} s")


@pytest.mark.soak
def test_memory_stays_flat_over_a_million_items(grader: MathGrader) -> None:
    after: list[int] = []
    for tenth in range(10):
        for start in range(0, 100_000, 1000):
            numbers = range(tenth * 100_000 + start, tenth * 100_000 + start + 1000)
            verdicts = grader.grade_answers(
                [(rf"\frac{{{n}}}{{7}}", f"{n}/7") for n in numbers[10:]]
                + [(rf"\sin^2 x + \cos^2 x + {n}", f"{n + 1}") for n in numbers[:10]]
            )
            assert all(verdict.status is Status.CORRECT for verdict in verdicts)
        after.append(max(map(resident_bytes, (os.getpid(), *grader.worker_pids()))))
    print("MiB resident, every 100,000 items:", [size >> 20 for size in after])
    assert max(after) < 400 * 1024 * 1024
    assert after[-1] < after[2] + 24 * 1024 * 1024


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
