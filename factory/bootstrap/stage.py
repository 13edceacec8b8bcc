"""The stage: nothing -> tokenizer, base students and teacher."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from factory.bootstrap.learn import Learning, learn
from factory.bootstrap.lessons import Syllabus, lessons_tokenizer, write_lessons
from factory.bootstrap.tokenizer import POSITIONS
from factory.executor import Executor
from factory.ledger import entry
from factory.parts import map_parts
from factory.train.base import make_base
from factory.train.files import describe_files
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.train_settings import RandomBase


@dataclass(frozen=True)
class Embedded:
    """One embedded model and how it is made."""

    name: str
    arch: Literal["qwen2", "llama"]
    syllabus: Syllabus
    hidden_size: int = 192
    heads: int = 6
    intermediate_size: int = 512


EMBEDDED_MODELS: Final = (
    Embedded(
        "teacher",
        "qwen2",
        Syllabus(arithmetic=16_000, python=3000, chat=7000, sum_drills=9000, code_drills=1500),
        hidden_size=256,
        heads=8,
        intermediate_size=704,
    ),
    Embedded(
        "base-qwen2",
        "qwen2",
        Syllabus(arithmetic=7000, python=2400, chat=2700, sum_drills=6500, code_drills=1200),
    ),
    Embedded(
        "base-llama",
        "llama",
        Syllabus(arithmetic=7500, python=2100, chat=2700, sum_drills=7000, code_drills=1200),
    ),
)
"""The scores that came of it are in the models' cards."""

_SIDE_BY_SIDE: Final = 2


def bootstrap_models(
    *, machine: Machine, out_dir: Path, key: str, seed: int, scale: float = 1.0
) -> StageResult:
    """Tokenizer, teacher and bases in `out_dir/{teacher,base-qwen2,base-llama}`.

    Each is a folder in Hugging Face layout with weights in float16, learned from random weights. A
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
    executor = Executor(min(_SIDE_BY_SIDE, machine.workers or os.cpu_count() or 1))
    figures: dict[str, Any] = {"key": key, "scale": scale}
    taught = 0
    jobs = [learning(one, tokenizer, out_dir, seed, scale) for one in EMBEDDED_MODELS]
    for position, learned in map_parts(learn, jobs, executor=executor):
        figures[EMBEDDED_MODELS[position].name] = learned.model_dump()
        taught += learned.documents
    parts: list[PartFile] = []
    for model in EMBEDDED_MODELS:
        parts += describe_files(out_dir, model.name)
    return StageResult(parts=parts, ledger=entry("bootstrap", taught, taught, {}), figures=figures)


def learning(
    model: Embedded, tokenizer: Any, out_dir: Path, seed: int, scale: float = 1.0
) -> Learning:
    """What `learn` needs for one model: its lessons and its random weights, made or kept."""
    work = out_dir / "work"
    work.mkdir(parents=True, exist_ok=True)
    tokens = work / f"{model.name}.arrow"
    write_lessons(tokens, model.syllabus.scaled(scale), tokenizer, seed)
    start = work / f"start-{model.name}"
    if not (start / "config.json").is_file():
        shape = RandomBase(
            arch=model.arch,
            tokenizer="embedded:teacher",
            hidden_size=model.hidden_size,
            layers=4,
            heads=model.heads,
            kv_heads=2,
            intermediate_size=model.intermediate_size,
            seed=seed,
        )
        make_base(shape, tokenizer, start, positions=POSITIONS)
    return Learning(tokens, start, out_dir / model.name, work / f"{model.name}.jsonl", seed)
