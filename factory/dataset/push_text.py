"""What a push would do, or did, for people."""

from __future__ import annotations

from collections.abc import Sequence

from factory.dataset.hub_state import RepoFile, to_send
from factory.dataset.push import Pushed
from factory.dataset.push_plan import Plan


def plan_text(plan: Plan) -> str:
    """Several lines: each file, what would go up, and the tag."""
    lines = [f"push to {plan.repo} at {plan.hub} (dry run: nothing is sent)", *_files(plan.files)]
    sent = [one for one in plan.files if one.state in ("new", "changed")]
    there = sum(one.state == "unchanged" for one in plan.files)
    size = sum(one.bytes for one in sent)
    lines += ["", f"{len(sent):,} files with {size:,} bytes would go up, {there:,} are there"]
    if plan.there is None:
        lines.append(f"the hub could not be asked what it holds: {plan.why_unknown}")
    elif not plan.there:
        lines.append(f"the repository would be made: {plan.why_unknown}")
    if plan.tag_holds_it:
        lines.append(f"tag {plan.version} stands on these files already: nothing would be done")
    elif plan.refusal:
        lines.append(f"it would be refused: {plan.refusal}")
    else:
        where = "a new commit" if to_send(plan.files) else "the commit that is there"
        lines.append(f"tag {plan.version} would be put on {where}")
    return "\n".join(lines)


def pushed_text(pushed: Pushed) -> str:
    """Several lines: each file that changed, and where the version is."""
    lines = _files(pushed.sent)
    if not lines:
        lines = [f"{pushed.repo} held the files of {pushed.version} already"]
    lines.append(f"tag {pushed.version} is on commit {pushed.commit}")
    return "\n".join([*lines, pushed.url])


def _files(files: Sequence[RepoFile]) -> list[str]:
    width = max((len(one.path) for one in files), default=0)
    return [f"{one.state:<9}  {one.path:<{width}}  {one.bytes:>14,}" for one in files]
