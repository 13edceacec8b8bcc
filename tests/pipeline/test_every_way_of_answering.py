"""One recipe with every way of answering, against real servers on loopback: two teachers, a model
that rewrites, a judge, votes, conversations passed through; then one dataset that adds up."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from factory.parts import read_manifest, read_parts
from schemas.arrow import CANDIDATE
from tests.pipeline.conftest import Place
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.grade.judge_server import CORRECT, INCORRECT, JudgeServer, Shown

RECIPE = """
name = "every-way"
seed = 1

[[collect.sources]]
name = "sums"
kind = "file"
path = "${RETORT_DATA}/sums.jsonl"
license = "MIT"
domain = "math"
grader = "math"

[[collect.sources]]
name = "unsolved"
kind = "file"
path = "${RETORT_DATA}/unsolved.jsonl"
license = "MIT"
domain = "math"
grader = "majority"
columns = { gold = "" }

[[collect.sources]]
name = "facts"
kind = "file"
path = "${RETORT_DATA}/facts.jsonl"
license = "MIT"
domain = "general"
grader = "judge"
reasoning = "auto"

[[collect.sources]]
name = "chats"
kind = "sft"
path = "${RETORT_DATA}/chats.jsonl"
license = "MIT"
model = "someone"

[generate]
round_sizes = [4, 4]
max_rounds = 2
accepted_wanted = 3
give_up_after = 8
[generate.quota]
math = 39
[generate.teacher]
engine = "openai"
model = "tiny"
revision = "1"
[generate.rest]
sampling = { temperature = 0.5 }
[generate.rest.teacher]
engine = "openai"
model = "tiny"
revision = "2"

[rewrite]
template = "Shorter, please. {statement} {response}"
domains = ["math"]
[rewrite.teacher]
engine = "openai"
model = "tiny"
revision = "3"

[grade.judge]
model = "judge-model"
revision = "1"
labels = "${RETORT_DATA}/labels.jsonl"

[shard]
name = "every-way"
version = "1.0.0"
"""
NOT_KNOWN = 30
"""Sums of these and above the teacher gets wrong, whatever it is asked."""


def numbers(messages: list[dict[str, str]]) -> tuple[int, int]:
    found = re.search(r"What is (\d+) \+ (\d+)\?", messages[-1]["content"])
    assert found, messages
    return int(found[1]), int(found[2])


def chat(*texts: str) -> web.Response:
    choices = [
        {"index": index, "message": {"content": text}, "finish_reason": "stop"}
        for index, text in enumerate(texts)
    ]
    return web.json_response(
        {"choices": choices, "usage": {"prompt_tokens": 5, "completion_tokens": 7 * len(texts)}}
    )


def teacher(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
    """Right three times in four, by seed; never right on large sums."""
    one, two = numbers(body["messages"])
    right = one < NOT_KNOWN and body["seed"] % 4 != 0
    total = one + two + (0 if right else 1)
    trace = f"{one} and {two}, asked with {body['seed']}"
    return chat(f"<think>\n{trace} make {total}.\n</think>\n\n\\boxed{{{total}}}")


def other(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
    """Answers facts, good ones on even seeds."""
    said = "Paris" if body["seed"] % 2 == 0 else "I do not know"
    return chat(f"{said}, says {body['seed']}.")


def rewriter(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
    one, two = numbers(body["messages"])
    return chat(f"<think>\nRewritten {body['seed']}.\n</think>\n\n\\boxed{{{one + two}}}")


def judge(shown: Shown, times: int) -> str:
    return CORRECT if "Paris" in shown.answer else INCORRECT


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def world(shared_place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """A place in which the recipe was run to its end; servers by role."""
    place = shared_place
    place.folder.mkdir(exist_ok=True)
    data = place.folder / "data"
    data.mkdir()
    sums = [*range(1, 9), *range(NOT_KNOWN, NOT_KNOWN + 2)]
    lines(
        data / "sums.jsonl",
        [{"problem_id": n, "problem": f"What is {n} + 1?", "gold": str(n + 1)} for n in sums],
    )
    lines(
        data / "unsolved.jsonl",
        [{"problem_id": n, "problem": f"What is {n} + 2?"} for n in range(1, 4)],
    )
    facts = ["What is the capital of France?", "Name the capital of France."]
    lines(
        data / "facts.jsonl",
        [{"problem_id": n, "problem": fact, "gold": "Paris"} for n, fact in enumerate(facts)],
    )
    turns = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Hi, you."}]
    lines(data / "chats.jsonl", [{"messages": turns}])
    labels = [("Paris.", True), ("Rome.", False), ("The city of Paris.", False)]
    lines(
        data / "labels.jsonl",
        [
            {"id": f"l{n}", "problem": facts[0], "gold": "Paris", "answer": said, "label": label}
            for n, (said, label) in enumerate(labels)
        ],
    )
    (place.folder / "every-way.toml").write_text(RECIPE)
    place.environment["RETORT_DATA"] = str(data)
    with ExitStack() as stack:
        servers: dict[str, Any] = {
            "teacher": stack.enter_context(LoopbackServer(teacher)),
            "rest.teacher": stack.enter_context(LoopbackServer(other)),
            "rewrite.teacher": stack.enter_context(LoopbackServer(rewriter)),
            "judge": stack.enter_context(JudgeServer(judge)),
        }
        with open(place.machine, "a") as machine:
            for role, server in servers.items():
                machine.write(f'\n[{role}]\nbase_urls = ["{server.base_url}"]\n')
                machine.write("completion_price = 1_000_000.0\n")
        place.finish("BuildDataset", str(place.folder / "every-way.toml"))
        yield place, servers


def published(place: Place) -> list[dict[str, Any]]:
    folder = Path(place.summary()["dataset"]["path"])
    return [
        row for file in folder.glob("data/*.parquet") for row in pq.read_table(file).to_pylist()
    ]


def test_it_all_becomes_one_dataset_whose_ledger_adds_up(
    world: tuple[Place, dict[str, Any]],
) -> None:
    place, servers = world
    output = place.log.read_text()
    ledger = {one["stage"]: one for one in place.summary()["ledger"]}
    for one in ledger.values():
        assert one["rows_in"] == one["rows_out"] + sum(one["drops"].values())
    assert ledger["generate"]["rows_out"] == ledger["grade"]["rows_in"]
    assert ledger["select"]["drops"]["rewritten"] > 0

    rows = published(place)
    families = Counter(row["source"] for row in rows)
    assert set(families) == {"sums", "unsolved", "facts", "chats"}
    for row in rows:
        answer, evidence = row["messages"][-1]["content"], json.loads(row["verification_info"])
        match row["source"]:
            case "sums" | "unsolved":
                assert answer.startswith("<think>\nRewritten")
                assert row["generation_model"] == "tiny@3"
                assert "Shorter" not in row["messages"][0]["content"]
            case "facts":
                assert "Paris" in answer and row["generation_model"] == "tiny@2"
                assert evidence["method"] == "judge"
            case _:
                assert [one["content"] for one in row["messages"]] == ["Hello!", "Hi, you."]
                assert row["generation_model"] == "someone"
        if row["source"] == "unsolved":
            assert row["answer"] == str(int(row["problem_id"].split("/")[1]) + 2)
            assert evidence["gold"] == "majority" and 0.7 <= evidence["agreement"] <= 1

    # Nothing above what the teacher knows got through, and it was given up.
    assert not any(
        int(row["problem_id"].split("/")[1]) >= NOT_KNOWN for row in rows if row["source"] == "sums"
    )
    (select,) = place.artifacts("select")
    assert read_manifest(select).figures["states"]["given_up"] == 2
    # The judge's agreement with labels stands in the card, and the cost at the end of the run.
    card = (Path(place.summary()["dataset"]["path"]) / "README.md").read_text()
    assert "## The judge" in card and "judge-model" in card
    assert "accept" in output
    judged = sum(
        read_manifest(one).figures.get("spent", {}).get("tokens", 0)
        for one in place.artifacts("grade")
    )
    assert judged >= 5 * len(servers["judge"].bodies) - 5 * 3, (
        "labels are asked beside the stage's own"
    )
    assert {body["temperature"] for body in servers["rest.teacher"].bodies} == {0.5}


def test_every_candidate_that_was_asked_for_exists_once(
    world: tuple[Place, dict[str, Any]],
) -> None:
    place, servers = world
    rows = [
        row
        for folder in place.artifacts("generate")
        for row in read_parts(folder, "candidates", CANDIDATE).to_pylist()
    ]
    assert len({row["candidate_id"] for row in rows}) == len(rows)
    drawn = [row for row in rows if row["engine"] != "given"]
    asked = sum(len(servers[role].bodies) for role in servers if role != "judge")
    assert len(drawn) == asked
    originals = {row["candidate_id"] for row in rows if row["rewrites"] is None}
    assert {row["rewrites"] for row in rows} - {None} <= originals


def test_asked_again_with_another_filter_nobody_answers_twice(
    world: tuple[Place, dict[str, Any]],
) -> None:
    place, servers = world
    recipe = place.folder / "every-way.toml"
    asked = {role: len(server.bodies) for role, server in servers.items()}
    assert all(asked.values())
    recipe.write_text(
        RECIPE.replace('version = "1.0.0"', 'version = "1.0.1"') + "[select]\nper_problem = 1\n"
    )
    place.finish("BuildDataset", str(recipe))
    assert {role: len(server.bodies) for role, server in servers.items()} == asked
    per_problem = Counter(row["problem_id"] for row in published(place))
    assert set(per_problem.values()) == {1}
