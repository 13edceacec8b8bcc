"""Rewritten forms in the place of what they were made from.

With `[rewrite]` a problem that it covers has samples among its rewritten forms alone: its correct
candidates are dropped as `rewritten`, those too that were not drawn for rewriting or whose form
was refused. Problems of other domains, and conversations that are passed through, keep their own.
"""

from __future__ import annotations

import polars as pl

from factory.errors import ManifestMismatch
from factory.select.pick import drop_where
from schemas.generate_settings import Rewrite
from schemas.sample import Drop


def drop_originals(judged: pl.DataFrame, rewrite: Rewrite | None) -> pl.DataFrame:
    """The judged rows, with a reason for every acceptable candidate whose forms take its place.

    Args:
        judged: `candidate_id`, `domain`, `author`, `rewrites`, `reason`, `detail`, any order.

    Raises:
        ManifestMismatch: There is a rewritten form that nobody asked for, or one of a candidate
            that is not there.
    """
    forms = judged.filter(pl.col("rewrites").is_not_null()).sort("candidate_id")
    if rewrite is None:
        if forms.is_empty():
            return judged
        raise ManifestMismatch(
            f"select: candidate {forms['candidate_id'][0]} is a rewritten form, expected none in a "
            f"recipe without [rewrite]; delete the folders of generate and run again"
        )
    _check(judged, forms)
    made = forms.group_by("rewrites", maintain_order=True).agg(form=pl.col("candidate_id").first())
    covered = pl.col("rewrites").is_null() & (pl.col("author") == "")
    if rewrite.domains:
        covered &= pl.col("domain").is_in([domain.value for domain in rewrite.domains])
    detail = pl.coalesce(pl.format("as {}", "form"), pl.lit("its problem has rewritten forms only"))
    joined = judged.join(
        made, left_on="candidate_id", right_on="rewrites", how="left", maintain_order="left"
    )
    return drop_where(joined, covered, Drop.REWRITTEN, detail).drop("form")


def _check(judged: pl.DataFrame, forms: pl.DataFrame) -> None:
    lost = forms.join(judged, left_on="rewrites", right_on="candidate_id", how="anti")
    if lost.height:
        raise ManifestMismatch(
            f"select: candidate {lost['candidate_id'][0]} is a rewritten form of "
            f"{lost['rewrites'][0]}, expected that one among the candidates of the rounds, found "
            f"none; delete the folders of generate and run again"
        )
