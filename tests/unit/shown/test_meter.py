"""The meter: rates, expectations and exact counts, quotas, cost, and what outlives a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.problems import Kind
from factory.shown.meter import Meter
from factory.shown.meter_text import money, short
from factory.shown.progress import progress
from factory.shown.status import State, listen
from factory.spent import Rates, kept_spent
from schemas.problem import Domain, GraderName
from schemas.spent import Spent

GPU = Rates(gpus=2, gpu_price=3.6)
CPU = Rates(gpus=0)


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def kind(domain: Domain = Domain.MATH, category: str = "", given: bool = False) -> Kind:
    return Kind(domain, category, GraderName.NUMBER, given)


def after_round_1(clock: Clock | None = None, **more: Any) -> Meter:
    """100 candidates of 250 tokens, 50 of them correct, 40 of which count; 100 s of two GPUs."""
    meter = Meter(
        quota={"math": 80, "math/Algebra": 10},
        wanted={"math": 4},
        before=Spent(candidates=100, tokens=25_000, wall_s=100, gpu_s=200, cost=0.2),
        clock=clock or Clock(),
        **more,
    )
    for _ in range(10):
        meter.had(("math",), graded=10, correct=5, tokens=2_500)
    return meter


def test_a_meter_that_heard_nothing_says_nothing() -> None:
    meter = Meter()
    assert meter.line() == ""
    assert meter.block() == []
    assert meter.figures()["meter"]["counts"] == {}
    assert "spent" not in meter.figures()


def test_the_first_round_knows_rates_and_cost_but_no_accept_rate() -> None:
    clock = Clock()
    meter = Meter(quota={"math": 400}, clock=clock)
    with meter.drawing(GPU, startup_s=20.0) as drawing:
        assert meter.line() == "cost 0.04"
        assert meter.block() == ["math  [....................]  0 / 400"]
        drawing.drew(("math",), candidates=8, tokens=2_000, prompt_tokens=50)
        assert meter.line() == "cost 0.04", "no time has passed"
        clock.now_s += 10
        drawing.drew(("code",), candidates=8, tokens=2_000, prompt_tokens=50)
        assert meter.line() == "400 tokens/s, cost 0.06"
        assert meter.block() == ["math  [....................]  0 / 400  8 to grade"]
    clock.now_s += 1000
    spent = meter.spent()
    assert (spent.candidates, spent.tokens, spent.prompt_tokens) == (16, 4_000, 100)
    assert (spent.wall_s, spent.gpu_s) == (30, 60)
    assert spent.cost == pytest.approx(0.06)
    assert meter.line() == "cost 0.06", "no server is at work"


def test_while_a_later_round_is_drawn_quotas_hold_an_expectation_and_say_so() -> None:
    clock = Clock()
    meter = after_round_1(clock)
    assert meter.line() == "accept 50%, 500 tokens and 4 GPU-s per accepted, cost 0.20"
    assert meter.block()[0] == (
        "math          [##########..........]  40 / 80  accept 50%  ~0:01:40 left"
    )
    with meter.drawing(GPU) as drawing:
        clock.now_s += 10
        drawing.drew(meter.names("math", "Algebra"), candidates=50, tokens=12_500)
        math, algebra = meter.block()
        # 50 more at 40 counted of 100; what is missing needs 50 candidates at 5 a second.
        assert math == "math          [###############.....]  ~60 / 80  accept 50%  ~0:00:10 left"
        assert algebra == "math/Algebra  [....................]  0 / 10  50 to grade"
        drawing.drew(("math",), candidates=500, tokens=125_000)
        assert meter.block()[0].endswith("~260 / 80  accept 50%"), "filled: no time is left"
        assert "[####################]" in meter.block()[0]


def test_candidates_that_the_store_had_count_for_quotas_but_took_nothing() -> None:
    meter = after_round_1()
    meter.found(("math",), 50)
    assert "~60 / 80" in meter.block()[0]
    assert meter.spent() == Spent()
    assert "500 tokens and 4 GPU-s per accepted" in meter.line()


def test_graded_counts_are_exact_and_a_problem_counts_up_to_what_is_wanted() -> None:
    drawn = after_round_1()
    with drawn.drawing(GPU) as drawing:
        drawing.drew(drawn.names("math", "Algebra"), candidates=8, tokens=800)
    figures = json.loads(json.dumps(drawn.figures()))
    meter = Meter.of_round(figures, correct={"p": 1})
    assert "~43 / 80" in meter.block()[0]
    for correct in (*[True] * 5, False, False, True):
        meter.graded("p", kind(category="Algebra"), correct=correct)
    meter.graded("q", kind(given=True), correct=True)
    math, algebra = meter.block()
    assert "  43 / 80  accept 52%" in math, "one was there, four are wanted"
    assert "  3 / 10  accept 75%" in algebra
    assert meter.line().startswith("accept 52%")


def test_a_domain_without_a_wanted_number_counts_every_correct_candidate() -> None:
    meter = Meter(quota={"code": 10})
    for _ in range(6):
        meter.graded("p", kind(Domain.CODE), correct=True)
    assert meter.block() == ["code  [############........]  6 / 10  accept 100%"]
    assert meter.line() == "accept 100%", "no model was asked here, so nothing is said of tokens"


def test_nothing_correct_is_an_accept_rate_of_zero_and_no_price_of_a_sample() -> None:
    meter = Meter(quota={"math": 10}, before=Spent(candidates=1, tokens=10, wall_s=1))
    meter.graded("p", kind(), correct=False)
    assert meter.line() == "accept 0%"
    assert meter.block() == ["math  [....................]  0 / 10  accept 0%"]


def test_on_a_cpu_seconds_of_the_clock_stand_for_those_of_gpus() -> None:
    clock = Clock()
    meter = Meter(clock=clock)
    with meter.drawing(CPU) as drawing:
        drawing.drew(("math",), candidates=4, tokens=5_000)
        clock.now_s += 2
    for correct in (True, True, False, False):
        meter.graded("p", kind(), correct=correct)
    assert meter.line() == "accept 50%, 2.5K tokens and 1 s per accepted"


def test_two_teachers_each_have_their_rates() -> None:
    clock = Clock()
    meter = Meter(clock=clock)
    with meter.drawing(GPU) as first:
        clock.now_s += 3600
        first.drew(("math",), candidates=1, tokens=3_600_000)
    with meter.drawing(Rates(completion_price=2.0)) as second:
        clock.now_s += 10
        second.drew(("general",), candidates=1, tokens=1_000_000)
        assert meter.line() == "100,000 tokens/s, cost 9.20"
    assert meter.spent().gpu_s == 7200


def test_a_judge_costs_and_is_no_candidate() -> None:
    meter = Meter()
    with meter.drawing(Rates(prompt_price=1.0, completion_price=2.0)) as judging:
        judging.drew((), candidates=0, tokens=500_000, prompt_tokens=1_000_000)
    assert meter.counts == {}
    assert meter.spent().cost == pytest.approx(2.0)
    assert meter.spent_figures()["spent"]["candidates"] == 0


def test_what_a_killed_attempt_took_is_counted_with_the_next_one(tmp_path: Path) -> None:
    clock = Clock()
    killed = Meter(folder=tmp_path, clock=clock)
    never_closed = killed.drawing(GPU)
    drawing = never_closed.__enter__()
    clock.now_s += 5
    drawing.drew(("math",), candidates=8, tokens=800)
    assert kept_spent(tmp_path) == Spent(), "written about every ten seconds"
    clock.now_s += 5
    drawing.drew(("math",), candidates=8, tokens=800)
    assert kept_spent(tmp_path).tokens == 1600
    drawing.drew(("math",), candidates=8, tokens=800)

    again = Meter(folder=tmp_path, clock=clock)
    with again.drawing(GPU) as drawing:
        clock.now_s += 1
        drawing.drew(("math",), candidates=8, tokens=800)
    assert again.spent().tokens == 2400
    assert again.spent().gpu_s == 22
    assert kept_spent(tmp_path) == again.spent()
    assert Meter(folder=tmp_path).spent() == again.spent(), "nothing to draw: nothing is added"


def test_a_bar_about_a_meter_tells_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_PROGRESS", "0")
    heard: list[State] = []
    with listen(heard.append), progress("grade", 2, "candidates", about=(meter := Meter())) as bar:
        meter.graded("p", kind(), correct=True)
        meter.graded("p", kind(), correct=False)
        bar.update(2)
    assert heard[-1].text().endswith("accept 50%")
    assert heard[-1].text().startswith("grade: 2 of 2 candidates")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00423, "0.0042"), (0.9, "0.9"), (9.96, "10"), (12.3, "12"), (999, "999"), (1234, "1.2K")],
)
def test_a_measure_has_few_figures(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.00"), (0.00123, "0.0012"), (3.4, "3.40"), (12345.6, "12,345.60")]
)
def test_an_amount_of_money_is_never_rounded_to_nothing(value: float, text: str) -> None:
    assert money(value) == text
