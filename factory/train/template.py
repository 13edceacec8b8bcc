"""The chat template: the student's, and those that a dataset's rows were drawn with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.errors import ManifestMismatch, TrainError
from factory.models import Model
from factory.recipe_file import existing
from factory.shard.description import read_description
from factory.train.render import load_tokenizer
from schemas.train_settings import Student

_OF_THE_BASE: Final = ("same", "own")
"""Values of a student's `template` with which it keeps its base's."""


def template_digest(source: str | Mapping[str, str]) -> str:
    """SHA-256 of a chat template's source; of several, of the one named `default`."""
    if not isinstance(source, str):
        source = source["default"]
    return hashlib.sha256(source.encode()).hexdigest()


def template_fingerprint(template: str) -> str:
    """Digest of the file that a student's `template` names; empty where it names none.

    Raises:
        RecipeError: It is not there.
    """
    return "" if template in _OF_THE_BASE else template_digest(_read(template))


def _read(template: str) -> str:
    return existing(template, "student's template").read_text(encoding="utf-8")


def student_tokenizer(base: Model, template: str) -> tuple[Any, str]:
    """The tokenizer as the student will have it, and the source of a template that is not the
    base's own (else empty).

    Raises:
        TrainError: There is no tokenizer or no template.
        RecipeError: The file of the template is not there.
    """
    own = "" if template in _OF_THE_BASE else _read(template)
    revision = "" if base.is_local else base.revision
    return load_tokenizer(base.location, revision, template=own), own


@dataclass(frozen=True)
class DatasetTemplates:
    """Model that wrote rows -> digest of the template that it was asked with."""

    digests: Mapping[str, str]

    def check(self, tokenizer: Any, student: Student) -> None:
        """Refuse rows that were drawn with another template than the student will be asked with.

        Raises:
            TrainError: The student's template must be the `same`, and is not.
        """
        own = template_digest(tokenizer.chat_template)
        others = {model: one for model, one in self.digests.items() if one != own}
        if student.template == "same" and others:
            found = ", ".join(f"{model} with {one[:12]}" for model, one in sorted(others.items()))
            raise TrainError(
                f"student {student.name}: expected the rows' chat template to be the student's "
                f"({own[:12]}), found {found}; set train.students.template to `own` to teach the "
                f"student its own template, or to the path of a Jinja file"
            )


def templates_of(dataset: Path) -> DatasetTemplates:
    """What a dataset's folder says of its templates; nothing where it is no published dataset."""
    try:
        return DatasetTemplates(read_description(dataset).templates)
    except ManifestMismatch:
        return DatasetTemplates({})
