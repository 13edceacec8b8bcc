"""The client against a real server on loopback that misbehaves."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiohttp import web

from factory.errors import TeacherError
from factory.generate.client import Ask, Client, Limits, Reply, timeout_for
from factory.generate.suspects import GUILTY_DEATHS
from factory.generate.vllm_server import RESTARTS
from schemas.candidate import FinishReason
from schemas.machine import Endpoints
from schemas.sample import Drop
from tests.unit.generate.loopback_server import (
    DIES,
    Fleet,
    HalfBody,
    LoopbackServer,
    Trouble,
    good,
    hang_up,
)

LIMITS = Limits(in_flight=4, timeout_s=5.0, retries=2, give_up_after_s=1.0)


def ask(
    urls: Sequence[str] | Callable[[], Sequence[str]],
    count: int = 1,
    *,
    limits: Limits = LIMITS,
    n: int = 1,
    path: str = "/completions",
    key: str | None = None,
    max_tokens: int = 64,
    answered: Callable[[int], None] = lambda number: None,
    known: bool = False,
) -> list[Reply]:
    replies: list[Reply] = []

    async def done(reply: Reply) -> None:
        replies.append(reply)

    prompt: dict[str, Any] = {"messages": []} if "chat" in path else {"prompt": "hello", "n": n}
    prompt["max_tokens"] = max_tokens
    asks = (Ask({**prompt, "seed": 100 * number}, n, number) for number in range(count))
    where = urls if callable(urls) else lambda: urls
    client = Client(where, path, "tiny", limits, key=key, answered=answered, known=known)
    asyncio.run(client.run(asks, done))
    return sorted(replies, key=lambda reply: reply.ask.tag)


def once(answer: Callable[[web.Request], web.StreamResponse]) -> Trouble:
    """Trouble at the first request with a seed, none after it."""
    return lambda request, body, times: answer(request) if times == 1 else None


def status(code: int, text: str = "no") -> Callable[[web.Request], web.StreamResponse]:
    return lambda request: web.Response(status=code, text=text)


def test_each_completion_of_a_group_comes_back_in_its_place() -> None:
    with LoopbackServer() as server:
        (reply,) = ask([server.base_url], n=8)
    assert [text.text for text in reply.texts] == [f"seed {number}" for number in range(8)]
    assert {text.completion_tokens for text in reply.texts} == {3}
    assert {text.finish_reason for text in reply.texts} == {FinishReason.STOP}


@pytest.mark.parametrize(
    "answer",
    [
        status(429),
        status(500),
        status(503),
        status(422),
        lambda request: web.Response(body=b'{"choices": [{"index": 0, "text": "\xff"}]}'),
        lambda request: web.Response(text="<html>gateway</html>"),
        lambda request: web.json_response({"choices": []}),
        lambda request: web.json_response({"choices": [{"index": 0, "finish_reason": "stop"}]}),
        hang_up,
        lambda request: HalfBody(),
    ],
    ids=[
        *("429", "500", "503", "422", "not UTF-8", "html", "no choices", "no text", "hang-up"),
        "half body",
    ],
)
def test_trouble_that_passes_loses_nothing(
    answer: Callable[[web.Request], web.StreamResponse],
) -> None:
    with LoopbackServer(once(answer)) as server:
        replies = ask([server.base_url], 5)
        assert len(server.bodies) == 10
    assert [reply.texts[0].text for reply in replies] == [f"seed {100 * n}" for n in range(5)]


def test_a_request_that_always_fails_is_reported_and_the_others_are_answered() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        return web.Response(status=500, text="boom") if body["seed"] == 100 else None

    with LoopbackServer(trouble) as server:
        replies = ask([server.base_url], 3)
        assert sum(body["seed"] == 100 for body in server.bodies) == LIMITS.retries + 1
    assert [reply.failure is None for reply in replies] == [True, False, True]
    assert replies[1].failure is not None
    assert replies[1].failure[0] is Drop.FAILED
    assert "boom" in replies[1].failure[1]


def test_an_overlong_prompt_is_not_asked_twice() -> None:
    answer = status(400, "This model's maximum context length is 512 tokens.")
    with LoopbackServer(lambda request, body, times: answer(request)) as server:
        (reply,) = ask([server.base_url])
        assert len(server.bodies) == 1
    assert reply.failure is not None
    assert reply.failure[0] is Drop.OVERLONG_PROMPT


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_stops_the_work_at_once(code: int) -> None:
    begun = time.monotonic()
    with (
        LoopbackServer(lambda request, body, times: status(code)(request)) as server,
        pytest.raises(TeacherError, match=f"HTTP {code}"),
    ):
        ask([server.base_url], 1000)
    assert time.monotonic() - begun < 5


def test_an_error_message_never_holds_the_key_or_a_password() -> None:
    with LoopbackServer(key="right") as server, pytest.raises(TeacherError) as caught:
        url = server.base_url.replace("http://", "http://me:hidden@")
        ask([url], key="wrong-secret")
    assert "wrong-secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("code", [400, 401, 500])
@pytest.mark.parametrize("key", ["wrong-secret", None])
def test_a_server_that_repeats_the_key_or_a_password_does_not_make_us_write_it(
    code: int, key: str | None
) -> None:
    def repeats(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        sent = request.headers["Authorization"]
        return web.Response(status=code, text=f"not with {sent} or hidden-password")

    with LoopbackServer(repeats) as server:
        url = server.base_url.replace("http://", "http://me:hidden-password@")
        try:
            ((_, found),) = [one.failure or ("", "") for one in ask([url], key=key)]
        except TeacherError as error:
            found = str(error)
    assert "not with" in found
    assert "***" in found
    assert "wrong-secret" not in found
    assert "bWU6aGlkZGVu" not in found  # as base64 has it
    assert key or "hidden-password" not in found


def test_requests_in_flight_stay_bounded() -> None:
    with LoopbackServer(latency_s=0.02) as server:
        ask([server.base_url], 40)
        assert 1 < server.most_in_flight <= LIMITS.in_flight


def test_two_servers_share_the_work_and_a_dead_third_costs_nothing() -> None:
    dead = f"http://127.0.0.1:{closed_port()}/v1"
    with LoopbackServer(latency_s=0.02) as one, LoopbackServer(latency_s=0.02) as two:
        replies = ask([one.base_url, dead, two.base_url], 60)
        assert min(len(one.bodies), len(two.bodies)) >= 15
    assert all(reply.failure is None for reply in replies)


def test_servers_that_stay_away_are_an_error() -> None:
    url = f"http://127.0.0.1:{closed_port()}/v1"
    with pytest.raises(TeacherError, match="none could be reached"):
        ask([url], 3)


def test_a_server_that_only_fails_is_an_error() -> None:
    limits = Limits(in_flight=16, timeout_s=5.0, retries=0, give_up_after_s=5.0)
    with (
        LoopbackServer(lambda request, body, times: status(500)(request)) as server,
        pytest.raises(TeacherError, match="in a row failed"),
    ):
        ask([server.base_url], 500, limits=limits)


def test_reasoning_that_a_chat_server_splits_off_is_put_back_inline() -> None:
    with LoopbackServer() as server:
        (reply,) = ask([server.base_url], path="/chat/completions")
    assert reply.texts[0].text == "<think>\nso be it\n</think>\n\nseed 0"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ----------------------------------------------------------------- timeouts, rests and patience


def test_the_time_for_a_request_grows_with_what_it_may_write() -> None:
    assert timeout_for(Endpoints(), 32_768) == 300 + 16_384
    assert timeout_for(Endpoints(request_timeout_s=7), 32_768) == 7


def test_a_server_that_accepts_and_never_answers_is_given_up_in_bounded_time() -> None:
    limits = Limits(in_flight=4, timeout_s=0.3, retries=1, give_up_after_s=5.0)
    begun = time.monotonic()
    with LoopbackServer(latency_s=30.0) as server:
        (reply,) = ask([server.base_url], limits=limits)
    assert reply.failure is not None
    assert "Timeout" in reply.failure[1]
    assert time.monotonic() - begun < 5


def test_the_pause_that_a_server_asks_for_is_made_and_no_longer() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        return web.Response(status=429, headers={"Retry-After": "1"}) if times == 1 else None

    begun = time.monotonic()
    with LoopbackServer(trouble) as server:
        replies = ask([server.base_url], 4)
    assert 1.0 <= time.monotonic() - begun < 5
    assert all(reply.failure is None for reply in replies)


def test_a_server_that_is_busy_for_long_is_an_error_and_no_data() -> None:
    limits = Limits(in_flight=4, timeout_s=1.0, retries=2, give_up_after_s=5.0)
    with (
        LoopbackServer(lambda request, body, times: status(429)(request)) as server,
        pytest.raises(TeacherError, match="it is busy"),
    ):
        ask([server.base_url], 3, limits=limits)


def test_a_request_that_alone_is_told_to_wait_fails_as_data() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        return web.Response(status=429, text="too large") if body["seed"] == 0 else None

    limits = Limits(in_flight=2, timeout_s=1.0, retries=2, give_up_after_s=5.0)
    with LoopbackServer(trouble, latency_s=0.05) as server:
        replies = ask([server.base_url], 40, limits=limits)
    assert [reply.ask.tag for reply in replies if reply.failure] == [0]


# ------------------------------------------------------------------------------- who is asked next


def test_one_server_that_fails_at_once_does_not_draw_the_requests_to_itself() -> None:
    limits = Limits(in_flight=4, timeout_s=5.0, retries=2, give_up_after_s=5.0)
    with (
        LoopbackServer(lambda request, body, times: status(500)(request)) as bad,
        LoopbackServer(latency_s=0.02) as well,
    ):
        replies = ask([bad.base_url, well.base_url], 100, limits=limits)
        assert len(bad.bodies) < 20
    assert all(reply.failure is None for reply in replies)


def test_no_more_asks_exist_than_may_be_in_flight() -> None:
    made = finished = most = 0

    def asks() -> Any:
        nonlocal made, most
        for number in range(200):
            made += 1
            most = max(most, made - finished)
            yield Ask({"prompt": "", "n": 1, "seed": number}, 1, number)

    async def done(reply: Reply) -> None:
        nonlocal finished
        finished += 1

    with LoopbackServer() as server:
        client = Client(lambda: [server.base_url], "/completions", "tiny", LIMITS)
        asyncio.run(client.run(asks(), done))
    assert finished == 200
    assert most <= LIMITS.in_flight


def test_a_server_that_died_costs_no_attempt_and_gets_work_again_when_it_is_back() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        nonlocal asked
        asked += 1
        return DIES if asked in (30, 90, 150) else None

    asked = 0
    limits = Limits(in_flight=4, timeout_s=5.0, retries=0, give_up_after_s=5.0)
    with Fleet(2, trouble, latency_s=0.02, away_s=0.3) as fleet:
        replies = ask(fleet.urls, 400, limits=limits, answered=fleet.answered.append)
        assert fleet.deaths == 3
        late = {reply.server for reply in replies[-40:]}
        assert late == set(fleet.urls())
    assert [reply.ask.tag for reply in replies] == list(range(400))
    assert all(reply.failure is None for reply in replies)
    assert len(fleet.answered) == 400


def test_a_server_that_says_that_its_engine_died_is_given_the_time_to_go() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        nonlocal asked
        asked += 1
        if 10 <= asked < 15:
            return web.Response(status=500, text="EngineCore encountered an issue.")
        return DIES if asked == 15 else None

    asked = 0
    limits = Limits(in_flight=6, timeout_s=5.0, retries=0, give_up_after_s=5.0)
    with Fleet(1, trouble, latency_s=0.05, away_s=0.2) as fleet:
        replies = ask(fleet.urls, 40, limits=limits)
        assert fleet.deaths == 1
    assert all(reply.failure is None for reply in replies)


@pytest.mark.parametrize("servers", [1, 2])
def test_a_prompt_that_kills_its_server_fails_alone(servers: int) -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        return DIES if body["seed"] == 500 else None

    limits = Limits(in_flight=8, timeout_s=5.0, retries=0, give_up_after_s=10.0)
    with Fleet(servers, trouble, latency_s=0.05, away_s=0.2) as fleet:
        replies = ask(fleet.urls, 60, limits=limits)
        assert fleet.deaths == GUILTY_DEATHS
    assert [reply.ask.tag for reply in replies if reply.failure] == [5]
    assert replies[5].failure is not None
    assert f"in flight at {GUILTY_DEATHS} deaths" in replies[5].failure[1]


def test_a_server_that_every_prompt_kills_is_an_error() -> None:
    limits = Limits(in_flight=2, timeout_s=5.0, retries=0, give_up_after_s=10.0)
    with (
        Fleet(1, lambda request, body, times: DIES, latency_s=0.0, away_s=0.02) as fleet,
        pytest.raises(TeacherError, match="requests in a row failed"),
    ):
        ask(fleet.urls, 20, limits=limits)


def test_bad_prompts_that_are_left_over_are_data_where_the_server_is_known_to_answer() -> None:
    limits = Limits(in_flight=2, timeout_s=5.0, retries=0, give_up_after_s=10.0)
    with Fleet(1, lambda request, body, times: DIES, latency_s=0.0, away_s=0.02) as fleet:
        replies = ask(fleet.urls, 4, limits=limits, known=True)
    assert [reply.failure is not None for reply in replies] == [True] * 4


def test_our_own_servers_are_restarted_until_a_guilty_prompt_is_found() -> None:
    assert RESTARTS >= GUILTY_DEATHS


def test_a_connection_that_breaks_once_costs_no_attempt() -> None:
    limits = Limits(in_flight=4, timeout_s=5.0, retries=0, give_up_after_s=5.0)
    with LoopbackServer(once(hang_up)) as server:
        replies = ask([server.base_url], 10, limits=limits)
    assert all(reply.failure is None for reply in replies)


# ------------------------------------------------------------------ prompt, answer and the context


def context_of(tokens: int, prompt: int, says: str) -> Trouble:
    """A server with a context that refuses what does not fit, in its own words."""

    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        asked = body["max_tokens"]
        if prompt + asked <= tokens:
            return None
        at_least = tokens - asked + 1
        words = says.format(W=tokens, P=prompt, C=asked, T=prompt + asked, L=at_least)
        return web.json_response({"error": {"message": words, "code": 400}}, status=400)

    return trouble


VLLM_OLD = (
    "'max_tokens' or 'max_completion_tokens' is too large: {C}. This model's maximum context "
    "length is {W} tokens and your request has {P} input tokens ({C} > {W} - {P})."
)
VLLM_AT_LEAST = (
    "This model's maximum context length is {W} tokens. However, you requested {C} output tokens "
    "and your prompt contains at least {L} input tokens, for a total of at least {W} tokens."
)
OPENAI = (
    "This model's maximum context length is {W} tokens. However, you requested {T} tokens ({P} in "
    "the messages, {C} in the completion). Please reduce the length of the messages or completion."
)


@pytest.mark.parametrize("words", [VLLM_OLD, VLLM_AT_LEAST, OPENAI])
def test_a_prompt_that_fits_is_asked_for_as_many_tokens_as_the_context_leaves(words: str) -> None:
    with LoopbackServer(context_of(4096, 7, words)) as server:
        (reply,) = ask([server.base_url], max_tokens=4096)
        assert server.bodies[-1]["max_tokens"] == 4096 - 7
    assert reply.failure is None
    assert reply.ask.body["max_tokens"] == 4096


def test_more_tokens_than_the_whole_context_are_a_setting_to_be_changed() -> None:
    with (
        LoopbackServer(context_of(4096, 7, OPENAI)) as server,
        pytest.raises(TeacherError, match="lower max_tokens from 8192"),
    ):
        ask([server.base_url], 100, max_tokens=8192)


def test_a_server_that_knows_no_n_is_found_out_at_once() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        return web.json_response(good({**body, "n": 1}))

    with (
        LoopbackServer(trouble) as server,
        pytest.raises(TeacherError, match="candidates_per_request = 1"),
    ):
        ask([server.base_url], 50, n=8)


def test_a_redirect_is_not_followed_but_told() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        return web.Response(status=307, headers={"Location": "https://elsewhere.example/v1"})

    with (
        LoopbackServer(trouble) as server,
        pytest.raises(TeacherError, match="give the address where it points to"),
    ):
        ask([server.base_url], 50, key="secret")


def test_an_answer_that_a_filter_ended_fails_once_and_as_data() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response | None:
        answer = good(body)
        answer["choices"][0]["finish_reason"] = "content_filter"
        return web.json_response(answer) if body["seed"] == 100 else None

    with LoopbackServer(trouble) as server:
        replies = ask([server.base_url], 3)
        assert len(server.bodies) == 3
    assert [reply.failure and reply.failure[0] for reply in replies] == [None, Drop.FAILED, None]


def test_tokens_of_a_request_are_told_even_where_those_of_each_text_are_not() -> None:
    def trouble(request: web.Request, body: dict[str, Any], times: int) -> web.Response:
        answer = good(body)
        for choice in answer["choices"]:
            del choice["token_ids"]
        return web.json_response(answer)

    with LoopbackServer(trouble) as server:
        (reply,) = ask([server.base_url], n=4)
    assert (reply.prompt_tokens, reply.completion_tokens) == (7, 12)
    assert [text.completion_tokens for text in reply.texts] == [None] * 4
