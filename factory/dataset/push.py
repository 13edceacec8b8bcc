"""A dataset to a hub, with `huggingface_hub`: one commit, then a tag with the version.

Each try begins by looking at what the repository holds, and does only what is missing. So a commit
whose answer was lost is found and not made again, a push that was killed goes on, and a second push
changes nothing. A version never changes: where its tag stands on other files, the push is refused.

Covered by tests against a server on this machine: making the repository, regular and large files
by the LFS protocol, commit, deletion, tag, what is read back, and answers that fail before or after
the deed. Not covered: the Xet protocol, by which `huggingface_hub` sends large files where the
package `hf_xet` is installed and `HF_HUB_DISABLE_XET` is not set; quotas and access rights of a
real hub.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from factory.dataset.hub_state import (
    Repo,
    RepoFile,
    compare,
    read_repo,
    read_revision,
    to_send,
)
from factory.dataset.place import version_order
from factory.errors import PublishError
from factory.progress import say
from factory.shard.description import Description
from schemas.row import Row

_TRIES: Final = 6
_MOST_WAIT_S: Final = 30.0
_PASSING: Final = frozenset({408, 409, 412, 429})
"""HTTP answers after which it is worth looking again, beside 5xx: too many requests, or somebody
else has changed the repository."""


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


class Pushed(Row):
    """What a push did."""

    repo: str
    version: str
    commit: str
    url: str
    sent: list[RepoFile]
    """What commits changed; empty where the repository held the dataset already."""


def hub_api(endpoint: str) -> Any:
    """The hub of an address, or of `HF_ENDPOINT`; the token is that of `HF_TOKEN` or of the
    package's own login."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    if os.environ.get("RETORT_PROGRESS") == "0":
        disable_progress_bars()
    return HfApi(endpoint=endpoint or os.environ.get("HF_ENDPOINT") or None)


def plan_push(folder: Path, description: Description, repo: str, api: Any) -> Plan:
    """What a push would do; only questions are asked, and none must be answered.

    Raises:
        PublishError: The name is none that a hub could have.
    """
    from huggingface_hub import errors

    _check_name(repo)
    there: bool | None = False
    why, found = "", None
    try:
        found = read_repo(api, repo)
        there = True
    except errors.RepositoryNotFoundError:
        why = "the hub knows no such dataset, or hides it from this token"
    except (errors.HTTPError, OSError) as error:  # pyright: ignore[reportPrivateImportUsage]
        there, why = None, _said(error)
    tag = found.tags.get(description.version, "") if found else ""
    holds = bool(tag) and _holds(folder, description, repo, tag, api)
    return Plan(
        repo=repo,
        hub=hub_name(api),
        version=description.version,
        there=there,
        why_unknown=why,
        files=compare(folder, description, found.main if found else None),
        tag=tag,
        tag_holds_it=holds,
        refusal=_refusal(description, found, tag, holds) if found else "",
    )


def push(
    folder: Path,
    description: Description,
    repo: str,
    api: Any,
    *,
    private: bool = False,
    first_wait_s: float = 1.0,
) -> Pushed:
    """The dataset in the repository, under a tag with its version.

    Args:
        folder: Verified already.
        repo: OWNER/NAME; made where it is not there.
        api: As `hub_api` gives it.
        private: Whether a repository that is made is private; one that is there stays as it is.
        first_wait_s: Before the second try; each later one waits twice as long.

    Raises:
        PublishError: The version is tagged with other files, or a later one is; the hub refuses
            it; or it did not answer well in six tries. What was sent is kept there.
    """
    _check_name(repo)
    sent: dict[str, RepoFile] = {}
    wait_s = first_wait_s
    for tries_left in reversed(range(_TRIES)):
        try:
            return _push_once(folder, description, repo, api, private, sent)
        except _errors() as error:
            if not tries_left or not _is_passing(error):
                raise PublishError(
                    f"push of {description.name} {description.version} to {repo} at "
                    f"{hub_name(api)}: expected it to be taken, found {_said(error)}; "
                    f"{_remedy(error)}"
                ) from error
            say(f"push: {_said(error)}; looking again in {wait_s:g} s what has landed")
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _MOST_WAIT_S)
    raise AssertionError("the last try returns or raises")


def _push_once(
    folder: Path,
    description: Description,
    repo: str,
    api: Any,
    private: bool,
    sent: dict[str, RepoFile],
) -> Pushed:
    """Look, and do what is missing.

    Args:
        sent: What commits of this push changed, by path; it grows.
    """
    from huggingface_hub import errors

    try:
        found = read_repo(api, repo)
    except errors.RepositoryNotFoundError:
        api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        found = read_repo(api, repo)
    version = description.version
    tag = found.tags.get(version, "")
    holds = bool(tag) and _holds(folder, description, repo, tag, api)
    if refusal := _refusal(description, found, tag, holds):
        raise PublishError(
            f"push of {description.name} {version} to {repo} at {hub_name(api)}: {refusal}"
        )
    commit = tag
    if not tag:
        todo = to_send(compare(folder, description, found.main))
        sent.update({one.path: one for one in todo})
        commit = _commit(folder, description, repo, api, found, todo) if todo else found.main.commit
        api.create_tag(repo, tag=version, revision=commit, repo_type="dataset")
    return Pushed(
        repo=repo,
        version=version,
        commit=commit,
        url=f"{api.endpoint}/datasets/{repo}/tree/{version}",
        sent=list(sent.values()),
    )


def _commit(
    folder: Path,
    description: Description,
    repo: str,
    api: Any,
    found: Repo,
    todo: list[RepoFile],
) -> str:
    """The commit that was made, read back and found to hold the dataset."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations = [
        CommitOperationDelete(path_in_repo=one.path)
        if one.state == "deleted"
        else CommitOperationAdd(path_in_repo=one.path, path_or_fileobj=folder / one.path)
        for one in todo
    ]
    commit = api.create_commit(
        repo,
        operations,
        commit_message=f"{description.name} {description.version}",
        commit_description=f"{description.rows:,} rows, digest {description.digest}",
        repo_type="dataset",
        parent_commit=found.main.commit,
    ).oid
    wrong = to_send(compare(folder, description, read_revision(api, repo, commit)))
    if wrong:
        raise PublishError(
            f"push to {repo} at {hub_name(api)}: expected commit {commit} to hold the files of "
            f"{folder}, found {wrong[0].path} {wrong[0].state} ({len(wrong)} in all); nothing was "
            f"tagged: look whether a .gitignore of the repository leaves files out"
        )
    return commit


def _holds(folder: Path, description: Description, repo: str, tag: str, api: Any) -> bool:
    return not to_send(compare(folder, description, read_revision(api, repo, tag)))


def _refusal(description: Description, found: Repo, tag: str, holds: bool) -> str:
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


# --------------------------------------------------------------------------------- what went wrong


def _errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises of a hub that is away, refuses, or answers something else."""
    from huggingface_hub import errors

    return (errors.HTTPError, OSError, ValueError, RuntimeError)  # pyright: ignore[reportPrivateImportUsage]


def _is_passing(error: BaseException) -> bool:
    status = _status(error)
    if status is not None:
        return status >= 500 or status in _PASSING
    from huggingface_hub import errors

    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return _is_passing(error.__cause__)
    passing = (errors.HTTPError, TimeoutError)  # pyright: ignore[reportPrivateImportUsage]
    return isinstance(error, passing)


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def _said(error: BaseException) -> str:
    """What happened, without addresses: those of an upload may be signed."""
    status = _status(error)
    if status is not None:
        told = getattr(error, "server_message", None)
        return f"HTTP {status}" + (f" ({told})" if told else "")
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return f"{error} ({_said(error.__cause__)})"
    return f"{type(error).__name__}: {error}"


def _remedy(error: BaseException) -> str:
    if _status(error) in (401, 403, 404):
        return "set HF_TOKEN to a token that may write there, or log in with `hf auth login`"
    return "run it again: what has landed is kept and not sent twice"


def _check_name(repo: str) -> None:
    from huggingface_hub import errors
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except errors.HFValidationError as error:
        raise PublishError(f"repository {repo!r}: expected OWNER/NAME, found {error}") from error
    if "/" not in repo:
        raise PublishError(f"repository {repo!r}: expected OWNER/NAME, found no owner")


def hub_name(api: Any) -> str:
    """The host, without what an address may hold of secrets."""
    return urlsplit(api.endpoint).hostname or "the hub"
