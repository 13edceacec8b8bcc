"""The course of a training: its log, thinned to what a picture can show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from factory.errors import ManifestMismatch

LOG: Final = "log.jsonl"
_POINTS: Final = 100
"""Most points of a line; where there are more steps, each is the mean of some."""


@dataclass(frozen=True)
class Curve:
    """One training."""

    name: str
    steps: int
    loss: list[tuple[float, float]]
    """(step, mean per target token in nats)."""
    eval_loss: list[tuple[float, float]]
    lr: list[tuple[float, float]]
    grad_norm: list[tuple[float, float]]


def curve_of(folder: Path, name: str) -> Curve:
    """The curve in an artifact of `train`.

    Raises:
        ManifestMismatch: Its log is missing or not one.
    """
    path = folder / LOG
    try:
        with open(path, encoding="utf-8") as lines:
            steps = max((one["step"] for one in _lines(lines)), default=0)
        with open(path, encoding="utf-8") as lines:
            return _thinned(name, steps, _lines(lines))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestMismatch(
            f"{path}: expected the log of a training, found none that can be read ({error!r}); "
            f"the student is not touched by it"
        ) from error


def _lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.strip():
            yield json.loads(line)


def _thinned(name: str, steps: int, lines: Iterator[dict[str, Any]]) -> Curve:
    each = max(1, -(-steps // _POINTS))
    found: dict[str, list[tuple[float, float]]] = {"loss": [], "lr": [], "grad_norm": []}
    evaluations: list[tuple[float, float]] = []

    def trained() -> Iterator[dict[str, Any]]:
        for line in lines:
            if "eval_loss" in line:
                evaluations.append((float(line["step"]), float(line["eval_loss"])))
            if "loss" in line:
                yield line

    source = trained()
    while some := list(islice(source, each)):
        for key, points in found.items():
            values = [float(one[key]) for one in some if one.get(key) is not None]
            if values:
                points.append((float(some[-1]["step"]), sum(values) / len(values)))
    return Curve(name, steps, found["loss"], evaluations, found["lr"], found["grad_norm"])
