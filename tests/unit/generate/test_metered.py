"""A generation says what it has got and what it took, to its bar, to Luigi and in its figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.generate.stage import generate_candidates
from factory.shown.meter import Meter
from factory.shown.status import State, listen
from schemas.generate_settings import Generate
from schemas.machine import Endpoints, Machine
from schemas.manifest import StageResult
from schemas.spent import Spent
from schemas.teacher_settings import OpenaiTeacher
from schemas.verdict import Status
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.generate.problems_artifact import earlier_round, problem, problems_folder

GENERATE = Generate(
    teacher=OpenaiTeacher(engine="openai", model="tiny", revision="1"),
    candidates=4,
    max_rounds=3,
    accepted_wanted=2,
    quota={"math": 6},
)
PRICE = 1_000_000.0
"""A token costs one."""


def run(tmp_path: Path, url: str, out: str, earlier: tuple[tuple[Path, Path], ...]) -> StageResult:
    endpoints = Endpoints(base_urls=[url], api_key_env="RETORT_TEST_KEY", completion_price=PRICE)
    return generate_candidates(
        problems_folder(tmp_path / "problems", [problem(n) for n in range(3)]),
        earlier,
        GENERATE,
        round=2,
        seed=0,
        machine=Machine(teacher=endpoints),
        store=tmp_path / "store.sqlite",
        out_dir=tmp_path / out,
        key="k",
    )


def test_figures_hold_what_was_spent_and_what_the_grading_begins_with(tmp_path: Path) -> None:
    statuses = [("sums/0", Status.CORRECT)] * 3 + [("sums/1", Status.INCORRECT)] * 3
    earlier = (earlier_round(tmp_path / "round1", statuses),)
    heard: list[State] = []
    with LoopbackServer() as server, listen(heard.append):
        result = run(tmp_path, server.base_url, "out", earlier)
        again = run(tmp_path, server.base_url, "again", earlier)
    spent = Spent.model_validate(result.figures["spent"])
    drawn = result.figures["drawn"]
    assert (spent.candidates, spent.tokens) == (drawn, result.figures["completion_tokens"])
    assert drawn > 0 and spent.tokens > 0
    assert spent.cost == pytest.approx(spent.tokens)
    meter = Meter.of_round(result.figures)
    math = meter.counts["math"]
    assert (math.candidates, math.graded, math.accepted) == (6 + drawn, 6, 3)
    assert math.counted == 2, "two of a problem are wanted"
    assert math.tokens == 60 + spent.tokens
    assert meter.block()[0].startswith("math  [")
    assert any("accept 50%" in state.text() for state in heard)
    assert "spent" not in again.figures, "all of it was in the store"
    assert Meter.of_round(again.figures).counts["math"].candidates == 6 + drawn
