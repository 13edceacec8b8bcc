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
from factory.generate.client import Ask, Client, Limits, Reply
from schemas.candidate import FinishReason
from schemas.sample import Drop
from tests.unit.generate.loopback_server import HalfBody, LoopbackServer, Trouble, hang_up

LIMITS = Limits(in_flight=4, timeout_s=5.0, retries=2, give_up_after_s=1.0)


def ask(
    urls: Sequence[str],
    count: int = 1,
    *,
    limits: Limits = LIMITS,
    n: int = 1,
    path: str = "/completions",
    key: str | None = None,
) -> list[Reply]:
    replies: list[Reply] = []

    async def done(reply: Reply) -> None:
        replies.append(reply)

    prompt: dict[str, Any] = {"messages": []} if "chat" in path else {"prompt": "hello", "n": n}
    asks = (Ask({**prompt, "seed": 100 * number}, n, number) for number in range(count))
    client = Client(lambda: urls, path, "tiny", limits, key=key)
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
        lambda request: web.Response(text="<html>gateway</html>"),
        lambda request: web.json_response({"choices": []}),
        lambda request: web.json_response({"choices": [{"index": 0, "finish_reason": "stop"}]}),
        hang_up,
        lambda request: HalfBody(),
    ],
    ids=["429", "500", "503", "422", "html", "no choices", "no text", "hang-up", "half body"],
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
