"""The template and its workers: `python -m factory.grade.math.worker SOCKET MEMORY_BYTES POLICY`.

The template imports sympy once and then only forks: for each socket that its parent passes to it,
a worker that reads pairs from that socket, answers each there, and ends with it. A worker's address
space is limited, its parent kills it at a deadline, and it dies with the template. The template
reaps its workers when it is asked to, and ends with its own socket.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from factory.grade.math.compare import CheapTiers, Hard, any_equal, reading_of
from factory.grade.math.equal import Comparison
from factory.grade.math.message import MAX_MESSAGE_BYTES, pack, unpack
from factory.grade.math.parse import Unreadable, parse
from factory.grade.math.symbolic import NotSymbolic, TooLarge, same_value
from factory.grade.math.tree import Node
from schemas.math_policy import MathPolicy
from schemas.verdict import Status

_PR_SET_PDEATHSIG: Final = 1
_ROOM_BYTES: Final = 16 * 1024 * 1024
"""What a worker must be able to take at its start."""
TRIAL: Final = (r"\sin^2\frac{x}{1+y} + \cos^2\frac{x}{1+y}", "1")
"""A pair that only sympy decides: a template that cannot do it must not start."""


def main() -> None:
    """Serve as the template until the parent's socket ends."""
    control = socket.socket(fileno=int(sys.argv[1]))
    memory_bytes = int(sys.argv[2])
    decider = Decider(MathPolicy.model_validate_json(sys.argv[3]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the parent decides what ends
    os.dup2(2, 1)  # whatever a library prints must not mix with what the command prints
    sys.set_int_max_str_digits(0)  # sympy writes numbers out; the deadline bounds that
    import_module("sympy")
    decider.decide(*TRIAL)  # sympy fills its tables: workers are forked with them
    _try(decider, memory_bytes)
    control.send(b"ready")
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not request:
            return
        if descriptors:
            pid = os.fork()
            if pid == 0:
                control.close()
                serve(socket.socket(fileno=descriptors[0]), decider, memory_bytes)
                os._exit(0)
            os.close(descriptors[0])
            control.send(str(pid).encode())
        else:
            _, status = os.waitpid(int(request), 0)
            control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _try(decider: Decider, memory_bytes: int) -> None:
    """Decide a known pair within the limit, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        try:
            mmap.mmap(-1, _ROOM_BYTES).close()
            os._exit(decider.decide(*TRIAL)["status"] != Status.CORRECT)
        except (MemoryError, OSError):
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(
            f"a worker of symbolic grading: expected one of {memory_bytes} bytes to have "
            f"{_ROOM_BYTES} to spare and to show that {TRIAL} are equal, found that it does not"
        )


def serve(pairs: socket.socket, decider: Decider, memory_bytes: int) -> None:
    """Answer pairs until the socket ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        return  # the template ended before the line above
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with suppress(ConnectionError):  # the parent has ended, or does not want the answer any more
        while message := pairs.recv(MAX_MESSAGE_BYTES):
            pair = unpack(message)
            reply = decider.decide(pair["gold"], pair["answer"])
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            pairs.send(pack({**reply, "memory_bytes": used}))


class Decider:
    """Decides pairs of texts under a policy, with sympy as the last tier."""

    def __init__(self, policy: MathPolicy) -> None:
        self.policy = policy
        self.reading = reading_of(policy)

    def decide(self, gold: str, answer: str) -> dict[str, Any]:
        """Status, method and detail of a pair.

        This is the one boundary where any exception is caught: sympy raises many kinds on strange
        input, and what it cannot decide is not shown to be equal.
        """
        tiers = CheapTiers(self.policy)
        methods: list[str] = []

        def same(one: Node, other: Node) -> bool:
            try:
                equal = tiers.same(one, other)
                methods.append(tiers.method)
            except (Hard, RecursionError):
                equal, method = same_value(one, other, self.policy)
                methods.append(method)
            return equal

        comparison = Comparison(self.policy, same)
        try:
            golds, answers = parse(gold, self.reading), parse(answer, self.reading)
            equal = any_equal(golds, answers, comparison)
        except MemoryError:
            return _reply(Status.MEMORY, "sympy", "went past the memory limit")
        except (TooLarge, Unreadable, OverflowError) as error:
            return _reply(Status.UNPARSABLE, "sympy", f"too large to evaluate: {error}")
        except RecursionError:
            return _reply(Status.UNPARSABLE, "sympy", "nested too deeply to evaluate")
        except NotSymbolic as error:
            return _reply(Status.INCORRECT, "structure", f"no single value: {error}")
        except Exception as error:  # noqa: BLE001 - the boundary named above
            if _at_memory_limit():  # which C code reports as it likes
                return _reply(Status.MEMORY, "sympy", "went past the memory limit")
            place = traceback.extract_tb(error.__traceback__)[-1].filename
            package = "sympy" if "/sympy/" in place else "mpmath" if "/mpmath/" in place else "ours"
            detail = f"not decided: {type(error).__name__} in {package}: {error}"
            return _reply(Status.INCORRECT, "sympy", detail)
        method = "sympy" if "sympy" in methods else (methods or ["structure"])[-1]
        return _reply(Status.CORRECT if equal else Status.INCORRECT, method, "")


def _at_memory_limit() -> bool:
    """Whether this process has come near the limit of its address space."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return False
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmPeak:"))
    return int(peak.split()[1]) * 1024 > limit - _ROOM_BYTES


def _reply(status: Status, method: str, detail: str) -> dict[str, Any]:
    return {"status": status.value, "method": method, "detail": detail[:500]}


if __name__ == "__main__":
    main()
