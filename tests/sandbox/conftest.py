"""One pool of real containers for the hostile programs; skipped, visibly, without an engine
(`make test`, which starts one, allows no such skip)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandboxes import DockerUnavailable, ImageMissing, Limits, Outcome, SandboxPool, parse_tests

Run = Callable[..., Outcome]

LIMITS = Limits(wall_s=8, cpu_s=3, memory_bytes=256 << 20, output_bytes=1 << 20)


@pytest.fixture(scope="session")
def pool() -> Iterator[SandboxPool]:
    try:
        pool = SandboxPool(slots=1).__enter__()
    except (DockerUnavailable, ImageMissing) as error:
        if os.environ.get("RETORT_NO_SKIPS"):
            raise
        pytest.skip(f"{error}")
    try:
        yield pool
    finally:
        pool.__exit__(None, None, None)


@pytest.fixture
def run(pool: SandboxPool) -> Run:
    """Run a program against tests in their JSON form, with limits by name."""

    def run(program: str, tests: dict[str, Any], **limits: Any) -> Outcome:
        return pool.run(program, parse_tests(tests), Limits(**(vars(LIMITS) | limits)))

    return run


@pytest.fixture
def probe(run: Run) -> Callable[..., str]:
    """What a program prints, a way to look around in the sandbox."""

    def probe(program: str, **limits: Any) -> str:
        marker = "\x00 nobody prints this"
        case = {"stdin": "", "stdout": marker}
        outcome = run(
            f"import sys\ndef show(*what): print('seen:', *what, file=sys.stderr)\n{program}\n"
            "sys.stderr.flush()\nraise SystemExit(9)",
            {"kind": "stdio", "cases": [case]},
            **limits,
        )
        assert "exit status 9" in outcome.detail, outcome
        return outcome.detail.partition("exit status 9")[2].strip()

    return probe
