"""Draws the candidates that are missing: questions become requests, answers go to the store."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from factory.errors import TeacherError
from factory.generate.answerer import Answerer
from factory.generate.asks import Target, asks
from factory.generate.client import Ask, Client, Limits, Reply, shown, timeout_for
from factory.generate.endpoint_version import UNKNOWN, engines
from factory.generate.identity import Completion, Outcome
from factory.generate.outcomes import taken
from factory.generate.placed_room import placement
from factory.generate.plan import Question
from factory.generate.store import CandidateStore
from factory.generate.vllm_arguments import installed_vllm
from factory.generate.vllm_server import VllmServers
from factory.shown.meter import Meter
from factory.shown.progress import progress
from factory.spent import Rates, endpoint_rates, vllm_rates
from schemas.machine import Endpoints, Machine
from schemas.sample import Drop
from schemas.teacher_settings import OpenaiTeacher

CANDIDATES_PER_REQUEST: Final = 8
"""Of our own servers, unless the machine file says otherwise."""
_ENDPOINTS_AWAY_S: Final = 120.0
_TOLERATED_SHARE: Final = 0.05
_TOLERATED_FAILURES: Final = 16
"""So many candidates may fail, or this share of them, before the server is to blame."""


@dataclass
class Drawn:
    """What drawing took; for figures."""

    candidates: int = 0
    failed: int = 0
    """After every retry; over-long prompts are not the server's fault and not counted here."""
    tokens: int = 0
    prompt_tokens: int = 0
    """Each prompt counted once per request, as servers count them."""
    startup_s: float = 0.0
    seconds: float = 0.0
    engine: str = ""
    """What our own servers run, or what most endpoints are."""
    engines: dict[str, str] = field(default_factory=dict)
    """Server -> what it runs, where that differs."""
    servers: list[str] = field(default_factory=list)


def draw(
    questions: Iterator[Question],
    total: int,
    by: Answerer,
    *,
    stored: int,
    longest_tokens: int,
    machine: Machine,
    store: CandidateStore,
    out_dir: Path,
    meter: Meter,
    servers: VllmServers | None = None,
) -> Drawn:
    """Ask everything and store each outcome; returns when all is committed.

    Args:
        questions: Prompts with the candidates to draw; taken as they are needed.
        total: Candidates in all of them.
        by: Whose server is asked; the questions may draw with other settings from the same one.
        stored: Candidates of the same round that this server need not draw any more.
        longest_tokens: The longest completion in all of them; requests wait so long.
        meter: Keeps count of what comes; its line stands beside the progress bar.
        servers: Servers of this model that run already; else they are started here, and ended.

    Raises:
        TeacherError: The servers could not start, refuse us, or are gone for good.
    """
    drawn = Drawn()
    size = _candidates_per_request(by, machine)
    with _client(by, longest_tokens, machine, out_dir, drawn, servers, known=stored > 0) as client:
        begun = time.monotonic()
        with (
            meter.drawing(_rates(by, machine), drawn.startup_s) as drawing,
            progress("candidates", total, "candidates", about=meter) as bar,
        ):

            async def done(reply: Reply) -> list[Ask]:
                target: Target = reply.ask.tag
                outcomes, further = taken(reply, drawn.engines.get(reply.server, drawn.engine))
                if store.full:
                    await asyncio.to_thread(store.put_many, outcomes)
                else:
                    store.put_many(outcomes)
                drawing.drew(
                    target.question.counts_as,
                    candidates=_count(drawn, reply, outcomes),
                    tokens=reply.completion_tokens or 0,
                    prompt_tokens=reply.prompt_tokens or 0,
                )
                bar.update(len(outcomes))
                return further

            asyncio.run(client.run(asks(questions, size), done))
        store.flush()
        drawn.seconds = time.monotonic() - begun
    _must_have_answered(drawn, stored)
    return drawn


def _candidates_per_request(by: Answerer, machine: Machine) -> int:
    given = machine.serving(by.serving).teacher.candidates_per_request
    return given or (1 if by.model is None else CANDIDATES_PER_REQUEST)


def _must_have_answered(drawn: Drawn, stored: int) -> None:
    """A server that fails often is a broken machine, and no data.

    The few bad requests that a killed run may have left to the next one are none.

    Raises:
        TeacherError: More requests failed than single bad ones explain; nothing is committed.
    """
    asked = drawn.candidates + drawn.failed
    tolerated = max(_TOLERATED_FAILURES, round(_TOLERATED_SHARE * asked))
    answered = drawn.candidates or stored
    if drawn.failed and (not answered or drawn.failed > tolerated):
        raise TeacherError(
            f"model servers {', '.join(map(shown, drawn.servers))}: expected at most {tolerated} "
            f"candidates to fail, found {drawn.failed} of {asked} after every retry; see the "
            f"servers' logs and run again, what was drawn is kept"
        )


def _count(drawn: Drawn, reply: Reply, outcomes: Sequence[Outcome]) -> int:
    """Count a reply; the number of candidates that it completed."""
    completed = 0
    for _, _, said in outcomes:
        if isinstance(said, Completion):
            completed += 1
        elif said.reason != Drop.OVERLONG_PROMPT:
            drawn.failed += 1
    drawn.candidates += completed
    drawn.tokens += reply.completion_tokens or 0
    drawn.prompt_tokens += reply.prompt_tokens or 0
    return completed


@contextmanager
def _client(
    by: Answerer,
    longest_tokens: int,
    machine: Machine,
    out_dir: Path,
    drawn: Drawn,
    running: VllmServers | None,
    *,
    known: bool,
) -> Generator[Client]:
    serving = machine.serving(by.serving)
    endpoints = serving.teacher
    if by.model is None:
        drawn.engine, drawn.engines = UNKNOWN, engines(endpoints)
        drawn.servers = endpoints.base_urls
        yield Client(
            urls=lambda: endpoints.base_urls,
            path="/chat/completions",
            model=by.teacher.model,
            limits=_limits(endpoints, endpoints.in_flight, longest_tokens, _ENDPOINTS_AWAY_S),
            key=os.environ.get(endpoints.api_key_env),
            known=known,
        )
        return
    assert not isinstance(by.teacher, OpenaiTeacher)
    vllm = serving.vllm
    sequences = vllm.max_num_seqs * vllm.data_parallel_size
    enough = math.ceil(2 * sequences / _candidates_per_request(by, machine))
    away_s = 2 * vllm.startup_timeout_s
    with _running(running, by, machine, out_dir) as servers:
        drawn.engine, drawn.startup_s = servers.engine, 0.0 if running else servers.startup_s
        drawn.servers = servers.base_urls()
        yield Client(
            urls=servers.base_urls,
            path="/completions",
            model=by.model.name,
            limits=_limits(
                endpoints, endpoints.requests_in_flight or enough, longest_tokens, away_s
            ),
            key=servers.key,
            check=servers.check,
            answered=servers.answered,
            known=known,
        )


@contextmanager
def _running(
    running: VllmServers | None, by: Answerer, machine: Machine, out_dir: Path
) -> Generator[VllmServers]:
    if running is not None:
        yield running
        return
    assert by.model is not None
    assert not isinstance(by.teacher, OpenaiTeacher)
    logs = out_dir / "logs" / by.serving if by.serving != "teacher" else out_dir / "logs"
    vllm, cluster = machine.serving(by.serving).vllm, placement(machine)
    with VllmServers(by.teacher, vllm, by.model, logs, cluster=cluster) as servers:
        yield servers


def _rates(by: Answerer, machine: Machine) -> Rates:
    serving = machine.serving(by.serving)
    if by.model is None:
        return endpoint_rates(serving.teacher)
    return vllm_rates(serving.vllm, machine.gpu_price, cpu=installed_vllm().cpu)


def _limits(endpoints: Endpoints, in_flight: int, longest_tokens: int, away_s: float) -> Limits:
    return Limits(
        in_flight=in_flight,
        timeout_s=timeout_for(endpoints, longest_tokens),
        retries=endpoints.retries,
        give_up_after_s=away_s,
    )
