"""The worker process: `python -m factory.grade.math.worker MEMORY_BYTES DEADLINE_S`.

Reads pairs from standard input until it ends, answers each on standard output. Its address space
is limited; its parent kills it at the deadline, and should the parent be gone it ends itself.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import struct
import sys
from importlib import import_module
from typing import Any

from factory.grade.math.compare import any_equal
from factory.grade.math.parse import Unreadable, parse
from factory.grade.math.symbolic import NotSymbolic, TooLarge, same_value
from factory.grade.math.tree import Node
from schemas.verdict import Status

_LENGTH = struct.Struct(">I")
_TRIAL = (r"\sqrt{12}", r"2\sqrt{3}")
"""A pair that needs everything: a worker that has no room for it must not start."""


def main() -> None:
    """Serve until the input ends."""
    memory_bytes, deadline_s = int(sys.argv[1]), float(sys.argv[2])
    import_module("sympy")  # before the limit and the first deadline

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not mix with the replies
    quiet = open(os.devnull, "w")  # noqa: SIM115 - open as long as the process

    def answer(gold: str, answer: str) -> dict[str, str]:
        faulthandler.dump_traceback_later(deadline_s + 1.0, exit=True, file=quiet)
        reply = decide(gold, answer)
        faulthandler.cancel_dump_traceback_later()
        return reply

    if answer(*_TRIAL)["status"] != Status.CORRECT:
        raise SystemExit(f"expected the worker to show that {_TRIAL} are equal")
    _send(replies, {"ready": True})
    while head := sys.stdin.buffer.read(_LENGTH.size):
        message = json.loads(sys.stdin.buffer.read(*_LENGTH.unpack(head)))
        _send(replies, answer(message["gold"], message["answer"]))


def _send(pipe: Any, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    pipe.write(_LENGTH.pack(len(body)) + body)
    pipe.flush()


def decide(gold: str, answer: str) -> dict[str, str]:
    """Status, method and detail of a pair.

    This is the one boundary where any exception is caught: sympy raises many kinds on strange
    input, and what it cannot decide is not shown to be equal.
    """
    methods: list[str] = []

    def same(one: Node, other: Node) -> bool:
        equal, method = same_value(one, other)
        methods.append(method)
        return equal

    try:
        equal = any_equal(parse(gold), parse(answer), same)
    except MemoryError:
        return _reply(Status.MEMORY, "sympy", "went past the memory limit")
    except (TooLarge, Unreadable, OverflowError) as error:
        return _reply(Status.UNPARSABLE, "sympy", f"too large to evaluate: {error}")
    except RecursionError:
        return _reply(Status.UNPARSABLE, "sympy", "nested too deeply to evaluate")
    except NotSymbolic as error:
        return _reply(Status.INCORRECT, "structure", f"no single value: {error}")
    except Exception as error:  # noqa: BLE001 - the boundary named above
        return _reply(Status.INCORRECT, "sympy", f"not decided: {type(error).__name__}: {error}")
    method = "sympy" if "sympy" in methods else (methods or ["structure"])[-1]
    return _reply(Status.CORRECT if equal else Status.INCORRECT, method, "")


def _reply(status: Status, method: str, detail: str) -> dict[str, str]:
    return {"status": status.value, "method": method, "detail": detail[:500]}


if __name__ == "__main__":
    main()
