"""A hub and what it answers when something is wrong, in words for people."""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import urlsplit

from factory.errors import PublishError

_PASSING: Final = frozenset({408, 409, 412, 429})
"""HTTP answers after which it is worth looking again, beside 5xx: too many requests, or somebody
else has changed the repository."""


def hub_api(endpoint: str) -> Any:
    """The hub of an address, or of `HF_ENDPOINT`; the token is that of `HF_TOKEN` or of the
    package's own login.

    Raises:
        PublishError: The address is none.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.utils import disable_progress_bars

    address = endpoint or os.environ.get("HF_ENDPOINT", "")
    if address and (urlsplit(address).scheme not in ("http", "https") or not hostname(address)):
        raise PublishError(
            "--endpoint or HF_ENDPOINT: expected an address that begins with https:// or http:// "
            "and names a host, found another text"
        )
    if os.environ.get("RETORT_PROGRESS") == "0":
        disable_progress_bars()
    return HfApi(endpoint=address.rstrip("/") or None)


def hub_errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises of a hub that is away, refuses, or answers something else."""
    from huggingface_hub import errors

    return (errors.HTTPError, OSError, ValueError, RuntimeError)  # pyright: ignore[reportPrivateImportUsage]


def is_passing(error: BaseException) -> bool:
    """Whether it is worth looking again what has landed."""
    status = _status(error)
    if status is not None:
        return status >= 500 or status in _PASSING
    from huggingface_hub import errors

    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return is_passing(error.__cause__)
    passing = (errors.HTTPError, TimeoutError)  # pyright: ignore[reportPrivateImportUsage]
    return isinstance(error, passing)


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def said_of(error: BaseException) -> str:
    """What happened, without addresses: those of an upload may be signed."""
    status = _status(error)
    if status is not None:
        told = getattr(error, "server_message", None)
        return f"HTTP {status}" + (f" ({told})" if told else "")
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return f"{error} ({said_of(error.__cause__)})"
    return f"{type(error).__name__}: {error}"


def remedy_of(error: BaseException) -> str:
    """What to do about it."""
    if _status(error) in (401, 403, 404):
        return "set HF_TOKEN to a token that may write there, or log in with `hf auth login`"
    return "run it again: what has landed is kept and not sent twice"


def check_name(repo: str) -> None:
    """Return where a repository can have that name.

    Raises:
        PublishError: It cannot, or it has no owner.
    """
    from huggingface_hub import errors
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except errors.HFValidationError as error:
        raise PublishError(f"repository {repo!r}: expected OWNER/NAME, found {error}") from error
    if "/" not in repo:
        raise PublishError(f"repository {repo!r}: expected OWNER/NAME, found no owner")


def hub_name(api: Any) -> str:
    """The host of the hub."""
    return hostname(api.endpoint)


def hostname(address: str) -> str:
    """Host and port, without the name and password that an address may hold."""
    return urlsplit(address).netloc.rpartition("@")[2]
