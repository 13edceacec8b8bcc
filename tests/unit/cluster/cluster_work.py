"""Work that tests give to workers on nodes, and what says who did it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from factory.errors import SandboxUnavailable, SourceError


def square(item: int) -> int:
    return item * item


def even(item: int) -> bool:
    return item % 2 == 0


class Counting:
    """Says who did an item, and writes down that it was opened and closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inside = False

    def __enter__(self) -> Counting:
        self._inside = True
        (self.folder / f"opened-{os.getpid()}").touch()
        return self

    def __exit__(self, *exc: object) -> None:
        (self.folder / f"closed-{os.getpid()}").touch()

    def __call__(self, item: int) -> tuple[int, int]:
        assert self._inside
        return item, os.getpid()

    def pids(self, what: str) -> set[int]:
        """The processes that `opened` or `closed` it."""
        return {int(path.name.partition("-")[2]) for path in self.folder.glob(f"{what}-*")}


class Slow(Counting):
    """Takes its time."""

    def __call__(self, item: int) -> tuple[int, int]:
        (self.folder / f"begun-{os.getpid()}").touch()
        time.sleep(0.05)
        return super().__call__(item)


class Stuck(Counting):
    """Does the first two items, and is stuck in the others."""

    def __call__(self, item: int) -> tuple[int, int]:
        if item > 1:
            time.sleep(600)
        return super().__call__(item)


class DiesOnce(Counting):
    """Its process is killed at item 3, but only the first time."""

    def __call__(self, item: int) -> tuple[int, int]:
        died = self.folder / "died"
        if item == 3 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(item)


class DiesAtThree(Counting):
    """Its process is killed at item 3, always."""

    def __call__(self, item: int) -> tuple[int, int]:
        if item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(item)


class OddError(Exception):
    """An error that does not pickle: its constructor wants two things."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one + other)


class Complains(Counting):
    """Raises an error of ours at 3, one of Python's at 4, and one that does not pickle at 5."""

    def __call__(self, item: int) -> tuple[int, int]:
        if item == 3:
            raise SourceError("row 3 is wrong")
        if item == 4:
            raise ZeroDivisionError("four")
        if item == 5:
            raise OddError("can", "not")
        return super().__call__(item)


class EngineGone(Counting):
    """Its first sandbox item finds that the engine is gone, once; which process that was is
    written down."""

    def __call__(self, item: int) -> tuple[int, int]:
        if even(item):
            try:
                with open(self.folder / "gone", "x") as file:
                    file.write(f"{os.getpid()}")
            except FileExistsError:
                pass
            else:
                raise SandboxUnavailable("the engine went away")
        return super().__call__(item)
