"""The base of every row and of every setting: frozen, closed pydantic models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """One row of a part. Unknown fields are refused; a row never changes once made."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Settings(BaseModel):
    """One table of a recipe or of a machine file. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
