"""Untrusted programs against tests, in hardened containers: see README.md for what is covered.

with SandboxPool(slots=2) as pool:
    outcome = pool.run(program, parse_tests(gold), Limits(wall_s=5))
"""

from sandboxes.contract import (
    Asserts,
    Call,
    CallCase,
    Evaluation,
    Limits,
    Outcome,
    Stdio,
    StdioCase,
    Tests,
    Verdict,
    parse_tests,
)
from sandboxes.errors import (
    ContainerFailed,
    DockerUnavailable,
    EngineSetupError,
    ImageMissing,
    SandboxError,
)
from sandboxes.languages import CPP, LANGUAGES, PYTHON, Language, language_of
from sandboxes.pool import SandboxPool

__all__ = [
    "CPP",
    "LANGUAGES",
    "PYTHON",
    "Asserts",
    "Call",
    "CallCase",
    "ContainerFailed",
    "DockerUnavailable",
    "EngineSetupError",
    "Evaluation",
    "ImageMissing",
    "Language",
    "Limits",
    "Outcome",
    "SandboxError",
    "SandboxPool",
    "Stdio",
    "StdioCase",
    "Tests",
    "Verdict",
    "language_of",
    "parse_tests",
]
