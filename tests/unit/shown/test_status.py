"""factory.shown.status: what is said of a state, and who hears it."""

from __future__ import annotations

import os

import pytest

from factory.shown.status import State, clock, listen, report


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State("vLLM is loading"), "vLLM is loading"),
        (State("grade", 5, None, "rows"), "grade: 5 rows"),
        (State("rows", 5, 10, "rows", 0.5), "5 of 10 rows, 0.5/s, 0:00:10 left"),
        (
            State("candidates", 1234, 5000, "candidates", 310.4, "accept 63%"),
            "1,234 of 5,000 candidates, 310/s, 0:00:12 left, accept 63%",
        ),
        (State("rows", 10, 10, "rows", 2.0), "10 of 10 rows, 2/s"),
        (State("rows", 0, 0, "rows"), "0 of 0 rows"),
    ],
)
def test_a_state_says_what_is_known(state: State, text: str) -> None:
    assert state.text() == text


def test_percent_and_time_left_are_unknown_without_total_or_rate() -> None:
    assert State("a", 5, None, "rows", 1.0).percent is None
    assert State("a", 5, None, "rows", 1.0).left_s is None
    assert State("a", 0, 0, "rows", 1.0).percent is None
    assert State("a", 0, 10, "rows").left_s is None
    assert State("a", 12, 10, "rows", 1.0).percent == 100
    assert State("a", 12, 10, "rows", 1.0).left_s == 0


def test_a_clock_has_hours_minutes_and_seconds() -> None:
    assert (clock(59.6), clock(3599), clock(360_000)) == ("0:01:00", "0:59:59", "100:00:00")


def test_listeners_hear_only_what_is_reported_inside() -> None:
    heard: list[str] = []
    others: list[str] = []
    report(State("before"))
    with listen(lambda state: heard.append(state.label)):
        report(State("one"))
        with listen(lambda state: others.append(state.label)):
            report(State("two"))
    report(State("after"))
    assert heard == ["one", "two"]
    assert others == ["two"]


def test_a_listener_leaves_when_the_work_fails() -> None:
    heard: list[State] = []
    with pytest.raises(KeyError), listen(heard.append):
        raise KeyError
    report(State("after"))
    assert heard == []


def test_a_forked_process_tells_nobody_of_this_one() -> None:
    outside, inside = os.pipe()
    with listen(lambda state: os.write(inside, state.label.encode()) and None):
        child = os.fork()
        if not child:
            report(State("child"))
            os._exit(0)
        os.waitpid(child, 0)
        report(State("parent"))
    os.close(inside)
    with os.fdopen(outside, "rb") as pipe:
        assert pipe.read() == b"parent"
