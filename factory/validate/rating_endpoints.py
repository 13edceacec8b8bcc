"""Where the model of `[validate.best_of]` is, and whether it can be asked at all."""

from __future__ import annotations

from factory.errors import TeacherError
from factory.generate.endpoint_check import check_endpoints
from schemas.machine import Endpoints, Machine
from schemas.validate_settings import BestOf


def endpoints_of(best_of: BestOf, machine: Machine) -> Endpoints:
    """`[judge]` or `[reward]` of the machine file."""
    return machine.judge if best_of.by == "judge" else machine.reward


def check_rater(best_of: BestOf, machine: Machine) -> None:
    """Return if each endpoint answers, accepts the key and serves the model; one that has no list
    of models is believed.

    Raises:
        TeacherError: There are none, or one cannot be reached, refuses the key, points elsewhere,
            or serves other models.
    """
    endpoints = endpoints_of(best_of, machine)
    if not endpoints.base_urls:
        raise TeacherError(
            f"validate.best_of: expected addresses in {best_of.by}.base_urls of the machine file, "
            f'found none; add e.g. base_urls = ["http://127.0.0.1:8000/v1"]'
        )
    check_endpoints(
        best_of.model,
        endpoints,
        addresses=f"{best_of.by}.base_urls",
        name="validate.best_of.model",
    )
