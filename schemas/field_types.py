"""Types of single fields that several tables of a recipe share: names, counts, shares, quotas."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]
Quota = Annotated[str, Field(pattern=r"^(math|code|stem|logic|general)(/.+)?$")]
"""A domain, or one of its categories: `math`, `math/Algebra`."""
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
