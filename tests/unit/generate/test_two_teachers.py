"""Two teachers in one recipe, conversations passed through, and rounds begun otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory.digest import canonical_json
from factory.errors import TeacherError
from factory.generate.answerer import answerers
from factory.generate.stage import generate_candidates
from factory.generate.store import CandidateStore
from factory.parts import MANIFEST, read_part
from schemas.arrow import CANDIDATE
from schemas.generate_settings import Generate, Prompt, Rest, Sampling
from schemas.machine import Endpoints, Machine, Serving
from schemas.manifest import StageResult
from schemas.problem import GraderName, Problem
from schemas.sample import Message
from schemas.teacher_settings import OpenaiTeacher
from schemas.verdict import Status
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.generate.problems_artifact import earlier_round, problem, problems_folder

BIG = OpenaiTeacher(engine="openai", model="tiny", revision="big")
SMALL = OpenaiTeacher(engine="openai", model="tiny", revision="small", body={"top_a": 0.2})
GENERATE = Generate(teacher=BIG, candidates=2, sampling=Sampling(max_tokens=9))
MIXED = [problem(0), problem(1, reasoning=False), problem(2), problem(3, reasoning=False)]


def given(number: int) -> Problem:
    """A conversation that is passed through."""
    return problem(number).model_copy(
        update={
            "problem_id": f"chats/{number}",
            "grader": GraderName.GIVEN,
            "gold": "",
            "solution": f"answer {number}",
            "author": "someone",
            "history": [Message(role="system", content="Be kind.")],
        }
    )


def run(
    tmp_path: Path,
    machine: Machine,
    generate: Generate = GENERATE,
    *,
    problems: list[Problem] = MIXED,
    out: str = "demo-1",
    round: int = 1,
) -> StageResult:
    return generate_candidates(
        problems_folder(tmp_path / "problems", problems),
        [],
        generate,
        round=round,
        seed=0,
        machine=machine,
        store=tmp_path / "store.sqlite",
        out_dir=tmp_path / out,
        key="k",
    )


def endpoints(*servers: LoopbackServer, each: int | None = None) -> Endpoints:
    urls = [server.base_url for server in servers]
    return Endpoints(base_urls=urls, retries=0, candidates_per_request=each)


def rows(folder: Path, result: StageResult) -> list[dict[str, Any]]:
    parts = [part for part in result.parts if part.path.startswith("candidates-")]
    return [row for part in parts for row in read_part(folder, part, CANDIDATE).to_pylist()]


def test_one_teacher_reasons_and_the_other_answers_the_rest(tmp_path: Path) -> None:
    rest = Rest(teacher=SMALL, sampling=Sampling(temperature=0.3), prompt=Prompt(system="Short."))
    two = GENERATE.model_copy(update={"rest": rest})
    with LoopbackServer() as big, LoopbackServer() as small:
        machine = Machine(teacher=endpoints(big), rest=Serving(teacher=endpoints(small)))
        result = run(tmp_path, machine, two)
        assert {body["temperature"] for body in big.bodies} == {1.0}
        assert {body["temperature"] for body in small.bodies} == {0.3}
        assert {body["top_a"] for body in small.bodies} == {0.2}
        assert {body["messages"][0]["content"] for body in small.bodies} == {"Short."}
    found = rows(tmp_path / "demo-1", result)
    assert [(row["problem_id"], row["teacher"]) for row in found] == [
        (f"sums/{number}", f"tiny@{'small' if number % 2 else 'big'}")
        for number in range(4)
        for _ in range(2)
    ]
    assert result.figures["drawn"] == 8


def test_the_rest_may_be_asked_otherwise_of_the_same_teacher(tmp_path: Path) -> None:
    same = GENERATE.model_copy(update={"rest": Rest(prompt=Prompt(system="Short."))})
    with LoopbackServer() as server:
        run(tmp_path, Machine(teacher=endpoints(server)), same)
        systems = [body["messages"][0]["role"] for body in server.bodies]
    assert sorted(systems) == ["system"] * 4 + ["user"] * 4


def test_requests_to_a_server_wait_for_the_longest_completion_that_it_is_asked_for() -> None:
    rest = Rest(sampling=Sampling(max_tokens=5000))
    shared = answerers(GENERATE.model_copy(update={"rest": rest}), seed=0)
    assert shared.longest_tokens("teacher") == 5000
    own = rest.model_copy(update={"teacher": SMALL})
    two = answerers(GENERATE.model_copy(update={"rest": own}), seed=0)
    assert (two.longest_tokens("teacher"), two.longest_tokens("rest")) == (9, 5000)


def test_an_endpoint_that_knows_n_answers_several_candidates_at_once(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        result = run(tmp_path, Machine(teacher=endpoints(server, each=8)))
        assert {body["n"] for body in server.bodies} == {2}
    found = rows(tmp_path / "demo-1", result)
    assert len(found) == 8
    # What an unknown server does with the seed of the second completion is not known.
    assert [row["seed"] is None for row in found] == [False, True] * 4


def test_a_conversation_that_is_passed_through_is_its_own_candidate_and_is_not_asked(
    tmp_path: Path,
) -> None:
    with LoopbackServer() as server:
        machine = Machine(teacher=endpoints(server))
        result = run(tmp_path, machine, problems=[given(7), problem(0), given(8)])
        assert len(server.bodies) == 2
    found = rows(tmp_path / "demo-1", result)
    assert [row["text"] for row in found[2:]] == ["answer 7", "answer 8"]
    assert {(row["teacher"], row["engine"], row["index"]) for row in found[2:]} == {
        ("someone", "given", 0)
    }
    assert (result.ledger.rows_in, result.ledger.rows_out) == (4, 4)
    assert result.figures["given"] == 2


def test_what_a_sampling_digest_stands_for_is_in_the_store(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        result = run(tmp_path, Machine(teacher=endpoints(server)))
    (digest,) = {row["sampling_digest"] for row in rows(tmp_path / "demo-1", result)}
    with CandidateStore(tmp_path / "store.sqlite") as store:
        content = store.settings(digest)
        assert store.settings("0" * 64) is None
    assert content is not None
    assert content == canonical_json(json.loads(content))
    assert json.loads(content)["sampling"]["max_tokens"] == 9


# ----------------------------------------------------------------------------------------- resumes


def test_a_round_begun_with_other_settings_is_refused_and_what_differs_is_shown(
    tmp_path: Path,
) -> None:
    warmer = GENERATE.model_copy(update={"sampling": Sampling(temperature=0.6, max_tokens=9)})
    with LoopbackServer() as server:
        machine = Machine(teacher=endpoints(server))
        run(tmp_path, machine)
        asked = len(server.bodies)
        with pytest.raises(TeacherError) as caught:
            run(tmp_path, machine, warmer, out="demo-2")
        assert len(server.bodies) == asked
        said = str(caught.value)
        assert "reasoning.sampling.temperature: begun with 1.0, now 0.6" in said
        assert "max_tokens" not in said
        assert "demo-1" in said
        # Put back, it goes on; finished, it refuses nothing.
        run(tmp_path, machine)
        (tmp_path / "demo-1" / MANIFEST).write_text("{}")
        run(tmp_path, machine, warmer, out="demo-2")


def test_an_unfinished_later_round_refuses_to_begin_anew_with_other_settings(
    tmp_path: Path,
) -> None:
    warmer = GENERATE.model_copy(update={"sampling": Sampling(temperature=0.6, max_tokens=9)})
    with LoopbackServer() as server:
        machine = Machine(teacher=endpoints(server))
        run(tmp_path, machine)
        (tmp_path / "demo-1" / MANIFEST).write_text("{}")
        asked = len(server.bodies)
        generate_candidates(
            tmp_path / "problems",
            [earlier_round(tmp_path / "1", [(f"sums/{n}", Status.INCORRECT) for n in range(4)])],
            GENERATE,
            round=2,
            seed=0,
            machine=machine,
            store=tmp_path / "store.sqlite",
            out_dir=tmp_path / "demo-2",
            key="k",
        )
        assert len(server.bodies) > asked
        asked = len(server.bodies)
        with pytest.raises(TeacherError, match=r"demo-2: round 2 was begun with other settings"):
            run(tmp_path, machine, warmer, out="demo-3")
        assert len(server.bodies) == asked


def test_what_changes_no_candidate_may_change_and_other_recipes_are_not_looked_at(
    tmp_path: Path,
) -> None:
    more = GENERATE.model_copy(update={"candidates": 3, "accepted_wanted": 3})
    warmer = GENERATE.model_copy(update={"sampling": Sampling(temperature=0.6)})
    with LoopbackServer() as server:
        machine = Machine(teacher=endpoints(server))
        run(tmp_path, machine)
        run(tmp_path, machine, more, out="demo-2")
        run(tmp_path, machine, warmer, out="other-1")
        run(tmp_path, machine, warmer, out="demo-two-1")
