"""How long a model thinks is forced, over real HTTP: the texts, the counts, the ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import RecipeError
from factory.generate.answerer import Answerer, answerers
from factory.generate.answers import Text
from factory.generate.asks import asks, seed_of
from factory.generate.budget import Written, after, fields
from factory.generate.client import Ask, Client, Limits, Reply
from factory.generate.identity import Completion, Failure, Identity, Outcome
from factory.generate.outcomes import taken
from factory.generate.plan import Question
from factory.models import Model, local_model
from schemas.candidate import FinishReason
from schemas.generate_settings import Generate, Sampling
from schemas.sample import Drop
from schemas.teacher_settings import OpenaiTeacher, VllmTeacher
from schemas.validate_settings import BudgetForcing
from tests.unit.generate.loopback_server import LoopbackServer
from tests.unit.generate.problems_artifact import problem
from tests.unit.generate.word_model import WordModel

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}{{ ' :<think>\\n' }}"
CAP = BudgetForcing(max_thinking_tokens=3)
WAITS = BudgetForcing(waits=2)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    return local_model(folder, "words")


def answerer(model: Model, budget: BudgetForcing | None, **sampling: Any) -> Answerer:
    teacher = VllmTeacher(engine="vllm", model="words", revision="1", max_model_len=1000)
    generate = Generate(
        teacher=teacher, sampling=Sampling.model_validate({"max_tokens": 100, **sampling})
    )
    return answerers(generate, 0, model, budget).reasoning


def question(by: Answerer, number: int, count: int) -> Question:
    rendered = by.render(problem(number))
    identities = [
        Identity(f"sums/{number}", index, by.identity, by.sampling_digest, rendered.digest)
        for index in range(count)
    ]
    return Question(by, rendered, identities, [one.candidate_id for one in identities], ("math",))


class Drawing:
    """What a round of requests came to."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.tokens = 0

    @property
    def completions(self) -> list[Completion]:
        said = [one for _, _, one in self.outcomes]
        return [one for one in said if isinstance(one, Completion)]

    @property
    def failures(self) -> list[Failure]:
        said = [one for _, _, one in self.outcomes]
        return [one for one in said if isinstance(one, Failure)]


def draw(url: str, questions: Iterator[Question], *, in_flight: int = 4) -> Drawing:
    drawing = Drawing()

    async def done(reply: Reply) -> list[Ask]:
        outcomes, further = taken(reply, "words")
        drawing.outcomes += outcomes
        drawing.tokens += reply.completion_tokens or 0
        return further

    client = Client(
        urls=lambda: [url],
        path="/completions",
        model="tiny",
        limits=Limits(in_flight=in_flight, timeout_s=10, retries=1, give_up_after_s=5),
    )
    asyncio.run(client.run(asks(questions, 8), done))
    return drawing


def served(words: WordModel) -> LoopbackServer:
    return LoopbackServer(lambda request, body, times: web.json_response(words.answered(body)))


def one(
    model: Model, budget: BudgetForcing | None, words: WordModel | None = None, **sampling: Any
) -> tuple[Completion, list[dict[str, Any]], Drawing]:
    by = answerer(model, budget, **sampling)
    with served(words or WordModel()) as server:
        drawing = draw(server.base_url, iter([question(by, 0, 1)]))
        bodies = server.bodies
    (completion,) = drawing.completions
    return completion, bodies, drawing


def test_without_a_budget_one_request_is_the_whole_candidate(model: Model) -> None:
    completion, bodies, _ = one(model, None)
    assert completion.text == "<think>\n t0 t1 t2 t3</think> a0 a1"
    assert (len(bodies), completion.completion_tokens) == (1, 7)
    assert "stop" not in bodies[0]


def test_thinking_that_reaches_its_cap_is_closed_and_the_answer_follows(model: Model) -> None:
    completion, bodies, drawing = one(model, CAP)
    assert completion.text == "<think>\n t0 t1 t2\n</think>\n\n a0 a1"
    assert completion.finish_reason is FinishReason.STOP
    assert completion.completion_tokens == 5, "what was forced is not counted"
    assert drawing.tokens == 5
    assert [body["max_tokens"] for body in bodies] == [3, 97]
    assert bodies[1]["prompt"] == bodies[0]["prompt"] + " t0 t1 t2\n</think>\n\n"
    assert completion.prompt_tokens == len(bodies[0]["prompt"].split())


def test_thinking_that_ends_within_its_cap_is_left_alone(model: Model) -> None:
    completion, bodies, _ = one(model, BudgetForcing(max_thinking_tokens=6))
    assert completion.text == "<think>\n t0 t1 t2 t3</think> a0 a1"
    assert [body["max_tokens"] for body in bodies] == [6, 94], "only its answer went on"


def test_the_end_of_thinking_gives_way_to_a_wait_so_many_times(model: Model) -> None:
    completion, bodies, _ = one(model, WAITS)
    thought = " t0 t1 t2 t3"
    assert completion.text == f"<think>\n{thought}Wait{thought}Wait{thought}</think> a0 a1"
    assert completion.completion_tokens == 3 * 5 + 2, "ends that were left out are counted"
    assert [body.get("stop") for body in bodies] == [["</think>"], ["</think>"], None]


def test_waits_end_at_the_cap(model: Model) -> None:
    both = BudgetForcing(max_thinking_tokens=7, waits=9, wait="\nWait,", closing="</think>")
    completion, _, _ = one(model, both)
    assert completion.text == "<think>\n t0 t1 t2 t3\nWait, t1 t2</think> a0 a1"
    exact = BudgetForcing(max_thinking_tokens=5, waits=9)
    completion, _, _ = one(model, exact)
    assert completion.text == "<think>\n t0 t1 t2 t3</think> a0 a1", "closed as it closed itself"


def test_a_candidate_ends_where_its_tokens_do(model: Model) -> None:
    completion, bodies, _ = one(model, WAITS, max_tokens=8)
    assert completion.text == "<think>\n t0 t1 t2 t3Wait t0 t1 t2"
    assert completion.finish_reason is FinishReason.LENGTH
    assert completion.completion_tokens == sum([5, 3])
    assert [body["max_tokens"] for body in bodies] == [8, 3]
    completion, _, _ = one(model, CAP, max_tokens=3)
    assert completion.text == "<think>\n t0 t1 t2", "no closing without an answer"
    completion, _, _ = one(model, CAP, max_tokens=4)
    assert completion.text.endswith("</think>\n\n a0")
    assert completion.finish_reason is FinishReason.LENGTH


def test_a_candidate_that_fills_the_context_is_cut_there(model: Model) -> None:
    prompt = len(answerer(model, WAITS).render(problem(0)).text.split())
    cut, bodies, _ = one(model, WAITS, WordModel(context=prompt + 7))
    assert cut.text == "<think>\n t0 t1 t2 t3Wait t0 t1 t2"
    assert (cut.finish_reason, len(bodies)) == (FinishReason.LENGTH, 2)


def test_one_that_no_longer_fits_beside_what_was_forced_is_cut_too(model: Model) -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        if "Wait" in body["prompt"]:
            return web.Response(status=400, text="maximum context length is 8 tokens")
        return web.json_response(WordModel().answered(body))

    with LoopbackServer(trouble) as server:
        drawing = draw(server.base_url, iter([question(answerer(model, WAITS), 0, 1)]))
    (cut,) = drawing.completions
    assert cut.text == "<think>\n t0 t1 t2 t3Wait"
    assert (cut.finish_reason, cut.completion_tokens) == (FinishReason.LENGTH, 5)


def test_a_prompt_that_never_fitted_is_no_candidate(model: Model) -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        return web.Response(status=400, text="maximum context length is 8 tokens")

    with LoopbackServer(trouble) as server:
        drawing = draw(server.base_url, iter([question(answerer(model, WAITS), 0, 3)]))
    assert [one.reason for one in drawing.failures] == [Drop.OVERLONG_PROMPT] * 3


def test_a_candidate_that_fails_on_its_way_leaves_its_siblings_alone(model: Model) -> None:
    by = answerer(model, CAP)
    asked = question(by, 0, 8)
    bad: list[int] = []

    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        if "</think>" in body["prompt"] and (not bad or body["seed"] in bad):
            bad.append(body["seed"])
            return web.Response(status=500, text="boom")
        return web.json_response(WordModel().answered(body))

    with LoopbackServer(trouble) as server:
        drawing = draw(server.base_url, iter([asked]))
    assert (len(drawing.completions), len(drawing.failures)) == (7, 1)
    assert "boom" in drawing.failures[0].detail
    assert len({one for one, _, _ in drawing.outcomes}) == 8
    assert len(bad) == 2, "asked again before it failed"


def test_each_step_has_a_seed_of_its_own_that_is_the_same_when_it_is_drawn_again(
    model: Model,
) -> None:
    by = answerer(model, CAP)
    seeds: list[list[int]] = []
    for _ in range(2):
        with served(WordModel()) as server:
            drawing = draw(server.base_url, iter([question(by, 0, 8), question(by, 1, 8)]))
            seeds.append(sorted(body["seed"] for body in server.bodies))
        for _, identity, said in drawing.outcomes:
            assert isinstance(said, Completion)
            assert said.seed == seed_of(identity)
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 2 + 16


def test_what_follows_is_asked_before_anything_new_and_no_more_at_a_time(model: Model) -> None:
    by = answerer(model, WAITS)
    taken_by_then: list[int] = []
    made = 0

    def questions() -> Iterator[Question]:
        nonlocal made
        for number in range(12):
            made += 1
            yield question(by, number, 2)

    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        if "Wait" in body["prompt"]:
            taken_by_then.append(made)
        return web.json_response(WordModel().answered(body))

    with LoopbackServer(trouble, latency_s=0.002) as server:
        drawing = draw(server.base_url, questions(), in_flight=2)
        assert server.most_in_flight == 2
    assert len(drawing.completions) == 24
    assert len(taken_by_then) == 48
    assert all(begun <= number // 4 + 3 for number, begun in enumerate(taken_by_then))


def test_what_is_no_thought_is_only_drawn_in_pieces(model: Model) -> None:
    by = answerer(model, BudgetForcing(max_thinking_tokens=3, waits=1))
    plain = by.render(problem(0))
    bare = Question(
        by,
        plain.__class__(plain.messages, "sum :", "", plain.digest),
        *question(by, 0, 1)[2:],
    )
    with served(WordModel(thinks=False, answer=7)) as server:
        drawing = draw(server.base_url, iter([bare]))
    (completion,) = drawing.completions
    assert completion.text == " a0 a1 a2 a3 a4 a5 a6"
    assert completion.finish_reason is FinishReason.STOP


def test_problems_without_reasoning_are_not_forced(model: Model) -> None:
    teacher = VllmTeacher(engine="vllm", model="words", revision="1", max_model_len=1000)
    both = answerers(Generate(teacher=teacher), 0, model, CAP)
    assert (both.reasoning.budget, both.rest.budget) == (CAP, None)
    unforced = answerers(Generate(teacher=teacher), 0, model)
    assert both.reasoning.sampling_digest != unforced.reasoning.sampling_digest
    assert both.rest.sampling_digest == unforced.rest.sampling_digest


def test_a_chat_endpoint_cannot_be_forced() -> None:
    teacher = OpenaiTeacher(engine="openai", model="tiny", revision="1")
    with pytest.raises(RecipeError, match="expected engine `vllm`, found `openai`"):
        answerers(Generate(teacher=teacher), 0, None, CAP)


@given(
    thought=st.integers(0, 12),
    answer=st.integers(0, 6),
    cap=st.none() | st.integers(1, 20),
    waits=st.integers(0, 4),
    max_tokens=st.integers(1, 60),
    context=st.integers(2, 60),
)
def test_whatever_is_forced_the_counts_hold(
    thought: int, answer: int, cap: int | None, waits: int, max_tokens: int, context: int
) -> None:
    words = WordModel(thought, answer, context)
    budget = BudgetForcing(max_thinking_tokens=cap, waits=waits) if cap or waits else CAP
    written, prompt, drawn = Written(""), "p <think>\n", 0
    while written.end is None:
        asked = fields(written, budget, max_tokens)
        assert asked["max_tokens"] > 0
        said = words.complete(prompt + written.text, asked["max_tokens"], asked.get("stop", []))
        count = len(said["token_ids"])
        end = FinishReason(said["finish_reason"])
        text = Text(said["text"], end, None, count, said["stop_reason"])
        thinking = written.thinks
        written = after(written, text, count, budget, max_tokens, "<think>\n")
        drawn += count
        if thinking and budget.max_thinking_tokens is not None:
            assert written.tokens <= budget.max_thinking_tokens
    assert written.tokens == drawn <= max_tokens
    assert written.text.count("Wait") == written.waits <= budget.waits
    assert written.text.count("</think>") <= 1
    assert written.requests <= budget.waits + 2
    if written.end is FinishReason.STOP:
        assert written.text.partition("</think>")[2].split() == [f"a{n}" for n in range(answer)]
