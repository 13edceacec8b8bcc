"""Real vLLM servers that are killed, stopped and made to hang while a client draws from them.

Each takes a minute or more, most of it the start of servers: `make soak` runs those that others
cover in part.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.errors import TeacherError
from factory.generate.client import Ask, Client, Limits, Reply
from factory.generate.vllm_server import VllmServers
from factory.models import resolve_model
from schemas.candidate import FinishReason
from schemas.machine import Vllm
from schemas.sample import Drop
from schemas.teacher_settings import VllmTeacher

CONTEXT = 512
TEACHER = VllmTeacher(
    engine="vllm", model="embedded:teacher", max_model_len=CONTEXT, dtype="float32"
)
LIMITS = Limits(in_flight=4, timeout_s=120.0, retries=0, give_up_after_s=300.0)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed"),
]


def servers(
    folder: Path, replicas: int = 1, hung_after_s: float | None = None, threads: int = 1
) -> VllmServers:
    vllm = Vllm(replicas=replicas, cpu_threads=threads, max_num_seqs=8)
    model = resolve_model(TEACHER.model, "")
    return VllmServers(TEACHER, vllm, model, folder / "logs", hung_after_s)


def asks(count: int, max_tokens: int = 64, prompt: str = "What is 3 + 4?") -> Iterator[Ask]:
    for number in range(count):
        body: dict[str, Any] = {
            "prompt": prompt,
            "n": 2,
            "max_tokens": max_tokens,
            "temperature": 1.0,
            "seed": 1000 * number,
            "ignore_eos": True,
            "return_token_ids": True,
        }
        yield Ask(body, 2, number)


def draw(running: VllmServers, wanted: Iterator[Ask], seen: list[Reply]) -> list[Reply]:
    async def done(reply: Reply) -> None:
        seen.append(reply)

    client = Client(
        urls=running.base_urls,
        path="/completions",
        model=TEACHER.model,
        limits=LIMITS,
        check=running.check,
        answered=running.answered,
    )
    asyncio.run(client.run(wanted, done))
    return sorted(seen, key=lambda reply: reply.ask.tag)


def vllm_processes() -> list[psutil.Process]:
    """The servers themselves, without their keepers, in the order of their start."""
    found = [
        process
        for process in psutil.Process().children(recursive=True)
        if "vllm.entrypoints.openai.api_server" in process.cmdline()
        and not any("keeper.py" in word for word in process.cmdline())
    ]
    return sorted(found, key=lambda process: process.create_time())


def keepers() -> list[psutil.Process]:
    """What the servers live under."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if any("keeper.py" in word for word in process.cmdline())
    ]


def after(answers: int, seen: list[Reply], harm: Callable[[], None]) -> threading.Thread:
    """Do harm as soon as so many requests are answered."""

    def wait() -> None:
        while len(seen) < answers:
            time.sleep(0.01)
        harm()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_one_of_two_killed_while_it_draws_is_restarted_elsewhere_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    seen: list[Reply] = []
    with servers(tmp_path, replicas=2) as running:
        before = running.base_urls()
        harm = after(10, seen, lambda: os.kill(vllm_processes()[0].pid, signal.SIGKILL))

        def until_it_is_back() -> Iterator[Ask]:
            for ask in asks(50_000):
                if len({reply.server for reply in seen}) == 3:
                    return
                yield ask

        replies = draw(running, until_it_is_back(), seen)
        harm.join()
        now = running.base_urls()
    assert now != before
    assert {reply.server for reply in replies} == {*before, *now}
    assert [reply.ask.tag for reply in replies] == list(range(len(replies)))
    assert all(reply.failure is None for reply in replies)
    assert all(text.completion_tokens == 64 for reply in replies for text in reply.texts)
    lives = [(tmp_path / "logs" / f"vllm-{n}.log").read_text().count("----") for n in range(2)]
    assert sorted(lives) == [1, 2]
    assert vllm_processes() == []


@pytest.mark.soak
def test_a_server_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    seen: list[Reply] = []
    with servers(tmp_path, hung_after_s=12.0) as running:
        before = running.base_urls()
        harm = after(10, seen, lambda: os.kill(vllm_processes()[0].pid, signal.SIGSTOP))
        replies = draw(running, asks(60), seen)
        harm.join()
        assert running.base_urls() != before
    assert [reply.ask.tag for reply in replies] == list(range(60))
    assert all(reply.failure is None for reply in replies)


@pytest.mark.soak
def test_a_killed_keeper_leaves_no_server_behind_that_the_next_one_would_meet(
    tmp_path: Path,
) -> None:
    seen: list[Reply] = []
    with servers(tmp_path) as running:
        (first,) = vllm_processes()
        harm = after(10, seen, lambda: keepers()[0].kill())
        replies = draw(running, asks(60), seen)
        harm.join()
        assert first.pid not in [process.pid for process in vllm_processes()]
        assert not first.is_running() or first.status() == psutil.STATUS_ZOMBIE
    assert all(reply.failure is None for reply in replies)


@pytest.mark.soak
@pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="an engine has its own process from two cores on"
)
def test_an_engine_that_dies_below_its_server_costs_no_request_an_attempt(tmp_path: Path) -> None:
    def kill_the_engine() -> None:
        for process in psutil.Process().children(recursive=True):
            if "EngineCore" in process.name():
                process.kill()

    seen: list[Reply] = []
    with servers(tmp_path, threads=2) as running:
        before = running.base_urls()
        harm = after(10, seen, kill_the_engine)
        replies = draw(running, asks(60), seen)
        harm.join()
        assert running.base_urls() != before
    assert [reply.ask.tag for reply in replies] == list(range(60))
    assert all(reply.failure is None for reply in replies)


@pytest.mark.soak
def test_a_server_that_dies_again_and_again_is_an_error(tmp_path: Path) -> None:
    with servers(tmp_path) as running:
        running._deaths[0] = 4  # pyright: ignore[reportPrivateUsage]
        vllm_processes()[0].kill()
        with pytest.raises(TeacherError, match="died 5 times without an answer in between"):
            draw(running, asks(10_000), [])


@pytest.mark.soak
def test_prompts_of_every_length_end_as_they_should(tmp_path: Path) -> None:
    """The whole context as `max_tokens` works as in R1's settings; what leaves no room is dropped
    by name."""
    word = " 7"
    with servers(tmp_path) as running:
        (whole,) = draw(running, asks(1, max_tokens=CONTEXT), [])
        prompt = whole.prompt_tokens
        assert prompt is not None
        for length in (CONTEXT - 1, CONTEXT, CONTEXT + 1, 20 * CONTEXT, 20_000 * CONTEXT):
            (reply,) = draw(running, asks(1, CONTEXT, word * length), [])
            if reply.failure is None:
                assert reply.prompt_tokens is not None
                assert reply.prompt_tokens < CONTEXT
                assert length == CONTEXT - 1
            else:
                assert reply.failure[0] is Drop.OVERLONG_PROMPT, reply.failure
        with pytest.raises(TeacherError, match=r"lower max_tokens|longer context"):
            draw(running, asks(1, max_tokens=CONTEXT + 1), [])
    assert [text.finish_reason for text in whole.texts] == [FinishReason.LENGTH] * 2
    assert [text.completion_tokens for text in whole.texts] == [CONTEXT - prompt] * 2
