"""The stage against a real server on loopback: resume, rounds, failures, the ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from factory.errors import RecipeError, TeacherError
from factory.generate.preflight import check_teacher
from factory.generate.stage import FAILURE, generate_candidates
from factory.models import Model
from factory.parts import read_part
from schemas.arrow import CANDIDATE
from schemas.generate_settings import Generate, Prompt, Sampling
from schemas.machine import Endpoints, Machine
from schemas.manifest import StageResult
from schemas.teacher_settings import OpenaiTeacher
from schemas.verdict import Status
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.generate.problems_artifact import earlier_round, problem, problems_folder

TEACHER = OpenaiTeacher(engine="openai", model="tiny", revision="1")
GENERATE = Generate(teacher=TEACHER, candidates=4, max_rounds=3, accepted_wanted=1)


def machine(*urls: str) -> Machine:
    endpoints = Endpoints(
        base_urls=list(urls), retries=1, requests_in_flight=4, api_key_env="RETORT_TEST_KEY"
    )
    return Machine(teacher=endpoints, rows_per_part=5)


def run(
    tmp_path: Path,
    url: str,
    generate: Generate = GENERATE,
    *,
    out: str = "out",
    round: int = 1,
    seed: int = 0,
    earlier: tuple[tuple[Path, Path], ...] = (),
    model: Model | None = None,
) -> StageResult:
    return generate_candidates(
        problems_folder(tmp_path / "problems", [problem(n) for n in range(3)]),
        earlier,
        generate,
        round=round,
        seed=seed,
        machine=machine(url),
        store=tmp_path / "store.sqlite",
        out_dir=tmp_path / out,
        key="k",
        model=model,
    )


def candidates(folder: Path, result: StageResult) -> list[dict[str, Any]]:
    parts = [part for part in result.parts if part.path.startswith("candidates-")]
    return [row for part in parts for row in read_part(folder, part, CANDIDATE).to_pylist()]


def test_every_candidate_asked_for_is_there_in_order_with_its_own_seed(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        result = run(tmp_path, server.base_url)
        asked = {body["seed"] for body in server.bodies}
    found = candidates(tmp_path / "out", result)
    expected = [(f"sums/{n}", index) for n in range(3) for index in range(4)]
    assert [(row["problem_id"], row["index"]) for row in found] == expected
    assert [part.rows for part in result.parts] == [5, 5, 2]
    assert {row["seed"] for row in found} == asked
    assert len(asked) == 12
    assert all(row["text"].endswith(f"seed {row['seed']}") for row in found)
    assert result.ledger.model_dump() == {
        "stage": "generate",
        "rows_in": 12,
        "rows_out": 12,
        "drops": {},
    }


def test_a_second_run_asks_for_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        first = run(tmp_path, server.base_url)
        drawn = len(server.bodies)
        second = run(tmp_path, server.base_url, out="again")
        assert len(server.bodies) == drawn
    assert second.parts == first.parts
    assert second.figures["reused"] == 12


def test_more_candidates_or_a_new_filter_draw_only_what_is_missing(tmp_path: Path) -> None:
    more = GENERATE.model_copy(update={"candidates": 6})
    with LoopbackServer() as server:
        run(tmp_path, server.base_url)
        server.bodies.clear()
        result = run(tmp_path, server.base_url, more, out="more")
        assert len(server.bodies) == 6
    assert result.figures["drawn"] == 6
    assert result.figures["reused"] == 12


@pytest.mark.parametrize(
    "change",
    [
        {"sampling": Sampling(temperature=0.5)},
        {"prompt": Prompt(system="Be brief.")},
        {"teacher": TEACHER.model_copy(update={"revision": "2"})},
    ],
    ids=["sampling", "prompt", "revision"],
)
def test_another_identity_is_another_candidate(tmp_path: Path, change: dict[str, Any]) -> None:
    with LoopbackServer() as server:
        run(tmp_path, server.base_url)
        result = run(tmp_path, server.base_url, GENERATE.model_copy(update=change), out="two")
    assert result.figures["drawn"] == 12


def test_another_seed_draws_other_candidates(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        one = candidates(tmp_path / "out", run(tmp_path, server.base_url))
        two = candidates(tmp_path / "b", run(tmp_path, server.base_url, seed=1, out="b"))
    assert not {row["seed"] for row in one} & {row["seed"] for row in two}


def test_failures_are_counted_with_evidence_and_asked_again_by_a_later_run(tmp_path: Path) -> None:
    broken = True

    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        said = body["messages"][-1]["content"]
        if broken and "1 + 1" in said:
            return web.Response(status=500, text="boom")
        if broken and "2 + 2" in said:
            return web.Response(status=400, text="maximum context length is 8 tokens")
        return None

    with LoopbackServer(trouble) as server:
        first = run(tmp_path, server.base_url)
        broken = False
        second = run(tmp_path, server.base_url, out="second")
    assert first.ledger.rows_out == 4
    assert first.ledger.drops == {"failed": 4, "overlong_prompt": 4}
    failures = read_part(tmp_path / "out", first.parts[-1], FAILURE).to_pylist()
    assert [row["reason"] for row in failures] == ["failed"] * 4 + ["overlong_prompt"] * 4
    assert "boom" in failures[0]["detail"]
    assert first.figures["reused"] == 0
    assert second.ledger.drops == {}
    assert (second.figures["drawn"], second.figures["reused"]) == (8, 4)


def one_bad_problem(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
    bad = "1 + 1" in body["messages"][-1]["content"]
    return web.Response(status=500, text="boom") if bad else None


def test_a_run_killed_after_the_last_answer_asks_no_server_again(tmp_path: Path) -> None:
    with LoopbackServer(one_bad_problem) as server:
        first = run(tmp_path, server.base_url)
    (tmp_path / "out" / first.parts[0].path).unlink()
    second = run(tmp_path, "http://127.0.0.1:9/v1")
    assert second.parts == first.parts
    assert second.ledger == first.ledger
    assert second.ledger.drops == {"failed": 4}


def test_the_bad_requests_that_a_killed_run_left_are_not_the_servers_fault(tmp_path: Path) -> None:
    with LoopbackServer(one_bad_problem) as server:
        run(tmp_path, server.base_url)
        server.bodies.clear()
        result = run(tmp_path, server.base_url, out="again")
        assert {"1 + 1" in body["messages"][-1]["content"] for body in server.bodies} == {True}
    assert result.ledger.drops == {"failed": 4}


def test_a_server_that_answers_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        return web.Response(status=500, text="boom")

    with (
        LoopbackServer(trouble) as server,
        pytest.raises(TeacherError, match="found 12 of 12 after every retry"),
    ):
        run(tmp_path, server.base_url)


def test_a_later_round_asks_only_for_problems_short_of_correct_candidates(tmp_path: Path) -> None:
    right, wrong = Status.CORRECT, Status.INCORRECT
    before = earlier_round(
        tmp_path / "1",
        [("sums/0", right), *[("sums/1", wrong)] * 4, ("sums/2", wrong), ("sums/2", right)],
    )
    with LoopbackServer() as server:
        result = run(tmp_path, server.base_url, round=2, earlier=(before,), out="two")
    found = candidates(tmp_path / "two", result)
    assert [(row["problem_id"], row["index"]) for row in found] == [
        ("sums/1", index) for index in range(4, 8)
    ]
    assert {row["round"] for row in found} == {2}


def test_a_round_with_nothing_to_draw_asks_no_server(tmp_path: Path) -> None:
    before = earlier_round(
        tmp_path / "1", [(f"sums/{number}", Status.CORRECT) for number in range(3)]
    )
    result = run(tmp_path, "http://127.0.0.1:9/v1", round=2, earlier=(before,))
    assert result.parts == []
    assert (result.ledger.rows_in, result.ledger.rows_out) == (0, 0)


def test_a_model_cannot_be_served_by_a_foreign_endpoint(tmp_path: Path) -> None:
    model = Model("student", str(tmp_path), "1", is_local=True)
    with pytest.raises(RecipeError, match="engine `vllm`"):
        run(tmp_path, "http://127.0.0.1:9/v1", model=model)


RUN = """
import sys
from pathlib import Path
from tests.unit.generate.test_stage import run
run(Path(sys.argv[1]), sys.argv[2])
"""


def test_a_killed_run_asks_again_only_for_what_it_had_not_stored(tmp_path: Path) -> None:
    with LoopbackServer(latency_s=0.6) as server:
        killed = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), server.base_url])
        deadline = time.monotonic() + 60
        while len(server.bodies) < 9 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        server.bodies.clear()
        result = run(tmp_path, server.base_url)
        assert len(server.bodies) == result.figures["drawn"] < 12
    assert len(candidates(tmp_path / "out", result)) == 12


def test_a_wrong_key_is_an_error_within_seconds_and_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_TEST_KEY", "wrong-secret")
    with LoopbackServer(key="right") as server:
        with pytest.raises(TeacherError, match="RETORT_TEST_KEY was refused"):
            check_teacher(GENERATE, machine(server.base_url))
        with pytest.raises(TeacherError) as caught:
            run(tmp_path, server.base_url)
        assert "wrong-secret" not in str(caught.value)
        monkeypatch.delenv("RETORT_TEST_KEY")
        with pytest.raises(TeacherError, match="RETORT_TEST_KEY is not set"):
            check_teacher(GENERATE, machine(server.base_url))
        monkeypatch.setenv("RETORT_TEST_KEY", "right")
        check_teacher(GENERATE, machine(server.base_url))
        run(tmp_path, server.base_url)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"wrong-secret" not in stored


def test_preflight_names_what_is_wrong_with_an_endpoint() -> None:
    with pytest.raises(TeacherError, match="base_urls"):
        check_teacher(GENERATE, machine())
    with pytest.raises(TeacherError, match="cannot be reached"):
        check_teacher(GENERATE, machine("http://127.0.0.1:9/v1"))
    other = GENERATE.model_copy(update={"teacher": TEACHER.model_copy(update={"model": "huge"})})
    with LoopbackServer() as server, pytest.raises(TeacherError, match="it serves"):
        check_teacher(other, machine(server.base_url))
    forced = GENERATE.model_copy(update={"prompt": Prompt(think_prefix="<think>\n")})
    with pytest.raises(RecipeError, match="think_prefix"):
        check_teacher(forced, machine("http://127.0.0.1:9/v1"))
