"""What a push would do, and whether it would be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory.dataset.hub_answers import check_name, hub_name, said_of
from factory.dataset.hub_state import (
    Repo,
    RepoFile,
    compare,
    read_repo,
    read_revision,
    to_send,
)
from factory.dataset.place import version_order
from factory.shard.description import Description
from schemas.row import Row


class Plan(Row):
    """What a push would do."""

    repo: str
    hub: str
    version: str
    there: bool | None
    """Whether the repository is there; None where the hub could not be asked."""
    why_unknown: str = ""
    files: list[RepoFile]
    tag: str
    """The commit on which the version's tag stands; empty: there is none."""
    tag_holds_it: bool = False
    """Whether that commit holds this dataset."""
    refusal: str = ""
    """Why a push would be refused; empty: it would not."""


def plan_push(folder: Path, description: Description, repo: str, api: Any) -> Plan:
    """What a push would do; only questions are asked, and none must be answered.

    Raises:
        PublishError: The name is none that a hub could have.
    """
    from huggingface_hub import errors

    check_name(repo)
    there: bool | None = False
    why, found, tag, holds = "", None, "", False
    try:
        found = read_repo(api, repo)
        tag = found.tags.get(description.version, "")
        holds = bool(tag) and holds_it(folder, description, repo, tag, api)
        there = True
    except errors.RepositoryNotFoundError:
        why = "the hub knows no such dataset, or hides it from this token"
    except (errors.HTTPError, OSError) as error:  # pyright: ignore[reportPrivateImportUsage]
        there, why, found = None, said_of(error), None
    return Plan(
        repo=repo,
        hub=hub_name(api),
        version=description.version,
        there=there,
        why_unknown=why,
        files=compare(folder, description, found.main if found else None),
        tag=tag,
        tag_holds_it=holds,
        refusal=refusal_of(description, found, tag, holds) if found else "",
    )


def holds_it(folder: Path, description: Description, repo: str, tag: str, api: Any) -> bool:
    """Whether a commit, branch or tag holds the dataset."""
    return not to_send(compare(folder, description, read_revision(api, repo, tag)))


def refusal_of(description: Description, found: Repo, tag: str, holds: bool) -> str:
    """Why a push is refused; empty: it is not.

    Args:
        tag: The commit on which the version's tag stands; empty: there is none.
        holds: Whether that commit holds the dataset.
    """
    version = description.version
    if tag and not holds:
        return (
            f"expected tag {version} on the same files or no such tag, found it on other files "
            f"(commit {tag}); a version never changes: raise `shard.version` and publish again"
        )
    later = [one for one in found.versions if version_order(one) > version_order(version)]
    if not tag and later:
        return (
            f"expected no later version there, found {max(later, key=version_order)}, which the "
            f"main branch would lose; raise `shard.version` above it, or push to another repository"
        )
    return ""
