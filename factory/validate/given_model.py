"""The model that the command line names."""

from __future__ import annotations

from pathlib import Path

from factory.errors import RecipeError
from factory.models import Model, local_model, resolve_model
from factory.parts import MANIFEST, read_manifest


def given_model(ref: str, revision: str, name: str) -> Model:
    """The model of the command line: `embedded:NAME`, a folder, or a hub name with its revision.

    Args:
        name: For people, and in the identity of its candidates; empty: of a student that a run or
            `retort train` made its own, of another folder the folder's.

    Raises:
        RecipeError: There is no such model, or a hub name without a revision.
    """
    folder = Path(ref).expanduser()
    if folder.is_dir():
        return local_model(folder.resolve(), name or _name_of(folder.resolve()))
    if ref.startswith(("./", "../", "/", "~")) or not (revision or ref.startswith("embedded:")):
        raise RecipeError(
            f"model {ref}: expected `embedded:NAME`, a folder in Hugging Face layout, or a name on "
            f"the hub with --revision COMMIT, found no such folder and no revision"
        )
    found = resolve_model(ref, revision)
    return Model(name or found.name, found.location, found.revision, found.is_local)


def _name_of(folder: Path) -> str:
    """The student's name, where the folder is the model of an artifact of `train`."""
    if folder.name == "model" and (folder.parent / MANIFEST).is_file():
        stage, _, student = read_manifest(folder.parent).ledger.stage.partition(":")
        if stage == "train" and student:
            return student
    return folder.parent.name if folder.name == "model" else folder.name
