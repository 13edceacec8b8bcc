"""The clock of chat templates stands still.

Some templates (Llama 3's) write today's date into the prompt. A prompt that changes at midnight
would give every candidate another identity and show the student another prompt than the teacher's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

TEMPLATE_DATE: Final = datetime(2026, 1, 1)


def strftime_now(form: str) -> str:
    """What a template is given instead of the current time."""
    return TEMPLATE_DATE.strftime(form)
