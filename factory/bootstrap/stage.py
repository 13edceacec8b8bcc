"""The stage: nothing -> tokenizer, teacher and base students, by the training loop of students."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from factory.bootstrap.lessons import Syllabus, lessons_tokenizer, write_lessons
from factory.bootstrap.tokenizer import POSITIONS
from factory.ledger import entry
from factory.train.base import make_base
from factory.train.export import save_model
from factory.train.files import describe_files
from factory.train.job import TrainingJob, TrainingOutcome
from factory.train.launch import run_training
from factory.train.render import end_token_id
from schemas.machine import Machine
from schemas.manifest import PartFile, StageResult
from schemas.recipe import RandomBase


@dataclass(frozen=True)
class Embedded:
    """One embedded model and how it is made."""

    name: str
    arch: Literal["qwen2", "llama"]
    syllabus: Syllabus
    lr: float


EMBEDDED_MODELS: Final = (
    Embedded("teacher", "qwen2", Syllabus(arithmetic=40_000, python=22_000, chat=14_000), 3e-3),
    Embedded("base-qwen2", "qwen2", Syllabus(arithmetic=16_000, python=8_000, chat=7_000), 3e-3),
    Embedded("base-llama", "llama", Syllabus(arithmetic=16_000, python=8_000, chat=7_000), 3e-3),
)
"""Found by trying; the scores that came of it are in the models' cards."""

_BATCH_TOKENS: Final = 4096
_WEIGHT_DECAY: Final = 0.05
_BETAS: Final = (0.9, 0.98)
_CPU_RANKS: Final = 2


def bootstrap_models(
    *, machine: Machine, out_dir: Path, key: str, seed: int, scale: float = 1.0
) -> StageResult:
    """Tokenizer, teacher and bases in `out_dir/{teacher,base-qwen2,base-llama}`.

    Each is a folder in Hugging Face layout with weights in float16. A model that is there already
    is kept, and one that was begun continues from its last checkpoint. The same seed, scale and
    number of ranks give the same weights on the same kind of machine.

    Args:
        machine: Ranks, sizes and time limits of training.
        out_dir: The artifact's folder, private to `key`.
        key: Of the stage; the folder holds nothing of another one.
        seed: Of the lessons, the first weights and the order of lessons.
        scale: Share of the lessons, for a quick look.

    Raises:
        TrainError: A rank failed.
    """
    work = out_dir / "work"
    tokenizer = lessons_tokenizer(work / "tokenizer", seed)
    parts: list[PartFile] = []
    figures: dict[str, Any] = {"key": key, "scale": scale}
    taught = 0
    for model in EMBEDDED_MODELS:
        tokens = work / f"{model.name}.arrow"
        syllabus = model.syllabus.scaled(scale)
        taught += write_lessons(tokens, syllabus, tokenizer, seed)
        outcome = _train(model, tokens, tokenizer, machine, work / model.name, seed)
        if not (out_dir / model.name).exists():
            _export(work / model.name / "model", out_dir / model.name)
        parts += describe_files(out_dir, model.name)
        figures[model.name] = outcome.model_dump()
    return StageResult(parts=parts, ledger=entry("bootstrap", taught, taught, {}), figures=figures)


def _train(
    model: Embedded, tokens: Path, tokenizer: Any, machine: Machine, work: Path, seed: int
) -> TrainingOutcome:
    import torch

    start = work / "start"
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
    on_gpu = torch.cuda.is_available()
    return run_training(
        TrainingJob(
            tokens=[str(tokens)],
            base=str(start),
            out_dir=str(work),
            end_token_id=end_token_id(tokenizer),
            lr=model.lr,
            batch_tokens=_BATCH_TOKENS,
            weight_decay=_WEIGHT_DECAY,
            betas=_BETAS,
            seed=seed,
            device="cuda" if on_gpu else "cpu",
            ranks=1 if on_gpu else machine.training.ranks or _CPU_RANKS,
            micro_batch_tokens=machine.training.micro_batch_tokens,
            checkpoint_every_steps=200,
            stall_timeout_s=machine.training.stall_timeout_s,
        )
    )


def _export(trained: Path, folder: Path) -> None:
    """The trained model with its weights in float16: half the bytes, and every engine reads it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(trained)
    model: Any = AutoModelForCausalLM.from_pretrained(trained, dtype=torch.float16)
    save_model(model, tokenizer, folder, end_token_id=end_token_id(tokenizer))
