"""Ratings over real HTTP: what is asked, what is kept, what is data and what is an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from factory.artifact import commit
from factory.errors import GraderError, TeacherError
from factory.generate.refusals import Kind, NoAnswer
from factory.parts import read_part
from factory.validate.best_of import best_by_suite
from factory.validate.rating import RATING
from factory.validate.rating_endpoints import check_rater
from factory.validate.rating_prompts import read_mark
from factory.validate.rating_stage import rate_candidates
from factory.validate.reward_answers import read_reward
from schemas.arrow import CANDIDATE, VERDICT
from schemas.candidate import FinishReason
from schemas.machine import Endpoints, Machine
from schemas.manifest import StageResult
from schemas.validate_settings import BestOf
from schemas.verdict import Status
from tests.unit.grade.judge_server import read_shown
from tests.unit.select.graded_artifacts import (
    Graded,
    candidate_row,
    problem,
    verdict_row,
    write_artifact,
    write_problems,
)
from tests.unit.validate.rating_server import RatingServer, in_form

JUDGE = BestOf(by="judge", model="rater", revision="1", max_tokens=64)
REWARD = BestOf(by="reward", model="rater", revision="1")
THOUGHT = "<think>\nsecret thought\n</think>\n\n"
ANSWERS = ["four", "five", "five", "<think>\nnever", "six", ""]
GRADED = [
    Graded("sums/s-1", index, f"{THOUGHT}{text}" if text and "<" not in text else text)
    for index, text in enumerate(ANSWERS)
]


def machine(url: str) -> Machine:
    ends = Endpoints(base_urls=[url], requests_in_flight=4, retries=1, request_timeout_s=5.0)
    return Machine(judge=ends, reward=ends)


def rate(
    folder: Path, url: str, best_of: BestOf = JUDGE, *, out: str = "ratings", key: str = "k"
) -> StageResult:
    sums = problem("sums/s-1", gold="THE GOLD")
    write_problems(folder / "problems", [sums])
    write_artifact(
        folder / "candidates",
        "generate",
        "candidates",
        [candidate_row(one) for one in GRADED],
        CANDIDATE,
    )
    return rate_candidates(
        folder / "problems",
        folder / "candidates",
        best_of,
        machine=machine(url),
        store=folder / "candidates.sqlite",
        out_dir=folder / out,
        key=key,
    )


def rows(folder: Path, result: StageResult) -> list[dict[str, Any]]:
    return [row for part in result.parts for row in read_part(folder, part, RATING).to_pylist()]


def by_length(answer: str, times: int) -> str:
    return in_form(len(answer))


def test_a_judge_marks_each_answer_without_seeing_gold_or_reasoning(tmp_path: Path) -> None:
    with RatingServer(by_length) as server:
        result = rate(tmp_path, server.base_url)
        shown = [read_shown(body["messages"]) for body in server.bodies]
        said = str(server.bodies)
    found = rows(tmp_path / "ratings", result)
    assert [(row["index"], row["mark"]) for row in found] == [(0, 4), (1, 4), (2, 4), (4, 3)]
    assert sorted(one.answer for one in shown) == ["five", "four", "six"], "equal ones once"
    assert {one.reference for one in shown} == {None}
    assert "THE GOLD" not in said
    assert "secret thought" not in said
    assert found[0]["method"] == "judge"
    assert found[0]["detail"] == "mark-1 rater@1: it looks so."
    assert result.ledger.drops == {"no_answer": 2}
    assert (result.ledger.rows_in, result.ledger.rows_out) == (6, 4)
    figures = result.figures
    assert (figures["rated"], figures["asked"], figures["unreadable"]) == (4, 3, 0)
    assert (figures["spent"]["tokens"], figures["spent"]["prompt_tokens"]) == (15, 27)


def test_a_reward_model_is_shown_the_conversation_and_asked_for_the_raw_value(
    tmp_path: Path,
) -> None:
    rewards = {"four": [1.25], "five": [-3.5], "six": [[9.0], [0.5]]}
    with RatingServer(rewards=lambda answer: rewards[answer]) as server:
        result = rate(tmp_path, server.base_url, REWARD)
        bodies, paths = server.bodies, server.paths
    found = rows(tmp_path / "ratings", result)
    assert [row["mark"] for row in found] == [1.25, -3.5, -3.5, 0.5], "the last token's counts"
    assert set(paths) == {"/pooling"}
    assert all(body["use_activation"] is False for body in bodies)
    assert [turn["role"] for turn in bodies[0]["messages"]] == ["user", "assistant"]
    assert found[0]["method"] == "reward"


def test_a_reply_out_of_form_is_asked_again_and_then_has_no_mark(tmp_path: Path) -> None:
    def says(answer: str, times: int) -> str:
        if answer == "four":
            return "I cannot say."
        return in_form(7) if answer == "six" or times == 3 else "hm"

    with RatingServer(says) as server:
        result = rate(tmp_path, server.base_url)
        asked = server.asked
        seeds = {body["seed"] for body in server.bodies}
    found = {row["index"]: row for row in rows(tmp_path / "ratings", result)}
    assert found[0]["mark"] is None
    assert "no mark: I cannot say." in found[0]["detail"]
    assert (found[1]["mark"], found[4]["mark"]) == (7, 7)
    assert asked == 4 + 3 + 1
    assert len(seeds) == asked
    assert result.figures["unreadable"] == 1


def test_a_judge_that_never_gives_a_mark_is_an_error_and_nothing_is_kept(tmp_path: Path) -> None:
    with RatingServer(lambda answer, times: "What a fine answer!") as server:
        with pytest.raises(GraderError, match="expected a mark, found none in 3 answers"):
            rate(tmp_path, server.base_url)
        server.says = by_length
        assert rate(tmp_path, server.base_url).figures["asked"] == 3


def test_an_endpoint_that_fails_on_an_answer_stops_the_stage_and_the_others_are_kept(
    tmp_path: Path,
) -> None:
    broken = True

    def says(answer: str, times: int) -> str | web.Response:
        if broken and answer == "six":
            return web.Response(status=500, text="boom")
        return in_form(7)

    with RatingServer(says) as server:
        with pytest.raises(GraderError, match=r"expected a rating, found none .*boom"):
            rate(tmp_path, server.base_url)
        assert not (tmp_path / "ratings").exists()
        broken = False
        before = server.asked
        result = rate(tmp_path, server.base_url)
        assert server.asked == before + 1, "only what was missing"
    assert result.figures["asked"] == 1


def test_an_answer_that_does_not_fit_has_no_mark(tmp_path: Path) -> None:
    def rewards(answer: str) -> Any:
        if answer == "six":
            return web.Response(status=400, text="maximum context length is 8 tokens")
        return [1.0]

    with RatingServer(rewards=rewards) as server:
        result = rate(tmp_path, server.base_url, REWARD)
    assert [row["mark"] for row in rows(tmp_path / "ratings", result)] == [1, 1, 1, None]


@pytest.mark.parametrize("data", [[0.1, 0.9], [[0.1, 0.9], [0.3, 0.7]]])
def test_a_model_that_classifies_is_no_reward_model(tmp_path: Path, data: Any) -> None:
    with (
        RatingServer(rewards=lambda answer: data) as server,
        pytest.raises(TeacherError, match="2 values where one is expected"),
    ):
        rate(tmp_path, server.base_url, REWARD)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"data": []}',
        b'{"data": [{"data": "x"}]}',
        b'{"data": [{"data": []}]}',
        b'{"data": [{"data": [NaN]}]}',
        b'{"data": [{"data": [null]}]}',
        b'{"data": [{"data": [true, 1]}, {}]}',
    ],
)
def test_what_is_no_reward_is_a_bad_answer(body: bytes) -> None:
    said = read_reward(body, 1)
    assert isinstance(said, NoAnswer)
    assert said.kind is Kind.BAD


def test_ratings_are_never_asked_for_twice(tmp_path: Path) -> None:
    with RatingServer(by_length) as server:
        first = rate(tmp_path, server.base_url)
        again = rate(tmp_path, "http://127.0.0.1:9/v1")
        other = rate(tmp_path, "http://127.0.0.1:9/v1", out="other", key="k2")
        assert server.asked == 3
        rate(tmp_path, server.base_url, JUDGE.model_copy(update={"revision": "2"}), out="new")
        assert server.asked == 6
    assert again.parts == first.parts
    assert rows(tmp_path / "other", other) == rows(tmp_path / "ratings", first)


KILLED = """
import sys
from pathlib import Path
from tests.unit.validate.test_rating import rate
rate(Path(sys.argv[1]), sys.argv[2])
"""


def test_a_killed_stage_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    def slow_on_six(answer: str, times: int) -> str:
        if answer == "six" and times == 1:
            time.sleep(2.5)
        return in_form(len(answer))

    with RatingServer(slow_on_six) as server:
        killed = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), server.base_url])
        deadline = time.monotonic() + 60
        while server.asked < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(1.5)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        before = server.asked
        result = rate(tmp_path, server.base_url)
        assert server.asked - before == result.figures["asked"] < 3
    assert [row["mark"] for row in rows(tmp_path / "ratings", result)] == [4, 4, 4, 3]


def test_best_at_n_follows_from_ratings_and_verdicts(tmp_path: Path) -> None:
    marks = {"four": 9, "five": 4, "six": 1}
    with RatingServer(lambda answer, times: in_form(marks[answer])) as server:
        commit(
            tmp_path / "ratings",
            lambda: rate(tmp_path, server.base_url),
            stage="validate:ratings",
            recipe="unit",
            key="k",
            code_version=1,
            inputs={},
        )
    wrong, right = Status.INCORRECT, Status.CORRECT
    statuses = [right, wrong, wrong, Status.TRUNCATED, right, Status.UNPARSABLE]
    verdicts = [
        verdict_row(replace(one, status=status))
        for one, status in zip(GRADED, statuses, strict=True)
    ]
    write_artifact(tmp_path / "verdicts", "grade", "verdicts", verdicts, VERDICT)
    found = best_by_suite(tmp_path, {"sums": 6}, [1, 6])
    assert list(found) == ["sums", "all"]
    assert found["sums"]["best@1"].value == pytest.approx(2 / 6)
    assert found["sums"]["best@6"].value == 1.0
    assert found["all"] == found["sums"]
    assert list(best_by_suite(tmp_path, {"sums": 6}, [])["sums"]) == ["best@6"]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Reason: fine.\nMark: 7", 7),
        ("**Mark:** 10", 10),
        ("mark: 0/10.", 0),
        ("<think>\nMark: 3\n</think>\nReason: x\nMark: 8", 8),
    ],
)
def test_marks_in_form_are_read(text: str, mark: int) -> None:
    read = read_mark(text, FinishReason.STOP)
    assert not isinstance(read, str)
    assert read.value == mark


@pytest.mark.parametrize(
    "text",
    ["", "7", "Mark: 11", "Mark: 7.5", "Mark: 3\nMark: 8", "Mark: 7\nthat is all", "<think>"],
)
def test_replies_out_of_form_have_no_mark(text: str) -> None:
    assert isinstance(read_mark(text, FinishReason.STOP), str)
    assert isinstance(read_mark("Mark: 7", FinishReason.LENGTH), str)


def test_a_rater_that_cannot_be_asked_is_found_out_before_any_work() -> None:
    with pytest.raises(TeacherError, match=r"expected addresses in reward\.base_urls"):
        check_rater(REWARD, Machine())
    with pytest.raises(TeacherError, match=r"correct judge\.base_urls"):
        check_rater(JUDGE, machine("http://127.0.0.1:9/v1"))
    with RatingServer() as server:
        check_rater(JUDGE, machine(server.base_url))
        other = JUDGE.model_copy(update={"model": "another"})
        with pytest.raises(TeacherError, match=r"correct validate\.best_of\.model"):
            check_rater(other, machine(server.base_url))
