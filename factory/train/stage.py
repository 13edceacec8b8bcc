"""The stage: published dataset -> student, with its ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from factory.ledger import entry
from factory.models import Model
from factory.preflight import TRAIN_PACKAGES, check_installed
from factory.shown.progress import say
from factory.train.deepspeed_file import deepspeed_fingerprint
from factory.train.files import describe_files
from factory.train.launch import run_training
from factory.train.prepare import prepare
from factory.train.template import template_fingerprint
from schemas.machine import Machine
from schemas.manifest import StageResult
from schemas.sample import Drop
from schemas.train_settings import Student, Train

CODE_VERSION: Final = 2
"""Of this stage; another one trains every student anew."""
_NOT_OF_THE_STUDENT: Final = {"students", "checkpoint_every_steps", "eval_every_steps"}


def training_section(train: Train, student: Student, *, base: Any, seed: int) -> dict[str, Any]:
    """What of a recipe decides a student, the content of the files that it names included.

    Args:
        base: What identifies the base.

    Raises:
        RecipeError: A file that the recipe names is not there.
    """
    return {
        "train": train.model_dump(mode="json", exclude=_NOT_OF_THE_STUDENT),
        "deepspeed": deepspeed_fingerprint(train),
        "template": template_fingerprint(student.template),
        "student": student,
        "base": base,
        "seed": seed,
    }


def train_student(
    dataset_dir: Path,
    student: Student,
    train: Train,
    *,
    base: Model,
    seed: int,
    machine: Machine,
    out_dir: Path,
    key: str,
    recipe: str = "",
) -> StageResult:
    """One student, trained on a published dataset: `out_dir/model` in Hugging Face layout.

    Before it trains it says what it will train on, how, and what that needs (`check`). A stage that
    was killed continues from its last checkpoint. The parts are the model's files but for its card;
    `log.jsonl` and `card.json`, which the card is made from, hold times and are none.

    Args:
        recipe: Its name, for the card.

    Raises:
        MissingDependency: torch, transformers or DeepSpeed is not installed.
        TrainError: The data, the template or the base must not be trained on, or a rank failed.
    """
    check_installed("train", TRAIN_PACKAGES)

    from factory.train.card_facts import write_facts
    from factory.train.card_sources import card_facts
    from factory.train.check import examine
    from factory.train.check_text import check_text, in_colour
    from factory.train.model_card import write_model_card

    prepared = prepare(
        dataset_dir,
        student,
        train,
        base=base,
        seed=seed,
        machine=machine,
        out_dir=out_dir,
        key=key,
    )
    check = examine(prepared, timed=False)
    say(check_text(check, colour=in_colour(sys.stderr)), tell=False)
    counts = prepared.counts
    outcome = run_training(prepared.job)
    facts = card_facts(prepared, outcome, recipe=recipe, key=key)
    write_facts(facts, out_dir)
    write_model_card(facts, out_dir / "model")
    return StageResult(
        parts=describe_files(out_dir, "model"),
        ledger=entry(
            f"train:{student.name}",
            counts.read,
            counts.kept,
            {Drop.OVER_LENGTH: counts.over_length, Drop.HELD_OUT: counts.held_out},
        ),
        figures=outcome.model_dump() | {"longest_tokens": counts.longest_tokens},
    )
