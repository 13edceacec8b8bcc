"""What `retort validate` prints: scores with intervals, published ones, how completions ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory.recipe_file import data_root
from factory.shown.score_text import endings_table, published_table, scores_table
from factory.shown.text_table import text_table
from factory.validate.alone import Alone
from factory.validate.responses import StoredResponses
from schemas.known_suites import KNOWN_SUITES
from schemas.manifest import Manifest
from schemas.score import Score
from schemas.teacher_settings import OpenaiTeacher

_DATA = "${RETORT_DATA}"


def result_text(one: Alone, manifest: Manifest, scores: list[Score]) -> str:
    """Several lines, ready to print."""
    of_suites: dict[str, Any] = manifest.figures["suites"]
    if len(of_suites) == 1:  # `all` says the same again
        scores = [score for score in scores if score.suite != "all"]
    lines = [*_asked(one, manifest), "", *scores_table(scores), ""]
    lines += endings_table((name, [figures]) for name, figures in of_suites.items())
    for table in (published_table(scores), [f"note      {note}" for note in notes(one, manifest)]):
        lines += ["", *table] if table else []
    return "\n".join([*lines, "", f"folder    {one.folder}"])


def _asked(one: Alone, manifest: Manifest) -> list[str]:
    validate = one.chosen.validate
    ks = {validate.k_of(suite) for suite in validate.suites}
    each = " or ".join(str(k) for k in sorted(ks))
    if isinstance(one.subject, StoredResponses):
        return [f"model     {one.name}", f"answers   {each} each, of {one.subject.path}"]
    sampling = validate.sampling
    identity = one.subject.revision
    where = "an endpoint" if isinstance(one.subject, OpenaiTeacher) else "vLLM"
    begun = f", {validate.prompt.think_prefix!r} forced" if validate.prompt.think_prefix else ""
    system = ", a system prompt" if validate.prompt.system else ", no system prompt"
    engine = manifest.figures["generate"]["engine"] or "all stored"
    return [
        f"model     {one.name} ({identity})",
        f"answers   {each} each through {where} ({engine}): temperature "
        f"{sampling.temperature:g}, top-p {sampling.top_p:g}, at most {sampling.max_tokens:,} "
        f"tokens{system}{begun}, seed {validate.seed}",
    ]


def notes(one: Alone, manifest: Manifest) -> list[str]:
    """What a reader of the scores must know, one line each."""
    found = list(one.chosen.notes)
    figures = manifest.figures["generate"]
    if missing := figures.get("missing"):
        asked = figures["requested"]
        found.append(
            f"{missing:,} of {asked:,} responses are missing; "
            f"{figures['problems_without_responses']:,} problems have none: they count as wrong"
        )
    if skipped := figures.get("skipped_responses"):
        found.append(
            f"{skipped:,} responses to problems that are not asked (gold that the grader does not "
            f"accept, duplicates, beyond --limit) are left out"
        )
    ratings = manifest.figures.get("ratings", {})
    if unreadable := ratings.get("unreadable"):
        found.append(
            f"{unreadable:,} of {ratings['rated']:,} answers have no mark that can be read: they "
            f"stand below all others for best@n"
        )
    overlong = manifest.ledger.drops.get("overlong_prompt", 0)
    if overlong:
        found.append(f"{overlong:,} answers were not given: the prompt is too long for the model")
    return found


def list_rows() -> list[dict[str, Any]]:
    """The suites that Retort knows: name, licence, what it is, where its data is, whether a file or
    folder is there (None for those of the hub)."""
    rows: list[dict[str, Any]] = []
    for name, suite in sorted(KNOWN_SUITES.items()):
        path = str(suite.source.get("path", ""))
        place = data_root() / path.removeprefix(_DATA).lstrip("/") if path else None
        rows.append(
            {
                "suite": name,
                "license": suite.license,
                "data": str(place or suite.source["dataset"]),
                "there": None if place is None else Path(place).exists(),
                "about": suite.about,
            }
        )
    return rows


def list_text() -> str:
    """The same for people."""
    there = {None: "on the hub", True: "here", False: "missing"}
    rows = [("suite", "licence", "data", "", "what it is")]
    rows += [
        (one["suite"], one["license"], one["data"], there[one["there"]], one["about"])
        for one in list_rows()
    ]
    return "\n".join(
        [
            *text_table(rows, right=set()),
            "",
            "--data SUITE=PATH names a local copy, --data SUITE=COMMIT the commit of its dataset "
            "on the hub; docs/suites.md says how each is got.",
        ]
    )
