"""The stage: nothing -> tokenizer, base students and teacher."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from factory.bootstrap.learn import Learning, learn
from factory.bootstrap.lessons import Syllabus, lessons_tokenizer, write_lessons
from factory.bootstrap.tokenizer import POSITIONS
from factory.ledger import entry
from factory.parts import map_parts
from factory.train.base import make_base
from factory.train.files import describe_files
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.recipe import RandomBase


@dataclass(frozen=True)
class Embedded:
    """One embedded model and how it is made."""

    name: str
    arch: Literal["qwen2", "llama"]
    syllabus: Syllabus
    start: str = ""
    """The embedded model that it goes on from; empty: random weights."""
    gentleness: float = 1.0
    """Divides the learning rates; a model that knows something already wants smaller ones."""


EMBEDDED_MODELS: Final = (
    Embedded(
        "base-qwen2", "qwen2", Syllabus(arithmetic=13_000, python=3200, chat=4000, drills=4000)
    ),
    Embedded(
        "base-llama", "llama", Syllabus(arithmetic=13_000, python=6000, chat=5000, drills=4000)
    ),
    Embedded(
        "teacher",
        "qwen2",
        Syllabus(arithmetic=3500, python=1500, chat=1500, drills=5000),
        start="work/draft",
        gentleness=1.5,
    ),
)
"""The scores that came of it are in the models' cards."""

_DRAFT: Final = Embedded(
    "work/draft",
    "qwen2",
    Syllabus(arithmetic=24_000, python=7000, chat=9000, drills=2000),
    start="base-qwen2",
)
"""What the teacher is before its last drills; kept among the working files only."""

_SIDE_BY_SIDE: Final = 2


def bootstrap_models(
    *, machine: Machine, out_dir: Path, key: str, seed: int, scale: float = 1.0
) -> StageResult:
    """Tokenizer, teacher and bases in `out_dir/{teacher,base-qwen2,base-llama}`.

    Each is a folder in Hugging Face layout with weights in float16. The bases start from random
    weights; the teacher goes on from the Qwen2 base with other lessons, and then with drills. A
    model that is there already is kept. The same seed and scale give the same weights on the same
    kind of machine.

    Args:
        machine: Its `workers` say how many models learn side by side, two at most.
        out_dir: The artifact's folder, private to `key`.
        key: Of the stage; the folder holds nothing of another one.
        seed: Of the lessons, the first weights and the order of lessons.
        scale: Share of the lessons, for a quick look.

    Raises:
        TrainError: The loss of a model is no number.
    """
    work = out_dir / "work"
    tokenizer = lessons_tokenizer(work / "tokenizer", seed)
    workers = min(_SIDE_BY_SIDE, machine.workers or os.cpu_count() or 1)
    figures: dict[str, Any] = {"key": key, "scale": scale}
    taught = 0
    *bases, teacher = EMBEDDED_MODELS
    for models in (bases, [_DRAFT], [teacher]):
        jobs = [learning(one, tokenizer, out_dir, seed, scale) for one in models]
        for position, learned in map_parts(learn, jobs, workers=workers):
            figures[models[position].name] = learned.model_dump()
            taught += learned.documents
    parts: list[PartFile] = []
    for model in EMBEDDED_MODELS:
        parts += describe_files(out_dir, model.name)
    return StageResult(parts=parts, ledger=entry("bootstrap", taught, taught, {}), figures=figures)


def learning(
    model: Embedded, tokenizer: Any, out_dir: Path, seed: int, scale: float = 1.0
) -> Learning:
    """What `learn` needs for one model: its lessons and its start, made or kept."""
    work = out_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    name = Path(model.name).name
    tokens = work / f"{name}.arrow"
    other = {"": 0, "base-qwen2": 1000, "work/draft": 2000}[model.start]
    write_lessons(tokens, model.syllabus.scaled(scale), tokenizer, seed + other)
    start = out_dir / model.start if model.start else work / f"start-{model.arch}"
    if not (start / "config.json").is_file():
        shape = RandomBase(
            arch=model.arch,
            tokenizer="embedded:teacher",
            hidden_size=192,
            layers=4,
            heads=6,
            kv_heads=2,
            intermediate_size=512,
            seed=seed,
        )
        make_base(shape, tokenizer, start, positions=POSITIONS)
    return Learning(
        tokens,
        start,
        out_dir / model.name,
        work / f"{name}.jsonl",
        seed,
        lr=0.03 / model.gentleness,
        vectors_lr=0.006 / model.gentleness,
    )
