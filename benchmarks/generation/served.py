"""One model, all ways to draw the same candidates from it, in turns."""

from __future__ import annotations

import os
import statistics
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.generate.vllm_server import VllmServers
from factory.models import Model
from factory.shown.progress import say
from schemas.generate_settings import Generate
from schemas.machine import Machine
from schemas.teacher_settings import VllmTeacher

from .bare import bare
from .offline import best_offline
from .ours import ours
from .peer import peer
from .table import Repeats
from .workload import PER_PROMPT, Prompt, Took, asked, collected


@dataclass(frozen=True)
class Setup:
    """What is measured, and on what."""

    model: Model
    settings: Generate
    machine: Machine
    problems: int
    repeats: int
    in_flight: Sequence[int]
    """Requests in flight that the bare client may choose from."""
    peer_venv: Path | None


def measured(setup: Setup, folder: Path) -> tuple[Repeats, dict[str, int]]:
    """All ways, and the requests in flight at which the bare client and the peer did best.

    One server serves all clients; it forgets the prefixes that it has seen before every run. Each
    repeat has a seed of its own, ours comes first in it, and all others are given the same
    requests. `LLM.generate` waits in its process while the server works, and the other way round.
    """
    os.environ["VLLM_SERVER_DEV_MODE"] = "1"  # the server can then be told to forget prefixes
    teacher = setup.settings.teacher
    assert isinstance(teacher, VllmTeacher)
    problems = collected(folder, setup.problems)
    sampling, name = setup.settings.sampling, setup.model.name
    with (
        VllmServers(teacher, setup.machine.vllm, setup.model, folder / "logs") as servers,
        best_offline(teacher, setup.machine.vllm, setup.model, folder) as choose,
    ):
        url = servers.base_urls()[0]

        def one(repeat: int) -> tuple[Took, Took, list[Prompt]]:
            forget_prefixes(url)
            place = folder / f"ours-{repeat}"
            both = ours(
                problems,
                place,
                setup.settings,
                setup.machine,
                seed=repeat,
                model=setup.model,
                servers=servers,
            )
            prompts = asked(problems, place / "generate", setup.settings, setup.model)
            return *both, prompts

        def other(prompts: Sequence[Prompt], in_flight: int) -> Took:
            forget_prefixes(url)
            return bare(url, name, prompts, sampling, in_flight)

        def the_peer(prompts: Sequence[Prompt], in_flight: int, place: str) -> Took:
            forget_prefixes(url)
            assert setup.peer_venv is not None
            return peer(setup.peer_venv, folder / place, url, name, prompts, sampling, in_flight)

        say("warming up, and looking for the bare client's best number of requests in flight")
        prompts = one(0)[2]
        engine = choose(prompts, sampling)
        chosen = {
            "bare client": _best(
                {level: [other(prompts, level) for _ in range(2)] for level in setup.in_flight}
            )
        }
        if setup.peer_venv is not None:
            levels = [PER_PROMPT * level for level in setup.in_flight[-3:]]
            chosen["peer"] = _best(
                {level: [the_peer(prompts, level, f"peer-tried-{level}")] for level in levels}
            )
        repeats = Repeats(PER_PROMPT * len(prompts))
        for repeat in range(1, setup.repeats + 1):
            say(f"repeat {repeat} of {setup.repeats}")
            drawing, whole, prompts = one(repeat)
            repeats.add("ours, drawing", drawing)
            repeats.add("ours, whole stage", whole)
            repeats.add("bare client", other(prompts, chosen["bare client"]))
            repeats.add("offline", engine.generate(prompts, sampling))
            if setup.peer_venv is not None:
                repeats.add("peer", the_peer(prompts, chosen["peer"], f"peer-{repeat}"))
    return repeats, chosen


def ratios(repeats: Repeats) -> dict[str, float]:
    """The keys that are reported."""
    found = {
        "vs_bare_client": repeats.ratio("ours, drawing", "bare client"),
        "vs_bare_client_whole_stage": repeats.ratio("ours, whole stage", "bare client"),
        "vs_offline": repeats.ratio("ours, drawing", "offline"),
        "bare_client_vs_offline": repeats.ratio("bare client", "offline"),
    }
    if "peer" in repeats.took:
        found["vs_peer"] = repeats.ratio("ours, drawing", "peer")
    return found


def forget_prefixes(url: str) -> None:
    """Empty the server's cache of prefixes, so that no way profits from the one before."""
    request = urllib.request.Request(
        url.removesuffix("/v1") + "/reset_prefix_cache", data=b"", method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def _best(tried: dict[int, list[Took]]) -> int:
    return max(tried, key=lambda level: statistics.median(one.tokens_per_s for one in tried[level]))
