"""The decorator of compiled functions, whose machine code is kept for the next process.

Numba's own cache looks at the file of a function alone and keeps stale code of a function that
another file's calls. Here the cache has a folder for each state of this package's sources.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from numba import njit
from numba.core import config as numba_config

_settings: Any = numba_config
_SOURCES: Final = Path(__file__).parent
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function, compiled at its first call and free of the interpreter's lock."""
    folder = _folder()
    if folder is None:
        return njit(cache=False, nogil=True)(function)
    before = _settings.CACHE_DIR
    _settings.CACHE_DIR = str(folder)
    try:
        return njit(cache=True, nogil=True)(function)
    finally:
        _settings.CACHE_DIR = before


def inlined(function: _Function) -> _Function:
    """The function, to be put into compiled ones that call it: a call with a table of many arrays
    takes longer than what it does."""
    return njit(nogil=True, inline="always")(function)


@cache
def _folder() -> Path | None:
    """Where machine code is kept: what numba is told, beside the sources, or with the user's
    other caches; None where nothing can be written."""
    state = hashlib.sha256()
    for file in sorted(_SOURCES.glob("*.py")):
        state.update(file.read_bytes())
    name = f"compiled-{state.hexdigest()[:16]}"
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for parent in (_settings.CACHE_DIR, _SOURCES / "__pycache__", user / "retort"):
        if not parent:
            continue
        folder = Path(parent) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None
