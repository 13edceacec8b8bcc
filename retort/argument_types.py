"""Types of arguments: what stands on the command line -> a value in its bounds, or the bounds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, found {text!r}")
    return int(text)


def natural(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, found {text!r}")
    return int(text)


def share(text: str) -> float:
    """A number above 0 and of at most 1."""
    with suppress(ValueError):
        if 0.0 < float(text) <= 1.0:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a share above 0 and up to 1, found {text!r}")


def whole_between(least: int, most: int) -> Callable[[str], int]:
    """The type of a whole number in these bounds, inclusive."""

    def whole(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"expected a number from {least} to {most}, found {text!r}"
            )
        return int(text)

    return whole


def number_between(least: float, most: float) -> Callable[[str], float]:
    """The type of a number in these bounds, inclusive."""

    def number(text: str) -> float:
        with suppress(ValueError):
            if least <= float(text) <= most:
                return float(text)
        raise argparse.ArgumentTypeError(
            f"expected a number from {least:g} to {most:g}, found {text!r}"
        )

    return number
