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

import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from factory.dataset.hub_answers import (
    check_name,
    hub_errors,
    hub_name,
    is_passing,
    remedy_of,
    said_of,
)
from factory.dataset.hub_state import (
    Repo,
    RepoFile,
    compare,
    read_repo,
    read_revision,
    to_send,
)
from factory.dataset.push_plan import holds_it, refusal_of
from factory.errors import PublishError
from factory.shard.description import Description
from factory.shown.progress import say
from schemas.row import Row

_TRIES: Final = 6
_MOST_WAIT_S: Final = 30.0


class Pushed(Row):
    """What a push did."""

    repo: str
    version: str
    commit: str
    url: str
    sent: list[RepoFile]
    """What commits changed; empty where the repository held the dataset already."""


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
    check_name(repo)
    sent: dict[str, RepoFile] = {}
    wait_s = first_wait_s
    for tries_left in reversed(range(_TRIES)):
        try:
            return _push_once(folder, description, repo, api, private, sent)
        except hub_errors() as error:
            if not tries_left or not is_passing(error):
                raise PublishError(
                    f"push of {description.name} {description.version} to {repo} at "
                    f"{hub_name(api)}: expected it to be taken, found {said_of(error)}; "
                    f"{remedy_of(error)}"
                ) from error
            say(f"push: {said_of(error)}; looking again in {wait_s:g} s what has landed")
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
    holds = bool(tag) and holds_it(folder, description, repo, tag, api)
    if refusal := refusal_of(description, found, tag, holds):
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
        url=f"{urlsplit(api.endpoint).scheme}://{hub_name(api)}/datasets/{repo}/tree/{version}",
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
