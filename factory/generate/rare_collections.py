"""Python's search for cycles, made rare while candidates are drawn and written.

Each answer makes some objects that live until they are stored, and hardly a cycle. Left to itself,
the collector looks a hundred times a second at them, and now and then at all that is loaded: a
tenth of all the processor time that the stage takes.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

_NEW_OBJECTS: Final = 10_000
"""Between two looks, instead of 700: what about a thousand candidates make."""


@contextmanager
def rare_collections() -> Generator[None]:
    """What is there now is not looked at inside, and what comes is looked at less often."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
