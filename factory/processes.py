"""`map_parts` on one machine: in this process, or in several that are started for it."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.util import Finalize
from threading import Lock
from typing import Any, Final, Generic, Self, TypeVar, cast

from factory.backlog import Backlog, Kind, Task
from factory.errors import GraderError
from factory.orphans import die_with_parent

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD: Final = 2
"""Items per worker that wait at a time."""
_THREADS: Final = 2
"""Items for sandboxes that are done at a time."""
_CLOSES_FIRST: Final = 100
"""Before multiprocessing's own ends: what work opened may need them."""


@contextmanager
def opened(work: Callable[[Item], Made]) -> Generator[Callable[[Item], Made]]:
    """The work, entered where it is a context manager and left at the end."""
    if isinstance(work, AbstractContextManager):
        with cast("AbstractContextManager[Any]", work) as entered:
            yield entered
    else:
        yield work


def in_this_process(
    work: Callable[[Item], Made], items: Iterable[Item]
) -> Iterator[tuple[int, Made]]:
    """`(position, work(item))`, one after the other."""
    with opened(work) as do:
        for position, item in enumerate(items):
            yield position, do(item)


def in_processes(
    work: Callable[[Item], Made],
    items: Iterable[Item],
    workers: int,
    in_sandbox: Callable[[Item], bool] | None = None,
) -> Iterator[tuple[int, Made]]:
    """`(position, work(item))` as they finish: see `factory.parts.map_parts`.

    Items for sandboxes are done in threads of this process, two at a time, by one copy of the work,
    which owns the containers: each item keeps all of them busy, but for its last programs.

    Raises:
        GraderError: A worker process died (killed, or out of memory).
    """
    frozen = pickle.dumps(work)  # now: what is entered later does not pickle
    backlog = Backlog(items, in_sandbox)
    most = {Kind.ANYWHERE: _AHEAD * workers}
    if in_sandbox is not None:
        most[Kind.SANDBOX] = _AHEAD + _THREADS
    waiting: dict[Future[Made], Task] = {}
    with ExitStack() as stack:
        pool = stack.enter_context(
            ProcessPoolExecutor(
                workers,
                mp_context=get_context("spawn"),
                initializer=_begin,
                initargs=(os.getpid(), frozen),
            )
        )
        threads: _Threads[Item, Made] | None = None
        try:
            while True:
                given = Counter(task.kind for task in waiting.values())
                room = {kind: number - given[kind] for kind, number in most.items()}
                backlog.fill(room)
                for kind in room:
                    for _ in range(min(room[kind], backlog.count(kind))):
                        task = backlog.take(kind)
                        if kind is Kind.SANDBOX:
                            threads = threads or stack.enter_context(_Threads(pickle.loads(frozen)))
                            future = threads.submit(task.item)
                        else:
                            future = cast("Future[Made]", pool.submit(_do, task.item))
                        waiting[future] = task
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future).position, future.result()
        except BrokenProcessPool as error:
            raise GraderError(
                "a worker process died while it worked on a part (killed, or out of memory); "
                "lower `workers` in the machine file and run again, finished parts are kept"
            ) from error
        finally:
            for future in waiting:
                future.cancel()


class _Threads(Generic[Item, Made]):
    """Threads of this process with one copy of the work, which is entered at its first item."""

    def __init__(self, work: Callable[[Item], Made]) -> None:
        self._stack = ExitStack()
        self._threads = ThreadPoolExecutor(_THREADS)
        self._work = work
        self._do: Callable[[Item], Made] | None = None
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._stack.close()

    def submit(self, item: Item) -> Future[Made]:
        """One more item, begun after those before it."""
        return self._threads.submit(self._one, item)

    def _one(self, item: Item) -> Made:
        with self._lock:
            if self._do is None:
                self._do = self._stack.enter_context(opened(self._work))
        return self._do(item)


# --------------------------------------------------------------------------- in a worker process


class _Worker:
    """What a worker process does, from its start to its end."""

    work: Callable[[Any], Any]
    do: Callable[[Any], Any] | None = None


def _begin(parent_pid: int, frozen: bytes) -> None:
    die_with_parent(parent_pid)
    _Worker.work = pickle.loads(frozen)


def _do(item: Any) -> Any:
    if _Worker.do is None:  # here, not in `_begin`: an error in it would be lost
        stack = ExitStack()
        Finalize(stack, stack.close, exitpriority=_CLOSES_FIRST)
        _Worker.do = stack.enter_context(opened(_Worker.work))
    return _Worker.do(item)
