"""What every run does, done before the first fork with programs of our own.

The interpreter adapts code that has run a few times, and fills caches and free lists: done here
once, that is not done, and its pages are not written, in each of the runs.
"""

from __future__ import annotations

import _socket
import os
import sys

from sandboxes.inside import asserts, confine, program
from sandboxes.inside.channel import dumps

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TIMES = 12
_FILLING: list[bytes] = []

_PROGRAM = """
import math
LIMIT = 3
class Box:
    def __init__(self, items: list[int]) -> None:
        self.items = [item for item in items if item]
    def total(self) -> float:
        return sum(abs(item) / 2 for item in self.items)
def f(items: list[int], name: str = "x") -> dict[str, tuple[float, str]]:
    best = {}
    for number, item in enumerate(sorted(items, key=lambda item: -item)):
        if number > LIMIT or not isinstance(item, int):
            break
        best[f"{name}{number}"] = (math.sqrt(Box([item, 1]).total()), " ".join(name.split()))
    return best
"""
_CASE: dict[str, Any] = {"args": [[3, 1, 2]], "kwargs": {"name": "y"}}
_TESTS: dict[str, Any] = {
    "code": "def check(g):\n    assert g([3, 1, 2])['x0'][1] == 'x' and len(g([], 'y')) == 0\n"
    "check(candidate)\n",
    "entry_point": "f",
    "program": ["f"],
    "called": [],
    "modules": {},
    "asserts": [],
}


def rehearse(*, for_tests: bool) -> None:
    """Run our own programs, or our own tests, in this process; nothing of them stays.

    Descriptors below 10 lead nowhere now, so that what is reported is gone.
    """
    calls = {"program": _PROGRAM, "entry_point": "f", "cases": [_CASE] * 3}
    before = set(sys.modules)
    for _ in range(TIMES):
        given = _taken(_TESTS if for_tests else calls)
        if for_tests:
            _with_partner(lambda: asserts.run_tests(_TESTS), lambda: program.serve_tests(_PROGRAM))
        else:
            program.run_calls(given["program"], given["entry_point"], given["cases"])
            _with_partner(lambda: program.serve_tests(_PROGRAM), lambda: asserts.run_tests(_TESTS))
    for name in set(sys.modules) - before:
        del sys.modules[name]
    # New objects of a run fill whole new pages, and not the holes of pages to be copied.
    for size in range(48, 513, 16):
        _FILLING.extend(bytes(size - sys.getsizeof(b"")) for _ in range(40))


def _taken(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload as a run takes it."""
    data = dumps(payload)
    reader, writer = os.pipe()
    os.write(writer, data)
    taken = confine.take_payload(reader, len(data), confine.REPORT_FD)
    os.close(reader)
    os.close(writer)
    return taken


def _with_partner(ours: Callable[[], int], theirs: Callable[[], int]) -> None:
    """Call `ours` here and `theirs` in a short-lived process, with a link between the two."""
    one, two = _socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(two.fileno(), confine.EXTRA_FD, inheritable=False)
            one.close()
            two.close()
            theirs()
        finally:
            os._exit(0)
    null = os.dup(confine.EXTRA_FD)
    os.dup2(one.fileno(), confine.EXTRA_FD, inheritable=False)
    one.close()
    two.close()
    ours()
    os.dup2(null, confine.EXTRA_FD, inheritable=False)
    os.close(null)
    os.waitpid(pid, 0)
