"""Whether a node of the cluster is like this machine: the same Python, Retort and folder.

Covered: the minor version of Python, every source file of `factory`, `schemas` and `sandboxes`, the
versions of the packages that decide what is written, and whether the folder of the artifacts is the
same one (a file with random content, written there for the question, is read on the node). Not
covered: the hardware, the system's libraries, and other folders that a recipe may name.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from factory.digest import digest, file_sha256

_PACKAGES: Final = ("numpy", "polars", "pyarrow", "pydantic", "sympy")
_SOURCES: Final = ("factory", "schemas", "sandboxes")
_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_SHOWN_HEX: Final = 12


@dataclass(frozen=True)
class Likeness:
    """What one machine has."""

    python: str
    """Minor version."""
    sources: str
    """Digest of Retort's sources."""
    place: str
    """Where they lie."""
    packages: tuple[str, ...]
    """Name and version of each."""
    probe: str
    """Content of the file that was asked for; empty where there is none."""


def likeness_here(probe: Path) -> Likeness:
    """What this machine has; the function that runs on each node."""
    try:
        content = probe.read_text()
    except OSError:
        content = ""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = tuple(f"{name} {_version(name)}" for name in _PACKAGES)
    return Likeness(python, _sources_digest(), str(_ROOT), packages, content)


def difference(expected: Likeness, found: Likeness, folder: Path) -> str:
    """What is expected of a node, what was found and the remedy; empty where they are alike.

    Args:
        folder: Where the file was that both were asked for.
    """
    install = "install the same Retort there as here (same commit, same constraints.txt)"
    if found.python != expected.python:
        return f"expected Python {expected.python}, found {found.python}; {install}"
    if found.packages != expected.packages:
        unlike = zip(expected.packages, found.packages, strict=True)
        wanted, has = next((one, other) for one, other in unlike if one != other)
        return f"expected {wanted}, found {has}; {install}"
    if found.sources != expected.sources:
        return (
            f"expected the sources of Retort in {expected.place} (digest "
            f"{expected.sources[:_SHOWN_HEX]}), found others in {found.place} "
            f"({found.sources[:_SHOWN_HEX]}); {install}"
        )
    if found.probe != expected.probe:
        return (
            f"expected the folder {folder} of this machine, found none or another one; mount the "
            f"file system that the nodes share at the same path there, or set paths.artifacts in "
            f"the machine file to a folder on it"
        )
    return ""


@contextmanager
def probe_in(folder: Path) -> Generator[Path]:
    """A hidden file with random content in a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".seen-by-nodes-{secrets.token_hex(8)}"
    path.write_text(secrets.token_hex())
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


@lru_cache(maxsize=1)
def _sources_digest() -> str:
    """Once per process: what it has loaded stays what it was."""
    files = [path for name in _SOURCES for path in (_ROOT / name).rglob("*.py")]
    return digest({path.relative_to(_ROOT).as_posix(): file_sha256(path) for path in files})
