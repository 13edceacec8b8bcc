"""Programs that mean harm, one per way to do it: each has its verdict and harms nobody after it.

The programs are data, a module per class of attack in `hostile/`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import combinations

import pytest

from sandboxes import Outcome, Verdict
from tests.sandbox.conftest import Run
from tests.sandbox.hostile.bombs import BOMBS
from tests.sandbox.hostile.case import Hostile, Pair, script
from tests.sandbox.hostile.contamination import PAIRS
from tests.sandbox.hostile.escapes import ESCAPES
from tests.sandbox.hostile.forgeries import FORGERIES
from tests.sandbox.hostile.honest import HONEST

HOST_S = 6.0
"""What the host may need for a run beyond the time in its container, on a busy machine."""
ROOM = {"wall_s": 20.0, "cpu_s": 10.0}


def names(cases: Sequence[Hostile | Pair]) -> list[str]:
    return [case.name for case in cases]


def checked(run: Run, case: Hostile) -> Outcome:
    started = time.monotonic()
    outcome = run(case.program, case.tests, **(ROOM | dict(case.limits)))
    took_s = time.monotonic() - started
    assert outcome.verdict in case.verdicts, outcome
    assert took_s - outcome.wall_s < HOST_S, "the host is kept busy"
    outcome.detail.encode()
    return outcome


@pytest.fixture
def honest_run_after(run: Run) -> Iterator[None]:
    yield
    outcome = run("print(int(input()) + 1)", script("21", "20"), **ROOM)
    assert outcome.verdict is Verdict.CORRECT, outcome


@pytest.mark.parametrize("case", BOMBS, ids=names(BOMBS))
def test_a_bomb_ends_with_its_verdict(run: Run, case: Hostile, honest_run_after: None) -> None:
    checked(run, case)


@pytest.mark.parametrize("case", ESCAPES, ids=names(ESCAPES))
def test_an_attempt_to_get_out_achieves_nothing(run: Run, case: Hostile) -> None:
    checked(run, case)


@pytest.mark.parametrize("pair", PAIRS, ids=names(PAIRS))
def test_what_a_program_leaves_is_not_there_for_the_next(run: Run, pair: Pair) -> None:
    control = run(pair.both(), script("polluted\nleft", pair.stdin), **ROOM)
    assert control.verdict is Verdict.CORRECT, ("the probe must find what is there", control)
    polluted = run(pair.polluter(), script("polluted", pair.stdin), **ROOM)
    assert polluted.verdict is Verdict.CORRECT, polluted
    after = run(pair.seeker(), script("clean"), **ROOM)
    assert after.verdict is Verdict.CORRECT, after


@pytest.mark.parametrize("case", FORGERIES, ids=names(FORGERIES))
def test_a_forged_pass_is_none(run: Run, case: Hostile) -> None:
    assert Verdict.CORRECT not in case.verdicts
    checked(run, case)


@pytest.mark.parametrize("case", HONEST, ids=names(HONEST))
def test_an_honest_program_that_looks_suspicious_is_right(run: Run, case: Hostile) -> None:
    assert case.verdicts == (Verdict.CORRECT,)
    checked(run, case)


def test_there_are_enough_programs_and_no_two_are_the_same() -> None:
    hostile = (*BOMBS, *ESCAPES, *FORGERIES)
    assert len(hostile) + len(PAIRS) >= 150
    assert len(BOMBS) >= 60 and len(ESCAPES) >= 40 and len(PAIRS) >= 30
    assert len(FORGERIES) >= 80
    assert len(HONEST) >= 40
    for one, two in combinations((*hostile, *HONEST), 2):
        assert one.name != two.name
        assert one.program != two.program or one.tests != two.tests, (one.name, two.name)
    for one, two in combinations(PAIRS, 2):
        assert one.name != two.name and one.both() != two.both()
