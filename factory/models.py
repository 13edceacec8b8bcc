"""Which model a recipe means: `embedded:NAME`, a folder, or a hub name with its revision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory.digest import KEY_HEX, digest, fingerprint, folder_digest
from factory.errors import RecipeError
from factory.hub import hub_fingerprint
from factory.recipe_file import ROOT, existing
from schemas.teacher_settings import ImportFile, ImportTeacher, Teacher, VllmTeacher

CARD: Final = "README.md"
"""Says what a model is; another wording makes no other model."""
EMBEDDED: Final = ROOT / "factory" / "bootstrap" / "models"


@dataclass(frozen=True)
class Model:
    """A model as an engine loads it."""

    name: str
    """For people and for `generation_model`, e.g. `embedded:teacher`."""
    location: str
    """Absolute folder, or the name on the hub."""
    revision: str
    """Digest of the folder (12 digits), or the commit of the hub."""
    is_local: bool

    @property
    def identity(self) -> str:
        """`name@revision`: what enters the identity of a candidate."""
        return f"{self.name}@{self.revision}"


def local_model(folder: Path, name: str) -> Model:
    """A model in a folder in Hugging Face layout, named by its content.

    Raises:
        RecipeError: The folder has no `config.json`.
    """
    if not (folder / "config.json").is_file():
        raise RecipeError(
            f"model {name}: expected a folder in Hugging Face layout (config.json, tokenizer, "
            f"*.safetensors) at {folder}, found none"
        )
    revision = folder_digest(folder, without={CARD})[:KEY_HEX]
    return Model(name, str(folder), revision, is_local=True)


def resolve_model(ref: str, revision: str = "") -> Model:
    """The model that a recipe names.

    `embedded:NAME` is a folder of `factory/bootstrap/models`; a name that starts as paths do
    (`./`, `../`, `/`, `~`, `${RETORT_DATA}`) or is an existing folder below the root is a folder;
    anything else is a hub name and needs a revision, because a name alone does not say which
    weights.

    Raises:
        RecipeError: No such folder, or a hub name without a revision.
    """
    if ref.startswith("embedded:"):
        folder = EMBEDDED / ref.removeprefix("embedded:")
        if not folder.is_dir():
            known = sorted(path.name for path in EMBEDDED.glob("*") if path.is_dir())
            raise RecipeError(f"model {ref}: expected one of {known} after `embedded:`")
        return local_model(folder, ref)
    if ref.startswith(("./", "../", "/", "~", "${RETORT_DATA}")) or (ROOT / ref).is_dir():
        return local_model(existing(ref, f"model {ref}"), ref)
    if not revision:
        raise RecipeError(
            f"model {ref}: expected a folder below the project's root, or a hub name with "
            f"`revision`, the full commit hash that the run uses; found no such folder and no "
            f"revision"
        )
    return Model(ref, ref, revision, is_local=False)


def tokenizer_folder(ref: str) -> Path:
    """The folder of a tokenizer: `embedded:NAME` or a folder in Hugging Face layout.

    Raises:
        RecipeError: There is no `tokenizer_config.json`.
    """
    if ref.startswith("embedded:"):
        folder = EMBEDDED / ref.removeprefix("embedded:")
    else:
        folder = existing(ref, f"tokenizer {ref}")
    if not (folder / "tokenizer_config.json").is_file():
        raise RecipeError(
            f"tokenizer {ref}: expected tokenizer_config.json in {folder}, found none"
        )
    return folder


def architecture(model: Model) -> str:
    """`model_type` of a model's configuration, e.g. `qwen2` or `llama`."""
    return str(_config(model)["model_type"])


def context_tokens(model: Model) -> int | None:
    """Prompt and completion that a model takes together, as its configuration has it
    (`max_position_embeddings`, of a model for images and text that of its text); None where it
    says nothing."""
    config = _config(model)
    found = config.get("max_position_embeddings") or config.get("text_config", {}).get(
        "max_position_embeddings"
    )
    return int(found) if found else None


def _config(model: Model) -> dict[str, Any]:
    if model.is_local:
        config = Path(model.location) / "config.json"
    else:
        from huggingface_hub import hf_hub_download

        config = Path(hf_hub_download(model.location, "config.json", revision=model.revision))
    return json.loads(config.read_text(encoding="utf-8"))


def teacher_fingerprint(teacher: Teacher) -> str:
    """What of the teacher enters the key of `generate`: the weights, or the imported files."""
    if isinstance(teacher, VllmTeacher):
        return resolve_model(teacher.model, teacher.revision).identity
    if isinstance(teacher, ImportTeacher):
        return digest([_imported(file) for file in teacher.files])[:KEY_HEX]
    return f"{teacher.model}@{teacher.revision}"


def _imported(file: ImportFile) -> str:
    who = f"generations of {file.source}"
    if file.dataset:
        return hub_fingerprint(file, who)
    return fingerprint(existing(file.path, who))
