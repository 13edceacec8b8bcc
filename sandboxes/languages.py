"""The languages of programs: which image runs them, and how.

To add one, see "Another language" in README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandboxes.contract import Limits, Tests
from sandboxes.inside.confine import EXTRA_FD
from sandboxes.inside.native import ARTIFACT

PYTHON_IMAGE = "retort-sandbox-python:latest"
CPP_IMAGE = "retort-sandbox-cpp:latest"
SOURCE = f"/dev/fd/{EXTRA_FD}"
"""Where an interpreter finds the program."""


@dataclass(frozen=True)
class Language:
    """How programs of one language are run."""

    name: str
    image: str
    kinds: frozenset[str]
    """Kinds of tests that it can take: `stdio`, `call`, `asserts`."""
    compiler: tuple[str, ...] = ()
    """Command that reads a program on its standard input and writes `ARTIFACT`, which is executed
    once per case."""
    interpreter: tuple[str, ...] = ()
    """Command that runs the program in the file `SOURCE`, once per case. Without a compiler and
    an interpreter, programs are Python and run in forks of the warm one."""
    compile_limits: Limits = field(
        default_factory=lambda: Limits(wall_s=30, cpu_s=20, memory_bytes=1 << 30)
    )
    """Of the compiler; those of a program begin with its first case."""

    def check(self, tests: Tests) -> None:
        """Raise `ValueError` where programs of this language cannot be tested so."""
        if tests.kind not in self.kinds:
            raise ValueError(
                f"tests: expected kind {' or '.join(sorted(self.kinds))} for a program in "
                f"{self.name}, found {tests.kind}"
            )


PYTHON = Language("python", PYTHON_IMAGE, frozenset({"stdio", "call", "asserts"}))
CPP = Language(
    "cpp",
    CPP_IMAGE,
    frozenset({"stdio"}),
    compiler=(
        "/usr/bin/g++",
        *("-std=gnu++17", "-O2", "-pipe", "-fmax-errors=3", "-fdiagnostics-color=never"),
        *("-x", "c++", "-o", ARTIFACT, "-"),
    ),
)
LANGUAGES = {language.name: language for language in (PYTHON, CPP)} | {
    "py": PYTHON,
    "python3": PYTHON,
    "c++": CPP,
}


def language_of(name: str) -> Language:
    """The language of this name.

    Raises:
        ValueError: There is none; the message lists those that there are.
    """
    found = LANGUAGES.get(name.lower())
    if found is None:
        raise ValueError(f"language: expected one of {', '.join(LANGUAGES)}, found {name!r}")
    return found
