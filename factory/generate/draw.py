"""Draws the candidates that are missing: identities become requests, answers go to the store."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from factory.digest import digest
from factory.generate.client import Ask, Client, Limits, Reply
from factory.generate.prompt import Rendered
from factory.generate.store import CandidateStore, Completion, Failure, Identity
from factory.generate.vllm_server import VllmServers
from factory.models import Model
from factory.progress import progress
from schemas.machine import Machine
from schemas.recipe import OpenaiTeacher, Sampling, VllmTeacher
from schemas.sample import Drop

CANDIDATES_PER_REQUEST: Final = 8
_SEED_HEX: Final = 12
"""48 bits: exact in JSON readers that know only doubles."""
_ENDPOINTS_AWAY_S: Final = 120.0


@dataclass(frozen=True)
class Missing:
    """The candidates of one problem that the store does not have, by rising index."""

    rendered: Rendered
    identities: Sequence[Identity]


@dataclass
class Drawn:
    """What drawing took; for figures."""

    candidates: int = 0
    failed: int = 0
    """After every retry; over-long prompts are not the server's fault and not counted here."""
    tokens: int = 0
    startup_s: float = 0.0
    seconds: float = 0.0
    engine: str = ""
    servers: list[str] = field(default_factory=list)


def seed_of(identity: Identity) -> int:
    """The sampling seed of a candidate: a digest of its identity without the index, plus the index.

    vLLM gives the k-th of n completions the seed of the request plus k, so a group of consecutive
    indices in one request has the same seeds as the same candidates asked for one by one.
    """
    base = digest(
        [
            identity.problem_id,
            identity.teacher,
            identity.sampling_digest,
            identity.prompt_digest,
        ]
    )
    return int(base[:_SEED_HEX], 16) + identity.index


def groups(identities: Sequence[Identity], most: int) -> Iterator[list[Identity]]:
    """Runs of consecutive indices, at most `most` long."""
    group: list[Identity] = []
    for identity in identities:
        if group and (len(group) == most or identity.index != group[-1].index + 1):
            yield group
            group = []
        group.append(identity)
    if group:
        yield group


def draw(
    missing: Sequence[Missing],
    teacher: VllmTeacher | OpenaiTeacher,
    sampling: Sampling,
    *,
    model: Model | None,
    machine: Machine,
    store: CandidateStore,
    out_dir: Path,
) -> Drawn:
    """Ask for everything missing and store each outcome; returns when all is committed.

    Raises:
        TeacherError: The servers could not start, refuse us, or are gone for good.
    """
    drawn = Drawn()
    with _client(teacher, model, machine, out_dir, drawn) as client:
        begun = time.monotonic()
        total = sum(len(one.identities) for one in missing)
        with progress("candidates", total, "candidates") as bar:

            async def done(reply: Reply) -> None:
                group, rendered = reply.ask.tag
                for outcome in zip(group, _outcomes(reply, rendered, drawn.engine), strict=True):
                    if store.full:
                        await asyncio.to_thread(store.put, *outcome)
                    else:
                        store.put(*outcome)
                drawn.candidates += len(reply.texts)
                if reply.failure is not None:
                    overlong = reply.failure[0] is Drop.OVERLONG_PROMPT
                    drawn.failed += 0 if overlong else reply.ask.count
                drawn.tokens += sum(text.completion_tokens or 0 for text in reply.texts)
                rate = drawn.tokens / max(time.monotonic() - begun, 1e-9)
                bar.set_postfix_str(f"{rate:,.0f} tokens/s", refresh=False)
                bar.update(len(group))

            asyncio.run(client.run(_asks(missing, teacher, sampling), done))
        store.flush()
        drawn.seconds = time.monotonic() - begun
    return drawn


def _outcomes(reply: Reply, rendered: Rendered, engine: str) -> list[Completion | Failure]:
    if reply.failure is not None:
        return [Failure(*reply.failure)] * reply.ask.count
    now = time.time()
    return [
        Completion(
            text=rendered.forced + text.text,
            finish_reason=text.finish_reason,
            prompt_tokens=text.prompt_tokens,
            completion_tokens=text.completion_tokens,
            seed=reply.ask.body["seed"] + offset,
            server=reply.server,
            engine=engine,
            created_unix_s=now,
            wall_s=reply.wall_s,
        )
        for offset, text in enumerate(reply.texts)
    ]


def _asks(
    missing: Sequence[Missing], teacher: VllmTeacher | OpenaiTeacher, sampling: Sampling
) -> Iterator[Ask]:
    alone = isinstance(teacher, OpenaiTeacher) or sampling.temperature == 0
    for one in missing:
        for group in groups(one.identities, 1 if alone else CANDIDATES_PER_REQUEST):
            body: dict[str, Any] = {
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_tokens": sampling.max_tokens,
                "seed": seed_of(group[0]),
            }
            if isinstance(teacher, VllmTeacher):
                body |= _vllm_fields(one.rendered.text, len(group), sampling)
            else:
                body["messages"] = one.rendered.messages
                if sampling.top_k != -1:
                    body["top_k"] = sampling.top_k
            yield Ask(body, len(group), (group, one.rendered))


def _vllm_fields(prompt: str, count: int, sampling: Sampling) -> dict[str, Any]:
    """All sampling parameters by name, so that no default of the model's files changes a draw;
    special tokens stay in the text, because `<think>` is one in some tokenizers."""
    return {
        "prompt": prompt,
        "n": count,
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "add_special_tokens": False,
        "skip_special_tokens": False,
        "return_token_ids": True,
    }


@contextmanager
def _client(
    teacher: VllmTeacher | OpenaiTeacher,
    model: Model | None,
    machine: Machine,
    out_dir: Path,
    drawn: Drawn,
) -> Generator[Client]:
    endpoints = machine.teacher
    if isinstance(teacher, OpenaiTeacher):
        drawn.engine = "openai"
        drawn.servers = endpoints.base_urls
        yield Client(
            urls=lambda: endpoints.base_urls,
            path="/chat/completions",
            model=teacher.model,
            limits=Limits(
                endpoints.requests_in_flight,
                endpoints.request_timeout_s,
                endpoints.retries,
                _ENDPOINTS_AWAY_S,
            ),
            key=os.environ.get(endpoints.api_key_env),
        )
        return
    assert model is not None
    with VllmServers(teacher, machine.vllm, model, out_dir / "logs") as servers:
        drawn.engine, drawn.startup_s = servers.engine, servers.startup_s
        drawn.servers = servers.base_urls()
        yield Client(
            urls=servers.base_urls,
            path="/completions",
            model=model.name,
            limits=Limits(
                endpoints.requests_in_flight,
                endpoints.request_timeout_s,
                endpoints.retries,
                give_up_after_s=2 * machine.vllm.startup_timeout_s,
            ),
            check=servers.check,
        )
