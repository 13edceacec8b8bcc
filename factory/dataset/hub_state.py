"""What a repository of a hub holds beside what a dataset's folder holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from factory.dataset.place import is_version
from factory.shard.configs import FOLDERS
from factory.shard.description import Description
from factory.shard.layout import CARD, DATASET, RECIPE
from schemas.row import Row

State = Literal["new", "changed", "unchanged", "deleted", "kept"]
_OURS: Final = frozenset(
    {*FOLDERS.values(), "ledger", "pictures", "trainers", DATASET, CARD, RECIPE, "croissant.json"}
)
"""First part of the path of every file that a version can have. Other files of a repository are
its owner's, and stay."""


class RepoFile(Row):
    """One file of the folder or of the repository, and what a push makes of it."""

    path: str
    bytes: int
    state: State


@dataclass(frozen=True)
class Revision:
    """A commit of a repository."""

    commit: str
    files: Mapping[str, tuple[int, str]]
    """Path -> bytes, and SHA-256 where it is stored as a large file, else git's id of the blob."""


@dataclass(frozen=True)
class Repo:
    """A repository as it is now."""

    main: Revision
    tags: Mapping[str, str]
    """Name -> commit."""

    @property
    def versions(self) -> list[str]:
        """Tags that are versions."""
        return [one for one in self.tags if is_version(one)]


def read_repo(api: Any, name: str) -> Repo:
    """The repository now.

    Args:
        api: A `huggingface_hub.HfApi`.

    Raises:
        Whatever huggingface_hub raises; `RepositoryNotFoundError` where there is none.
    """
    refs = api.list_repo_refs(name, repo_type="dataset")
    return Repo(
        main=read_revision(api, name, "main"),
        tags={tag.name: tag.target_commit for tag in refs.tags},
    )


def read_revision(api: Any, name: str, revision: str) -> Revision:
    """The files of a commit, a branch or a tag."""
    commit = api.repo_info(name, repo_type="dataset", revision=revision).sha
    tree = api.list_repo_tree(name, recursive=True, repo_type="dataset", revision=commit)
    files = {
        one.path: (one.size, one.lfs.sha256 if one.lfs else one.blob_id)
        for one in tree
        if hasattr(one, "blob_id")
    }
    return Revision(commit, files)


def compare(folder: Path, description: Description, found: Revision | None) -> list[RepoFile]:
    """Each file of the folder and of the revision, sorted by path; None: nothing is there."""
    there = found.files if found else {}
    named = {one.path: (one.bytes, one.sha256) for one in description.files}
    own = (folder / DATASET).read_bytes()
    named[DATASET] = (len(own), hashlib.sha256(own).hexdigest())
    files: list[RepoFile] = []
    for path, (size, sha256) in named.items():
        state: State = "new"
        if path in there:
            same = there[path][1] in (sha256, _git_id(folder / path, there[path]))
            state = "unchanged" if same else "changed"
        files.append(RepoFile(path=path, bytes=size, state=state))
    for path, (size, _) in there.items():
        if path not in named and path != ".gitattributes":
            state = "deleted" if path.split("/")[0] in _OURS else "kept"
            files.append(RepoFile(path=path, bytes=size, state=state))
    return sorted(files, key=lambda one: one.path)


def to_send(files: Sequence[RepoFile]) -> list[RepoFile]:
    """Those that a commit must change; none where the revision holds the dataset."""
    return [one for one in files if one.state in ("new", "changed", "deleted")]


def _git_id(file: Path, there: tuple[int, str]) -> str:
    """Git's id of the file as a blob, if what is there can be one of it."""
    size, identity = there
    if len(identity) != 40 or file.stat().st_size != size:
        return ""
    content = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % size + content, usedforsecurity=False).hexdigest()
