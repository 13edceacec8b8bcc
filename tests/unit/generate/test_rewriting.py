"""Accepted candidates written anew by another model, against a real server on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from factory.errors import ManifestMismatch, TeacherError
from factory.generate.rewriting import rewrite_candidates
from factory.generate.stage import generate_candidates
from factory.parts import read_part
from factory.recipe_file import load_recipe
from pipelines.data import GradeCandidates, RewriteCandidates
from schemas.arrow import CANDIDATE
from schemas.generate_settings import Generate, Rewrite, Sampling
from schemas.machine import Endpoints, Machine, Serving
from schemas.manifest import StageResult
from schemas.problem import Domain
from schemas.teacher_settings import OpenaiTeacher
from schemas.verdict import Status
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.generate.problems_artifact import earlier_round, problem, problems_folder

RIGHT, WRONG = Status.CORRECT, Status.INCORRECT
REWRITE = Rewrite(
    teacher=OpenaiTeacher(engine="openai", model="tiny", revision="1"),
    sampling=Sampling(temperature=0.0, max_tokens=50),
    template="Question: {statement}\nAnswer: {response}\nRewrite it.",
    per_problem=2,
)


def run(
    tmp_path: Path,
    url: str,
    statuses: list[tuple[str, Status]],
    rewrite: Rewrite = REWRITE,
    out: str = "r-1",
) -> StageResult:
    endpoints = Endpoints(base_urls=[url], retries=0, requests_in_flight=2)
    return rewrite_candidates(
        problems_folder(tmp_path / "problems", [problem(number) for number in range(3)]),
        [earlier_round(tmp_path / "1", statuses)],
        rewrite,
        round=2,
        seed=0,
        machine=Machine(rewrite=Serving(teacher=endpoints), rows_per_part=2),
        store=tmp_path / "store.sqlite",
        out_dir=tmp_path / out,
        key="k",
    )


def rows(folder: Path, result: StageResult) -> list[dict[str, Any]]:
    return [row for part in result.parts for row in read_part(folder, part, CANDIDATE).to_pylist()]


def test_only_accepted_candidates_are_rewritten_and_each_names_its_original(
    tmp_path: Path,
) -> None:
    statuses = [("sums/0", RIGHT), ("sums/0", WRONG), ("sums/1", WRONG), ("sums/2", RIGHT)]
    with LoopbackServer() as server:
        result = run(tmp_path, server.base_url, statuses)
        asked = [body["messages"][-1]["content"] for body in server.bodies]
    found = rows(tmp_path / "r-1", result)
    assert [(row["problem_id"], row["index"]) for row in found] == [("sums/0", 0), ("sums/2", 0)]
    assert [row["rewrites"] for row in found] == [f"{0:032x}", f"{3:032x}"]
    assert {row["round"] for row in found} == {2}
    assert {row["teacher"] for row in found} == {"tiny@1"}
    text = f"Question: What is 2 + 2?\nAnswer: {'x' * 40}\nRewrite it."
    assert sorted(asked)[1] == text
    assert (result.ledger.rows_in, result.ledger.rows_out) == (2, 2)


def test_no_more_than_per_problem_are_rewritten_the_same_ones_every_time(tmp_path: Path) -> None:
    statuses = [("sums/0", RIGHT)] * 5
    with LoopbackServer() as server:
        first = run(tmp_path, server.base_url, statuses)
        drawn = len(server.bodies)
        second = run(tmp_path, server.base_url, statuses, out="r-2")
        assert len(server.bodies) == drawn == 2
    assert first.parts == second.parts
    assert second.figures["reused"] == 2


def test_each_round_is_walked_beside_the_problems_and_another_order_is_an_error(
    tmp_path: Path,
) -> None:
    problems = problems_folder(tmp_path / "problems", [problem(number) for number in range(9)])
    rounds = [
        earlier_round(tmp_path / "1", [(f"sums/{number}", RIGHT) for number in (1, 4, 8)]),
        earlier_round(tmp_path / "2", [(f"sums/{number}", RIGHT) for number in (8, 0)]),
    ]

    def run_with(earlier: list[tuple[Path, Path]], out: str) -> StageResult:
        return rewrite_candidates(
            problems,
            earlier,
            REWRITE,
            round=3,
            seed=0,
            machine=Machine(teacher=Endpoints(base_urls=[server.base_url])),
            store=tmp_path / "store.sqlite",
            out_dir=tmp_path / out,
            key="k",
        )

    with LoopbackServer() as server:
        assert run_with(rounds[:1], "r-1").ledger.rows_out == 3
        with pytest.raises(ManifestMismatch, match="sums/0 out of place"):
            run_with(rounds[1:], "r-2")


def test_the_round_of_rewriting_is_not_counted_among_those_of_drawing() -> None:
    recipe, machine = load_recipe("recipes/sky-t1.toml"), Machine()
    assert recipe.rewrite is not None
    last = recipe.generate.max_rounds
    labels = [
        kind(recipe=recipe, machine=machine, round=number).label
        for kind in (GradeCandidates, RewriteCandidates)
        for number in (last, last + 1)
    ]
    assert labels == [
        f"grade, round {last} of {last}",
        "grade, rewritten forms",
        f"generate, round {last} of {last}",
        "generate, rewritten forms",
    ]


def test_domains_that_are_not_named_are_left_as_they_are(tmp_path: Path) -> None:
    code = REWRITE.model_copy(update={"domains": [Domain.CODE]})
    result = run(tmp_path, "http://127.0.0.1:9/v1", [("sums/0", RIGHT)], code)
    assert result.parts == []


def test_braces_of_a_response_are_its_own(tmp_path: Path) -> None:
    twice = REWRITE.model_copy(update={"template": "{response}|{statement}|{response}"})
    folder = problems_folder(
        tmp_path / "problems",
        [problem(0).model_copy(update={"statement": "What is {response}?"})],
    )
    with LoopbackServer() as server:
        rewrite_candidates(
            folder,
            [earlier_round(tmp_path / "1", [("sums/0", RIGHT)])],
            twice,
            round=2,
            seed=0,
            machine=Machine(teacher=Endpoints(base_urls=[server.base_url])),
            store=tmp_path / "store.sqlite",
            out_dir=tmp_path / "r-1",
            key="k",
        )
        (body,) = server.bodies
    text = "x" * 40
    assert body["messages"][-1]["content"] == f"{text}|What is {{response}}?|{text}"


def test_other_settings_for_an_unfinished_rewriting_are_refused(tmp_path: Path) -> None:
    warmer = REWRITE.model_copy(update={"sampling": Sampling(temperature=0.5, max_tokens=50)})
    with LoopbackServer() as server:
        run(tmp_path, server.base_url, [("sums/0", RIGHT)])
        with pytest.raises(TeacherError, match=r"sampling.temperature: begun with 0.0, now 0.5"):
            run(tmp_path, server.base_url, [("sums/0", RIGHT)], warmer, out="r-2")
        other = REWRITE.model_copy(update={"template": "{response} {statement}"})
        with pytest.raises(TeacherError, match=r"rewrite.template: begun with"):
            run(tmp_path, server.base_url, [("sums/0", RIGHT)], other, out="r-2")


def test_an_unfinished_rewriting_does_not_refuse_one_more_round_of_drawing(tmp_path: Path) -> None:
    with LoopbackServer() as server:
        run(tmp_path, server.base_url, [("sums/0", RIGHT)])
        result = generate_candidates(
            tmp_path / "problems",
            [(tmp_path / "1" / "generate", tmp_path / "1" / "grade")],
            Generate(teacher=REWRITE.teacher, max_rounds=2, accepted_wanted=2),
            round=2,
            seed=0,
            machine=Machine(teacher=Endpoints(base_urls=[server.base_url])),
            store=tmp_path / "store.sqlite",
            out_dir=tmp_path / "r-2",
            key="k",
        )
    assert result.ledger.rows_out > 0


def test_a_form_that_cannot_be_written_is_a_drop_and_is_not_asked_for_again(tmp_path: Path) -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        if "2 + 2" in body["messages"][-1]["content"]:
            return web.Response(status=400, text="maximum context length is 8 tokens")
        return None

    statuses = [("sums/0", RIGHT), ("sums/2", RIGHT)]
    with LoopbackServer(trouble) as server:
        first = run(tmp_path, server.base_url, statuses)
    again = run(tmp_path, "http://127.0.0.1:9/v1", statuses)
    assert first.ledger.drops == again.ledger.drops == {"overlong_prompt": 1}
    assert first.parts == again.parts
