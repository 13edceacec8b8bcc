"""From what a run was made: recipe, artifacts with keys and digests, versions of packages."""

from __future__ import annotations

import json

from factory.report.amounts import NONE, whole
from factory.report.blocks import Block, Paragraph, Section, Table, Verbatim
from factory.report.facts import Facts


def made_sections(facts: Facts) -> list[Section]:
    """Where everything is, and what it was made from."""
    run = facts.run
    places: list[tuple[str, str]] = [
        ("run", run.run),
        ("target", run.target),
        ("dataset", run.dataset.path),
        ("version", run.dataset.version),
        ("digest", run.dataset.digest),
        ("card", f"{run.dataset.path}/README.md"),
        *(("student", path) for path in run.students),
        ("rows, one by one", f"retort explore {run.run}"),
    ]
    blocks: list[Block] = [Table("Where everything is.", ("what", "where"), places, left=2)]
    if facts.recipe is not None:
        of = f"The recipe of {facts.recipe_of}"
        blocks.append(Verbatim(f"{of}, as JSON", _indented(facts.recipe)))
    blocks += [_artifacts(facts), *_versions(facts)]
    return [Section("made", "Made from", blocks)]


def _indented(recipe: str) -> str:
    try:
        return json.dumps(json.loads(recipe), indent=2, ensure_ascii=False)
    except ValueError:
        return recipe  # whatever it is, it is what the file holds


def _artifacts(facts: Facts) -> Table:
    rows = [
        (
            one.name,
            one.ref.key,
            NONE if one.manifest is None else str(one.manifest.code_version),
            NONE if one.manifest is None else whole(len(one.manifest.parts)),
            NONE if one.manifest is None else one.manifest.digest[:16],
            one.ref.path,
        )
        for one in facts.made
    ]
    head = ("artifact", "key", "code", "parts", "digest, its beginning", "folder")
    return Table("Artifacts.", head, rows, left=2, folded=True, text_columns=frozenset({4, 5}))


def _versions(facts: Facts) -> list[Block]:
    found: dict[str, dict[str, list[str]]] = {}
    for one in facts.made:
        for package, version in (one.manifest.versions if one.manifest else {}).items():
            found.setdefault(package, {}).setdefault(version, []).append(one.name)
    if not found:
        return []
    rows = [(package, ", ".join(sorted(versions))) for package, versions in sorted(found.items())]
    blocks: list[Block] = [
        Table("Versions of packages.", ("package", "version"), rows, left=2, folded=True)
    ]
    for package, versions in sorted(found.items()):
        if len(versions) > 1:
            said = "; ".join(f"{one}: {', '.join(of)}" for one, of in sorted(versions.items()))
            blocks.append(
                Paragraph(
                    f"Artifacts stand on several versions of {package}: {said}.", warning=True
                )
            )
    return blocks
