"""The card of a student: `data_cards/model.md` filled in from what its training noted.

Written when the student is trained, and again with the scores of a run that measured it. The card
is no part of the model: `factory.models.local_model` and the manifest leave it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from factory.models import CARD
from factory.parts import write_atomically
from factory.recipe_file import ROOT
from factory.shard.card_markdown import Table, fill_in
from factory.train.card_facts import CardFacts, Measured, read_facts
from schemas.licenses import dropped_by, hub_id
from schemas.score import Score

TEMPLATE: Final = ROOT / "data_cards" / "model.md"
_NO_NUMBER: Final = "–"
_ROLES: Final = ("student", "control", "base", "teacher")
"""In the order of the columns."""


def write_model_card(facts: CardFacts, folder: Path, scores: Measured | None = None) -> None:
    """`README.md` in the model's folder; one that says the same already is not touched."""
    card, text = folder / CARD, card_text(facts, scores).encode()
    if not card.is_file() or card.read_bytes() != text:
        write_atomically(card, text)


def add_scores(artifact: Path, scores: Measured) -> None:
    """The card of the student in `artifact/model` anew, with scores.

    Args:
        artifact: Of the training.
        scores: Of the student and of what it is compared with.

    Raises:
        ManifestMismatch: The artifact does not say what the card is made from.
    """
    write_model_card(read_facts(artifact), artifact / "model", scores)


def card_text(facts: CardFacts, scores: Measured | None = None) -> str:
    """The card: YAML head and Markdown. No times and no machine's paths: equal facts give equal
    text, wherever and however fast it was trained."""
    found = scores.scores if scores else []
    values: dict[str, Any] = {
        "facts": facts,
        "license": _license(facts),
        "model": _model(facts),
        "rows": _rows(facts),
        "training": _training(facts),
        "recipe": recipe_text(facts),
        "deepspeed": json.dumps(facts.deepspeed, indent=2) if facts.deepspeed else "",
        "scores": _scores(found),
        "roles": {one.role for one in found},
        "suites": {one.suite for one in found},
        "sampling": ", ".join(f"{name} {one}" for name, one in scores.sampling.items())
        if scores
        else "",
        "seeds": _several(sorted({one.seed for one in found})),
        "k": _several(sorted({one.k for one in found})),
    }
    return fill_in(TEMPLATE, values)


def recipe_text(facts: CardFacts) -> str:
    """The training as a recipe in TOML, every setting named: `retort train` reads it."""
    lines = [f"name = {_toml(facts.recipe or facts.student)}", f"seed = {facts.seed}", ""]
    lines += ["[train]", *_lines(facts.settings), ""]
    lines += ["[[train.students]]", *_lines(facts.settings_of_student)]
    return "\n".join(lines)


def _lines(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in settings.items() if value != ""]


def _toml(value: Any) -> str:
    """A TOML value: of text, numbers, truth and lists JSON is one."""
    if isinstance(value, dict):
        return "{ " + ", ".join(_lines(value)) + " }"
    return json.dumps(value, ensure_ascii=False)


def _license(facts: CardFacts) -> str:
    """The identifier of the base's licence; empty where it is not known, or where a licence of
    the rows keeps what it would give away."""
    own = facts.base.license
    of_rows = {text for one in facts.learned_from for text in (one.license, one.model_license)}
    return "" if not own or any(dropped_by(own, one) for one in of_rows) else hub_id(own)


def _model(facts: CardFacts) -> Table:
    config = facts.config
    rope: dict[str, Any] = config.get("rope_parameters") or {}
    rows: list[tuple[str, Any]] = [
        ("architecture", f"{config['architectures'][0]} ({config['model_type']})"),
        ("parameters", facts.outcome.parameters),
        ("type of the weights", config["dtype"]),
        ("layers", config.get("num_hidden_layers")),
        ("hidden size", config.get("hidden_size")),
        ("vocabulary", config.get("vocab_size")),
        ("positions", config.get("max_position_embeddings")),
        ("base of the rotary embedding", rope.get("rope_theta")),
        ("output layer", "the embedding" if config.get("tie_word_embeddings") else "its own"),
    ]
    return Table(["", "value"], [row for row in rows if row[1] is not None])


def _rows(facts: CardFacts) -> Table | None:
    if not facts.learned_from:
        return None
    head = ["licence of the problems", "completions by", "licence of its text", "rows"]
    return Table(
        head,
        [
            (one.license, one.model, one.model_license or "not stated", one.rows)
            for one in facts.learned_from
        ],
    )


def _training(facts: CardFacts) -> Table:
    outcome = facts.outcome
    losses = [
        ("loss per target token, first and last step", outcome.first_loss, outcome.final_loss),
        ("evaluation loss, before and after", outcome.first_eval_loss, outcome.final_eval_loss),
    ]
    rows: list[tuple[str, str]] = [
        ("optimizer steps", f"{outcome.steps:,}"),
        ("epochs", f"{outcome.epochs:,}"),
        ("rows learned", f"{outcome.documents:,}"),
        ("tokens, all epochs", f"{outcome.tokens:,}"),
        ("of them learned", f"{outcome.target_tokens:,}"),
        *(
            (name, f"{first:.4f}, {last:.4f}")
            for name, first, last in losses
            if first is not None and last is not None
        ),
        ("hardware", f"{outcome.ranks} ranks of {facts.device}"),
        ("precision", facts.precision),
        ("ZeRO stage", str(facts.zero_stage)),
        *([("held by the CPU", facts.offload)] if facts.offload != "none" else []),
        ("packing efficiency", f"{100 * outcome.packing_efficiency:.1f}%"),
    ]
    return Table(["", "value"], rows)


def _scores(scores: Sequence[Score]) -> Table | None:
    """A row per suite and metric, a column per model."""
    if not scores:
        return None
    models = sorted(
        {(one.role, one.model) for one in scores}, key=lambda one: (_ROLES.index(one[0]), one[1])
    )
    found = {(one.suite, one.metric, one.role, one.model): one for one in scores}
    asked = dict.fromkeys((one.suite, one.metric) for one in scores)
    body: list[list[Any]] = []
    for suite, metric in asked:
        cells = [found.get((suite, metric, *model)) for model in models]
        problems = next(one.n for one in cells if one is not None)
        body.append([suite, metric, problems, *map(_score, cells)])
    return Table(["suite", "metric", "problems", *(" ".join(one) for one in models)], body)


def _score(one: Score | None) -> str:
    return _NO_NUMBER if one is None else f"{100 * one.value:.1f}% ± {100 * one.stderr:.1f}"


def _several(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))
