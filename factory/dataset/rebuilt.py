"""Whether a dataset that was made once more is the one that was published."""

from __future__ import annotations

from pathlib import Path

from factory.dataset.difference import Difference, difference
from factory.dataset.place import described
from factory.shard.description import Description
from schemas.row import Row


class Rebuilt(Row):
    """The stable form of `retort dataset rebuild --json`."""

    name: str
    version: str
    published: str
    """Digest of the published rows."""
    rebuilt: str
    """Digest of the rows that were made."""
    equal: bool
    files: int
    """Files of the published dataset, without `dataset.json`."""
    other_files: list[str]
    """Those that have other bytes, are missing, or are there alone; equal rows may be stored
    otherwise by another version of a package."""
    code: list[str]
    """Stages whose code is of another version than then: `select 2 -> 3`."""
    upstream: list[str]
    """Stages whose artifacts are others than then."""
    difference: Difference | None
    """How the rows differ; null where they are equal."""


def compare_rebuilt(published: Path, rebuilt: Path) -> Rebuilt:
    """The published dataset beside one that was just made from its recipe."""
    then, now = described(published), described(rebuilt)
    equal = then.digest == now.digest
    return Rebuilt(
        name=then.name,
        version=then.version,
        published=then.digest,
        rebuilt=now.digest,
        equal=equal,
        files=len(then.files),
        other_files=_other_files(then, now),
        code=[
            f"{stage} {then.code_versions.get(stage)} -> {version}"
            for stage, version in now.code_versions.items()
            if then.code_versions.get(stage) != version
        ],
        upstream=[name for name, key in now.upstream.items() if then.upstream.get(name) != key],
        difference=None if equal else difference(published, rebuilt)[0],
    )


def rebuilt_text(found: Rebuilt) -> str:
    """Several lines, ready to print."""
    lines = [f"{found.name} {found.version}"]
    lines.append(f"published  {found.published}")
    lines.append(f"rebuilt    {found.rebuilt}  ({'equal' if found.equal else 'DIFFERENT'})")
    same = found.files - len(found.other_files)
    lines.append(f"files      {same:,} of {found.files:,} equal byte for byte")
    lines += [f"           other bytes: {path}" for path in found.other_files[:10]]
    if found.code:
        lines.append(f"code       {', '.join(found.code)}")
    if found.upstream:
        lines.append(f"artifacts  others than then: {', '.join(found.upstream)}")
    if found.difference is not None:
        from factory.dataset.difference_text import difference_text

        lines += ["", difference_text(found.difference)]
    return "\n".join(lines)


def _other_files(then: Description, now: Description) -> list[str]:
    files = [{one.path: one.sha256 for one in each.files} for each in (then, now)]
    both = {*files[0], *files[1]}
    return sorted(path for path in both if files[0].get(path) != files[1].get(path))
